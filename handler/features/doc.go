// Package features makes the rows that a model scores of the readings of a
// device, as pandas would: a features file says how, in the terms of pandas.
//
// [Parse] reads and checks a features file. [Spec.Plan] binds it to a model and a
// device. [Plan.Start] begins the rows of a window, which are computed as readings
// stream past:
//
//	spec, err := features.Parse(data)
//	plan, err := spec.Plan(features.Model{Names: names, Count: n}, features.Device{Sensors: sensors})
//	rows := plan.Start(window, row)
//	for each reading in [window.From − plan.Lookback(), window.To), in the order of time:
//		err = rows.Add(sensor, time, value)
//	err = rows.Close()
//
// Every row is a function of the readings in the lookback before it, never of how
// the computation came there. So time may be cut anywhere: the rows of the pieces
// are, to the bit, those of one computation over the whole. This holds because
// nothing runs on without end:
//   - A rolling sum, mean, std or var adds what enters and subtracts what leaves in
//     an exact sum, a fixed-point number wide enough for every float64, and rounds
//     once. An exact sum has no history.
//   - A rolling minimum, maximum and median compare, and round nothing.
//   - An ewm mean begins anew for each row, at the end of its stated memory.
//   - The aggregates of a grid begin anew in each bucket.
//
// Memory is that of the lookback, whatever the window's length.
package features
