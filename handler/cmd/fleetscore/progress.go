package main

import (
	"github.com/schollz/progressbar/v3"
)

// progress shows how far long work has come, if a person is watching. Its
// methods may be called concurrently; those of nil do nothing.
type progress struct{ bar *progressbar.ProgressBar }

// progress begins to show work of n steps; n < 0 if their number is unknown.
func (c console) progress(what string, n int) *progress {
	if !c.terminal() {
		return nil
	}
	return &progress{progressbar.NewOptions(n,
		progressbar.OptionSetWriter(c.screen),
		progressbar.OptionSetDescription(what),
		progressbar.OptionShowCount(),
		progressbar.OptionSetWidth(30),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionThrottle(100e6),
	)}
}

func (p *progress) add(n int) {
	if p != nil {
		_ = p.bar.Add(n) // a bar that can't be drawn stops no work
	}
}

// set moves to step n.
func (p *progress) set(n int) {
	if p != nil {
		_ = p.bar.Set(n)
	}
}

func (p *progress) end() {
	if p != nil {
		_ = p.bar.Finish()
	}
}
