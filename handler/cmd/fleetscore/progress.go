package main

import (
	"github.com/schollz/progressbar/v3"
)

// progress is a progress bar on a terminal. Its methods may be called concurrently. A nil
// progress shows nothing.
type progress struct{ bar *progressbar.ProgressBar }

// progress shows a bar of n steps; n < 0 means that the number is not known. It returns
// nil if stderr is not a terminal.
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
		_ = p.bar.Add(n) // an error in drawing the bar must not stop the work
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
