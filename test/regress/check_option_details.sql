-- What the error of a view WITH CHECK OPTION quotes, as one server does.
CREATE SCHEMA cod;
SET search_path TO cod;
SET citus.shard_count TO 4;
CREATE TABLE p (k int PRIMARY KEY, gone int, v int, w text, "S t" text, g int GENERATED ALWAYS AS (v * 2) STORED);
ALTER TABLE p DROP COLUMN gone;
CREATE TABLE q (at int, k int, v int) PARTITION BY RANGE (at);
CREATE TABLE q1 (k int, v int, at int);
ALTER TABLE q ATTACH PARTITION q1 DEFAULT;
SELECT create_distributed_table('p', 'k');
SELECT create_distributed_table('q', 'k');
INSERT INTO p VALUES (1, 1, 'a', 'b'), (2, 2, 'b', 'c'); INSERT INTO q VALUES (1, 2, 3);
CREATE VIEW pv AS SELECT * FROM p WHERE v < 100 WITH CHECK OPTION;
CREATE VIEW pw AS SELECT k, v FROM pv WHERE v <> 50 WITH LOCAL CHECK OPTION;
CREATE VIEW qv AS SELECT * FROM q WHERE v < 100 WITH CHECK OPTION;
CREATE ROLE cod_some; CREATE ROLE cod_owner;
GRANT USAGE ON SCHEMA cod TO cod_some, cod_owner;
GRANT SELECT (k, v) ON p TO cod_some;
GRANT SELECT, INSERT, UPDATE ON pv TO cod_some;
GRANT SELECT (k), INSERT, UPDATE ON pw TO cod_some;
GRANT SELECT (k, v), INSERT, UPDATE ON p TO cod_owner;
CREATE VIEW ov AS SELECT k, v FROM p WHERE v < 100 WITH CHECK OPTION;
ALTER VIEW ov OWNER TO cod_owner;
GRANT SELECT, INSERT, UPDATE ON ov TO cod_some;
\c - - localhost :worker1_port
\set VERBOSITY default
\set SHOW_CONTEXT never
SET search_path TO cod;
INSERT INTO pv VALUES (200, 200, 'x', 'y');
INSERT INTO pv VALUES (200, 200, repeat('äx', 50), NULL);
INSERT INTO pw VALUES (200, 50);
UPDATE pv SET v = 101 WHERE k = 1;
UPDATE pw SET v = 50 WHERE k = 2 RETURNING k;
UPDATE qv SET v = 500 WHERE k = 2;
INSERT INTO qv VALUES (1, 3, 300);
INSERT INTO pv VALUES (1, 20, 'x', 'y') ON CONFLICT (k) DO UPDATE SET v = 300;
INSERT INTO pv SELECT 100 + i, 98 + i, 'x' FROM generate_series(2, 2) i;
UPDATE pv SET k = 9, v = 300 WHERE k = 1;
SET ROLE cod_some;
INSERT INTO pv VALUES (200, 200, 'x', 'y');
UPDATE pv SET v = 200 WHERE k = 1;
INSERT INTO pw VALUES (200, 50);
UPDATE pw SET v = 50 WHERE k = 1;
RESET ROLE;
ALTER TABLE p ENABLE ROW LEVEL SECURITY;
CREATE POLICY pol ON p USING (true);
GRANT SELECT ON p TO cod_some;
SET ROLE cod_some;
UPDATE pv SET v = 200 WHERE k = 1;
RESET ROLE;
ALTER TABLE p DISABLE ROW LEVEL SECURITY;
UPDATE pv SET v = v + 1;
-- in WITH, where one shard has the row
WITH x AS (UPDATE pv SET v = 200 WHERE k = 1 RETURNING *) SELECT * FROM x;
WITH x AS (UPDATE pv SET v = 2 WHERE k = 1 RETURNING *) SELECT k, v FROM x;
-- the view's owner may not read all of the row: it is not asked for
INSERT INTO ov VALUES (200, 200);
INSERT INTO ov VALUES (3, 3);
UPDATE ov SET v = 4 WHERE k = 3;
\c - - localhost :coordinator_port
SET search_path TO cod;
SET client_min_messages TO warning;
TABLE p ORDER BY k;
DROP OWNED BY cod_some, cod_owner; DROP ROLE cod_some, cod_owner;
DROP SCHEMA cod CASCADE;
