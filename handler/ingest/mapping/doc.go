// Package mapping turns the bodies of events into readings. It reads several common JSON
// formats, CSV, InfluxDB's line protocol and Avro, and runs programs in jq for others.
package mapping
