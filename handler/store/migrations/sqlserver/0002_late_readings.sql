-- Readings that came after the scheduled run over their time was opened leave
-- a mark, from which the tick re-opens the jobs whose rows they change. Marks are added and
-- deleted, never shared: a batch that relied on another's could find it gone.
-- A mark stands for a sensor's readings of one window: ts is the last of them, run
-- the scheduled run over it or, before all windows, the first of all.

CREATE TABLE dbo.late_marks (
    id        bigint IDENTITY (1, 1) NOT NULL CONSTRAINT late_marks_pk PRIMARY KEY CLUSTERED,
    run       nvarchar(33) COLLATE Latin1_General_BIN2 NOT NULL,
    sensor_id int NOT NULL,
    ts        datetime2(3) NOT NULL
);

CREATE INDEX late_marks_of_job ON dbo.late_marks (run, sensor_id);

-- New readings over whose time no scheduled run is or will be, until the tick has told of them.
CREATE TABLE dbo.uncovered (
    id        bigint IDENTITY (1, 1) NOT NULL CONSTRAINT uncovered_pk PRIMARY KEY CLUSTERED,
    sensor_id int          NOT NULL,
    readings  int          NOT NULL,
    first_ts  datetime2(3) NOT NULL,
    last_ts   datetime2(3) NOT NULL
);

CREATE INDEX runs_scheduled ON dbo.runs (window_from) INCLUDE (window_to) WHERE kind = 'scheduled';
CREATE INDEX runs_scheduled_to ON dbo.runs (window_to) WHERE kind = 'scheduled';
