// Package page draws what package runs answers as pages for a browser: the fleet in
// lanes, a device, the runs, a run and its jobs. It knows neither HTTP nor SQL.
//
// A page works without its script. The script adds what a reader likes to have:
// times in the reader's zone, a crosshair, keys, and a page that renews itself
// while something runs. Nothing stands inline and nothing comes from elsewhere, so
// that the strictest Content-Security-Policy holds.
package page
