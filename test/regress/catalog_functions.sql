-- Functions over the metadata, and manual changes by a superuser.
CREATE SCHEMA cat;
SET search_path TO cat;
SET citus.shard_count TO 4;
SET client_min_messages TO warning;

SELECT citus_version() LIKE 'Citus 14.0%' AS version, citus_server_id() IS NOT NULL AS server_id;
SELECT citus_is_coordinator(), citus_is_primary_node(),
    get_nodeid_for_groupid(0) = citus_coordinator_nodeid() AS coordinator;
SELECT citus_nodename_for_nodeid(citus_coordinator_nodeid()) AS name,
    citus_nodeport_for_nodeid(citus_coordinator_nodeid()) = :coordinator_port AS port;
SELECT citus_nodename_for_nodeid(-5), citus_nodeport_for_nodeid(-5), get_nodeid_for_groupid(-5);
SELECT count(*) FROM citus_get_active_worker_nodes();
SELECT role, active, count(*) FROM citus_nodes GROUP BY 1, 2 ORDER BY 1, 2;

-- columns
CREATE TABLE t (k int, "Odd name" text, v text COLLATE "C");
SELECT column_to_column_name('t', column_name_to_column('t', c))
FROM unnest(ARRAY['k', 'Odd name', 'v']) c;
\set VERBOSITY sqlstate
SELECT column_name_to_column('t', 'missing');
SELECT column_name_to_column('t', 'ctid');
SELECT column_to_column_name('t', 'nonsense');
SELECT column_to_column_name('t', '{VAR :varno 1 :varattno 77 }');
SELECT column_to_column_name('t', '{VAR :varno 1 :varattno 0 }');
SELECT column_to_column_name('t', '');
\set VERBOSITY default

-- names of shards
SELECT shard_name('t', 102008), shard_name('pg_class', 1);
CREATE TABLE public.in_public (x int);
SELECT shard_name('public.in_public', 7), shard_name('public.in_public', 7, false);
DROP TABLE public.in_public;
CREATE TABLE aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa (x int);
SELECT shard_name('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 104240);
CREATE TABLE "Mixed Case" (x int);
SELECT shard_name('"Mixed Case"', 5);

-- a relation that is gone
SELECT shard_name(4000000000::oid::regclass, 1), citus_table_is_visible(4000000000),
    column_to_column_name(4000000000::oid::regclass, '{VAR :varattno 1 }');

-- colocation
SELECT create_distributed_table('t', 'k');
CREATE TABLE u (k int);
SELECT create_distributed_table('u', 'k', colocate_with => 't');
CREATE TABLE w (k int);
SELECT create_distributed_table('w', 'k', colocate_with => 'none');
SELECT distributed_tables_colocated('t', 'u') AS tu, distributed_tables_colocated('t', 'w') AS tw,
    distributed_tables_colocated('t', NULL) AS null;
SELECT get_colocated_table_array('t') @> ARRAY['t'::regclass, 'u'::regclass] AS group,
    'w'::regclass = ANY (get_colocated_table_array('t')) AS other;
SELECT bool_and(array_length(get_colocated_shard_array(shardid), 1)
                = array_length(get_colocated_table_array(logicalrelid), 1)) AS one_each
FROM pg_dist_shard WHERE logicalrelid IN ('t'::regclass, 'u'::regclass, 'w'::regclass);
SELECT count(*) FROM pg_dist_partition p
WHERE logicalrelid = 't'::regclass AND column_to_column_name(logicalrelid, partkey) = 'k';

-- what a superuser changes by hand takes effect at once
BEGIN;
SELECT count(*) FROM citus_get_active_worker_nodes();
UPDATE pg_dist_node SET isactive = false WHERE groupid <> 0;
SELECT count(*) FROM citus_get_active_worker_nodes();
ROLLBACK;
SELECT count(*) FROM citus_get_active_worker_nodes();
BEGIN;
DELETE FROM pg_dist_partition WHERE logicalrelid = 't'::regclass;
SELECT count(*) FROM t;
ROLLBACK;

-- the extension is needed as long as there are tables
\set VERBOSITY sqlstate
DROP EXTENSION citus;
\set VERBOSITY default

-- constraints of the tables
\set VERBOSITY sqlstate
INSERT INTO pg_dist_authinfo VALUES (0, 'no_such_role', 'password=x');
INSERT INTO pg_dist_authinfo VALUES (0, current_user, 'host=x');
INSERT INTO pg_dist_authinfo VALUES (0, current_user, 'password');
INSERT INTO pg_dist_poolinfo VALUES (1, 'host=x password=y');
UPDATE pg_dist_node SET nodecluster = 'other' WHERE groupid = 0;
UPDATE pg_dist_node SET groupid = 1;
UPDATE pg_dist_rebalance_strategy SET default_strategy = true;
SELECT citus_add_rebalance_strategy('bad', 'citus_version', 'citus_node_capacity_1',
    'citus_shard_allowed_on_node_true', 0.1);
\set VERBOSITY default
SELECT name, default_strategy FROM pg_dist_rebalance_strategy ORDER BY name;

-- time partitions
CREATE TABLE parted (at timestamptz NOT NULL) PARTITION BY RANGE (at);
SET timezone TO 'UTC';
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM ('2020-01-01') TO ('2020-02-01');
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM ('2020-02-01') TO (MAXVALUE);
CREATE TABLE parted_default PARTITION OF parted DEFAULT;
SELECT * FROM time_partitions WHERE parent_table = 'parted'::regclass ORDER BY partition::text;

-- who may do what
CREATE USER cat_user;
GRANT USAGE ON SCHEMA cat TO cat_user;
SET ROLE cat_user;
SELECT count(*) > 0 AS readable FROM pg_dist_node;
SELECT count(*) >= 0 AS readable FROM public.citus_tables;
\set VERBOSITY sqlstate
SELECT * FROM pg_dist_authinfo;
DELETE FROM pg_dist_node;
SELECT citus_internal.enable_tls();
\set VERBOSITY default
RESET ROLE;

DROP SCHEMA cat CASCADE;
DROP ROLE cat_user;
