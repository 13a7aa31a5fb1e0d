-- What the ended runs whose windows begin in a day came to, device by device. The
-- tick writes a day anew where runs, epochs and opened_at are no longer those of the
-- table runs.

CREATE TABLE dbo.days (
    day       datetime2(3) NOT NULL CONSTRAINT days_pk PRIMARY KEY CLUSTERED, -- its beginning
    runs      bigint NOT NULL,
    epochs    bigint NOT NULL, -- the sum of the runs' epochs
    opened_at datetime2(3) NOT NULL, -- when the last of them was opened first
    shortest  bigint NOT NULL, -- seconds of their shortest window
    devices   varbinary(max) NOT NULL
);
