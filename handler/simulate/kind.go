package simulate

import "math"

// Kind is a kind of sensor, with its normal and abnormal values.
type Kind struct {
	Name string // the name of the sensors of this kind, and of their model
	// normal returns the value at a time, in seconds since 1970. noise is from the
	// standard normal distribution.
	normal func(at, noise float64) float64
	// abnormal returns an abnormal value for u in [0, 1).
	abnormal func(u float64) float64
}

// Kinds are the kinds of sensor that each simulated device has, one of each.
var Kinds = []Kind{
	{
		Name: "current", // a motor that is on for 8 minutes of 20; abnormal values are between on and off
		normal: func(at, noise float64) float64 {
			if math.Mod(at, 1200) < 480 {
				return 12 + 0.4*noise
			}
			return 0.5 + 0.05*noise
		},
		abnormal: func(u float64) float64 { return 4 + 4*u },
	},
	{
		Name: "pressure", // drifts up and down over a week
		normal: func(at, noise float64) float64 {
			const week = 7 * 86400
			triangle := math.Abs(math.Mod(at, week)/week*4-2) - 1 // -1 to 1
			return 6 + 0.4*triangle + 0.05*noise
		},
		abnormal: either(3, 4.5, 7.5, 9),
	},
	{
		Name: "temperature", // warm by day, cool by night
		normal: func(at, noise float64) float64 {
			return 20 + 4*math.Sin(2*math.Pi*(at/86400-0.375)) + 0.3*noise
		},
		abnormal: either(4, 12, 28, 36),
	},
	{
		Name:     "vibration", // nothing but noise
		normal:   func(_, noise float64) float64 { return 4 + 0.5*noise },
		abnormal: func(u float64) float64 { return 8 + 6*u },
	},
}

// either returns a function that maps [0, 0.5) to [a, b), and [0.5, 1) to [c, d).
func either(a, b, c, d float64) func(float64) float64 {
	return func(u float64) float64 {
		if u < 0.5 {
			return a + (b-a)*2*u
		}
		return c + (d-c)*(2*u-1)
	}
}
