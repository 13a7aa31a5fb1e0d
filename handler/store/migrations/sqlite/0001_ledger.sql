-- Times are milliseconds since 1970 in UTC. Names and states compare bytewise.

-- What jobs judge: sensors, which their first readings register, and device models.
CREATE TABLE subjects (
    id       INTEGER PRIMARY KEY,
    device   TEXT    NOT NULL,
    name     TEXT    NOT NULL,
    kind     TEXT    NOT NULL DEFAULT 'sensor' CHECK (kind IN ('sensor', 'device_model')),
    enabled  INTEGER NOT NULL DEFAULT 1,
    assigned INTEGER NOT NULL DEFAULT 0,  -- the columns below are what the registered models say
    judged   INTEGER NOT NULL DEFAULT 0,  -- runs have a job for it
    model    INTEGER NOT NULL DEFAULT 0,  -- id of the model that serves it; 0 if none does
    lookback INTEGER NOT NULL DEFAULT 0,  -- seconds before a window from which readings count
    fault    TEXT    NOT NULL DEFAULT '', -- why no model can serve it
    UNIQUE (device, name)
) STRICT;

CREATE INDEX subjects_unassigned ON subjects (device) WHERE assigned = 0;

-- The sensors that device models take, now or at some time, and the longest
-- lookback in seconds at which they did.
CREATE TABLE uses (
    sensor_id  INTEGER NOT NULL,
    subject_id INTEGER NOT NULL,
    lookback   INTEGER NOT NULL,
    PRIMARY KEY (sensor_id, subject_id)
) STRICT, WITHOUT ROWID;

-- Versions of the files in the container models.
CREATE TABLE models (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    name    TEXT    NOT NULL,
    etag    TEXT    NOT NULL,
    size    INTEGER NOT NULL,
    scope   TEXT    NOT NULL CHECK (scope IN ('device', 'fleet', 'default', 'attributes', 'none')),
    device  TEXT    NOT NULL,           -- of scope device
    title   TEXT    NOT NULL,           -- of the scopes device and fleet
    facts   TEXT    NOT NULL,           -- JSON; empty if nobody has read it
    current_version INTEGER NOT NULL DEFAULT 1 -- it is what the container had when it was last listed
) STRICT;

CREATE INDEX models_current ON models (scope, device) WHERE current_version = 1;

-- One row: when the container was last listed.
CREATE TABLE registry (
    id        INTEGER PRIMARY KEY CHECK (id = 1),
    listed_at INTEGER NOT NULL,
    columns   INTEGER NOT NULL, -- of a sensor's row, for which subjects were assigned
    reader    INTEGER NOT NULL  -- version of the code that learned the models' facts
) STRICT;

CREATE TABLE readings (
    sensor_id INTEGER NOT NULL,
    ts        INTEGER NOT NULL,
    value     REAL    NOT NULL,
    PRIMARY KEY (sensor_id, ts)
) STRICT, WITHOUT ROWID;

-- One row: up to where scheduled windows have been opened.
CREATE TABLE watermark (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    upto INTEGER NOT NULL
) STRICT;

CREATE TABLE runs (
    id          TEXT    NOT NULL PRIMARY KEY,
    window_from INTEGER NOT NULL,
    window_to   INTEGER NOT NULL,
    kind        TEXT    NOT NULL CHECK (kind IN ('scheduled', 'requested')),
    state       TEXT    NOT NULL CHECK (state IN ('running', 'cancelling', 'succeeded', 'degraded', 'failed', 'cancelled')),
    epoch       INTEGER NOT NULL DEFAULT 0,
    aggregate   TEXT    NOT NULL,
    max_failed  TEXT    NOT NULL,
    opened_at   INTEGER NOT NULL,
    ended_at    INTEGER,
    CHECK ((state IN ('running', 'cancelling')) = (ended_at IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX runs_open ON runs (id) WHERE ended_at IS NULL;
CREATE INDEX runs_opened ON runs (opened_at);

-- A row for each epoch of a run: when it began and why, and when the run ended in it.
CREATE TABLE epochs (
    run         TEXT    NOT NULL,
    epoch       INTEGER NOT NULL,
    reason      TEXT    NOT NULL CHECK (reason IN ('schedule', 'request', 'rescore', 'late_readings', 'late_success', 'lost_file', 'cancel')),
    opened_at   INTEGER NOT NULL,
    ended_at    INTEGER,          -- NULL too where the run was open when the next epoch began
    jobs        INTEGER NOT NULL, -- that it opened or re-opened
    first_epoch INTEGER NOT NULL, -- since which the run has been open: this one or an earlier one
    PRIMARY KEY (run, epoch)
) STRICT, WITHOUT ROWID;

CREATE TABLE jobs (
    run           TEXT    NOT NULL,
    subject_id    INTEGER NOT NULL REFERENCES subjects (id),
    revision      INTEGER NOT NULL DEFAULT 0,
    epoch         INTEGER NOT NULL,           -- of the run, when the job was opened, re-opened or scored after all
    lookback      INTEGER NOT NULL DEFAULT 0, -- seconds before the window from which readings count
    state         TEXT    NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'scored', 'no_data', 'no_model', 'bad_model', 'bad_data', 'failed', 'cancelled')),
    sent_at       INTEGER,                    -- at this revision
    sends         INTEGER NOT NULL DEFAULT 0, -- at this revision
    poisoned      INTEGER NOT NULL DEFAULT 0, -- poison sent it alone, at this revision
    closed_at     INTEGER,
    predictions   INTEGER NOT NULL DEFAULT 0,
    anomalies     INTEGER NOT NULL DEFAULT 0,
    empty_buckets INTEGER NOT NULL DEFAULT 0,
    duration_us   INTEGER NOT NULL DEFAULT 0,
    model         TEXT    NOT NULL DEFAULT '',
    model_sha256  TEXT    NOT NULL DEFAULT '',
    attributes    TEXT    NOT NULL DEFAULT '', -- sha256 of the attributes that the rows were made of
    csv_sha256    TEXT    NOT NULL DEFAULT '',
    error         TEXT    NOT NULL DEFAULT '',
    anomalous_rows TEXT   NOT NULL DEFAULT '', -- the first 1,000: JSON, [[milliseconds since 1970, score], …]
    PRIMARY KEY (run, subject_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX jobs_queued ON jobs (run, subject_id) WHERE state = 'queued';
CREATE INDEX jobs_unsent ON jobs (run, subject_id) WHERE state = 'queued' AND sent_at IS NULL;

CREATE TABLE attempts (
    id        INTEGER PRIMARY KEY,
    run       TEXT    NOT NULL,
    subject_id INTEGER NOT NULL,
    revision  INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    own       INTEGER NOT NULL, -- the error lies in the job itself
    error     TEXT    NOT NULL
) STRICT;

CREATE INDEX attempts_of_job ON attempts (run, subject_id, revision);
