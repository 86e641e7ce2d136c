-- ALTER COLUMN .. TYPE of columns that local tables of another node reference.
CREATE SCHEMA fkt;
SET search_path TO fkt;
SET citus.shard_count TO 4;
CREATE TABLE far (k int PRIMARY KEY, a int, b text, UNIQUE (k, a));
CREATE TABLE parts (k int, d int, PRIMARY KEY (k, d)) PARTITION BY RANGE (d);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (10) TO (20);
SELECT create_distributed_table('far', 'k');
SELECT create_distributed_table('parts', 'k');
INSERT INTO far SELECT i, i % 3, 'b' || i FROM generate_series(1, 20) i;
INSERT INTO parts SELECT i, i FROM generate_series(1, 19) i;
-- on the coordinator: tables whose keys are about the columns, and some that are not
CREATE TABLE one (k int CONSTRAINT one_k REFERENCES far ON DELETE CASCADE DEFERRABLE, w text);
CREATE TABLE two (k int, a int, CONSTRAINT two_ka FOREIGN KEY (k, a) REFERENCES far (k, a) MATCH FULL ON UPDATE CASCADE);
CREATE TABLE "o'ther" (p int, q int, CONSTRAINT "it's" FOREIGN KEY (p, q) REFERENCES parts);
CREATE TABLE onepart (p int, q int, CONSTRAINT of_part FOREIGN KEY (p, q) REFERENCES parts_2 (k, d) ON DELETE SET NULL);
COMMENT ON CONSTRAINT one_k ON one IS 'kept';
INSERT INTO one SELECT i, 'w' || i FROM generate_series(1, 5) i;
INSERT INTO one VALUES (NULL, 'none');
INSERT INTO two SELECT k, a FROM far WHERE k > 15;
INSERT INTO two VALUES (NULL, NULL);
INSERT INTO "o'ther" SELECT k, d FROM parts WHERE k < 5;
INSERT INTO onepart SELECT k, d FROM parts WHERE d > 15;
\c - - localhost :worker1_port
SET search_path TO fkt;
CREATE TABLE here (k int REFERENCES far ON DELETE CASCADE);
INSERT INTO here VALUES (6), (7);
\set VERBOSITY default
\set SHOW_CONTEXT never
ALTER TABLE far ALTER COLUMN k TYPE bigint;
ALTER TABLE far ALTER COLUMN a TYPE bigint, ALTER COLUMN b TYPE varchar(20);
ALTER TABLE far ALTER COLUMN b TYPE text;
ALTER TABLE parts ALTER COLUMN k TYPE bigint;
-- what they refer to is gone, or cannot be compared
ALTER TABLE far ALTER COLUMN k TYPE bigint USING CASE k WHEN 6 THEN 106 ELSE k END;
ALTER TABLE far ALTER COLUMN k TYPE bigint USING CASE k WHEN 16 THEN 116 ELSE k END;
ALTER TABLE parts ALTER COLUMN k TYPE bigint USING CASE k WHEN 3 THEN 103 ELSE k END;
\set VERBOSITY terse
ALTER TABLE far ALTER COLUMN k TYPE text;
\set VERBOSITY default
-- within a transaction that has changed rows
BEGIN;
DELETE FROM far WHERE k IN (1, 16);
ROLLBACK;
BEGIN;
DELETE FROM far WHERE k IN (1, 6);
SAVEPOINT s;
ALTER TABLE far ALTER COLUMN k TYPE numeric USING CASE k WHEN 7 THEN 107 ELSE k END;
ROLLBACK TO s;
ALTER TABLE far ALTER COLUMN k TYPE int;
DELETE FROM far WHERE k = 2;
DELETE FROM far WHERE k = 20;
ROLLBACK TO s;
ALTER TABLE far ALTER COLUMN k TYPE int;
DELETE FROM far WHERE k = 3;
SELECT count(*) FROM far;
COMMIT;
-- the keys are kept from all nodes
DELETE FROM far WHERE k = 4;
DELETE FROM far WHERE k = 20;
UPDATE far SET a = 77 WHERE k = 19;
\set VERBOSITY sqlstate
UPDATE parts SET d = d + 1 WHERE k = 1;
\set VERBOSITY default
DELETE FROM parts WHERE k = 17;
\c - - localhost :worker2_port
SET search_path TO fkt;
\set VERBOSITY terse
DELETE FROM far WHERE k = 20;
DELETE FROM far WHERE k IN (5, 7);
\set VERBOSITY sqlstate
DELETE FROM parts WHERE k = 2;
\set VERBOSITY terse
UPDATE parts SET d = d - 1 WHERE k = 18;
ALTER TABLE far ALTER COLUMN k TYPE bigint;
\c - - localhost :coordinator_port
SET search_path TO fkt;
\set VERBOSITY terse
TABLE one ORDER BY w;
SELECT * FROM two ORDER BY k;
SELECT * FROM "o'ther" ORDER BY p;
SELECT * FROM onepart ORDER BY p;
INSERT INTO one VALUES (99);
INSERT INTO two VALUES (1, NULL);
SELECT conrelid::regclass, conname, convalidated, condeferrable, pg_get_constraintdef(oid), obj_description(oid, 'pg_constraint') FROM pg_constraint WHERE contype = 'f' AND connamespace = 'fkt'::regnamespace AND conparentid = 0 AND conrelid NOT IN (SELECT logicalrelid FROM pg_dist_partition) AND conrelid::regclass::text !~ '_\d+$' ORDER BY 2;
-- a key that is not validated stays so
ALTER TABLE one DROP CONSTRAINT one_k;
INSERT INTO one VALUES (99, 'wrong');
ALTER TABLE one ADD CONSTRAINT one_k FOREIGN KEY (k) REFERENCES far ON DELETE CASCADE NOT VALID;
\c - - localhost :worker2_port
SET search_path TO fkt;
\set VERBOSITY terse
ALTER TABLE far ALTER COLUMN k TYPE int;
INSERT INTO far VALUES (99);
DELETE FROM far WHERE k = 99;
-- a partitioned local table
\c - - localhost :coordinator_port
SET search_path TO fkt;
TABLE one ORDER BY w;
CREATE TABLE cut (k int REFERENCES far) PARTITION BY LIST (k);
\c - - localhost :worker2_port
SET search_path TO fkt;
ALTER TABLE far ALTER COLUMN k TYPE bigint;
\c - - localhost :coordinator_port
SET search_path TO fkt;
ALTER TABLE far ALTER COLUMN k TYPE bigint;
SELECT * FROM citus_internal.check_consistency();
-- who alters need not own the tables that refer, or read them
CREATE ROLE fkt_owner LOGIN;
CREATE ROLE fkt_other;
GRANT ALL ON SCHEMA fkt TO fkt_owner, fkt_other;
ALTER TABLE far OWNER TO fkt_owner;
ALTER TABLE two OWNER TO fkt_other;
GRANT ALL ON one TO fkt_owner;
\c - fkt_owner localhost :worker2_port
SET search_path TO fkt;
\set VERBOSITY default
\set SHOW_CONTEXT never
ALTER TABLE far ALTER COLUMN a TYPE int;
ALTER TABLE far ALTER COLUMN a TYPE bigint USING a + 1;
\c - postgres localhost :coordinator_port
SET client_min_messages TO warning;
DROP SCHEMA fkt CASCADE;
DROP ROLE fkt_owner, fkt_other;
