-- Functions that read tables, called beside a parallel plan and in its workers: they see what their transaction
-- has written, and one snapshot.
CREATE TABLE d (k int PRIMARY KEY, v int);
-- distribute: SELECT create_distributed_table('d', 'k', shard_count => 2)
INSERT INTO d SELECT i, i FROM generate_series(1, 50) i;
CREATE TABLE l (k int);
INSERT INTO l SELECT i FROM generate_series(1, 12) i;
CREATE FUNCTION restricted(n int) RETURNS bigint LANGUAGE plpgsql STABLE PARALLEL RESTRICTED AS $$ BEGIN RETURN (SELECT sum(v) FROM d WHERE k <= n); END $$;
CREATE FUNCTION safe(n int) RETURNS bigint LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$ BEGIN RETURN (SELECT sum(v) FROM d WHERE k <= n); END $$;
CREATE FUNCTION computes(n int) RETURNS int LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$ BEGIN RETURN n + 1; END $$;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT k, safe(k) FROM l WHERE k < 5;
BEGIN;
UPDATE d SET v = 0 WHERE k < 10;
SET LOCAL parallel_leader_participation = off;
SELECT k, safe(k) FROM l WHERE k < 5;
SELECT k, safe(k) FROM l WHERE k < 3 AND safe(k) = 0;
SELECT k, restricted(k) FROM l WHERE k < 5;
SELECT count(*) FROM l WHERE computes(k) < 5;
ROLLBACK;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT restricted(20), count(*) > 3 FROM pg_class;
SELECT restricted(20), sum(v) FROM d;
COMMIT;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT restricted(20), count(*) FROM l;
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT safe(20), count(*) FROM l;
COMMIT;
