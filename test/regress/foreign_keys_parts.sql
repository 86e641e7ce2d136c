-- What errors name when another node changes rows of partitions; SET CONSTRAINTS by name; rows that change their partition.
CREATE SCHEMA fkn;
SET search_path TO fkn;
SET citus.shard_count TO 4;
CREATE TABLE middle (k int PRIMARY KEY, v int) PARTITION BY RANGE (k);
CREATE TABLE low PARTITION OF middle FOR VALUES FROM (0) TO (10);
CREATE TABLE high PARTITION OF middle FOR VALUES FROM (10) TO (100);
CREATE TABLE far (k int PRIMARY KEY, v int);
SELECT create_distributed_table('middle', 'k');
SELECT create_distributed_table('far', 'k');
INSERT INTO middle SELECT i, i FROM generate_series(1, 30) i;
CREATE TABLE bottom (k int CONSTRAINT bottom_k REFERENCES middle);
CREATE TABLE bottom2 (k int REFERENCES middle ON UPDATE RESTRICT ON DELETE RESTRICT);
CREATE TABLE onlow (k int REFERENCES low);
CREATE TABLE bp (k int CONSTRAINT bp_k REFERENCES middle, w int) PARTITION BY RANGE (w);
CREATE TABLE bp1 PARTITION OF bp FOR VALUES FROM (0) TO (10);
CREATE TABLE bp2 PARTITION OF bp FOR VALUES FROM (10) TO (20);
CREATE TABLE waits (k int CONSTRAINT waits_k REFERENCES middle DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE mays (k int CONSTRAINT mays_k REFERENCES middle DEFERRABLE);
INSERT INTO bottom VALUES (1), (11); INSERT INTO bottom2 VALUES (2), (12); INSERT INTO bp VALUES (3, 1), (13, 11), (4, 11);
INSERT INTO waits VALUES (5), (15); INSERT INTO mays VALUES (6), (16); INSERT INTO onlow VALUES (7);
DELETE FROM middle WHERE k = 1;
DELETE FROM middle WHERE k = 11;
DELETE FROM low WHERE k = 1;
DELETE FROM middle WHERE k = 2;
UPDATE middle SET k = 50 WHERE k = 12;
DELETE FROM middle WHERE k = 3;
DELETE FROM middle WHERE k = 13;
DELETE FROM high WHERE k = 13;
DELETE FROM middle WHERE k = 7;
UPDATE middle SET k = 9 WHERE k = 7;
UPDATE middle SET k = 60 WHERE k = 7;
INSERT INTO bottom VALUES (77);
INSERT INTO bp VALUES (77, 1);
INSERT INTO bp1 VALUES (77, 1);
UPDATE bp SET k = 88 WHERE w = 1;
UPDATE bp SET w = 12, k = 89 WHERE w = 1;
BEGIN; DELETE FROM middle WHERE k = 5; SET CONSTRAINTS waits_k IMMEDIATE; ROLLBACK;
BEGIN; DELETE FROM middle WHERE k = 15; COMMIT;
DELETE FROM middle WHERE k = 16;
BEGIN; SET CONSTRAINTS mays_k DEFERRED; DELETE FROM middle WHERE k = 16; COMMIT;
BEGIN; SET CONSTRAINTS ALL DEFERRED; DELETE FROM middle WHERE k = 16; COMMIT;
BEGIN; SET CONSTRAINTS mays_k DEFERRED; INSERT INTO mays VALUES (99); COMMIT;
\c - - localhost :worker1_port
SET search_path TO fkn;
\set SHOW_CONTEXT never
DELETE FROM middle WHERE k = 1;
DELETE FROM middle WHERE k = 11;
DELETE FROM low WHERE k = 1;
DELETE FROM middle WHERE k = 2;
UPDATE middle SET k = 50 WHERE k = 12;
UPDATE middle SET k = 5 WHERE k = 12;
DELETE FROM middle WHERE k = 3;
DELETE FROM middle WHERE k = 13;
DELETE FROM high WHERE k = 13;
DELETE FROM middle WHERE k = 7;
UPDATE middle SET k = 9 WHERE k = 7;
UPDATE middle SET k = 60 WHERE k = 7;
BEGIN; DELETE FROM middle WHERE k = 5; SET CONSTRAINTS waits_k IMMEDIATE; ROLLBACK;
BEGIN; SET CONSTRAINTS waits_k IMMEDIATE; DELETE FROM middle WHERE k = 5; ROLLBACK;
BEGIN; DELETE FROM middle WHERE k = 15; COMMIT;
DELETE FROM middle WHERE k = 16;
BEGIN; SET CONSTRAINTS mays_k DEFERRED; DELETE FROM middle WHERE k = 16; COMMIT;
BEGIN; SET CONSTRAINTS fkn.mays_k DEFERRED; DELETE FROM middle WHERE k = 16; SET CONSTRAINTS mays_k IMMEDIATE; COMMIT;
BEGIN; SET CONSTRAINTS ALL DEFERRED; DELETE FROM middle WHERE k = 16; COMMIT;
SET CONSTRAINTS bottom_k DEFERRED;
\c - - localhost :coordinator_port
SET search_path TO fkn;
\set SHOW_CONTEXT never
SELECT * FROM citus_internal.check_consistency();
SET client_min_messages TO warning;
DROP SCHEMA fkn CASCADE;
RESET client_min_messages;
-- names that change
CREATE SCHEMA fkn1;
SET search_path TO fkn1;
SET citus.shard_count TO 4;
CREATE TABLE far (k int PRIMARY KEY, v int);
SELECT create_distributed_table('far', 'k');
INSERT INTO far SELECT i FROM generate_series(1,9) i;
CREATE TABLE waits (k int CONSTRAINT waits_k REFERENCES far DEFERRABLE INITIALLY DEFERRED);
INSERT INTO waits VALUES (5);
ALTER TABLE waits RENAME CONSTRAINT waits_k TO waits_n;
\c - - localhost :worker1_port
SET search_path TO fkn1;
\set SHOW_CONTEXT never
BEGIN; DELETE FROM far WHERE k = 5; SET CONSTRAINTS waits_n IMMEDIATE; ROLLBACK;
BEGIN; DELETE FROM far WHERE k = 5; SET CONSTRAINTS waits_k IMMEDIATE; ROLLBACK;
\c - - localhost :coordinator_port
SET search_path TO fkn1;
\set SHOW_CONTEXT never
ALTER TABLE waits ALTER CONSTRAINT waits_n NOT DEFERRABLE;
\c - - localhost :worker1_port
SET search_path TO fkn1;
\set SHOW_CONTEXT never
BEGIN; DELETE FROM far WHERE k = 5; ROLLBACK;
\c - - localhost :coordinator_port
SET search_path TO fkn1;
\set SHOW_CONTEXT never
ALTER TABLE waits ALTER CONSTRAINT waits_n DEFERRABLE;
\c - - localhost :worker1_port
SET search_path TO fkn1;
\set SHOW_CONTEXT never
BEGIN; SET CONSTRAINTS waits_n DEFERRED; DELETE FROM far WHERE k = 5; INSERT INTO far VALUES (5); COMMIT;
SAVEPOINT s;
BEGIN; SET CONSTRAINTS waits_n DEFERRED; SAVEPOINT s; SET CONSTRAINTS waits_n IMMEDIATE; ROLLBACK TO s; DELETE FROM far WHERE k = 5; COMMIT;

\c - - localhost :coordinator_port
SET search_path TO fkn1;
\set SHOW_CONTEXT never
CREATE SCHEMA fkn2;
ALTER TABLE waits SET SCHEMA fkn2;
\c - - localhost :worker1_port
SET search_path TO fkn1;
\set SHOW_CONTEXT never
BEGIN; SET CONSTRAINTS fkn2.waits_n IMMEDIATE; DELETE FROM far WHERE k = 5; COMMIT;
BEGIN; SET CONSTRAINTS waits_n IMMEDIATE; DELETE FROM far WHERE k = 5; COMMIT;
\c - - localhost :coordinator_port
SET search_path TO fkn1;
\set SHOW_CONTEXT never
SET client_min_messages TO warning;
DROP SCHEMA fkn2 CASCADE;
SELECT * FROM citus_internal.check_consistency();
SET client_min_messages TO warning;
DROP SCHEMA fkn1 CASCADE;
RESET client_min_messages;
-- rows that change their partition, and keys to one partition
CREATE SCHEMA fkn3;
SET search_path TO fkn3;
SET citus.shard_count TO 4;
CREATE TABLE top (k int, at int, v int, PRIMARY KEY (k, at)) PARTITION BY RANGE (at);
CREATE TABLE low PARTITION OF top FOR VALUES FROM (0) TO (100) PARTITION BY RANGE (at);
CREATE TABLE low1 PARTITION OF low FOR VALUES FROM (0) TO (50);
CREATE TABLE low2 PARTITION OF low FOR VALUES FROM (50) TO (100);
CREATE TABLE high PARTITION OF top DEFAULT;
SELECT create_distributed_table('top', 'k');
INSERT INTO top SELECT i, i, 0 FROM generate_series(1, 110) i;
CREATE TABLE a (k int, at int, FOREIGN KEY (k, at) REFERENCES low1);
CREATE TABLE b (k int, at int, FOREIGN KEY (k, at) REFERENCES top ON UPDATE CASCADE);
CREATE TABLE c (k int, at int, FOREIGN KEY (k, at) REFERENCES high ON DELETE CASCADE);
INSERT INTO a VALUES (1, 1); INSERT INTO b VALUES (2, 2), (102, 102); INSERT INTO c VALUES (101, 101);
UPDATE top SET at = 60 WHERE k = 1;
UPDATE top SET at = 200 WHERE k = 1;
UPDATE top SET at = 60 WHERE k = 2;
UPDATE top SET at = 10 WHERE k = 101;
TABLE a; TABLE b ORDER BY 1; TABLE c;
INSERT INTO c VALUES (103, 103);
\c - - localhost :worker1_port
SET search_path TO fkn3;
\set SHOW_CONTEXT never
UPDATE top SET at = 60 WHERE k = 1;
UPDATE low SET at = 60 WHERE k = 1;
UPDATE top SET at = 200 WHERE k = 1;
UPDATE top SET at = 61 WHERE k = 2;
UPDATE top SET at = 10 WHERE k = 103;
\c - - localhost :coordinator_port
SET search_path TO fkn3;
\set SHOW_CONTEXT never
TABLE a; TABLE b ORDER BY 1; TABLE c;
CREATE TABLE d (k int, at int, FOREIGN KEY (k, at) REFERENCES low);
UPDATE top SET at = 60 WHERE k = 3;
UPDATE low SET at = 60 WHERE k = 3;
UPDATE top SET at = 200 WHERE k = 3;
UPDATE top SET at = 4 WHERE k = 3;
\c - - localhost :worker1_port
SET search_path TO fkn3;
\set SHOW_CONTEXT never
UPDATE top SET at = 60 WHERE k = 5;
UPDATE low SET at = 60 WHERE k = 5;
UPDATE top SET at = 200 WHERE k = 5;
UPDATE top SET at = 7 WHERE k = 5;
\c - - localhost :coordinator_port
SET search_path TO fkn3;
\set SHOW_CONTEXT never
SELECT tableoid::regclass, * FROM top WHERE k < 6 OR k > 100 ORDER BY k;
SELECT * FROM citus_internal.check_consistency();
SET client_min_messages TO warning;
DROP SCHEMA fkn3 CASCADE;
RESET client_min_messages;
