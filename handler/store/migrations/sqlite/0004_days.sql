-- What the ended runs whose windows begin in a day came to, device by device. The
-- tick writes a day anew where runs, epochs and opened_at are no longer those of the
-- table runs.

CREATE TABLE days (
    day       INTEGER NOT NULL PRIMARY KEY, -- its beginning
    runs      INTEGER NOT NULL,
    epochs    INTEGER NOT NULL, -- the sum of the runs' epochs
    opened_at INTEGER NOT NULL, -- when the last of them was opened first
    shortest  INTEGER NOT NULL, -- seconds of their shortest window
    devices   BLOB    NOT NULL
) STRICT;
