-- Settings of execution and of DDL, each with what it changes.
CREATE SCHEMA settings_execution;
SET search_path TO settings_execution;
SET citus.shard_count TO 4;
SET citus.next_shard_id TO 2710000;
CREATE TABLE t (k int PRIMARY KEY, v int);
SELECT create_distributed_table('t', 'k', colocate_with => 'none');
CREATE TABLE r (k int);
SELECT create_reference_table('r');
INSERT INTO t SELECT i, i FROM generate_series(1, 40) i;
INSERT INTO r VALUES (1);
-- a row in each shard, two shards on each node
DELETE FROM t WHERE k NOT IN (SELECT min(k) FROM (SELECT k, get_shard_id_for_distribution_column('t', k) AS shard FROM t) s GROUP BY shard);

-- Do two tasks of a node meet, on connections of their own?  Is there one connection at a time?  (Not truly
-- immutable: but so they travel to the shards.)
CREATE FUNCTION meet(k int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	PERFORM pg_advisory_xact_lock_shared(4242, 1);
	FOR i IN 1 .. 500 LOOP
		IF (SELECT count(DISTINCT pid) > 1 FROM pg_locks WHERE locktype = 'advisory' AND classid = 4242) THEN
			RETURN true;
		END IF;
		PERFORM pg_sleep(0.01);
	END LOOP;
	RETURN false;
END $$;
CREATE FUNCTION alone(k int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN pg_try_advisory_xact_lock(4243, 1) AND pg_sleep(0.05) IS NOT NULL;
END $$;
SET citus.force_max_query_parallelization TO on;
SELECT bool_and(meet(k)) FROM t;
SET citus.multi_shard_modify_mode TO sequential;
SELECT bool_and(alone(k)) FROM t;
UPDATE t SET v = v + 1 WHERE alone(k);
RESET citus.multi_shard_modify_mode;
SET citus.max_adaptive_executor_pool_size TO 1;
SELECT bool_and(alone(k)) FROM t;
RESET citus.max_adaptive_executor_pool_size;
RESET citus.force_max_query_parallelization;
SET citus.executor_slow_start_interval TO 0;
SELECT bool_and(meet(k)) FROM t;
-- otherwise no more connections than the machine, which these nodes share, has processors (each time: node, connections, processors)
CREATE FUNCTION look(k int) RETURNS int[] LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	PERFORM pg_sleep(0.25);
	RETURN ARRAY[inet_server_port(),
		(SELECT count(*) FROM pg_stat_activity
			WHERE application_name = current_setting('application_name') AND state = 'active'),
		split_part(current_setting('citus.session_machine'), '/', 2)::int];
END $$;
SET citus.executor_slow_start_interval TO 50;
SELECT count(*) AS nodes, sum(n) <= greatest(2, max(p)) AND max(p) > 0 AS right_number
FROM (SELECT s[1], max(s[2]) AS n, max(s[3]) AS p FROM (SELECT look(k) AS s FROM t) seen GROUP BY 1) per_node;
RESET citus.executor_slow_start_interval;

-- statements of more than one task
SET citus.multi_task_query_log_level TO notice;
SELECT count(*) FROM t;
SELECT count(*) FROM t WHERE k = 1;
SET citus.multi_task_query_log_level TO error;
SELECT count(*) FROM t;
UPDATE t SET v = 0;
RESET citus.multi_task_query_log_level;

-- tasks in this session, and messages of others
\set VERBOSITY terse
SET citus.log_local_commands TO on;
SELECT * FROM r;
SET citus.enable_local_execution TO off;
SELECT * FROM r;
RESET citus.enable_local_execution;
RESET citus.log_local_commands;
SET citus.log_remote_commands TO on;
SELECT count(*) FROM t WHERE k = 1;
SET citus.grep_remote_commands TO '%of another table%';
SELECT count(*) FROM t WHERE k = 1;
SET citus.grep_remote_commands TO '%settings\_execution.t%';
SELECT count(*) FROM t WHERE k = 1;
RESET citus.grep_remote_commands;
RESET citus.log_remote_commands;
CREATE FUNCTION note(k int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE NOTICE 'noted'; RETURN k; END $$;
SELECT count(*) FROM t WHERE k = 1 AND note(v) > 0;
SET citus.worker_min_messages TO warning;
SELECT count(*) FROM t WHERE k = 1 AND note(v) > 0;
RESET citus.worker_min_messages;
\set VERBOSITY default

-- strategies
CREATE FUNCTION strategy(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || statement LOOP
		IF line ~ 'Strategy' THEN RETURN substring(line FROM 'Strategy: (.*)'); END IF;
	END LOOP;
END $$;
SELECT strategy('SELECT v FROM t WHERE k = 1');
SET citus.enable_fast_path_router_planner TO off;
SELECT strategy('SELECT v FROM t WHERE k = 1');
SET citus.enable_router_execution TO off;
SELECT strategy('SELECT v FROM t WHERE k = 1');
RESET citus.enable_fast_path_router_planner;
RESET citus.enable_router_execution;

-- unique constraints that hold in each shard only
ALTER TABLE t ADD CONSTRAINT per_shard UNIQUE (v);
SET citus.allow_unsafe_constraints TO on;
UPDATE t SET v = 0;
ALTER TABLE t ADD CONSTRAINT per_shard UNIQUE (v);
RESET citus.allow_unsafe_constraints;

-- new tables become managed local tables
SET citus.use_citus_managed_tables TO on;
CREATE TABLE m1 (x int);
CREATE TABLE m2 AS SELECT i AS x FROM generate_series(1, 3) i;
SELECT x INTO m3 FROM m2;
CREATE TABLE m4 (LIKE m2);
CREATE TABLE IF NOT EXISTS m2 AS SELECT 1 AS y;
CREATE TABLE m5 AS TABLE m2 WITH NO DATA;
CREATE TEMP TABLE own AS SELECT 1 AS x;
CREATE TABLE pg_temp.own2 AS SELECT 1 AS x;
CREATE MATERIALIZED VIEW m6 AS SELECT 1 AS x;
PREPARE three AS SELECT i AS x FROM generate_series(1, 3) i;
CREATE TABLE m7 AS EXECUTE three;
RESET citus.use_citus_managed_tables;
CREATE TABLE m8 AS SELECT 1 AS x;
SELECT logicalrelid, partmethod, repmodel FROM pg_dist_partition
WHERE logicalrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'settings_execution'::regnamespace OR relname ~ '^own') ORDER BY logicalrelid::text;
SELECT (SELECT sum(x) FROM m2), (SELECT sum(x) FROM m3), (SELECT count(*) FROM m5), (SELECT sum(x) FROM m7);
SELECT DISTINCT result FROM run_command_on_all_nodes('SELECT sum(x) FROM settings_execution.m2');

-- settings of other ways to do things, which have no effect
SET citus.propagate_set_commands TO 'local';
SET citus.all_modifications_commutative TO on;
SET citus.enable_repartition_joins TO off;
SELECT count(*) FROM t a JOIN t b ON a.v = b.v;
UPDATE t SET v = random() WHERE k = 1;

SET client_min_messages TO warning;
DROP SCHEMA settings_execution CASCADE;
SELECT * FROM citus_internal.check_consistency();
