-- What the jobs of a run came to, device by device, when it ended last. What ends a
-- run writes it in the same transaction.

CREATE TABLE run_sums (
    run     TEXT NOT NULL PRIMARY KEY,
    devices BLOB NOT NULL
) STRICT;
