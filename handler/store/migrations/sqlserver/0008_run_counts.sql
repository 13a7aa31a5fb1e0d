-- How many jobs a run had when it ended last, how many of them went wrong, and how
-- many rows and anomalies they had. What ends a run writes it.

ALTER TABLE dbo.runs ADD
    jobs        int    NOT NULL CONSTRAINT runs_jobs DEFAULT 0,
    failed      int    NOT NULL CONSTRAINT runs_failed DEFAULT 0,
    predictions bigint NOT NULL CONSTRAINT runs_predictions DEFAULT 0,
    anomalies   bigint NOT NULL CONSTRAINT runs_anomalies DEFAULT 0;
GO
UPDATE r
SET jobs = x.jobs, failed = x.failed, predictions = x.predictions, anomalies = x.anomalies
FROM dbo.runs r JOIN (
    SELECT j.run, COUNT(*) AS jobs, SUM(CASE WHEN j.state IN ('bad_model', 'bad_data', 'failed') THEN 1 ELSE 0 END) AS failed,
           SUM(CAST(j.predictions AS bigint)) AS predictions, SUM(CAST(j.anomalies AS bigint)) AS anomalies
    FROM dbo.jobs j GROUP BY j.run) x ON x.run = r.id
WHERE r.ended_at IS NOT NULL;
