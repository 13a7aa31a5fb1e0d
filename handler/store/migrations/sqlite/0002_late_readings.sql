-- Readings that came after the scheduled run over their time was opened leave
-- a mark, from which the tick re-opens the jobs whose rows they change. Marks are added and
-- deleted, never shared: a batch that relied on another's could find it gone.
-- A mark stands for a sensor's readings of one window: ts is the last of them, run
-- the scheduled run over it or, before all windows, the first of all.

CREATE TABLE late_marks (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    run       TEXT    NOT NULL,
    sensor_id INTEGER NOT NULL,
    ts        INTEGER NOT NULL
) STRICT;

CREATE INDEX late_marks_of_job ON late_marks (run, sensor_id);

-- New readings over whose time no scheduled run is or will be, until the tick has told of them.
CREATE TABLE uncovered (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    sensor_id INTEGER NOT NULL,
    readings  INTEGER NOT NULL,
    first_ts  INTEGER NOT NULL,
    last_ts   INTEGER NOT NULL
) STRICT;

CREATE INDEX runs_scheduled ON runs (window_from) WHERE kind = 'scheduled';
CREATE INDEX runs_scheduled_to ON runs (window_to) WHERE kind = 'scheduled';
