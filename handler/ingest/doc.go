// Package ingest turns batches of events into stored readings.
//
// # What an event may be
//
// The body of an event is UTF-8 without a byte order mark: one JSON object, a
// JSON array of objects, or objects one after the other on lines of their own.
// Each object is a reading. Its keys, in any case, are
//
//	device   or deviceId         a name, or a number taken as its decimal text
//	sensor                       likewise
//	ts, time or timestamp        see below
//	value    or val              a finite number, or a string that holds one
//
// each given once; other keys are ignored. A time is RFC 3339 with any offset,
// the same with a blank for the T, which may then go without an offset and is
// UTC (2018-08-28 23:00:05.000), or the milliseconds since 1970 as a number or
// a string. What is finer than a millisecond is cut off, downwards.
//
// # What becomes of a bad one
//
// The unit is the element: the object alone, an element of the array, or a
// line. A bad element becomes a dead letter with its reason, its exact bytes
// and where it came from, and does not hold up the others, of its event or of
// other events. What an element is, is decided by brackets, commas and line
// breaks alone, so that what is wrong inside one stays inside: in an array all
// from the first element after which there is neither comma nor bracket is one
// bad element, and so is what follows the array; among lines a bad element reaches to the next line
// that begins with an opening brace. If more than a hundred elements of one
// event are bad, they share one dead letter with the whole event: else a
// single event could ask for hundreds of thousands.
//
// # What is never lost
//
// A batch is acknowledged once its readings are stored and its dead letters
// written, or once it is spilled: kept in Blob because SQL refused it until
// shortly before the invocation's deadline. The tick stores what was spilled;
// see [Ingester.Drain]. Until then any failure is one to be retried: doing it
// again changes nothing, for a reading is stored once, and the names of a dead
// letter and of a spilled batch follow from their content.
//
// A spilled batch is a [Spilled] in the container spill, named
//
//	{hub}/{partition}/{first sequence number, 19 digits}-{events}-{hash of the bodies}.json
//
// or by the hash alone where the host gave no sequence numbers. Of two readings
// with one key and different values the first to be stored counts, which may be
// the later one if the earlier was spilled.
package ingest
