-- When the version of a model was put into its place, and what kind of model it is:
-- empty until somebody has read it.

ALTER TABLE models ADD COLUMN published_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE models ADD COLUMN kind TEXT NOT NULL DEFAULT '';

-- What the models that serve several devices came to in a run, version by version,
-- when it ended last. What ends a run writes it in the same transaction.
CREATE TABLE run_models (
    run          TEXT    NOT NULL,
    item         INTEGER NOT NULL, -- 1, 2, …
    model        TEXT    NOT NULL,
    model_sha256 TEXT    NOT NULL,
    jobs         INTEGER NOT NULL,
    predictions  INTEGER NOT NULL,
    anomalies    INTEGER NOT NULL,
    PRIMARY KEY (run, item)
) STRICT, WITHOUT ROWID;

INSERT INTO run_models (run, item, model, model_sha256, jobs, predictions, anomalies)
SELECT j.run, ROW_NUMBER() OVER (PARTITION BY j.run ORDER BY j.model, j.model_sha256), j.model, j.model_sha256, COUNT(*), SUM(j.predictions), SUM(j.anomalies)
FROM runs r JOIN jobs j ON j.run = r.id
WHERE r.ended_at IS NOT NULL AND j.state = 'scored' AND (SUBSTR(j.model, 1, 7) = '_fleet/' OR SUBSTR(j.model, 1, 8) = 'default.')
GROUP BY j.run, j.model, j.model_sha256;
