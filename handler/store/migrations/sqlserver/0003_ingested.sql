-- What became of events, minute by minute, as the processes that took them in have said.

CREATE TABLE dbo.ingested (
    minute    datetime2(3) NOT NULL CONSTRAINT ingested_pk PRIMARY KEY CLUSTERED,
    events    bigint NOT NULL,
    stored    bigint NOT NULL,
    duplicate bigint NOT NULL,
    conflict  bigint NOT NULL,
    missing   bigint NOT NULL,
    rejected  bigint NOT NULL,
    lag_ms    bigint NOT NULL
);

CREATE TABLE dbo.refusals (
    minute  datetime2(3) NOT NULL,
    reason  nvarchar(200) COLLATE Latin1_General_BIN2 NOT NULL, -- without what differs from one to the next
    n       bigint NOT NULL,
    example nvarchar(2000) NOT NULL, -- the whole reason of one of them
    place   nvarchar(1024) NOT NULL, -- and where it stands: the blob of its dead letter
    CONSTRAINT refusals_pk PRIMARY KEY CLUSTERED (minute, reason)
);
