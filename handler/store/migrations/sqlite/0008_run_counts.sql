-- How many jobs a run had when it ended last, how many of them went wrong, and how
-- many rows and anomalies they had. What ends a run writes it.

ALTER TABLE runs ADD COLUMN jobs INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN failed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN predictions INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN anomalies INTEGER NOT NULL DEFAULT 0;

UPDATE runs
SET jobs = x.jobs, failed = x.failed, predictions = x.predictions, anomalies = x.anomalies
FROM (SELECT j.run, COUNT(*) AS jobs, SUM(j.state IN ('bad_model', 'bad_data', 'failed')) AS failed, SUM(j.predictions) AS predictions, SUM(j.anomalies) AS anomalies FROM jobs j GROUP BY j.run) x
WHERE x.run = runs.id AND runs.ended_at IS NOT NULL;
