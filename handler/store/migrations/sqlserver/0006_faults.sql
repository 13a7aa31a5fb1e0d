-- What was wrong about what came of sensors, by the hour. What stores a batch's
-- readings adds to it in the same transaction.

CREATE TABLE dbo.faults (
    sensor_id int NOT NULL,
    hour      datetime2(3) NOT NULL, -- its beginning
    duplicate bigint NOT NULL,
    conflict  bigint NOT NULL,
    rejected  bigint NOT NULL,
    CONSTRAINT faults_pk PRIMARY KEY CLUSTERED (sensor_id, hour)
);

CREATE INDEX faults_hour ON dbo.faults (hour);

-- Up to where the events of a partition have been counted in it.
CREATE TABLE dbo.delivered (
    partition_of nvarchar(400) COLLATE Latin1_General_BIN2 NOT NULL CONSTRAINT delivered_pk PRIMARY KEY CLUSTERED, -- the hub and the partition
    enqueued     datetime2(3) NOT NULL,
    sequence     bigint NOT NULL
);
