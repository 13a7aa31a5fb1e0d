-- What the jobs of a run came to, device by device, when it ended last. What ends a
-- run writes it in the same transaction.

CREATE TABLE dbo.run_sums (
    run     nvarchar(33) COLLATE Latin1_General_BIN2 NOT NULL CONSTRAINT run_sums_pk PRIMARY KEY CLUSTERED,
    devices varbinary(max) NOT NULL
);
