// Command picture makes a picture of a page in headless Chromium, which must be on
// PATH. The one at the head of the README is made of what make serve shows after
// some minutes:
//
//	make picture
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

func main() {
	url := flag.String("url", "http://127.0.0.1:7071/api/", "the page")
	out := flag.String("out", "docs/fleet.png", "the file to write, as PNG")
	width := flag.Int64("width", 1100, "of the window, in pixels")
	height := flag.Int64("height", 0, "of the picture; 0 is all of the page")
	dark := flag.Bool("dark", false, "as those see it who prefer dark pages")
	flag.Parse()
	if err := picture(*url, *out, *width, *height, *dark); err != nil {
		fmt.Fprintln(os.Stderr, "picture:", err)
		os.Exit(1)
	}
}

func picture(url, out string, width, height int64, dark bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	defer cancel()
	ctx, cancel = chromedp.NewContext(ctx)
	defer cancel()
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, media); err != nil {
		return err
	}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, max(height, 400)), chromedp.Navigate(url), chromedp.WaitVisible("main")); err != nil {
		return err
	}
	shot := chromedp.FullScreenshot(100)
	if height > 0 {
		shot = chromedp.CaptureScreenshot()
	}
	png, err := chromedp.Run(ctx, shot)
	if err != nil {
		return err
	}
	return os.WriteFile(out, png, 0o644)
}
