// Package ingest turns batches of events into stored readings. Package mapping says
// which readings an event holds.
//
// # Bad events
//
// An event may hold many readings. Each part of it that is to be a reading is an
// element: the object that is the whole event, an element of its array, or a line.
// A bad element does not hold up the others. The bad elements of a batch, and its
// readings that the store rejects, go to one dead letter, a blob with a line of JSON
// for each: see [Letter]. If more than [mapping.MaxRefused] elements of an event are
// bad, one line has the whole event. Otherwise a single event could ask for hundreds
// of thousands of lines.
//
// # Nothing is lost
//
// A batch is acknowledged when its readings are stored and its dead letter is
// written. If SQL refuses the batch until shortly before the invocation's deadline,
// or there is no time for all of it, what is left is spilled: it is written to Blob,
// and then acknowledged. The tick stores it later; see [Ingester.Drain]. After any
// other failure the host delivers the batch again. That does no harm: a reading is
// stored once, and the names of a dead letter and of a spilled batch follow from
// what they hold.
//
// A spilled batch is a [Spilled] in the container spill. Its name is
//
//	{hub}/{partition}/{first sequence number, 19 digits}-{events}-{hash of the bodies}.json
//
// or the hash alone, if the host gave no sequence numbers. Of two readings with the
// same key but different values, the one that is stored first counts. If the earlier
// one was spilled, that may be the later one.
//
// A batch whose JSON is too long for memory comes in parts; see [Batch]. Each part is
// stored, rejected or spilled like a batch.
package ingest
