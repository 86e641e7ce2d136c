-- Partitioned tables.
CREATE TABLE m (k int, at date, v int, PRIMARY KEY (k, at)) PARTITION BY RANGE (at);
CREATE TABLE m_2023 PARTITION OF m FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
CREATE TABLE m_2024 PARTITION OF m FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
INSERT INTO m SELECT i % 20, DATE '2023-06-01' + i, i FROM generate_series(1, 100) i;
-- only: distributed single
-- distribute: SELECT create_distributed_table('m', 'k')
SELECT count(*), sum(v) FROM m;
INSERT INTO m SELECT i % 20, DATE '2024-01-01' + i, i FROM generate_series(1, 100) i;
INSERT INTO m VALUES (1, '2030-01-01', 1);
SELECT count(*), sum(v) FROM m;
SELECT count(*) FROM m_2024;
SELECT count(*) FROM ONLY m;
SELECT k, count(*) FROM m WHERE at >= '2024-01-01' GROUP BY k;
SELECT * FROM m WHERE k = 3 AND at < '2023-07-15' ORDER BY at;
CREATE TABLE m_2025 PARTITION OF m FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
INSERT INTO m VALUES (1, '2025-05-05', 5), (2, '2025-06-06', 6);
SELECT * FROM m_2025 ORDER BY k;
UPDATE m SET v = v + 1000 WHERE at >= '2025-01-01' RETURNING *;
UPDATE m SET at = '2024-12-31' WHERE k = 1 AND at = '2025-05-05' RETURNING at;
SELECT count(*) FROM m_2025;
DELETE FROM m WHERE at < '2023-07-01';
CREATE INDEX m_v ON m (v);
ALTER TABLE m ADD COLUMN extra text DEFAULT 'x';
SELECT k, extra FROM m_2025;
ALTER TABLE m DETACH PARTITION m_2025;
SELECT count(*) FROM m;
SELECT count(*) FROM m_2025;
ALTER TABLE m ATTACH PARTITION m_2025 FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
SELECT count(*) FROM m;
DROP TABLE m_2023;
SELECT count(*), min(at) FROM m;
TRUNCATE m_2024;
SELECT count(*) FROM m;
SELECT a.k FROM m a JOIN m b USING (k, at);
-- planned on this node, with indexes of the partitioned table in sight
ANALYZE m;
SELECT a.k, b.v FROM m a JOIN m b ON a.v = b.k ORDER BY 1, 2;
SELECT count(*) FROM m a WHERE EXISTS (SELECT FROM m b WHERE b.v = a.k AND b.at < a.at);
DROP TABLE m;
SELECT 1 FROM m_2024;
