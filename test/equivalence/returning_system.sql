-- Columns of the system in RETURNING.
CREATE TABLE ut (a int, b text) PARTITION BY LIST (a);
CREATE TABLE ut1 PARTITION OF ut FOR VALUES IN (1);
CREATE TABLE ut2 PARTITION OF ut FOR VALUES IN (2);
CREATE TABLE up (a int PRIMARY KEY, b text);
CREATE TABLE ref (a int PRIMARY KEY, b text);
-- distribute: SELECT create_distributed_table('ut', 'a')
-- distribute: SELECT create_distributed_table('up', 'a')
-- distribute: SELECT create_reference_table('ref')
INSERT INTO ut VALUES (1, 'foo') RETURNING *, tableoid::regclass, xmin IS NULL AS ok;
INSERT INTO ut VALUES (2, 'bar') RETURNING *, tableoid::regclass, xmin IS NULL AS ok;
INSERT INTO ut VALUES (2, 'bar') RETURNING tableoid::regclass;
INSERT INTO ut VALUES (2, 'bar') RETURNING xmin IS NULL;
INSERT INTO ut VALUES (2, 'bar') RETURNING cmin IS NULL, xmax = 0;
INSERT INTO ut VALUES (2, 'bar') RETURNING ut;
INSERT INTO ut VALUES (2, 'bar') RETURNING ctid IS NULL;
INSERT INTO up VALUES (1, 'foo') RETURNING up, tableoid::regclass, xmin IS NULL AS ok, xmax = 0;
INSERT INTO up VALUES (1, 'foo') ON CONFLICT (a) DO UPDATE SET b = 'x' RETURNING up, tableoid::regclass, xmin IS NULL AS ok, xmax = 0 AS inserted;
INSERT INTO up VALUES (1, 'foo'), (5, 'y') ON CONFLICT (a) DO UPDATE SET b = 'x' RETURNING a, (xmax = 0) AS inserted;
INSERT INTO up VALUES (1, 'foo'), (6, 'y') ON CONFLICT (a) DO UPDATE SET b = (SELECT max(b) FROM up) RETURNING a, (xmax = 0) AS inserted;
INSERT INTO up VALUES (1, 'foo'), (6, 'y') ON CONFLICT (a) DO UPDATE SET (b, a) = (SELECT b || ', Excluded', a FROM up i WHERE i.a = excluded.a) RETURNING tableoid::regclass, xmin <> 0 AS xmin_correct, xmax = 0 AS xmax_correct;
INSERT INTO up VALUES (1, 'foo'), (7, 'y') ON CONFLICT (a) DO UPDATE SET a = up.a + 100 RETURNING a, (xmax = 0) AS inserted;
INSERT INTO ref VALUES (1, 'foo') RETURNING ref, tableoid::regclass, xmax = 0;
UPDATE ut SET b = b || b FROM (VALUES (1), (2)) s(x) WHERE a = s.x AND random() < 2 RETURNING *, tableoid::regclass, xmin IS NULL AS ok;
UPDATE up SET b = b || b WHERE random() < 2 RETURNING up, tableoid::regclass;
UPDATE up SET a = a + 1000 WHERE a = 5 RETURNING up, tableoid::regclass, ctid IS NULL;
UPDATE ut SET a = 3 - a FROM (VALUES (1), (2)) s(x) WHERE a = s.x RETURNING *, tableoid::regclass;
CREATE FUNCTION same() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER same BEFORE INSERT OR UPDATE ON up FOR EACH ROW EXECUTE FUNCTION same();
INSERT INTO up VALUES (1, 'foo'), (8, 'y') ON CONFLICT (a) DO UPDATE SET b = 'x' RETURNING a, (xmax = 0) AS inserted;
DELETE FROM up WHERE a = 1 RETURNING up, tableoid::regclass, xmax <> 0 AS x;
DELETE FROM up WHERE random() < 2 RETURNING up, tableoid::regclass;
DELETE FROM ut RETURNING *, tableoid::regclass, xmax <> 0 AS xmax_ok;
INSERT INTO ref SELECT i, 'r' || i FROM generate_series(1, 9) i ON CONFLICT DO NOTHING;
-- Conditions that copies would decide each by itself.
DELETE FROM ref WHERE a = 2 + floor(random()) RETURNING ref, tableoid::regclass, ctid IS NULL, xmin = 0, xmax <> 0 AS x, cmin IS NULL, cmax IS NULL;
DELETE FROM ref WHERE a = 3 + floor(random()) AND xmin <> 0 RETURNING a, xmin IS NULL AS x;
UPDATE ref SET b = b || '!' WHERE a = 4 + floor(random()) AND xmin <> 0 AND cmin IS NOT NULL RETURNING ref, xmin IS NULL AS x;
UPDATE ref SET b = (xmin = 0)::text WHERE a >= 5 + floor(random()) AND a < 7 RETURNING ref, cmin IS NULL AS x;
WITH gone AS (DELETE FROM ref WHERE a = 7 + floor(random()) RETURNING xmin, xmax, a) SELECT a, xmin = 0, xmax <> 0 FROM gone;
MERGE INTO ref USING (SELECT i, random() AS q FROM generate_series(8, 9) i) s ON ref.a = s.i AND ref.xmin <> 0 WHEN MATCHED THEN UPDATE SET b = (q < 2)::text;
SELECT * FROM ref ORDER BY a;
DROP TABLE ut, up, ref;
DROP FUNCTION same;
