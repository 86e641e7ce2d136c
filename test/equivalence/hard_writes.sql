-- Writes of the shapes that sharded databases are known to refuse: every kind of target fed from every
-- kind of source, volatile and stable functions, keys that change, views, conflicts, MERGE.
CREATE TYPE pair AS (a int, b int);
CREATE TABLE t (k int PRIMARY KEY, v int, s text DEFAULT 'none', at timestamptz, list int[] DEFAULT '{1,2,3}', both_ pair DEFAULT '(1,2)');
CREATE TABLE u (k int, x int);
CREATE TABLE w (id bigint PRIMARY KEY, k int, x int);
CREATE TABLE one (k int PRIMARY KEY, x int);
CREATE TABLE r (id int PRIMARY KEY, label text, n int);
CREATE TABLE managed (k int PRIMARY KEY, x int);
CREATE TABLE plain (k int PRIMARY KEY, x int);
CREATE TABLE log (id int, what text);
CREATE SEQUENCE numbers START 100;
CREATE FUNCTION next_day(d timestamptz) RETURNS timestamptz LANGUAGE sql STABLE AS $$ SELECT d + interval '1 day' $$;
CREATE FUNCTION sum_of(n int) RETURNS bigint LANGUAGE plpgsql VOLATILE AS
	$$ DECLARE c bigint; BEGIN SELECT sum(x) INTO c FROM u WHERE k = n; RETURN c; END $$;
CREATE VIEW few AS SELECT k, v, s FROM t WHERE v < 20;
-- distribute: SELECT create_distributed_table('t', 'k')
-- distribute: SELECT create_distributed_table('u', 'k', colocate_with => 't')
-- distribute: SELECT create_distributed_table('w', 'id')
-- distribute: SELECT create_distributed_table('one', NULL)
-- distribute: SELECT create_reference_table('r')
-- distribute: SELECT citus_add_local_table_to_metadata('managed')
INSERT INTO t SELECT i, i * 7 % 31, 's' || i % 5, timestamptz '2020-01-01 00:00+00' + i * interval '1 day' FROM generate_series(1, 40) i;
INSERT INTO u SELECT i % 30 + 1, i FROM generate_series(1, 60) i;
INSERT INTO w SELECT i, i % 25, i * 3 % 31 FROM generate_series(1, 35) i;
INSERT INTO one SELECT i, i * 2 FROM generate_series(1, 10) i;
INSERT INTO r SELECT i, 'label ' || i, i % 3 FROM generate_series(0, 6) i;
INSERT INTO managed SELECT i, i % 4 FROM generate_series(1, 20) i;
INSERT INTO plain SELECT i, i % 3 FROM generate_series(1, 15) i;
-- INSERT: sub-queries and functions among the values, defaults, targets in arrays and composites
INSERT INTO t (k, v) VALUES ((SELECT max(k) + 1 FROM t), (SELECT count(*) FROM w)), (61, sum_of(3)::int), (62, DEFAULT) RETURNING k, v, s;
INSERT INTO t (k, list[2], both_.b) VALUES (63, 9, 8) RETURNING list, both_;
INSERT INTO t (k, at) VALUES (64, now()), (65, clock_timestamp()) RETURNING k, at <= clock_timestamp(), at >= now();
INSERT INTO t (k, v) SELECT 66, nextval('numbers') UNION ALL SELECT 67, nextval('numbers');
SELECT count(DISTINCT v) FROM t WHERE k IN (66, 67);
-- differs: SQLSTATE, a row without a key is 22004
INSERT INTO t (v) VALUES (1);
-- differs: SQLSTATE, a row without a key is 22004
INSERT INTO t (k) VALUES (NULL);
WITH src AS (SELECT x FROM w WHERE id < 4) INSERT INTO u SELECT 100 + x, x FROM src RETURNING k;
-- INSERT .. SELECT: each kind of table from each
INSERT INTO u SELECT k, v FROM t WHERE k < 5;
INSERT INTO u SELECT v, k FROM t WHERE v < 5;
INSERT INTO u SELECT t.k, w.x FROM t JOIN w ON w.x = t.v WHERE w.id < 6;
INSERT INTO w SELECT 1000 + k, k, x FROM u WHERE k < 4 AND x < 10 ON CONFLICT DO NOTHING RETURNING id, x;
INSERT INTO one SELECT k + 100, v FROM t WHERE k < 4;
INSERT INTO t (k, v) SELECT k + 200, x FROM one WHERE k < 4;
INSERT INTO r SELECT k + 100, s, v FROM t WHERE k < 4 RETURNING *;
INSERT INTO t (k, s) SELECT id + 300, label FROM r WHERE id < 3;
INSERT INTO managed SELECT k + 100, v FROM t WHERE k < 4;
INSERT INTO t (k, v) SELECT k + 400, x FROM managed WHERE k < 3;
INSERT INTO plain SELECT k + 100, v FROM t WHERE k < 4;
INSERT INTO t (k, v) SELECT k + 500, x FROM plain WHERE k < 3;
INSERT INTO u SELECT k, x FROM u WHERE k < 3;
INSERT INTO u SELECT k, count(*) FROM (SELECT k FROM t UNION ALL SELECT k FROM u) q WHERE k < 4 GROUP BY k;
INSERT INTO u SELECT k, rank() OVER (ORDER BY v DESC NULLS LAST, k) FROM t WHERE k < 6 ORDER BY v LIMIT 3;
INSERT INTO u (x, k) SELECT DISTINCT ON (s) v, k FROM t WHERE s LIKE 's%' ORDER BY s, k;
INSERT INTO t (k, v) SELECT k, 7 FROM u WHERE k < 4 GROUP BY k ON CONFLICT (k) DO UPDATE SET v = t.v + excluded.v WHERE t.k <> 2 RETURNING k, v;
INSERT INTO t (k, v) VALUES (1, 5), (601, 6) ON CONFLICT (k) DO UPDATE SET v = (SELECT max(x) FROM w) + excluded.v, at = now(), s = t.s || excluded.s RETURNING k, v, s;
INSERT INTO t (k, v) VALUES (2, 5), (2, 6) ON CONFLICT (k) DO UPDATE SET v = excluded.v;
INSERT INTO r VALUES (1, 'again', 0), (50, 'new', 1) ON CONFLICT (id) DO UPDATE SET label = r.label || excluded.label, n = r.n + 1 RETURNING *;
-- UPDATE and DELETE: functions, joins with every kind, correlation, rows that move
UPDATE t SET at = next_day(at), v = v + 1 WHERE at < now() AND k < 10;
UPDATE t SET v = v + (random() * 0)::int WHERE k BETWEEN 5 AND 8;
UPDATE t SET v = COALESCE(NULLIF(v, 3), (random() * 0)::int) WHERE at <= clock_timestamp();
UPDATE t SET v = nextval('numbers') WHERE k IN (10, 11, 12);
SELECT count(DISTINCT v) FROM t WHERE k IN (10, 11, 12);
UPDATE t SET v = 12 WHERE k IN (10, 11, 12);
UPDATE t SET v = w.x FROM w WHERE w.id = t.v AND t.k < 20 RETURNING t.k, t.v, w.id;
UPDATE t SET s = r.label FROM r WHERE r.id = t.k;
UPDATE t SET v = plain.x FROM plain WHERE plain.k = t.k RETURNING t.k, plain.x;
UPDATE t SET v = q.n FROM (SELECT k, count(*) AS n FROM u GROUP BY k) q WHERE q.k = t.k AND t.k % 3 = 0;
UPDATE t SET v = q.n FROM (VALUES (7, 70), (8, 80)) q(k, n) WHERE q.k = t.k RETURNING *, now() IS NOT NULL;
UPDATE t SET (v, s) = (SELECT count(*), min(label) FROM r WHERE r.id <= t.k) WHERE k < 5;
UPDATE t SET v = (SELECT count(*) FROM w WHERE w.x < t.k) WHERE k < 15 AND EXISTS (SELECT FROM w WHERE w.k = t.v);
UPDATE t SET list[1] = k, both_.a = v WHERE k IN (20, 21) RETURNING list, both_;
UPDATE t SET v = one.x FROM one, managed WHERE one.k = managed.k AND t.k = one.k + 20;
UPDATE r SET n = q.c FROM (SELECT v % 7 AS id, count(*) AS c FROM t GROUP BY 1) q WHERE q.id = r.id;
UPDATE r SET n = t.v FROM t WHERE t.k = r.id RETURNING r.id, r.n;
UPDATE plain SET x = t.v FROM t WHERE t.k = plain.k RETURNING plain.k, t.v;
UPDATE managed SET x = t.v FROM t WHERE t.k = managed.k AND t.v IN (SELECT x FROM w);
UPDATE one SET x = (SELECT max(v) FROM t WHERE t.k < one.k);
UPDATE t SET k = k + 1000 WHERE k IN (30, 31, 32) RETURNING k;
UPDATE t SET k = 2000 + w.id FROM w WHERE w.id = t.k AND t.k IN (33, 34) RETURNING t.k, w.x;
UPDATE t SET k = k WHERE k < 9;
UPDATE t SET k = 1 WHERE k = 2;
-- differs: SQLSTATE, a row without a key is 22004
UPDATE t SET k = NULL WHERE k = 5;
WITH q AS (UPDATE t SET v = -v WHERE k < 6 RETURNING k, v) UPDATE u SET x = q.v FROM q WHERE q.k = u.k RETURNING u.k, u.x;
DELETE FROM u USING w WHERE w.k = u.x AND u.k > 20 RETURNING u.k, u.x;
DELETE FROM u USING t, r WHERE t.k = u.k AND r.id = t.v RETURNING u.x, r.label;
DELETE FROM u WHERE x > (SELECT avg(v) FROM t WHERE t.k <> u.k) AND k > 15;
DELETE FROM u WHERE (k, x) IN (SELECT k, min(x) FROM u GROUP BY k HAVING count(*) > 3);
DELETE FROM w WHERE NOT EXISTS (SELECT FROM t WHERE t.v = w.x) AND random() < 2;
DELETE FROM r USING t WHERE t.v = r.id AND r.id > 50 RETURNING r.id;
DELETE FROM plain WHERE k IN (SELECT k FROM t WHERE v % 2 = 0);
DELETE FROM managed USING one WHERE one.k = managed.k RETURNING managed.k;
-- Views
INSERT INTO few VALUES (3000, 3, 'view') RETURNING *;
UPDATE few SET v = v + 1 WHERE s = 's1' RETURNING k, v;
DELETE FROM few USING w WHERE w.id = few.v AND few.k > 20 RETURNING few.k;
CREATE MATERIALIZED VIEW counted AS SELECT s, count(*) AS n FROM t GROUP BY s;
UPDATE t SET v = n FROM counted WHERE counted.s = t.s AND k < 4;
-- MERGE: targets and sources
MERGE INTO t USING u ON t.k = u.x AND u.x < 4 AND u.k < 4 WHEN MATCHED THEN UPDATE SET v = 0 WHEN NOT MATCHED AND u.x = 59 THEN INSERT (k, v) VALUES (4000, 1);
MERGE INTO t USING (SELECT x AS k, count(*) AS n FROM w GROUP BY x) q ON t.k = q.k WHEN MATCHED AND q.n > 1 THEN DELETE WHEN MATCHED THEN UPDATE SET v = q.n WHEN NOT MATCHED THEN INSERT (k, v) VALUES (q.k + 5000, q.n);
MERGE INTO t USING plain ON t.k = plain.k WHEN MATCHED THEN UPDATE SET s = 'plain' WHEN NOT MATCHED THEN INSERT (k, v) VALUES (plain.k, plain.x);
MERGE INTO t USING r ON t.v = r.n WHEN MATCHED AND t.k < r.id THEN DO NOTHING WHEN NOT MATCHED THEN INSERT VALUES (r.id + 6000, r.n);
MERGE INTO plain USING t ON plain.k = t.k WHEN MATCHED THEN UPDATE SET x = t.v WHEN NOT MATCHED AND t.k < 20 THEN INSERT VALUES (t.k, t.v);
MERGE INTO r USING (SELECT DISTINCT v FROM t WHERE v BETWEEN 0 AND 9) q ON r.id = q.v WHEN MATCHED THEN UPDATE SET n = n + 1 WHEN NOT MATCHED THEN INSERT VALUES (q.v, 'merged', 0);
MERGE INTO managed USING t ON managed.k = t.k AND t.k < 30 WHEN NOT MATCHED AND t.k < 3 THEN INSERT VALUES (t.k, t.v) WHEN MATCHED THEN DELETE;
MERGE INTO one USING (SELECT * FROM u JOIN w USING (k)) q(k, a, b, c) ON one.x = q.a AND q.a < 6 AND q.b = (SELECT min(id) FROM w WHERE w.k = q.k) WHEN MATCHED THEN UPDATE SET x = q.c;
MERGE INTO t USING (VALUES (7, 1), (8, 2)) q(k, n) ON t.k = q.k WHEN MATCHED THEN UPDATE SET k = t.k + 7000, v = q.n WHEN NOT MATCHED THEN INSERT (k, at) VALUES (q.k, now());
WITH q AS (SELECT k, max(x) AS x FROM u GROUP BY k) MERGE INTO w USING q ON w.id = q.k WHEN MATCHED AND EXISTS (SELECT FROM t WHERE t.k = q.k) THEN UPDATE SET x = (SELECT count(*) FROM t WHERE t.v < q.x) WHEN NOT MATCHED THEN INSERT VALUES (q.k, q.k, q.x);
MERGE INTO t USING w ON t.k = w.id AND false WHEN NOT MATCHED AND w.id < 2 THEN INSERT (k, v) VALUES (w.id + 8000, 0);
-- Row locks that choose what is written
UPDATE t SET v = 99 WHERE k IN (SELECT k FROM t WHERE v > 2 ORDER BY v, k LIMIT 2 FOR UPDATE SKIP LOCKED) RETURNING k;
DELETE FROM t WHERE k = (SELECT k FROM t WHERE v = 99 ORDER BY k LIMIT 1 FOR UPDATE) RETURNING k;
-- What came of it
SELECT k, v, s, list, both_ FROM t WHERE k NOT BETWEEN 60 AND 70 ORDER BY k;
SELECT k, x FROM u ORDER BY k, x;
SELECT * FROM w ORDER BY id;
SELECT * FROM one ORDER BY k;
SELECT * FROM r ORDER BY id;
SELECT * FROM managed ORDER BY k;
SELECT * FROM plain ORDER BY k;
