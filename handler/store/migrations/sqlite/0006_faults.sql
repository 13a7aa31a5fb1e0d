-- What was wrong about what came of sensors, by the hour. What stores a batch's
-- readings adds to it in the same transaction.

CREATE TABLE faults (
    sensor_id INTEGER NOT NULL,
    hour      INTEGER NOT NULL, -- its beginning
    duplicate INTEGER NOT NULL,
    conflict  INTEGER NOT NULL,
    rejected  INTEGER NOT NULL,
    PRIMARY KEY (sensor_id, hour)
) STRICT, WITHOUT ROWID;

CREATE INDEX faults_hour ON faults (hour);

-- Up to where the events of a partition have been counted in it.
CREATE TABLE delivered (
    partition_of TEXT    NOT NULL PRIMARY KEY, -- the hub and the partition
    enqueued     INTEGER NOT NULL,
    sequence     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
