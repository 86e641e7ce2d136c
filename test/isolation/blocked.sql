-- isolationtester asks the coordinator whether a session waits for another; on a cluster the two
-- may wait for each other on any node, where their sessions carry the pid in their names.  The
-- server calls its own function by number whatever its definition says, so it gets another name.
SET client_min_messages = warning;
SET citus.enable_ddl_propagation = off;
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_proc WHERE proname = 'pg_isolation_test_session_is_blocked_here') THEN
        ALTER FUNCTION pg_catalog.pg_isolation_test_session_is_blocked(int, int[])
            RENAME TO pg_isolation_test_session_is_blocked_here;
    END IF;
END $$;
CREATE OR REPLACE FUNCTION pg_catalog.pg_isolation_test_session_is_blocked(
    waiting int, interesting int[]) RETURNS bool LANGUAGE sql AS
$$
    SELECT pg_isolation_test_session_is_blocked_here(waiting, interesting)
        OR EXISTS (SELECT FROM run_command_on_workers(format(
            $remote$
                WITH s AS (SELECT pid, split_part(application_name, 'gpid=', 2)::bigint %% 10000000000 AS of
                           FROM pg_stat_activity WHERE application_name ~ '^citus_internal gpid=\d+$')
                SELECT count(*) FROM s waiter, s holder
                WHERE holder.pid = ANY (pg_blocking_pids(waiter.pid))
                  AND waiter.of = %s AND holder.of = ANY (%L::bigint[])
            $remote$, waiting, interesting)) WHERE success AND result <> '0')
$$;
