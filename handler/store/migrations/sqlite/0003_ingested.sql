-- What became of events, minute by minute, as the processes that took them in have said.

CREATE TABLE ingested (
    minute    INTEGER NOT NULL PRIMARY KEY,
    events    INTEGER NOT NULL,
    stored    INTEGER NOT NULL,
    duplicate INTEGER NOT NULL,
    conflict  INTEGER NOT NULL,
    missing   INTEGER NOT NULL,
    rejected  INTEGER NOT NULL,
    lag_ms    INTEGER NOT NULL
) STRICT;

CREATE TABLE refusals (
    minute  INTEGER NOT NULL,
    reason  TEXT    NOT NULL, -- without what differs from one to the next
    n       INTEGER NOT NULL,
    example TEXT    NOT NULL, -- the whole reason of one of them
    place   TEXT    NOT NULL, -- and where it stands: the blob of its dead letter
    PRIMARY KEY (minute, reason)
) STRICT, WITHOUT ROWID;
