-- Rows of a local table that are changed or locked beside distributed ones, in every way that columns of
-- these can be read.
CREATE TABLE l (id int PRIMARY KEY, k int, v int, t text);
CREATE TABLE gone_first (gone int, k int PRIMARY KEY, x int, "Odd name" text, g int GENERATED ALWAYS AS (x * 2) STORED, a int[]);
ALTER TABLE gone_first DROP COLUMN gone;
ALTER TABLE gone_first RENAME TO d;
CREATE TABLE d2 (k int, part int, z numeric, PRIMARY KEY (k, part)) PARTITION BY LIST (part);
CREATE TABLE d2_1 PARTITION OF d2 FOR VALUES IN (1);
CREATE TABLE d2_2 PARTITION OF d2 FOR VALUES IN (2);
CREATE TABLE r (k int PRIMARY KEY, w int);
-- distribute: SELECT create_distributed_table('d', 'k')
-- distribute: SELECT create_distributed_table('d2', 'k')
-- distribute: SELECT create_reference_table('r')
INSERT INTO l SELECT i, i % 7, i * 10, 't' || i FROM generate_series(1, 20) i;
INSERT INTO d (k, x, "Odd name", a) SELECT i, i * 100, 'row ' || i, ARRAY[i, i + 1] FROM generate_series(0, 9) i;
INSERT INTO d2 SELECT i, 1 + i % 2, i / 3.0 FROM generate_series(0, 9) i;
INSERT INTO r SELECT i, -i FROM generate_series(0, 9) i;

-- columns, whole rows, system columns
UPDATE l SET t = "Odd name", v = g FROM d WHERE d.k = l.k AND l.id < 5 RETURNING l.*, x, a[2];
UPDATE l SET t = d::text FROM d WHERE d.k = l.k AND l.id < 5 RETURNING l.*, d;
UPDATE l SET t = (d).a[1]::text || e.x FROM d JOIN d e (k, x) USING (k) WHERE k = l.k AND l.id < 5 RETURNING l.*, d.a, e.x, k;
UPDATE l SET v = 1 FROM d e (kk, xx, name) WHERE kk = l.k AND l.id < 3 RETURNING l.*, e.*, to_jsonb(e);
UPDATE l SET v = 1 FROM d NATURAL JOIN r WHERE d.k = l.k AND l.id < 3 RETURNING l.id, d.*, r.*, r;
UPDATE l SET v = 1 FROM (d JOIN d2 USING (k)) AS j WHERE j.k = l.k AND l.id < 3 RETURNING l.id, j.*, j.z * 2 AS twice;
UPDATE l SET v = 2 FROM d LEFT JOIN d2 ON d2.k = d.k AND d2.part = 1 WHERE d.k = l.k AND l.id < 6 RETURNING l.id, d.k, d2, d2 IS NULL AS none, d2.z;
UPDATE l SET v = 3 FROM d FULL JOIN (SELECT * FROM r WHERE k > 5) r ON r.k = d.k WHERE l.k = coalesce(d.k, r.k) AND l.id < 7 RETURNING l.id, d.*, r;
DELETE FROM l USING d WHERE d.k = l.k AND d.x > 500 AND l.id > 15 RETURNING l.*, d.tableoid::regclass = 'd'::regclass AS t, d.x;
DELETE FROM l USING d2 WHERE d2.k = 7 AND l.id = 14 RETURNING l.id;
UPDATE l SET v = 4 FROM d2 WHERE d2.k = l.k AND d2.part = 2 AND l.id < 6 RETURNING l.id, d2.*;
UPDATE l SET v = 5 FROM ONLY d2 WHERE d2.k = l.k RETURNING l.id;
UPDATE l SET v = 6 FROM r WHERE r.k = l.k AND w > -3 RETURNING l.id, r;
UPDATE l SET v = 7 FROM d TABLESAMPLE system (100) WHERE d.k = l.k AND l.id < 4 RETURNING l.id, d.x;
UPDATE l SET v = 7 FROM r, LATERAL (SELECT x FROM d TABLESAMPLE bernoulli (100 + r.w * 0) WHERE d.k = r.k) s WHERE r.k = l.k AND l.id < 4 RETURNING l.id, s.x;

-- sub-queries beside, below and above
UPDATE l SET v = s.m FROM d, LATERAL (SELECT max(z) + d.x AS m FROM d2 WHERE d2.k <= d.k) s WHERE d.k = l.k AND l.id < 6 RETURNING l.id, l.v;
UPDATE l SET v = (SELECT count(*) FROM d2 WHERE d2.k < d.k) FROM d WHERE d.k = l.k AND l.id < 6 RETURNING l.id, l.v;
UPDATE l SET v = s.x FROM (SELECT d.k, d.x, d2.z FROM d JOIN d2 USING (k) WHERE d.x > 100) s WHERE s.k = l.k RETURNING l.id, s.*;
UPDATE l SET v = s.x FROM (SELECT k, x FROM d ORDER BY x LIMIT 3) s WHERE s.k = l.k RETURNING l.id, s.*;
UPDATE l SET v = s.x FROM (SELECT DISTINCT ON (k) k, x FROM d ORDER BY k, x) s WHERE s.k = l.k AND l.id < 4 RETURNING l.id, s.*;
UPDATE l SET v = s.x FROM (SELECT k, x, row_number() OVER (ORDER BY x) AS n FROM d) s WHERE s.k = l.k AND n < 4 RETURNING l.id, s.*;
UPDATE l SET v = s.x FROM (SELECT k, x FROM d UNION SELECT k, w FROM r) s WHERE s.k = l.k AND s.x > 0 AND l.id < 6 RETURNING l.id, s.*;
UPDATE l SET v = s.x FROM (SELECT k, x FROM d WHERE x > 300 UNION ALL SELECT k, w FROM r WHERE w > -3) s WHERE s.k = l.k RETURNING l.id, s.*;
UPDATE l SET v = 8 WHERE k IN (SELECT k FROM d WHERE x > 300) RETURNING id;
UPDATE l SET v = 8 WHERE k NOT IN (SELECT k FROM d WHERE x > 300) RETURNING id;
UPDATE l SET v = 9 WHERE EXISTS (SELECT FROM d JOIN d2 USING (k) WHERE d.k = l.k AND z > 1) RETURNING id;
UPDATE l SET v = 9 WHERE v > 100 OR NOT EXISTS (SELECT FROM d WHERE d.k = l.k AND x > l.v) RETURNING id;
UPDATE l SET (v, t) = (SELECT x, "Odd name" FROM d WHERE d.k = l.k) WHERE id < 6 RETURNING *;
WITH s AS (SELECT k, x FROM d WHERE x > 200), n AS MATERIALIZED (SELECT k, z FROM d2) UPDATE l SET v = s.x FROM s JOIN n USING (k) WHERE s.k = l.k RETURNING l.id, s.*, n.*;
WITH gone AS (DELETE FROM l USING d WHERE d.k = l.k AND l.id = 9 RETURNING l.id, d.*) SELECT * FROM gone;
WITH new AS (INSERT INTO d (k, x) VALUES (20, 2000) RETURNING k, x) UPDATE l SET v = new.x FROM new, d WHERE l.id = 10 AND d.k = l.k RETURNING l.id, l.v, d.x;

-- MERGE
MERGE INTO l USING d ON d.k = l.id WHEN MATCHED AND d.x > 500 THEN DELETE WHEN MATCHED THEN UPDATE SET t = d."Odd name", v = d.g WHEN NOT MATCHED AND d.k > 15 THEN INSERT VALUES (d.k, d.x, d.a[1], d::text);
SELECT * FROM l ORDER BY id;
MERGE INTO l USING (SELECT d.k, x, z FROM d JOIN d2 USING (k)) s ON s.k = l.k WHEN MATCHED AND s.z > 2 THEN UPDATE SET v = s.x WHEN MATCHED THEN DO NOTHING;
SELECT * FROM l ORDER BY id;

-- locks
SELECT l.id, d.* FROM l JOIN d USING (k) WHERE l.id < 5 ORDER BY l.id FOR UPDATE OF l;
SELECT l.id, d FROM l LEFT JOIN d ON d.k = l.k AND d.x > 200 WHERE l.id < 5 ORDER BY l.id FOR UPDATE OF l;
SELECT l.id, d.x FROM l JOIN d USING (k) WHERE l.id < 5 ORDER BY l.id FOR UPDATE;
SELECT l.id, d.x, r FROM l JOIN d USING (k) JOIN r USING (k) WHERE l.id < 5 ORDER BY l.id LIMIT 2 FOR NO KEY UPDATE OF l FOR SHARE OF d;
SELECT * FROM (SELECT l.id, d.x FROM l JOIN d USING (k) FOR UPDATE OF l) s WHERE x > 300 ORDER BY id;
SELECT id, (SELECT max(x) FROM d WHERE d.k <= l.k) AS m FROM l WHERE EXISTS (SELECT FROM d WHERE d.k = l.k AND d.x > 100) ORDER BY id FOR UPDATE;
SELECT count(*) FROM (SELECT 1 FROM l, d WHERE d.k = l.k FOR KEY SHARE OF l SKIP LOCKED) s;
SELECT l.id, v.x FROM l JOIN LATERAL (SELECT x FROM d WHERE d.k = l.k OFFSET 0) v ON true WHERE l.id < 5 ORDER BY l.id FOR UPDATE OF l;

-- views, prepared, functions
CREATE VIEW dv WITH (security_barrier) AS SELECT k, x, "Odd name" AS name FROM d WHERE x > 100;
UPDATE l SET v = dv.x FROM dv WHERE dv.k = l.k AND dv.name <> 'row 2' RETURNING l.id, dv.*;
SELECT l.id, dv FROM l JOIN dv USING (k) ORDER BY l.id LIMIT 3 FOR UPDATE OF l;
CREATE VIEW lv AS SELECT l.id, l.k, l.v FROM l WHERE id < 8;
UPDATE lv SET v = d.x + 1 FROM d WHERE d.k = lv.k AND d.x > 100 RETURNING lv.*, d.x;
SELECT lv.*, d.x FROM lv JOIN d USING (k) ORDER BY lv.id FOR UPDATE OF lv;
PREPARE p (int, text) AS UPDATE l SET v = d.x + $1 FROM d WHERE d.k = l.k AND d."Odd name" <> $2 AND l.id < $1 RETURNING l.id, l.v, $2;
EXECUTE p (3, 'row 1');
EXECUTE p (5, 'row 2');
CREATE FUNCTION change(n int) RETURNS SETOF int LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY UPDATE l SET v = d.x FROM d WHERE d.k = l.k AND l.id < n AND d.x >= n RETURNING l.v;
END $$;
SELECT change(5);
SELECT change(7);
DROP FUNCTION change;
DEALLOCATE p;
SELECT * FROM l ORDER BY id;

-- policies
CREATE ROLE eq_local_rows;
GRANT SELECT, UPDATE, DELETE ON l, d, r TO eq_local_rows;
ALTER TABLE d ENABLE ROW LEVEL SECURITY;
CREATE POLICY few ON d USING (x < 400 AND k IN (SELECT k FROM r));
SET ROLE eq_local_rows;
UPDATE l SET v = d.x FROM d WHERE d.k = l.k AND l.id < 8 RETURNING l.id, d.x;
SELECT l.id, d.x FROM l JOIN d USING (k) WHERE l.id < 8 ORDER BY l.id FOR UPDATE OF l;
DELETE FROM l WHERE k NOT IN (SELECT k FROM d) AND id < 8 RETURNING id;
RESET ROLE;
SELECT * FROM l ORDER BY id;
DROP VIEW lv, dv;
DROP TABLE l, d, d2, r;
DROP ROLE eq_local_rows;
