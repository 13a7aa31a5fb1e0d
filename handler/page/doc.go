// Package page draws the answers of package runs as HTML pages: the fleet, a device, the
// runs, a run and its jobs. It uses neither HTTP nor SQL.
//
// A page works without its script. The script adds times in the reader's zone, a
// crosshair, keys, and reloads a page while something runs. Pages have no inline script or
// style, and load nothing from other servers. So they work with a strict
// Content-Security-Policy.
package page
