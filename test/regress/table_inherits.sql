-- Children of distributed tables: metadata, nodes that join, undistribute, what is refused.
SET citus.shard_count TO 4;
CREATE TABLE p (k int, v int, CONSTRAINT small CHECK (v < 1000));
CREATE TABLE c (own int, CONSTRAINT own_positive CHECK (own > 0)) INHERITS (p);
INSERT INTO p SELECT i, i FROM generate_series(1, 10) i;
INSERT INTO c SELECT i, i, i FROM generate_series(11, 30) i;
SELECT create_distributed_table('c', 'k');
SELECT create_distributed_table('p', 'k');
CREATE TABLE plain (k int, v int);
CREATE TABLE other (k int, v int);
SELECT create_distributed_table('other', 'v');
CREATE TEMP TABLE t () INHERITS (p);
CREATE TABLE t () INHERITS (p, plain);
CREATE TABLE t () INHERITS (p, other);
ALTER TABLE p INHERIT plain;
ALTER TABLE p INHERIT other;
ALTER TABLE other INHERIT p;
ALTER TABLE p INHERIT c;
SELECT undistribute_table('c');
CREATE TABLE plain_child () INHERITS (plain);
SELECT create_distributed_table('plain_child', 'k');
CREATE TABLE c2 () INHERITS (p);
SELECT logicalrelid, count(*) FROM pg_dist_shard WHERE logicalrelid::text ~ '^[pc]\d?$' GROUP BY 1 ORDER BY 1;
CREATE FUNCTION tree() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', attrelid::regclass, attname, attislocal, attinhcount), ', ' ORDER BY attrelid::regclass::text, attnum)
    FROM pg_attribute WHERE attrelid::regclass::text ~ '^c\d?$' AND attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT string_agg(concat_ws(' ', conrelid::regclass, conname, conislocal, coninhcount), ', ' ORDER BY conrelid::regclass::text, conname)
    FROM pg_constraint WHERE conrelid::regclass::text ~ '^c\d?$' $$;
SELECT DISTINCT result FROM run_command_on_all_nodes('SELECT string_agg(t, chr(10)) FROM tree() t');
SELECT DISTINCT regexp_replace(result, '_\d+', '_n', 'g') AS shards FROM run_command_on_placements('c', $$
    SELECT (SELECT string_agg(concat_ws(' ', attname, attislocal, attinhcount), ', ' ORDER BY attnum)
            FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0) || '; '
        || (SELECT string_agg(concat_ws(' ', conname, conislocal, coninhcount), ', ' ORDER BY conname)
            FROM pg_constraint WHERE conrelid = c.oid AND contype = 'c')
    FROM pg_class c WHERE oid = '%s'::regclass$$);
-- a node whose shells differ is filled anew
SELECT current_setting('port') AS coordinator_port \gset
SELECT nodeport AS worker_port FROM pg_dist_node WHERE groupid > 0 ORDER BY groupid LIMIT 1 \gset
UPDATE pg_dist_node SET metadatasynced = false WHERE nodeport = :worker_port;
\c - - - :worker_port
SET citus.enable_ddl_propagation TO off;
ALTER TABLE c ADD COLUMN x int;
\c - - - :coordinator_port
SELECT citus_activate_node('localhost', :worker_port) > 0 AS filled;
SELECT DISTINCT result FROM run_command_on_all_nodes('SELECT string_agg(t, chr(10)) FROM tree() t');
SELECT result FROM run_command_on_workers('SELECT count(*) FROM p') ORDER BY 1;
-- from a worker
\c - - - :worker_port
CREATE TABLE c3 () INHERITS (p);
INSERT INTO c3 VALUES (1, 1);
ALTER TABLE c2 NO INHERIT p;
ALTER TABLE c2 INHERIT p;
\c - - - :coordinator_port
SELECT tableoid::regclass, count(*) FROM p GROUP BY 1 ORDER BY 1;
UPDATE p SET k = k + 100 WHERE k = 11;
UPDATE c SET k = k + 100 WHERE k = 11;
ALTER TABLE p DROP COLUMN v;
\d+ c
SELECT undistribute_table('p');
SELECT tableoid::regclass, count(*) FROM p GROUP BY 1 ORDER BY 1;
DROP TABLE p CASCADE;
-- reference and managed local
CREATE TABLE p (k int PRIMARY KEY);
CREATE TABLE c (v int) INHERITS (p);
INSERT INTO c VALUES (1, 1), (2, 2);
SELECT create_reference_table('p');
CREATE TABLE c2 () INHERITS (c);
INSERT INTO c2 VALUES (3, 3);
DROP TABLE other;
SELECT citus_disable_node('localhost', :worker_port);
UPDATE p SET k = k + 10;
SELECT citus_activate_node('localhost', :worker_port) > 0 AS filled;
SELECT DISTINCT result FROM run_command_on_all_nodes('SELECT sum(k) FROM p');
SELECT undistribute_table('p');
SELECT citus_add_local_table_to_metadata('p');
INSERT INTO c2 VALUES (4, 4);
SELECT DISTINCT result FROM run_command_on_all_nodes('SELECT sum(k) FROM p');
DROP FUNCTION tree;
DROP TABLE p, c, c2, plain, plain_child;
SELECT * FROM citus_internal.check_consistency();
