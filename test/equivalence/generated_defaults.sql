-- SET g = DEFAULT of a generated column: nothing is assigned, but rows are updated and triggers fire.
CREATE TABLE g (k int, a int, st int GENERATED ALWAYS AS (a + 1) STORED, s2 int GENERATED ALWAYS AS (a * 3) STORED);
CREATE TABLE e (k int, a int);
CREATE TABLE r (k int PRIMARY KEY, a int, st int GENERATED ALWAYS AS (a + 1) STORED);
CREATE TABLE u (k int PRIMARY KEY, a int, st int GENERATED ALWAYS AS (a + 1) STORED);
CREATE TABLE p (k int, a int, st int GENERATED ALWAYS AS (a + 1) STORED) PARTITION BY RANGE (a);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (5);
CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (5) TO (50);
CREATE TABLE log (k int, what text);
-- distribute: SELECT create_distributed_table('g', 'k', shard_count => 4)
-- distribute: SELECT create_distributed_table('e', 'k', colocate_with => 'g')
-- distribute: SELECT create_distributed_table('u', 'k', colocate_with => 'g')
-- distribute: SELECT create_distributed_table('p', 'k', colocate_with => 'g')
-- distribute: SELECT create_distributed_table('log', 'k', colocate_with => 'g')
-- distribute: SELECT create_reference_table('r')
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log VALUES (new.k, TG_NAME); RETURN NULL; END $$;
CREATE TRIGGER of_st AFTER UPDATE OF st ON g FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER of_s2 AFTER UPDATE OF s2 ON g FOR EACH ROW EXECUTE FUNCTION note();
CREATE FUNCTION add_one(int) RETURNS int LANGUAGE plpgsql VOLATILE AS 'begin return $1+1; end';
INSERT INTO g SELECT i % 7, i FROM generate_series(1, 12) i;
INSERT INTO e SELECT i % 5, i FROM generate_series(1, 5) i;
INSERT INTO r SELECT i, i FROM generate_series(1, 6) i;
INSERT INTO u SELECT i, i FROM generate_series(1, 6) i;
INSERT INTO p SELECT i % 3, i FROM generate_series(1, 9) i;
UPDATE g SET st = DEFAULT;
UPDATE g SET st = DEFAULT WHERE k = 1;
UPDATE g SET (s2, st) = (DEFAULT, DEFAULT) WHERE k = 2 RETURNING *;
UPDATE g SET st = DEFAULT, a = 50 WHERE k = 3 RETURNING a, st;
UPDATE g SET a = 51, k = 60 WHERE k = 3 RETURNING k, a, st;
UPDATE g SET st = DEFAULT, k = k + 70 WHERE k > 4;
UPDATE g SET st = DEFAULT FROM e WHERE e.k = g.k AND e.a > 2;
UPDATE g SET s2 = DEFAULT FROM e WHERE e.a = g.a RETURNING g.*, e.k;
UPDATE g SET st = DEFAULT WHERE add_one(a) < 6 RETURNING k;
UPDATE g SET s2 = DEFAULT WHERE a IN (SELECT max(a) FROM e);
WITH x AS (UPDATE g SET st = DEFAULT WHERE k = 1 RETURNING k, st) SELECT count(*), sum(st) FROM x;
MERGE INTO g USING (SELECT DISTINCT k FROM e) e ON g.k = e.k WHEN MATCHED AND g.a > 4 THEN UPDATE SET st = DEFAULT WHEN MATCHED THEN UPDATE SET a = 0;
SELECT k, what, count(*) FROM log GROUP BY k, what;
SELECT * FROM g;
UPDATE p SET st = DEFAULT RETURNING *;
MERGE INTO u USING (SELECT DISTINCT a FROM e) e ON u.a = e.a WHEN MATCHED THEN UPDATE SET st = DEFAULT;
UPDATE p1 SET st = DEFAULT WHERE k = 1;
UPDATE r SET st = DEFAULT WHERE k < 4 RETURNING *;
INSERT INTO r VALUES (2, 9), (20, 20) ON CONFLICT (k) DO UPDATE SET st = DEFAULT RETURNING *;
INSERT INTO u VALUES (2, 9), (20, 20) ON CONFLICT (k) DO UPDATE SET st = DEFAULT RETURNING *;
INSERT INTO u SELECT k, max(a) FROM g GROUP BY k ON CONFLICT (k) DO UPDATE SET st = DEFAULT, a = excluded.a WHERE u.k <> 2;
CREATE VIEW v AS SELECT k, a, st FROM u WHERE a < 60 WITH CHECK OPTION;
UPDATE v SET st = DEFAULT WHERE k > 2 RETURNING *;
PREPARE q(int) AS UPDATE u SET st = DEFAULT WHERE k = $1 RETURNING st;
EXECUTE q(2);
EXECUTE q(3);
SELECT * FROM u;
SELECT * FROM r;

-- The same without storage, from 18.
CREATE TABLE w (k int, a int, st int GENERATED ALWAYS AS (a + 1) VIRTUAL);
-- distribute: DO $$ BEGIN IF to_regclass('w') IS NOT NULL THEN PERFORM create_distributed_table('w', 'k', colocate_with => 'g'); END IF; END $$
INSERT INTO w SELECT i % 7, i FROM generate_series(1, 12) i;
UPDATE w SET st = DEFAULT;
UPDATE w SET st = DEFAULT WHERE k = 1 RETURNING *;
UPDATE w SET st = DEFAULT, k = st WHERE k = 1 RETURNING *;
MERGE INTO w USING (SELECT DISTINCT k FROM e) e ON w.k = e.k WHEN MATCHED THEN UPDATE SET st = DEFAULT;
SELECT * FROM w;
