-- Partitions of partitions.
CREATE TABLE m (k int, r text, at date, v int, PRIMARY KEY (k, r, at)) PARTITION BY LIST (r);
CREATE TABLE m_eu PARTITION OF m FOR VALUES IN ('eu') PARTITION BY RANGE (at);
CREATE TABLE m_eu_23 PARTITION OF m_eu FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
CREATE TABLE m_eu_24 PARTITION OF m_eu FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE m_us PARTITION OF m FOR VALUES IN ('us');
CREATE INDEX ON m (v);
INSERT INTO m SELECT i % 20, CASE i % 3 WHEN 0 THEN 'us' ELSE 'eu' END, DATE '2023-06-01' + i, i FROM generate_series(1, 200) i;
-- distribute: SELECT create_distributed_table('m', 'k')
SELECT count(*), sum(v) FROM m;
SELECT count(*), sum(v) FROM m_eu;
SELECT count(*), sum(v) FROM m_eu_24;
SELECT tableoid::regclass, count(*) FROM m GROUP BY 1 ORDER BY 1;
INSERT INTO m SELECT i % 20, 'eu', DATE '2024-01-10' + i, i FROM generate_series(300, 310) i;
INSERT INTO m_eu VALUES (1, 'eu', '2024-02-02', 5000);
INSERT INTO m VALUES (1, 'eu', '2030-01-01', 1);
INSERT INTO m VALUES (1, 'asia', '2024-01-01', 1);
INSERT INTO m_eu VALUES (1, 'us', '2024-01-01', 1);
-- a new branch, with and without partitions
CREATE TABLE m_asia PARTITION OF m FOR VALUES IN ('asia') PARTITION BY HASH (v);
INSERT INTO m VALUES (1, 'asia', '2024-01-01', 1);
CREATE TABLE m_asia_0 PARTITION OF m_asia FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE m_asia_1 PARTITION OF m_asia FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO m SELECT i, 'asia', '2024-01-01', i FROM generate_series(1, 20) i;
SELECT count(*), sum(v) FROM m_asia;
CREATE TABLE m_eu_25 PARTITION OF m_eu FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
INSERT INTO m VALUES (1, 'eu', '2025-05-05', 5), (2, 'eu', '2025-06-06', 6);
SELECT * FROM m_eu_25 ORDER BY k;
UPDATE m SET v = v + 1000 WHERE at >= '2025-01-01' RETURNING *;
UPDATE m SET at = '2024-12-31' WHERE k = 1 AND at = '2025-05-05' RETURNING at, tableoid::regclass;
UPDATE m SET r = 'us' WHERE k = 2 AND at = '2025-06-06' RETURNING tableoid::regclass;
DELETE FROM m_eu WHERE at < '2023-07-01';
DELETE FROM m WHERE k = 3;
SELECT r, count(*), sum(v) FROM m GROUP BY r ORDER BY r;
ALTER TABLE m ADD COLUMN extra text DEFAULT 'x';
CREATE INDEX m_extra ON m (extra);
SELECT indexname FROM pg_indexes WHERE tablename LIKE 'm%' AND indexname LIKE '%extra%' AND tablename !~ '\d{6}' ORDER BY 1;
SELECT k, extra FROM m_eu_24 WHERE k = 1 ORDER BY v;
ALTER TABLE m ADD CONSTRAINT v_positive CHECK (v > 0);
INSERT INTO m VALUES (1, 'us', '2024-01-01', -1);
ALTER TABLE m DETACH PARTITION m_eu;
SELECT count(*) FROM m;
SELECT count(*) FROM m_eu;
INSERT INTO m_eu VALUES (7, 'eu', '2024-07-07', 7, 'detached');
INSERT INTO m VALUES (7, 'eu', '2024-07-07', 7, 'detached');
ALTER TABLE m ATTACH PARTITION m_eu FOR VALUES IN ('eu');
SELECT count(*) FROM m;
-- a plain partitioned table with rows
CREATE TABLE m_af (k int, r text, at date NOT NULL, v int, extra text) PARTITION BY RANGE (v);
CREATE TABLE m_af_1 PARTITION OF m_af FOR VALUES FROM (0) TO (100);
CREATE TABLE m_af_2 PARTITION OF m_af DEFAULT;
INSERT INTO m_af SELECT i, 'af', DATE '2024-01-01' + i, i * 10 + 1 FROM generate_series(1, 20) i;
ALTER TABLE m_af ALTER k SET NOT NULL, ALTER r SET NOT NULL;
ALTER TABLE m ATTACH PARTITION m_af FOR VALUES IN ('af');
ALTER TABLE m_af ADD CONSTRAINT v_positive CHECK (v > 0);
ALTER TABLE m ATTACH PARTITION m_af FOR VALUES IN ('af');
SELECT tableoid::regclass, count(*) FROM m GROUP BY 1 ORDER BY 1;
ALTER TABLE m_af DETACH PARTITION m_af_1;
SELECT count(*) FROM m_af_1;
SELECT count(*) FROM m;
SELECT a.k, count(*) FROM m a JOIN m_eu b USING (k, at) GROUP BY 1 ORDER BY 1;
TRUNCATE m_eu;
SELECT count(*) FROM m;
COPY m (k, r, at, v) FROM stdin;
1	eu	2024-03-03	33
2	us	2024-03-03	33
\.
SELECT count(*) FROM m_eu_24;
SELECT count(*) FROM ONLY m_eu;
DROP TABLE m_eu_24;
SELECT count(*) FROM m;
DROP TABLE m_eu;
SELECT count(*) FROM m;
DROP TABLE m;
SELECT 1 FROM m_asia_0;
SELECT count(*) FROM m_af_1;
DROP TABLE m_af_1;
