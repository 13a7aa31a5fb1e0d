// Package runs is what people and programs may ask about runs, and do to them:
// list and show them and their jobs, request one over any past window, score
// jobs again, cancel. It knows neither HTTP nor how requests arrive: plain
// structs come in and go out, and errors wrap the sentinels of package sensor.
package runs
