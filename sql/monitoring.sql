-- Sessions, locks and waits of all nodes; signals to sessions of any node.

-- What the query, which gives one JSON array, gives on every other node, as the caller.  A node that
-- does not answer is left out with a warning.
CREATE FUNCTION citus_internal.query_other_nodes(query text) RETURNS SETOF json
    LANGUAGE C STRICT VOLATILE ROWS 10
    AS 'MODULE_PATHNAME', 'citus_internal_query_other_nodes';

-- ----- sessions

CREATE TYPE citus_internal.session_activity AS (
    global_pid bigint, nodeid int, is_worker_query bool, datid oid, datname name, pid int,
    leader_pid int, usesysid oid, usename name, application_name text, client_addr inet,
    client_hostname text, client_port int, backend_start timestamptz, xact_start timestamptz,
    query_start timestamptz, state_change timestamptz, wait_event_type text, wait_event text,
    state text, backend_xid xid, backend_xmin xid, query_id bigint, query text,
    backend_type text);

-- A session that works for another node bears the global pid of the client's session.
CREATE FUNCTION citus_internal.local_activity() RETURNS SETOF citus_internal.session_activity
    LANGUAGE sql STABLE SET search_path = pg_catalog
    AS $$
    SELECT coalesce(a.client_gpid, citus_calculate_gpid(this.nodeid, a.pid)), this.nodeid,
        a.client_gpid IS NOT NULL,
        a.datid, a.datname, a.pid, a.leader_pid, a.usesysid, a.usename, a.application_name,
        a.client_addr, a.client_hostname, a.client_port, a.backend_start, a.xact_start,
        a.query_start, a.state_change, a.wait_event_type, a.wait_event, a.state, a.backend_xid,
        a.backend_xmin, a.query_id, a.query, a.backend_type
    FROM (SELECT s.*, h.client_gpid FROM pg_stat_activity s
              LEFT JOIN citus_internal.helper_sessions() h ON h.pid = coalesce(s.leader_pid, s.pid)
          WHERE s.datname = current_database()) a,
        (SELECT coalesce((SELECT n.nodeid FROM pg_dist_node n JOIN pg_dist_local_group g USING (groupid)
                          WHERE n.noderole = 'primary'), 99999999) AS nodeid) this
    $$;

CREATE FUNCTION pg_catalog.citus_stat_activity() RETURNS SETOF citus_internal.session_activity
    LANGUAGE sql VOLATILE SET search_path = pg_catalog
    AS $$
    SELECT * FROM citus_internal.local_activity()
    UNION ALL
    SELECT a.* FROM citus_internal.query_other_nodes(
            'SELECT json_agg(a) FROM citus_internal.local_activity() a WHERE pid <> pg_backend_pid()') j,
        json_populate_recordset(NULL::citus_internal.session_activity, j) a
    $$;
COMMENT ON FUNCTION pg_catalog.citus_stat_activity()
    IS 'sessions of all nodes in this database';

CREATE VIEW citus.citus_stat_activity AS SELECT * FROM pg_catalog.citus_stat_activity();
ALTER VIEW citus.citus_stat_activity SET SCHEMA pg_catalog;
CREATE VIEW citus.citus_dist_stat_activity AS
SELECT * FROM pg_catalog.citus_stat_activity() WHERE NOT is_worker_query;
ALTER VIEW citus.citus_dist_stat_activity SET SCHEMA pg_catalog;

-- ----- locks

CREATE TYPE citus_internal.session_lock AS (
    global_pid bigint, nodeid int, locktype text, database oid, relation oid, relation_name text,
    page int, tuple smallint, virtualxid text, transactionid xid, classid oid, objid oid,
    objsubid smallint, virtualtransaction text, pid int, mode text, granted bool, fastpath bool,
    waitstart timestamptz);

-- Names carry their schema, whatever the caller's search_path; those of shards are told, too.
CREATE FUNCTION citus_internal.local_locks() RETURNS SETOF citus_internal.session_lock
    LANGUAGE sql STABLE SET search_path = pg_catalog
    AS $$
    SELECT a.global_pid, a.nodeid, l.locktype, l.database, l.relation,
        CASE WHEN l.database = a.datid THEN l.relation::regclass::text END,
        l.page, l.tuple, l.virtualxid, l.transactionid, l.classid, l.objid, l.objsubid,
        l.virtualtransaction, l.pid, l.mode, l.granted, l.fastpath, l.waitstart
    FROM pg_locks l
        JOIN citus_internal.local_activity() a ON a.pid = l.pid
    $$;

CREATE FUNCTION pg_catalog.citus_locks() RETURNS SETOF citus_internal.session_lock
    LANGUAGE sql VOLATILE SET search_path = pg_catalog
    AS $$
    SELECT * FROM citus_internal.local_locks()
    UNION ALL
    SELECT l.* FROM citus_internal.query_other_nodes(
            'SELECT json_agg(l) FROM citus_internal.local_locks() l WHERE pid <> pg_backend_pid()') j,
        json_populate_recordset(NULL::citus_internal.session_lock, j) l
    $$;
COMMENT ON FUNCTION pg_catalog.citus_locks() IS 'locks on all nodes in this database';

CREATE VIEW citus.citus_locks AS SELECT * FROM pg_catalog.citus_locks();
ALTER VIEW citus.citus_locks SET SCHEMA pg_catalog;

-- Who waits for whom says nothing about what they do, so that anybody may know, as of the sessions
-- of one server.
CREATE FUNCTION citus_internal.lock_waits(OUT waiting_gpid bigint, OUT blocking_gpid bigint)
    RETURNS SETOF record
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog
    AS $$
    SELECT DISTINCT waiting_global_pid, blocking_global_pid FROM dump_global_wait_edges()
    $$;

CREATE VIEW citus.citus_lock_waits AS
WITH activity AS MATERIALIZED (SELECT * FROM pg_catalog.citus_dist_stat_activity)
SELECT w.waiting_gpid, w.blocking_gpid, waiting.query AS blocked_statement,
    blocking.query AS current_statement_in_blocking_process,
    pg_catalog.citus_nodeid_for_gpid(w.waiting_gpid) AS waiting_nodeid,
    pg_catalog.citus_nodeid_for_gpid(w.blocking_gpid) AS blocking_nodeid
FROM citus_internal.lock_waits() w
    LEFT JOIN activity waiting ON waiting.global_pid = w.waiting_gpid
    LEFT JOIN activity blocking ON blocking.global_pid = w.blocking_gpid;
ALTER VIEW citus.citus_lock_waits SET SCHEMA pg_catalog;

GRANT SELECT ON pg_catalog.citus_stat_activity, pg_catalog.citus_dist_stat_activity,
    pg_catalog.citus_locks, pg_catalog.citus_lock_waits TO PUBLIC;

-- ----- signals: the server's own functions take ints, the global ids of sessions are bigints

CREATE FUNCTION pg_catalog.pg_cancel_backend(global_pid bigint) RETURNS bool
    LANGUAGE C STRICT VOLATILE AS 'MODULE_PATHNAME', 'citus_cancel_backend';
COMMENT ON FUNCTION pg_catalog.pg_cancel_backend(bigint)
    IS 'cancels the current statement of a session of any node, by its global pid';
CREATE FUNCTION pg_catalog.pg_terminate_backend(global_pid bigint, timeout bigint DEFAULT 0)
    RETURNS bool
    LANGUAGE C STRICT VOLATILE AS 'MODULE_PATHNAME', 'citus_terminate_backend';
COMMENT ON FUNCTION pg_catalog.pg_terminate_backend(bigint, bigint)
    IS 'ends a session of any node, by its global pid';
