-- Readings that came after the scheduled run over their time was opened leave
-- a mark, from which the tick re-opens the sensor's job. Marks are added and
-- deleted, never shared: a batch that relied on another's could find it gone.

CREATE TABLE late_marks (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    run       TEXT    NOT NULL,
    sensor_id INTEGER NOT NULL
) STRICT;

CREATE INDEX late_marks_of_job ON late_marks (run, sensor_id);

CREATE INDEX runs_scheduled ON runs (window_from) WHERE kind = 'scheduled';
