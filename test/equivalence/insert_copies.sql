-- INSERT .. SELECT of many rows of shards into a reference table: the same rows on all nodes.
CREATE TABLE t (k int PRIMARY KEY, v int, s text);
CREATE TABLE r (k int, v bigint, s text, at timestamptz DEFAULT now(), double bigint GENERATED ALWAYS AS (v * 2) STORED);
CREATE TABLE named (s text PRIMARY KEY, n int NOT NULL CHECK (n < 5000));
CREATE TABLE about (k int PRIMARY KEY, s text REFERENCES named (s));
CREATE TABLE numbered (id bigserial, k int, random float8 DEFAULT random());
CREATE TABLE p (k int, d int) PARTITION BY RANGE (d);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (50);
CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (50) TO (98);
-- distribute: SELECT create_distributed_table('t', 'k')
-- distribute: SELECT create_reference_table('r')
-- distribute: SELECT create_reference_table('named')
-- distribute: SELECT create_reference_table('about')
-- distribute: SELECT create_reference_table('numbered')
-- distribute: SELECT create_reference_table('p')
INSERT INTO t SELECT i, i % 97, 's' || i % 9 FROM generate_series(1, 1500) i;
ANALYZE t;
INSERT INTO r (k, v, s) SELECT k, v, s FROM t;
INSERT INTO r SELECT a.k, b.v, a.s || 'x' FROM t a JOIN t b USING (k) WHERE a.v > 5;
INSERT INTO r (k, s) SELECT max(k), s FROM t GROUP BY s, v RETURNING s, v, double, at = now();
SELECT count(*), count(DISTINCT at), sum(k), sum(v), sum(double), min(s), max(s) FROM r;
-- keys and constraints
INSERT INTO named SELECT 'n' || k, k FROM t;
INSERT INTO named SELECT 'm' || k, k + 3500 FROM t;
INSERT INTO named SELECT 'm' || k, NULLIF(k, 1499) FROM t;
INSERT INTO named SELECT 'n' || k + 1499, k FROM t;
INSERT INTO named SELECT 'n' || k + 1000, k FROM t ON CONFLICT DO NOTHING;
INSERT INTO named SELECT 'l' || v, k FROM t ON CONFLICT DO NOTHING RETURNING s;
INSERT INTO named SELECT 'n' || k, 1 FROM t ON CONFLICT (s) DO UPDATE SET n = named.n + 1;
SELECT count(*), sum(n), count(DISTINCT s) FROM named WHERE s NOT LIKE 'l%';
INSERT INTO about SELECT k, 'n' || k FROM t;
INSERT INTO about SELECT k + 1500, 'n' || k + 1001 FROM t;
SELECT count(*), sum(k), max(s) FROM about;
INSERT INTO numbered (k) SELECT k FROM t;
SELECT count(*), sum(k), count(DISTINCT id), count(DISTINCT random) > 1400 FROM numbered;
INSERT INTO p SELECT k, v % 98 FROM t;
INSERT INTO p SELECT k, v + 5 FROM t;
SELECT tableoid::regclass, count(*), sum(k) FROM p GROUP BY 1;
-- what it reads, it does not see change; what is undone is undone everywhere
BEGIN;
SAVEPOINT a;
INSERT INTO r (k, s) SELECT k, 'undone' FROM t;
ROLLBACK TO a;
UPDATE t SET v = v + 1 WHERE k % 2 = 0;
INSERT INTO r (k, v, s) SELECT k, v, 'block' FROM t;
SELECT s, count(*), sum(v) FROM r WHERE s IN ('undone', 'block') GROUP BY s;
COMMIT;
INSERT INTO r (k, v, s) SELECT k, length(repeat(s, 3000)), repeat(s, 3000) FROM t;
SELECT count(*), sum(v), count(DISTINCT s) FROM r WHERE length(s) > 1000;
PREPARE some(int) AS INSERT INTO r (k, v, s) SELECT k, $1, 'prepared' FROM t WHERE v <> $1;
EXECUTE some(1);
EXECUTE some(2);
EXECUTE some(NULL);
CREATE UNIQUE INDEX ON r (k, v) WHERE s = 'prepared';
EXECUTE some(3);
EXECUTE some(3);
SELECT v, count(*), sum(k) FROM r WHERE s = 'prepared' GROUP BY v;
-- worker
SELECT count(*), sum(k), sum(v), sum(double) FROM r;
SELECT count(*), sum(n) FROM named WHERE s NOT LIKE 'l%';
SELECT count(*), sum(k) FROM p2;
INSERT INTO r (k, v, s) SELECT k, v, 'worker' FROM t;
SELECT count(*), sum(k), sum(v) FROM r WHERE s = 'worker';
