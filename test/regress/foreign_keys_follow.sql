-- Rows of another node's tables follow the rows that they refer to.
CREATE SCHEMA follow;
SET search_path TO follow;
SET citus.shard_count TO 4;
CREATE TABLE far (a int, b text, v int, PRIMARY KEY (a, b));
CREATE TABLE other (k int PRIMARY KEY);
SELECT create_distributed_table('far', 'a');
SELECT create_distributed_table('other', 'k');
INSERT INTO far SELECT i, 'x''' || i, i FROM generate_series(1, 20) i;
INSERT INTO other SELECT generate_series(1, 20);
CREATE TABLE near (id int, x bigint, y varchar CHECK (y <> 'no'), o int REFERENCES other ON UPDATE CASCADE,
	FOREIGN KEY (x, y) REFERENCES far ON UPDATE CASCADE ON DELETE CASCADE);
INSERT INTO near SELECT i, i, 'x''' || i, i FROM generate_series(1, 9) i;
INSERT INTO near SELECT 10 + i, i, 'x''' || i, i FROM generate_series(1, 3) i;
CREATE TABLE partly (x int, y text, FOREIGN KEY (x, y) REFERENCES far ON UPDATE SET NULL ON DELETE SET NULL (y));
INSERT INTO partly VALUES (15, 'x''15'), (16, 'x''16');
CREATE TABLE loop (k int REFERENCES other ON UPDATE CASCADE PRIMARY KEY);
CREATE TABLE onto (k int REFERENCES loop ON UPDATE CASCADE);
INSERT INTO loop VALUES (20);
INSERT INTO onto VALUES (20);
CREATE TABLE noted (k int REFERENCES other ON UPDATE CASCADE);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER noted AFTER UPDATE ON noted FOR EACH ROW EXECUTE FUNCTION note();
INSERT INTO noted VALUES (19);
CREATE TABLE given (k int DEFAULT 1 REFERENCES other ON DELETE SET DEFAULT);
INSERT INTO given VALUES (18);
CREATE TABLE halves (k int REFERENCES other ON UPDATE CASCADE) PARTITION BY RANGE (k);
CREATE TABLE halves_all PARTITION OF halves DEFAULT;
INSERT INTO halves VALUES (17);
\c - - localhost :worker1_port
SET search_path TO follow;
\set VERBOSITY terse
UPDATE far SET a = 101 WHERE a = 1;
UPDATE far SET b = 'y', a = a + 100 WHERE a IN (2, 3);
UPDATE far SET b = 'z' WHERE a = 4;
UPDATE far SET b = 'no' WHERE a = 5;
UPDATE far SET v = 0 WHERE a = 5;
BEGIN;
UPDATE far SET a = 106 WHERE a = 6;
SAVEPOINT s;
UPDATE far SET a = 206 WHERE a = 106;
ROLLBACK TO s;
UPDATE far SET a = 107 WHERE a = 7;
UPDATE far SET a = 207 WHERE a = 107;
DELETE FROM far WHERE a = 8;
COMMIT;
UPDATE other SET k = 109 WHERE k = 9;
WITH changed AS (UPDATE other SET k = k + 100 WHERE k < 4 RETURNING k) SELECT * FROM changed ORDER BY 1;
UPDATE far SET a = 115 WHERE a = 15;
DELETE FROM far WHERE a = 16;
-- values that have to be looked for here
UPDATE other SET k = 120 WHERE k = 20;
UPDATE other SET k = 119 WHERE k = 19;
DELETE FROM other WHERE k = 18;
UPDATE other SET k = 117 WHERE k = 17;
\c - - localhost :coordinator_port
SET search_path TO follow;
SELECT * FROM near ORDER BY id;
SELECT * FROM partly ORDER BY x;
SELECT count(*) FROM near JOIN far ON (x, y) = (a, b) JOIN other ON o = k;
SHOW session_replication_role;
INSERT INTO near VALUES (30, 777, 'nothing', 4);
SELECT * FROM citus_internal.check_consistency();
SET client_min_messages TO warning;
DROP SCHEMA follow CASCADE;
