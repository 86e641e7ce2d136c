-- create_distributed_table: its parameters, what it records, and what it refuses.
CREATE SCHEMA cdt;
SET search_path TO cdt, public;
SET citus.shard_count TO 4;
SET client_min_messages TO warning;

CREATE TABLE plain (k int PRIMARY KEY, v text);
SELECT create_distributed_table('plain', 'k');
SELECT table_name, citus_table_type, distribution_column, shard_count FROM citus_tables
WHERE table_name = 'plain'::regclass;
SELECT shardminvalue, shardmaxvalue FROM pg_dist_shard WHERE logicalrelid = 'plain'::regclass
ORDER BY shardminvalue::int;
SELECT partmethod, repmodel FROM pg_dist_partition WHERE logicalrelid = 'plain'::regclass;
SELECT nodeport = :worker1_port AS first, count(*) FROM citus_shards
WHERE table_name = 'plain'::regclass GROUP BY 1 ORDER BY 1;

-- colocation: by default with tables of the same key type, none, and by name
CREATE TABLE same_type (x int);
CREATE TABLE other_type (x text);
CREATE TABLE none (x int);
CREATE TABLE by_name (x int);
SELECT create_distributed_table('same_type', 'x');
SELECT create_distributed_table('other_type', 'x');
SELECT create_distributed_table('none', 'x', colocate_with => 'none');
SELECT create_distributed_table('by_name', 'x', colocate_with => 'none');
SELECT create_distributed_table('by_name', 'x', colocate_with => 'none');
CREATE TABLE by_name2 (x int);
SELECT create_distributed_table('by_name2', 'x', 'hash', 'cdt.none');
CREATE TABLE with_count (x int);
SELECT create_distributed_table('with_count', 'x', shard_count => 2);
SELECT a.table_name, b.table_name
FROM citus_tables a JOIN citus_tables b USING (colocation_id)
WHERE a.table_name::text < b.table_name::text AND a.table_name::text LIKE '%' AND a.colocation_id IN
      (SELECT colocationid FROM pg_dist_partition
       WHERE logicalrelid IN ('plain'::regclass, 'none'::regclass, 'other_type'::regclass))
ORDER BY 1, 2;
SELECT table_name, shard_count FROM citus_tables WHERE table_name = 'with_count'::regclass;

-- a key of NULL: one shard
CREATE TABLE keyless (a int, b text);
SELECT create_distributed_table('keyless', NULL);
INSERT INTO keyless VALUES (1, 'one'), (NULL, 'null');
SELECT * FROM keyless ORDER BY b;
SELECT partmethod, partkey IS NULL AS no_key FROM pg_dist_partition WHERE logicalrelid = 'keyless'::regclass;

-- NULL arguments do nothing
SELECT create_distributed_table(NULL, 'x');
CREATE TABLE untouched (x int);
SELECT create_distributed_table('untouched', 'x', colocate_with => NULL);
SELECT count(*) FROM pg_dist_partition WHERE logicalrelid = 'untouched'::regclass;

-- refused, and nothing left behind
\set VERBOSITY sqlstate
SELECT create_distributed_table('missing', 'x');
SELECT create_distributed_table('untouched', 'nope');
SELECT create_distributed_table('untouched', 'ctid');
SELECT create_distributed_table('untouched', 'x', colocate_with => 'missing');
SELECT create_distributed_table('untouched', 'x', colocate_with => 'other_type');
SELECT create_distributed_table('untouched', 'x', shard_count => 0);
SELECT create_distributed_table('untouched', 'x', shard_count => 64001);
SELECT create_distributed_table('untouched', 'x', 'no such method');
SELECT create_distributed_table('plain', 'k');
SELECT create_distributed_table('pg_catalog.pg_class', 'relname');
CREATE TEMP TABLE temporary (x int);
SELECT create_distributed_table('temporary', 'x');
CREATE VIEW a_view AS SELECT 1 AS x;
SELECT create_distributed_table('a_view', 'x');
CREATE TABLE generated (a int, x int GENERATED ALWAYS AS (a + 1) STORED);
SELECT create_distributed_table('generated', 'x');
CREATE TABLE unhashable (x json, y xml, z point);
SELECT create_distributed_table('unhashable', 'x');
SELECT create_distributed_table('unhashable', 'y');
SELECT create_distributed_table('unhashable', 'z');
CREATE TABLE unique_elsewhere (x int, y int UNIQUE);
SELECT create_distributed_table('unique_elsewhere', 'x');
CREATE TABLE excluded (x int, EXCLUDE USING btree (x WITH =));
SELECT create_distributed_table('excluded', 'x');
CREATE TABLE null_key (x int);
INSERT INTO null_key VALUES (1), (NULL);
SELECT create_distributed_table('null_key', 'x');
CREATE TABLE pointed_at (id int PRIMARY KEY);
CREATE TABLE points (x int REFERENCES pointed_at);
SELECT create_distributed_table('points', 'x');
\set VERBOSITY terse
SELECT logicalrelid FROM pg_dist_partition WHERE logicalrelid::text ~
    'untouched|temporary|a_view|generated|unhashable|unique_elsewhere|null_key|points';
SELECT count(*) FROM null_key;

-- rolled back: nothing is left on any node
BEGIN;
SELECT create_distributed_table('untouched', 'x');
INSERT INTO untouched VALUES (1), (2);
ROLLBACK;
SELECT count(*) FROM untouched;
SELECT count(*) FROM pg_dist_partition WHERE logicalrelid = 'untouched'::regclass;

-- and back to a plain table, with its rows
INSERT INTO plain SELECT i, 'v' || i FROM generate_series(1, 100) i;
SELECT undistribute_table('plain');
SELECT count(*), min(v) FROM plain;
SELECT count(*) FROM pg_dist_partition WHERE logicalrelid = 'plain'::regclass;
INSERT INTO plain VALUES (1, 'again');

DROP SCHEMA cdt CASCADE;
