-- Tables that come as parts of other statements are linked to known ones as if they came alone.
CREATE SCHEMA roads;
SET search_path TO roads;
SET client_min_messages TO warning;
SET citus.shard_count TO 4;
CREATE TABLE far (k int PRIMARY KEY);
CREATE TABLE copied (k int PRIMARY KEY);
CREATE TABLE parts (k int, v int) PARTITION BY RANGE (k);
SELECT create_distributed_table('far', 'k');
SELECT create_reference_table('copied');
SELECT create_distributed_table('parts', 'k');
INSERT INTO far SELECT generate_series(1, 20);
INSERT INTO copied SELECT generate_series(1, 20);
CREATE SCHEMA roads_own
	CREATE TABLE near (k int REFERENCES roads.far)
	CREATE TABLE linked (k int REFERENCES roads.copied)
	CREATE TABLE low PARTITION OF roads.parts FOR VALUES FROM (0) TO (10)
	CREATE TABLE both_links (k int PRIMARY KEY, c int REFERENCES roads.copied)
	CREATE INDEX ON linked (k)
	CREATE TABLE plain (k int)
	CREATE VIEW seen AS SELECT * FROM roads.parts;
SELECT logicalrelid, partmethod, repmodel FROM pg_dist_partition WHERE logicalrelid::text ~ 'roads_own' ORDER BY 1;
INSERT INTO roads_own.near VALUES (1);
INSERT INTO roads_own.linked VALUES (1);
INSERT INTO roads_own.both_links VALUES (1, 2);
INSERT INTO parts VALUES (3, 3);
SELECT * FROM roads_own.seen;
CREATE TABLE old (k int);
CREATE TABLE young (FOREIGN KEY (k) REFERENCES far) INHERITS (old);
INSERT INTO young VALUES (4);
CREATE TABLE younger (FOREIGN KEY (k) REFERENCES copied) INHERITS (old);
CREATE TYPE of_type AS (k int);
CREATE TABLE typed OF of_type (FOREIGN KEY (k) REFERENCES far);
INSERT INTO typed VALUES (5);
CREATE TABLE typed_linked OF of_type (FOREIGN KEY (k) REFERENCES copied);
INSERT INTO typed_linked VALUES (5);
SET citus.enable_ddl_propagation TO off;
CREATE TABLE unsent (k int REFERENCES far);
CREATE TABLE unsent_later (k int);
ALTER TABLE unsent_later ADD FOREIGN KEY (k) REFERENCES far;
RESET citus.enable_ddl_propagation;
INSERT INTO unsent VALUES (6);
INSERT INTO unsent_later VALUES (7);
CREATE TABLE own_parts (k int) PARTITION BY RANGE (k);
CREATE TABLE own_low PARTITION OF own_parts (FOREIGN KEY (k) REFERENCES far) FOR VALUES FROM (0) TO (10);
INSERT INTO own_parts VALUES (8);
DO $$ BEGIN EXECUTE 'CREATE TABLE done (k int)'; ALTER TABLE roads.done ADD FOREIGN KEY (k) REFERENCES roads.far; END $$;
INSERT INTO done VALUES (9);
\c - - localhost :worker1_port
SET search_path TO roads;
\set VERBOSITY terse
DELETE FROM far WHERE k = 1;
DELETE FROM copied WHERE k = 1;
DELETE FROM copied WHERE k = 2;
DELETE FROM far WHERE k = 4;
DELETE FROM far WHERE k = 5;
DELETE FROM copied WHERE k = 5;
DELETE FROM far WHERE k = 6;
DELETE FROM far WHERE k = 7;
DELETE FROM far WHERE k = 8;
DELETE FROM far WHERE k = 9;
DELETE FROM far WHERE k = 10;
SELECT * FROM parts;
CREATE SCHEMA roads_here CREATE TABLE near (k int REFERENCES roads.far);
CREATE SCHEMA roads_linked CREATE TABLE linked (k int REFERENCES roads.copied);
INSERT INTO roads_here.near VALUES (11);
CREATE SCHEMA roads_parts CREATE TABLE high PARTITION OF roads.parts FOR VALUES FROM (10) TO (20);
INSERT INTO parts VALUES (11, 11);
\c - - localhost :coordinator_port
SET search_path TO roads;
SET client_min_messages TO warning;
\set VERBOSITY terse
DELETE FROM far WHERE k = 11;
SELECT * FROM parts ORDER BY k;
SELECT * FROM citus_internal.check_consistency();
DROP SCHEMA roads, roads_own, roads_parts CASCADE;
\c - - localhost :worker1_port
SET client_min_messages TO warning;
DROP SCHEMA roads_here CASCADE;
