-- Transactions over several nodes: blocks, savepoints, functions, isolation levels, one-phase and
-- two-phase commit, what may not be prepared.
ALTER SEQUENCE pg_catalog.pg_dist_shardid_seq RESTART 2300000;
CREATE SCHEMA tx;
SET search_path TO tx;
CREATE TABLE acc (k int PRIMARY KEY, v int);
SELECT create_distributed_table('acc', 'k', shard_count := 8);
INSERT INTO acc SELECT i, 0 FROM generate_series(1, 40) i;

-- own writes are seen, and gone after ROLLBACK
BEGIN;
UPDATE acc SET v = 1 WHERE k <= 20;
SELECT count(*) FROM acc WHERE v = 1;
ROLLBACK;
SELECT count(*) FROM acc WHERE v = 1;

-- savepoints: the failed part is undone, the rest stays
BEGIN;
UPDATE acc SET v = 1 WHERE k = 1;
SAVEPOINT a;
UPDATE acc SET v = 1 WHERE k BETWEEN 2 AND 9;
INSERT INTO acc VALUES (1, 0);
ROLLBACK TO a;
UPDATE acc SET v = v + 10 WHERE k = 2;
SAVEPOINT b;
SAVEPOINT c;
UPDATE acc SET v = v + 100 WHERE k = 3;
RELEASE b;
SAVEPOINT d;
UPDATE acc SET v = v + 1000;
ROLLBACK TO d;
UPDATE acc SET v = v + 10000 WHERE k = 4;
COMMIT;
SELECT k, v FROM acc WHERE v <> 0 ORDER BY k;

-- a savepoint of a node that joins inside of it
BEGIN;
SAVEPOINT a;
SAVEPOINT b;
UPDATE acc SET v = -1 WHERE k = 5;
ROLLBACK TO a;
UPDATE acc SET v = -2 WHERE k = 6;
COMMIT;
SELECT k, v FROM acc WHERE v < 0 ORDER BY k;

-- exception blocks
DO $$
BEGIN
    UPDATE acc SET v = 7 WHERE k = 7;
    BEGIN
        UPDATE acc SET v = 7 WHERE k = 8;
        INSERT INTO acc VALUES (9, 9);
    EXCEPTION WHEN unique_violation THEN
        UPDATE acc SET v = 7 WHERE k = 9;
    END;
END $$;
SELECT k, v FROM acc WHERE v = 7 ORDER BY k;

-- all statements of a function are one transaction
CREATE FUNCTION half_way() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE acc SET v = 8 WHERE k = 10;
    PERFORM v / (v - v) FROM acc WHERE k = 11;
END $$;
SELECT half_way();
SELECT count(*) FROM acc WHERE v = 8;

-- COMMIT and ROLLBACK in a procedure
CREATE PROCEDURE steps() LANGUAGE plpgsql AS $$
BEGIN
    UPDATE acc SET v = 11 WHERE k IN (11, 12, 13);
    COMMIT;
    UPDATE acc SET v = 12 WHERE k IN (11, 12, 13);
    ROLLBACK;
    UPDATE acc SET v = v + 1 WHERE k = 13;
END $$;
CALL steps();
SELECT k, v FROM acc WHERE k BETWEEN 11 AND 13 ORDER BY k;

-- the identity of the transaction; none outside, one inside
SELECT transaction_number, transaction_stamp FROM get_current_transaction_id();
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM acc;
SELECT initiator_node_identifier, transaction_number > 0 AS numbered,
       transaction_stamp = now() AS stamped, process_id = pg_backend_pid() AS own
FROM get_current_transaction_id();
SELECT worker_query, transaction_number > 0 AS numbered, global_pid = citus_backend_gpid() AS own
FROM get_all_active_transactions() WHERE process_id = pg_backend_pid();
COMMIT;
BEGIN READ ONLY;
SELECT count(*) FROM acc;
UPDATE acc SET v = 0;
ROLLBACK;

-- ids of sessions
SELECT citus_calculate_gpid(3, 17), citus_nodeid_for_gpid(30000000017),
       citus_pid_for_gpid(30000000017);
SELECT citus_pid_for_gpid(citus_backend_gpid()) = pg_backend_pid() AS own_pid,
       citus_nodeid_for_gpid(citus_backend_gpid()) = nodeid AS own_node
FROM pg_dist_node WHERE groupid = 0;

-- an id is given once in a transaction
BEGIN;
SELECT assign_distributed_transaction_id(50, 50, '2020-01-01 00:00:00+00');
SELECT initiator_node_identifier, transaction_number FROM get_current_transaction_id();
SELECT assign_distributed_transaction_id(51, 51, '2020-01-01 00:00:00+00');
ROLLBACK;
SELECT transaction_number FROM get_current_transaction_id();

-- other nodes know for which transaction they work
CREATE FUNCTION id_there(int) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN (SELECT format('%s %s %s', initiator_node_identifier, transaction_number, transaction_stamp)
            FROM get_current_transaction_id());
END$$;
BEGIN;
SELECT id_there(k) AS there FROM acc WHERE k = 1 \gset
SELECT format('%s %s %s', initiator_node_identifier, transaction_number, transaction_stamp) = :'there' AS same,
       transaction_number <> 0 AS given
FROM get_current_transaction_id();
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE;
SELECT id_there(k) AS there FROM acc WHERE k = 2 \gset
SELECT format('%s %s %s', initiator_node_identifier, transaction_number, transaction_stamp) = :'there' AS same,
       transaction_number <> 0 AS given
FROM get_current_transaction_id();
COMMIT;
DROP FUNCTION id_there;

-- a client cannot prepare what involves other nodes; without them it can
BEGIN;
UPDATE acc SET v = 1 WHERE k = 1;
PREPARE TRANSACTION 'client';
SELECT v FROM acc WHERE k = 1;
BEGIN;
CREATE TABLE plain (a int);
PREPARE TRANSACTION 'client';
ROLLBACK PREPARED 'client';

-- settings travel: those of the server, and custom ones, also back to nothing
SET timezone = 'Asia/Tokyo';
SET my.tenant = 'seven';
-- (immutable, which it is not, so that it is run on the nodes)
CREATE FUNCTION far(int) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN current_setting('timezone') || ' ' || coalesce(current_setting('my.tenant', true), 'none')
        || ' ' || current_setting('lock_timeout');
END $$;
SELECT DISTINCT far(k) FROM acc;
BEGIN;
SET LOCAL my.tenant = 'eight';
SET LOCAL lock_timeout = '3s';
SELECT DISTINCT far(k) FROM acc;
SAVEPOINT a;
SET LOCAL my.tenant = 'nine';
SELECT DISTINCT far(k) FROM acc;
ROLLBACK TO a;
SELECT DISTINCT far(k) FROM acc;
ROLLBACK;
SELECT DISTINCT far(k) FROM acc;
RESET my.tenant;
RESET timezone;
SELECT DISTINCT far(k) = current_setting('timezone') || '  0' AS reset FROM acc;
SET search_path = 'pg_catalog', 'tx';
CREATE FUNCTION tx.path(int) RETURNS text LANGUAGE sql IMMUTABLE AS
    $$SELECT current_setting('search_path')$$;
SELECT DISTINCT path(k) FROM acc;

-- nothing is left over, and records are tidied up; those of the daemon's own transactions may come
-- while they are
CREATE TEMP TABLE earlier AS SELECT groupid, gid FROM pg_dist_transaction;
SELECT recover_prepared_transactions();
SELECT count(*) FROM pg_dist_transaction JOIN earlier USING (groupid, gid);
DROP TABLE earlier;
SELECT count(*) FROM pg_prepared_xacts;
SELECT * FROM citus_internal.check_consistency();
SET client_min_messages TO warning;
DROP SCHEMA tx CASCADE;
