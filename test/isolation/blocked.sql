-- isolationtester asks the coordinator whether a session waits for another; on a cluster the two
-- may wait for each other on a worker, so the question goes to the whole cluster.
CREATE OR REPLACE FUNCTION pg_catalog.pg_isolation_test_session_is_blocked(
    waiting int, interesting int[]) RETURNS bool LANGUAGE sql AS
$$
    SELECT pg_blocking_pids(waiting) && interesting
        OR EXISTS (SELECT FROM citus_lock_waits
                   WHERE citus_pid_for_gpid(waiting_gpid) = waiting
                     AND citus_pid_for_gpid(blocking_gpid) = ANY (interesting))
$$;
