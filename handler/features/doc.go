// Package features computes the rows that a model scores from the readings of a device. A
// features file says how, in the terms of pandas: rolling, ewm, shift, resample. The results
// are those of pandas.
//
// [Parse] reads and checks a features file. [Spec.Plan] combines it with a model and a
// device. [Plan.Start] begins the rows of a window, which are computed while readings are
// added:
//
//	spec, err := features.Parse(data)
//	plan, err := spec.Plan(features.Model{Names: names, Count: n}, features.Device{Sensors: sensors})
//	rows := plan.Start(window, row)
//	for each reading in [window.From − plan.Lookback(), window.To), in the order of time:
//		err = rows.Add(sensor, time, value)
//	err = rows.Close()
//
// A row depends only on the readings in its lookback, and not on the rows before it. So a
// window can be cut anywhere: the rows of the pieces are, to the bit, those of the whole
// window. No operation lets rounding errors pass from row to row:
//   - A rolling sum, mean, std or var adds values that enter the window, and subtracts
//     values that leave it, in an exact sum: a fixed-point number that is wide enough for
//     every float64. It rounds once, at the end.
//   - A rolling minimum, maximum or median only compares.
//   - An ewm mean is computed anew for each row, over the rows of its lookback.
//   - The aggregates of a grid are computed anew in each bucket.
//
// The memory depends on the lookback and not on the length of the window.
package features
