-- DROP removes shards and metadata everywhere, also by CASCADE and in transactions.
CREATE SCHEMA dr;
SET search_path TO dr;
SET client_min_messages TO warning;
SET citus.shard_count TO 4;
CREATE TABLE a (k int PRIMARY KEY);
CREATE TABLE b (k int REFERENCES a);
CREATE TABLE r (id int PRIMARY KEY);
SELECT create_distributed_table('a', 'k');
SELECT create_distributed_table('b', 'k');
SELECT create_reference_table('r');
CREATE VIEW v AS SELECT * FROM a;
DROP TABLE a;
SELECT count(*) FROM pg_dist_partition WHERE logicalrelid::text LIKE 'dr.%' OR logicalrelid IN ('a'::regclass, 'b'::regclass);
BEGIN;
DROP TABLE b;
SELECT count(*) FROM pg_dist_partition WHERE logicalrelid = 'a'::regclass;
ROLLBACK;
SELECT count(*) FROM b;
DROP TABLE a CASCADE;
SELECT count(*) FROM b;
ALTER TABLE b ADD COLUMN x int;
DROP TABLE b, r;
SELECT count(*) FROM pg_dist_partition p LEFT JOIN pg_class c ON c.oid = p.logicalrelid WHERE c.oid IS NULL;
SELECT count(*) FROM pg_dist_shard s LEFT JOIN pg_dist_partition p USING (logicalrelid) WHERE p.logicalrelid IS NULL;

-- a schema with distributed tables
CREATE SCHEMA dr_inner;
CREATE TABLE dr_inner.t (k int);
SELECT create_distributed_table('dr_inner.t', 'k');
DROP SCHEMA dr_inner;
DROP SCHEMA dr_inner CASCADE;
SELECT count(*) FROM pg_dist_partition;

-- the name is free again on all nodes
CREATE TABLE a (k int, v text);
SELECT create_distributed_table('a', 'k');
INSERT INTO a VALUES (1, 'new');
SELECT * FROM a;
DROP SCHEMA dr CASCADE;
SELECT count(*) FROM pg_dist_partition;
