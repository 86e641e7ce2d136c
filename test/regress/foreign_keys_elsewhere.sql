-- Tables of one node that reference distributed ones: statements of other nodes notice.
CREATE SCHEMA fe;
SET search_path TO fe;
SET citus.shard_count TO 4;
CREATE TABLE far (k int PRIMARY KEY, v text);
CREATE TABLE checks (k int CONSTRAINT checks_k REFERENCES far, w text);
SELECT create_distributed_table('far', 'k');
INSERT INTO far SELECT i, 'f' FROM generate_series(1, 20) i;
CREATE TABLE cascades (k int REFERENCES far ON DELETE CASCADE ON UPDATE CASCADE, w text);
CREATE TABLE empties (k int REFERENCES far ON DELETE SET NULL ON UPDATE SET NULL, w text);
CREATE TABLE waits (w text, k int);
ALTER TABLE waits ADD CONSTRAINT waits_k FOREIGN KEY (k) REFERENCES far DEFERRABLE INITIALLY DEFERRED;
INSERT INTO checks VALUES (1, 'a'), (NULL, 'b');
INSERT INTO cascades VALUES (3, 'a'), (4, 'b');
INSERT INTO empties VALUES (5, 'a'), (6, 'b');
INSERT INTO waits VALUES ('a', 7);
\c - - localhost :worker1_port
SET search_path TO fe;
\set VERBOSITY terse
DELETE FROM far WHERE k = 1;
UPDATE far SET k = 100 WHERE k = 1;
WITH gone AS (DELETE FROM far RETURNING k) SELECT count(*) FROM gone;
MERGE INTO far USING (VALUES (1)) s (k) ON far.k = s.k WHEN MATCHED THEN DELETE;
UPDATE far SET v = 'same', k = 1 WHERE k = 1;
DELETE FROM far WHERE k = 2;
DELETE FROM far WHERE k = 3;
UPDATE far SET k = 104 WHERE k = 4;
DELETE FROM far WHERE k = 5;
UPDATE far SET k = 106 WHERE k = 6;
-- checked at the end, and not when the row is there again
BEGIN;
DELETE FROM far WHERE k = 7;
INSERT INTO far VALUES (7, 'again');
COMMIT;
BEGIN;
DELETE FROM far WHERE k = 7;
SELECT count(*) FROM far WHERE k = 7;
COMMIT;
BEGIN;
DELETE FROM far WHERE k = 7;
SET CONSTRAINTS ALL IMMEDIATE;
ROLLBACK;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SAVEPOINT s;
DELETE FROM far WHERE k = 1;
ROLLBACK TO s;
DELETE FROM far WHERE k = 8;
COMMIT;
PREPARE gone (int) AS DELETE FROM far WHERE k = $1;
EXECUTE gone (1);
EXECUTE gone (9);
-- what the server's own checks say on the node that has the table
TRUNCATE far;
DROP TABLE far;
ALTER TABLE far DROP CONSTRAINT far_pkey;
ALTER TABLE far ALTER COLUMN k TYPE bigint;
-- rows of this node's tables
CREATE TABLE here (k int REFERENCES far);
INSERT INTO here VALUES (10);
DELETE FROM far WHERE k = 10;
\c - - localhost :coordinator_port
SET search_path TO fe;
\set VERBOSITY terse
DELETE FROM far WHERE k = 10;
DELETE FROM far WHERE k = 1;
TABLE far ORDER BY k;
TABLE cascades ORDER BY k;
TABLE empties ORDER BY w;
ALTER TABLE far ALTER COLUMN k TYPE bigint;
ALTER TABLE checks ALTER COLUMN k TYPE bigint;
ALTER TABLE checks RENAME TO checked;
ALTER TABLE far RENAME COLUMN k TO key;
\c - - localhost :worker1_port
SET search_path TO fe;
DROP TABLE here;
\c - - localhost :coordinator_port
SET search_path TO fe;
ALTER TABLE far ALTER COLUMN key TYPE bigint;
DELETE FROM far WHERE key = 10;
\c - - localhost :worker2_port
SET search_path TO fe;
DELETE FROM far WHERE key = 1;
CREATE ROLE fe_writer;
GRANT USAGE ON SCHEMA fe TO fe_writer;
GRANT DELETE ON far TO fe_writer;
SET ROLE fe_writer;
\set VERBOSITY default
DELETE FROM far WHERE true;
\set VERBOSITY terse
RESET ROLE;

-- rows that go because of other rows; partitions
\c - - localhost :coordinator_port
SET search_path TO fe;
SET client_min_messages TO warning;
DROP OWNED BY fe_writer;
DROP ROLE fe_writer;
SET citus.shard_count TO 4;
CREATE TABLE top (k int PRIMARY KEY);
CREATE TABLE middle (k int PRIMARY KEY REFERENCES top ON DELETE CASCADE) PARTITION BY RANGE (k);
CREATE TABLE middle_low PARTITION OF middle FOR VALUES FROM (0) TO (10);
SELECT create_distributed_table('top', 'k');
SELECT create_distributed_table('middle', 'k');
CREATE TABLE bottom (k int CONSTRAINT bottom_k REFERENCES middle);
CREATE TABLE middle_high PARTITION OF middle FOR VALUES FROM (10) TO (100);
INSERT INTO top SELECT generate_series(1, 30);
INSERT INTO middle SELECT k FROM top;
INSERT INTO bottom VALUES (1), (11);
\c - - localhost :worker1_port
SET search_path TO fe;
-- names of partitions' constraints are not those of all majors
\set VERBOSITY sqlstate
DELETE FROM top WHERE k = 1;
DELETE FROM top WHERE k = 2;
DELETE FROM middle WHERE k = 11;
DELETE FROM middle_low WHERE k = 1;
DELETE FROM middle_high WHERE k = 11;
DELETE FROM middle_high WHERE k = 12;
DELETE FROM middle WHERE k = 25;
UPDATE middle SET k = 25 WHERE k = 1;
SELECT count(*) FROM middle;

-- what is distributed, or gone, is asked nothing of
\c - - localhost :coordinator_port
SET search_path TO fe;
SET client_min_messages TO warning;
SELECT count(*) FROM pg_trigger WHERE tgfoid = 'citus_internal.referenced_elsewhere'::regproc AND tgrelid = 'middle'::regclass;
SET citus.shard_count TO 4;
SELECT create_distributed_table('bottom', 'k');
SELECT count(*) FROM pg_trigger WHERE tgfoid = 'citus_internal.referenced_elsewhere'::regproc AND tgrelid = 'middle'::regclass;
DROP TABLE cascades;
ALTER TABLE checked DROP CONSTRAINT checks_k;
\c - - localhost :worker1_port
SET search_path TO fe;
SELECT count(*) FROM pg_trigger WHERE tgfoid = 'citus_internal.referenced_elsewhere'::regproc AND tgrelid IN ('far'::regclass, 'middle'::regclass);
DELETE FROM middle WHERE k = 13;
DELETE FROM far WHERE key = 1;
\c - - localhost :coordinator_port
SET client_min_messages TO warning;
SELECT * FROM citus_internal.check_consistency();
DROP SCHEMA fe CASCADE;
