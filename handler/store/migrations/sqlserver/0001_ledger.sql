-- Times are UTC. Names and states are BIN2: they compare by their UTF-16 units, of
-- which a character of a name may have two.

-- What jobs judge: sensors, which their first readings register, and device models.
CREATE TABLE dbo.subjects (
    id       int IDENTITY (1, 1) NOT NULL CONSTRAINT subjects_pk PRIMARY KEY CLUSTERED,
    device   nvarchar(256) COLLATE Latin1_General_BIN2 NOT NULL,
    name     nvarchar(256) COLLATE Latin1_General_BIN2 NOT NULL,
    kind     nvarchar(16) COLLATE Latin1_General_BIN2 NOT NULL CONSTRAINT subjects_kind_first DEFAULT 'sensor'
             CONSTRAINT subjects_kind CHECK (kind IN ('sensor', 'device_model')),
    enabled  int NOT NULL CONSTRAINT subjects_enabled DEFAULT 1,
    assigned int NOT NULL CONSTRAINT subjects_assigned DEFAULT 0, -- the columns below are what the registered models say
    judged   int NOT NULL CONSTRAINT subjects_judged DEFAULT 0,   -- runs have a job for it
    model    int NOT NULL CONSTRAINT subjects_model DEFAULT 0,    -- id of the model that serves it; 0 if none does
    lookback int NOT NULL CONSTRAINT subjects_lookback DEFAULT 0, -- seconds before a window from which readings count
    fault    nvarchar(2000) NOT NULL CONSTRAINT subjects_fault DEFAULT '', -- why no model can serve it
    CONSTRAINT subjects_name UNIQUE (device, name)
);

CREATE INDEX subjects_unassigned ON dbo.subjects (device) WHERE assigned = 0;

-- The sensors that device models take, now or at some time, and the longest
-- lookback in seconds at which they did.
CREATE TABLE dbo.uses (
    sensor_id  int NOT NULL,
    subject_id int NOT NULL,
    lookback   int NOT NULL,
    CONSTRAINT uses_pk PRIMARY KEY CLUSTERED (sensor_id, subject_id)
);

-- Versions of the files in the container models.
CREATE TABLE dbo.models (
    id      int IDENTITY (1, 1) NOT NULL CONSTRAINT models_pk PRIMARY KEY CLUSTERED,
    name    nvarchar(1024) COLLATE Latin1_General_BIN2 NOT NULL,
    etag    nvarchar(100)  COLLATE Latin1_General_BIN2 NOT NULL,
    size    bigint         NOT NULL,
    scope   nvarchar(16)   COLLATE Latin1_General_BIN2 NOT NULL
            CONSTRAINT models_scope CHECK (scope IN ('device', 'fleet', 'default', 'attributes', 'none')),
    device  nvarchar(256)  COLLATE Latin1_General_BIN2 NOT NULL, -- of scope device
    title   nvarchar(256)  COLLATE Latin1_General_BIN2 NOT NULL, -- of the scopes device and fleet
    facts   nvarchar(max)  NOT NULL,                             -- JSON; empty if nobody has read it
    current_version int    NOT NULL CONSTRAINT models_current_first DEFAULT 1 -- it is what the container had when it was last listed
);

CREATE INDEX models_current ON dbo.models (scope, device) WHERE current_version = 1;

-- One row: when the container was last listed.
CREATE TABLE dbo.registry (
    id        int          NOT NULL CONSTRAINT registry_pk PRIMARY KEY CLUSTERED CONSTRAINT registry_one CHECK (id = 1),
    listed_at datetime2(3) NOT NULL,
    columns   int          NOT NULL, -- of a sensor's row, for which subjects were assigned
    reader    int          NOT NULL  -- version of the code that learned the models' facts
);

CREATE TABLE dbo.readings (
    sensor_id int          NOT NULL,
    ts        datetime2(3) NOT NULL,
    value     float        NOT NULL,
    CONSTRAINT readings_pk PRIMARY KEY CLUSTERED (sensor_id, ts) WITH (DATA_COMPRESSION = PAGE)
);

-- One row: up to where scheduled windows have been opened.
CREATE TABLE dbo.watermark (
    id   int          NOT NULL CONSTRAINT watermark_pk PRIMARY KEY CLUSTERED CONSTRAINT watermark_one CHECK (id = 1),
    upto datetime2(3) NOT NULL
);

CREATE TABLE dbo.runs (
    id          nvarchar(33) COLLATE Latin1_General_BIN2 NOT NULL CONSTRAINT runs_pk PRIMARY KEY CLUSTERED,
    window_from datetime2(3)  NOT NULL,
    window_to   datetime2(3)  NOT NULL,
    kind        nvarchar(16) COLLATE Latin1_General_BIN2 NOT NULL
                CONSTRAINT runs_kind CHECK (kind IN ('scheduled', 'requested')),
    state       nvarchar(16) COLLATE Latin1_General_BIN2 NOT NULL
                CONSTRAINT runs_state CHECK (state IN ('running', 'cancelling', 'succeeded', 'degraded', 'failed', 'cancelled')),
    epoch       int           NOT NULL CONSTRAINT runs_epoch DEFAULT 0,
    aggregate   nvarchar(400) NOT NULL,
    max_failed  nvarchar(400) NOT NULL,
    opened_at   datetime2(3)  NOT NULL,
    ended_at    datetime2(3)  NULL,
    CONSTRAINT runs_ended CHECK (state IN ('running', 'cancelling') AND ended_at IS NULL
                              OR state NOT IN ('running', 'cancelling') AND ended_at IS NOT NULL)
);

CREATE INDEX runs_open ON dbo.runs (id) INCLUDE (kind) WHERE ended_at IS NULL;
CREATE INDEX runs_opened ON dbo.runs (opened_at);

-- A row for each epoch of a run: when it began and why, and when the run ended in it.
CREATE TABLE dbo.epochs (
    run         nvarchar(33) COLLATE Latin1_General_BIN2 NOT NULL,
    epoch       int          NOT NULL,
    reason      nvarchar(16) COLLATE Latin1_General_BIN2 NOT NULL
                CONSTRAINT epochs_reason CHECK (reason IN ('schedule', 'request', 'rescore', 'late_readings', 'late_success', 'lost_file', 'cancel')),
    opened_at   datetime2(3) NOT NULL,
    ended_at    datetime2(3) NULL,     -- NULL too where the run was open when the next epoch began
    jobs        int          NOT NULL, -- that it opened or re-opened
    first_epoch int          NOT NULL, -- since which the run has been open: this one or an earlier one
    CONSTRAINT epochs_pk PRIMARY KEY CLUSTERED (run, epoch)
);

CREATE TABLE dbo.jobs (
    run           nvarchar(33) COLLATE Latin1_General_BIN2 NOT NULL,
    subject_id    int          NOT NULL CONSTRAINT jobs_subject REFERENCES dbo.subjects (id),
    revision      int          NOT NULL CONSTRAINT jobs_revision DEFAULT 0,
    epoch         int          NOT NULL,                                    -- of the run, when the job was opened, re-opened or scored after all
    lookback      int          NOT NULL CONSTRAINT jobs_lookback DEFAULT 0, -- seconds before the window from which readings count
    state         nvarchar(16) COLLATE Latin1_General_BIN2 NOT NULL CONSTRAINT jobs_queued_first DEFAULT 'queued'
                  CONSTRAINT jobs_state CHECK (state IN ('queued', 'scored', 'no_data', 'no_model', 'bad_model', 'bad_data', 'failed', 'cancelled')),
    sent_at       datetime2(3) NULL,                                        -- at this revision
    sends         int          NOT NULL CONSTRAINT jobs_sends DEFAULT 0,    -- at this revision
    poisoned      int          NOT NULL CONSTRAINT jobs_poisoned DEFAULT 0, -- poison sent it alone, at this revision
    closed_at     datetime2(3) NULL,
    predictions   int          NOT NULL CONSTRAINT jobs_predictions DEFAULT 0,
    anomalies     int          NOT NULL CONSTRAINT jobs_anomalies DEFAULT 0,
    empty_buckets int          NOT NULL CONSTRAINT jobs_empty_buckets DEFAULT 0,
    duration_us   bigint       NOT NULL CONSTRAINT jobs_duration DEFAULT 0,
    model         nvarchar(1024) NOT NULL CONSTRAINT jobs_model DEFAULT '',
    model_sha256  nvarchar(64)   NOT NULL CONSTRAINT jobs_model_sha256 DEFAULT '',
    attributes    nvarchar(64)   NOT NULL CONSTRAINT jobs_attributes DEFAULT '', -- sha256 of the attributes that the rows were made of
    csv_sha256    nvarchar(64)   NOT NULL CONSTRAINT jobs_csv_sha256 DEFAULT '',
    error         nvarchar(2000) NOT NULL CONSTRAINT jobs_error DEFAULT '',
    anomalous_rows varchar(max)  NOT NULL CONSTRAINT jobs_anomalous_rows DEFAULT '', -- the first 1,000: JSON, [[milliseconds since 1970, score], …]
    CONSTRAINT jobs_pk PRIMARY KEY CLUSTERED (run, subject_id)
);

CREATE INDEX jobs_queued ON dbo.jobs (run, subject_id) INCLUDE (revision, sent_at, sends) WHERE state = 'queued';
CREATE INDEX jobs_unsent ON dbo.jobs (run, subject_id) INCLUDE (revision) WHERE state = 'queued' AND sent_at IS NULL;

CREATE TABLE dbo.attempts (
    id        bigint IDENTITY (1, 1) NOT NULL CONSTRAINT attempts_pk PRIMARY KEY CLUSTERED,
    run       nvarchar(33) COLLATE Latin1_General_BIN2 NOT NULL,
    subject_id int            NOT NULL,
    revision  int            NOT NULL,
    at        datetime2(3)   NOT NULL,
    own       int            NOT NULL, -- the error lies in the job itself
    error     nvarchar(2000) NOT NULL
);

CREATE INDEX attempts_of_job ON dbo.attempts (run, subject_id, revision);
