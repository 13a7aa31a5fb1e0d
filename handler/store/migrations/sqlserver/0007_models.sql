-- When the version of a model was put into its place, and what kind of model it is:
-- empty until somebody has read it.

ALTER TABLE dbo.models ADD
    published_at datetime2(3) NOT NULL CONSTRAINT models_published_at DEFAULT '1970-01-01',
    kind         nvarchar(16) COLLATE Latin1_General_BIN2 NOT NULL CONSTRAINT models_kind DEFAULT '';

-- What the models that serve several devices came to in a run, version by version,
-- when it ended last. What ends a run writes it in the same transaction.
CREATE TABLE dbo.run_models (
    run          nvarchar(33)   COLLATE Latin1_General_BIN2 NOT NULL,
    item         int            NOT NULL, -- 1, 2, …
    model        nvarchar(1024) COLLATE Latin1_General_BIN2 NOT NULL,
    model_sha256 nvarchar(64)   COLLATE Latin1_General_BIN2 NOT NULL,
    jobs         int            NOT NULL,
    predictions  bigint         NOT NULL,
    anomalies    bigint         NOT NULL,
    CONSTRAINT run_models_pk PRIMARY KEY CLUSTERED (run, item)
);

INSERT INTO dbo.run_models (run, item, model, model_sha256, jobs, predictions, anomalies)
SELECT j.run, ROW_NUMBER() OVER (PARTITION BY j.run ORDER BY j.model, j.model_sha256), j.model, j.model_sha256, COUNT(*), SUM(CAST(j.predictions AS bigint)), SUM(CAST(j.anomalies AS bigint))
FROM dbo.runs r JOIN dbo.jobs j ON j.run = r.id
WHERE r.ended_at IS NOT NULL AND j.state = 'scored' AND (SUBSTRING(j.model, 1, 7) = '_fleet/' OR SUBSTRING(j.model, 1, 8) = 'default.')
GROUP BY j.run, j.model, j.model_sha256;
