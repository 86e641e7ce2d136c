-- Distributed transactions, identities of sessions, connections to other nodes.

-- ----- recovery

CREATE FUNCTION pg_catalog.recover_prepared_transactions() RETURNS int
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'recover_prepared_transactions';
COMMENT ON FUNCTION pg_catalog.recover_prepared_transactions()
    IS 'resolves prepared transactions that this node has left on other nodes; number of them';
REVOKE ALL ON FUNCTION pg_catalog.recover_prepared_transactions() FROM PUBLIC;

CREATE FUNCTION citus_internal.hurry_recovery() RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_hurry_recovery';
COMMENT ON FUNCTION citus_internal.hurry_recovery()
    IS 'lets the maintenance daemon of this node recover prepared transactions now';

-- ----- ids of transactions

CREATE FUNCTION pg_catalog.assign_distributed_transaction_id(
    initiator_node_identifier int, transaction_number bigint, transaction_stamp timestamptz)
    RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'assign_distributed_transaction_id';
COMMENT ON FUNCTION pg_catalog.assign_distributed_transaction_id(int, bigint, timestamptz)
    IS 'makes this transaction a part of a distributed one; sent between nodes';

CREATE FUNCTION pg_catalog.get_current_transaction_id(
    OUT database_id oid, OUT process_id int, OUT initiator_node_identifier int,
    OUT transaction_number bigint, OUT transaction_stamp timestamptz) RETURNS record
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'get_current_transaction_id';
COMMENT ON FUNCTION pg_catalog.get_current_transaction_id()
    IS 'id of the distributed transaction that this session takes part in';

CREATE FUNCTION pg_catalog.get_all_active_transactions(
    OUT datid oid, OUT process_id int, OUT initiator_node_identifier int, OUT worker_query bool,
    OUT transaction_number bigint, OUT transaction_stamp timestamptz, OUT global_pid bigint)
    RETURNS SETOF record
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'get_all_active_transactions';
COMMENT ON FUNCTION pg_catalog.get_all_active_transactions()
    IS 'sessions of this node that work with other nodes, and their distributed transactions';

CREATE FUNCTION pg_catalog.get_global_active_transactions(
    OUT datid oid, OUT process_id int, OUT initiator_node_identifier int, OUT worker_query bool,
    OUT transaction_number bigint, OUT transaction_stamp timestamptz, OUT global_pid bigint)
    RETURNS SETOF record
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'get_global_active_transactions';
COMMENT ON FUNCTION pg_catalog.get_global_active_transactions()
    IS 'sessions of all nodes that work with other nodes, and their distributed transactions';

-- ----- who waits for whom

CREATE FUNCTION pg_catalog.dump_local_wait_edges(
    OUT waiting_pid int, OUT waiting_node_id int, OUT waiting_transaction_num bigint,
    OUT waiting_transaction_stamp timestamptz, OUT blocking_pid int, OUT blocking_node_id int,
    OUT blocking_transaction_num bigint, OUT blocking_transaction_stamp timestamptz,
    OUT blocking_transaction_waiting bool, OUT waiting_global_pid bigint,
    OUT blocking_global_pid bigint) RETURNS SETOF record
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'dump_local_wait_edges';
COMMENT ON FUNCTION pg_catalog.dump_local_wait_edges()
    IS 'sessions of this node that wait for a lock, and who holds it';
REVOKE ALL ON FUNCTION pg_catalog.dump_local_wait_edges() FROM PUBLIC;

-- the same for other nodes, with what their search for deadlocks needs besides
CREATE FUNCTION citus_internal.local_wait_edges(
    OUT waiting_pid int, OUT waiting_node_id int, OUT waiting_transaction_num bigint,
    OUT waiting_transaction_stamp timestamptz, OUT blocking_pid int, OUT blocking_node_id int,
    OUT blocking_transaction_num bigint, OUT blocking_transaction_stamp timestamptz,
    OUT blocking_transaction_waiting bool, OUT waiting_global_pid bigint,
    OUT blocking_global_pid bigint, OUT blocking_awaits_client bool) RETURNS SETOF record
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'dump_local_wait_edges';
REVOKE ALL ON FUNCTION citus_internal.local_wait_edges() FROM PUBLIC;

CREATE FUNCTION pg_catalog.dump_global_wait_edges(
    OUT waiting_pid int, OUT waiting_node_id int, OUT waiting_transaction_num bigint,
    OUT waiting_transaction_stamp timestamptz, OUT blocking_pid int, OUT blocking_node_id int,
    OUT blocking_transaction_num bigint, OUT blocking_transaction_stamp timestamptz,
    OUT blocking_transaction_waiting bool, OUT waiting_global_pid bigint,
    OUT blocking_global_pid bigint) RETURNS SETOF record
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'dump_global_wait_edges';
COMMENT ON FUNCTION pg_catalog.dump_global_wait_edges()
    IS 'sessions of all nodes that wait for a lock, and who holds it';
REVOKE ALL ON FUNCTION pg_catalog.dump_global_wait_edges() FROM PUBLIC;

-- Process ids say nothing about sessions of other nodes: those whom such a session keeps waiting
-- are found in dump_global_wait_edges().
CREATE FUNCTION pg_catalog.citus_blocking_pids(pid int) RETURNS int[]
    LANGUAGE sql STRICT VOLATILE SET search_path = pg_catalog
    AS $$
    SELECT coalesce(array_agg(blocker ORDER BY blocker), '{}') FROM (
        SELECT unnest(pg_blocking_pids(pid)) AS blocker
        UNION
        SELECT citus_pid_for_gpid(e.blocking_global_pid) FROM dump_global_wait_edges() e
        WHERE e.waiting_global_pid
                = citus_calculate_gpid(citus_nodeid_for_gpid(citus_backend_gpid()), pid)
            AND citus_nodeid_for_gpid(e.blocking_global_pid)
                = citus_nodeid_for_gpid(citus_backend_gpid())) AS b
    $$;
COMMENT ON FUNCTION pg_catalog.citus_blocking_pids(int)
    IS 'sessions of this node that keep a session of this node waiting, on whatever node';
REVOKE ALL ON FUNCTION pg_catalog.citus_blocking_pids(int) FROM PUBLIC;

CREATE FUNCTION pg_catalog.check_distributed_deadlocks() RETURNS bool
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'check_distributed_deadlocks';
COMMENT ON FUNCTION pg_catalog.check_distributed_deadlocks()
    IS 'looks for deadlocks between nodes; true when a transaction of this node was canceled';
REVOKE ALL ON FUNCTION pg_catalog.check_distributed_deadlocks() FROM PUBLIC;

-- ----- ids of sessions

CREATE FUNCTION pg_catalog.citus_backend_gpid() RETURNS bigint
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_backend_gpid';
COMMENT ON FUNCTION pg_catalog.citus_backend_gpid()
    IS 'cluster-wide process id of the session that a client opened';

-- sessions of this node and database that work for clients' sessions of other nodes
CREATE FUNCTION citus_internal.helper_sessions(OUT pid int, OUT client_gpid bigint)
    RETURNS SETOF record
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_helper_sessions';

CREATE FUNCTION pg_catalog.citus_calculate_gpid(nodeid int, pid int) RETURNS bigint
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'citus_calculate_gpid';
CREATE FUNCTION pg_catalog.citus_nodeid_for_gpid(gpid bigint) RETURNS int
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'citus_nodeid_for_gpid';
CREATE FUNCTION pg_catalog.citus_pid_for_gpid(gpid bigint) RETURNS int
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'citus_pid_for_gpid';

-- ----- connections

CREATE FUNCTION pg_catalog.citus_remote_connection_stats(
    OUT hostname text, OUT port int, OUT database_name text, OUT connection_count_to_node int)
    RETURNS SETOF record
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_remote_connection_stats';
COMMENT ON FUNCTION pg_catalog.citus_remote_connection_stats()
    IS 'connections that all sessions of this node have open to other nodes';
REVOKE ALL ON FUNCTION pg_catalog.citus_remote_connection_stats() FROM PUBLIC;

-- ----- sessions that nodes open

CREATE FUNCTION citus_internal.session_challenge() RETURNS text
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_session_challenge';
CREATE FUNCTION citus_internal.prove_session(origin text, proof text) RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_prove_session';
COMMENT ON FUNCTION citus_internal.prove_session(text, text)
    IS 'shows that another node opened this session, or ends it; sent between nodes';

-- ----- roles of sessions that work for others

CREATE FUNCTION citus_internal.lend_role(token text, role text) RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_lend_role';
COMMENT ON FUNCTION citus_internal.lend_role(text, text)
    IS 'lets the next session that presents the token work as the role; sent between nodes';
REVOKE ALL ON FUNCTION citus_internal.lend_role(text, text) FROM PUBLIC;

CREATE FUNCTION citus_internal.assume_role(token text) RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_assume_role';
COMMENT ON FUNCTION citus_internal.assume_role(text)
    IS 'works as the role that was lent for the token, until the transaction ends';

CREATE FUNCTION citus_internal.set_session_user(role text) RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_set_session_user';
COMMENT ON FUNCTION citus_internal.set_session_user(text)
    IS 'whose session this one works for; sent between nodes';

CREATE FUNCTION citus_internal.client_session_user() RETURNS name
    LANGUAGE C STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'citus_internal_client_session_user';
COMMENT ON FUNCTION citus_internal.client_session_user()
    IS 'session_user of the session for which this one works';

CREATE FUNCTION citus_internal.unforce_policies(unforced boolean) RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_unforce_policies';
COMMENT ON FUNCTION citus_internal.unforce_policies(boolean)
    IS 'whether policies that are forced on owners of tables concern them, until the transaction ends';

-- ----- cluster snapshots

CREATE FUNCTION citus_internal.snapshot_take(snapshot_number bigint, window_us bigint)
    RETURNS text
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_snapshot_take';
COMMENT ON FUNCTION citus_internal.snapshot_take(bigint, bigint)
    IS 'takes a snapshot for the tasks that follow; what it sees of commits on several nodes';

CREATE FUNCTION citus_internal.snapshot_join(snapshot_number bigint, slot int) RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_snapshot_join';
COMMENT ON FUNCTION citus_internal.snapshot_join(bigint, int)
    IS 'makes the tasks that follow read with a snapshot that another session of this node took';

CREATE FUNCTION citus_internal.snapshot_keep(snapshot_number bigint) RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_snapshot_keep';
COMMENT ON FUNCTION citus_internal.snapshot_keep(bigint)
    IS 'makes the tasks that follow read what this transaction sees now, whatever it does later';

CREATE FUNCTION citus_internal.snapshot_use(snapshot_number bigint) RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_snapshot_use';
COMMENT ON FUNCTION citus_internal.snapshot_use(bigint)
    IS 'makes the tasks that follow read with a snapshot that was taken before; 0: with none';

CREATE FUNCTION citus_internal.snapshot_forget(snapshot_number bigint) RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_snapshot_forget';
COMMENT ON FUNCTION citus_internal.snapshot_forget(bigint)
    IS 'gives up a snapshot that was taken before';

CREATE FUNCTION citus_internal.snapshot_fence(ms int, transactions text) RETURNS bool
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_snapshot_fence';
COMMENT ON FUNCTION citus_internal.snapshot_fence(int, text)
    IS 'for a moment lets only these commits on several nodes end here; true when they have';

CREATE FUNCTION citus_internal.snapshot_import(initiator_group int, transaction_number bigint)
    RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_snapshot_import';
COMMENT ON FUNCTION citus_internal.snapshot_import(int, bigint)
    IS 'makes this transaction read with the snapshot of another one of this node';

-- What the planner puts in the place of pg_export_snapshot().
CREATE FUNCTION citus_internal.export_snapshot() RETURNS text
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_export_snapshot';
COMMENT ON FUNCTION citus_internal.export_snapshot()
    IS 'exports this transaction''s snapshots, on all nodes';

-- ----- advisory locks

-- What the planner puts in the place of pg_advisory_lock() and its kin on other nodes than the
-- coordinator, where they are held.
CREATE FUNCTION citus_internal.advisory_lock(key bigint) RETURNS void
    LANGUAGE C STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'citus_internal_advisory_lock';
CREATE FUNCTION citus_internal.advisory_lock(key1 int, key2 int) RETURNS void
    LANGUAGE C STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'citus_internal_advisory_lock';
CREATE FUNCTION citus_internal.try_advisory_lock(key bigint) RETURNS boolean
    LANGUAGE C STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'citus_internal_try_advisory_lock';
CREATE FUNCTION citus_internal.try_advisory_lock(key1 int, key2 int) RETURNS boolean
    LANGUAGE C STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'citus_internal_try_advisory_lock';
CREATE FUNCTION citus_internal.advisory_lock_shared(key bigint) RETURNS void
    LANGUAGE C STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'citus_internal_advisory_lock_shared';
CREATE FUNCTION citus_internal.advisory_lock_shared(key1 int, key2 int) RETURNS void
    LANGUAGE C STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'citus_internal_advisory_lock_shared';
CREATE FUNCTION citus_internal.try_advisory_lock_shared(key bigint) RETURNS boolean
    LANGUAGE C STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'citus_internal_try_advisory_lock_shared';
CREATE FUNCTION citus_internal.try_advisory_lock_shared(key1 int, key2 int) RETURNS boolean
    LANGUAGE C STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'citus_internal_try_advisory_lock_shared';
CREATE FUNCTION citus_internal.advisory_xact_lock(key bigint) RETURNS void
    LANGUAGE C STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'citus_internal_advisory_xact_lock';
CREATE FUNCTION citus_internal.advisory_xact_lock(key1 int, key2 int) RETURNS void
    LANGUAGE C STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'citus_internal_advisory_xact_lock';
CREATE FUNCTION citus_internal.try_advisory_xact_lock(key bigint) RETURNS boolean
    LANGUAGE C STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'citus_internal_try_advisory_xact_lock';
CREATE FUNCTION citus_internal.try_advisory_xact_lock(key1 int, key2 int) RETURNS boolean
    LANGUAGE C STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'citus_internal_try_advisory_xact_lock';
CREATE FUNCTION citus_internal.advisory_xact_lock_shared(key bigint) RETURNS void
    LANGUAGE C STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'citus_internal_advisory_xact_lock_shared';
CREATE FUNCTION citus_internal.advisory_xact_lock_shared(key1 int, key2 int) RETURNS void
    LANGUAGE C STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'citus_internal_advisory_xact_lock_shared';
CREATE FUNCTION citus_internal.try_advisory_xact_lock_shared(key bigint) RETURNS boolean
    LANGUAGE C STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'citus_internal_try_advisory_xact_lock_shared';
CREATE FUNCTION citus_internal.try_advisory_xact_lock_shared(key1 int, key2 int) RETURNS boolean
    LANGUAGE C STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'citus_internal_try_advisory_xact_lock_shared';
CREATE FUNCTION citus_internal.advisory_unlock(key bigint) RETURNS boolean
    LANGUAGE C STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'citus_internal_advisory_unlock';
CREATE FUNCTION citus_internal.advisory_unlock(key1 int, key2 int) RETURNS boolean
    LANGUAGE C STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'citus_internal_advisory_unlock';
CREATE FUNCTION citus_internal.advisory_unlock_shared(key bigint) RETURNS boolean
    LANGUAGE C STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'citus_internal_advisory_unlock_shared';
CREATE FUNCTION citus_internal.advisory_unlock_shared(key1 int, key2 int) RETURNS boolean
    LANGUAGE C STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'citus_internal_advisory_unlock_shared';
CREATE FUNCTION citus_internal.advisory_unlock_all() RETURNS void
    LANGUAGE C STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'citus_internal_advisory_unlock_all';
