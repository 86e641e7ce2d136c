-- Nodes of the cluster.

CREATE FUNCTION pg_catalog.citus_set_coordinator_host(
    host text, port int DEFAULT pg_catalog.current_setting('port')::int,
    node_role noderole DEFAULT 'primary', node_cluster name DEFAULT 'default') RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_set_coordinator_host';
REVOKE ALL ON FUNCTION pg_catalog.citus_set_coordinator_host(text, int, noderole, name)
    FROM PUBLIC;

CREATE FUNCTION pg_catalog.citus_add_node(
    nodename text, nodeport int, groupid int DEFAULT -1, noderole noderole DEFAULT 'primary',
    nodecluster name DEFAULT 'default') RETURNS int
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_add_node';
CREATE FUNCTION pg_catalog.citus_add_inactive_node(
    nodename text, nodeport int, groupid int DEFAULT -1, noderole noderole DEFAULT 'primary',
    nodecluster name DEFAULT 'default') RETURNS int
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_add_inactive_node';
CREATE FUNCTION pg_catalog.citus_add_secondary_node(
    nodename text, nodeport int, primaryname text, primaryport int,
    nodecluster name DEFAULT 'default') RETURNS int
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_add_secondary_node';
CREATE FUNCTION pg_catalog.citus_activate_node(nodename text, nodeport int) RETURNS int
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_activate_node';
CREATE FUNCTION pg_catalog.citus_disable_node(
    nodename text, nodeport int, synchronous boolean DEFAULT false) RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_disable_node';
CREATE FUNCTION pg_catalog.citus_remove_node(nodename text, nodeport int) RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_remove_node';
CREATE FUNCTION pg_catalog.citus_update_node(
    node_id int, new_node_name text, new_node_port int, force boolean DEFAULT false,
    lock_cooldown int DEFAULT 10000) RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_update_node';
CREATE FUNCTION pg_catalog.citus_pause_node_within_txn(
    node_id int, force boolean DEFAULT false, lock_cooldown int DEFAULT 10000) RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_pause_node_within_txn';
CREATE FUNCTION pg_catalog.citus_set_node_property(
    nodename text, nodeport int, property text, value boolean) RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_set_node_property';
REVOKE ALL ON FUNCTION
    pg_catalog.citus_add_node(text, int, int, noderole, name),
    pg_catalog.citus_add_inactive_node(text, int, int, noderole, name),
    pg_catalog.citus_add_secondary_node(text, int, text, int, name),
    pg_catalog.citus_activate_node(text, int),
    pg_catalog.citus_disable_node(text, int, boolean),
    pg_catalog.citus_remove_node(text, int),
    pg_catalog.citus_update_node(int, text, int, boolean, int),
    pg_catalog.citus_pause_node_within_txn(int, boolean, int),
    pg_catalog.citus_set_node_property(text, int, text, boolean)
    FROM PUBLIC;

-- The same under their older names.
CREATE FUNCTION pg_catalog.master_add_node(
    nodename text, nodeport int, groupid int DEFAULT -1, noderole noderole DEFAULT 'primary',
    nodecluster name DEFAULT 'default') RETURNS int
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_add_node';
CREATE FUNCTION pg_catalog.master_add_inactive_node(
    nodename text, nodeport int, groupid int DEFAULT -1, noderole noderole DEFAULT 'primary',
    nodecluster name DEFAULT 'default') RETURNS int
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_add_inactive_node';
CREATE FUNCTION pg_catalog.master_add_secondary_node(
    nodename text, nodeport int, primaryname text, primaryport int,
    nodecluster name DEFAULT 'default') RETURNS int
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_add_secondary_node';
CREATE FUNCTION pg_catalog.master_activate_node(nodename text, nodeport int) RETURNS int
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_activate_node';
CREATE FUNCTION pg_catalog.master_disable_node(nodename text, nodeport int) RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_disable_node';
CREATE FUNCTION pg_catalog.master_remove_node(nodename text, nodeport int) RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_remove_node';
CREATE FUNCTION pg_catalog.master_update_node(
    node_id int, new_node_name text, new_node_port int, force boolean DEFAULT false,
    lock_cooldown int DEFAULT 10000) RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_update_node';
CREATE FUNCTION pg_catalog.master_set_node_property(
    nodename text, nodeport int, property text, value boolean) RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_set_node_property';
REVOKE ALL ON FUNCTION
    pg_catalog.master_add_node(text, int, int, noderole, name),
    pg_catalog.master_add_inactive_node(text, int, int, noderole, name),
    pg_catalog.master_add_secondary_node(text, int, text, int, name),
    pg_catalog.master_activate_node(text, int),
    pg_catalog.master_disable_node(text, int),
    pg_catalog.master_remove_node(text, int),
    pg_catalog.master_update_node(int, text, int, boolean, int),
    pg_catalog.master_set_node_property(text, int, text, boolean)
    FROM PUBLIC;

-- Metadata and reference tables on request.
CREATE FUNCTION pg_catalog.start_metadata_sync_to_node(nodename text, nodeport int) RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'start_metadata_sync_to_node';
CREATE FUNCTION pg_catalog.start_metadata_sync_to_all_nodes() RETURNS boolean
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'start_metadata_sync_to_all_nodes';
CREATE FUNCTION pg_catalog.stop_metadata_sync_to_node(
    nodename text, nodeport int, clear_metadata boolean DEFAULT true) RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'stop_metadata_sync_to_node';
CREATE FUNCTION pg_catalog.replicate_reference_tables(
    shard_transfer_mode citus.shard_transfer_mode DEFAULT 'auto') RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'replicate_reference_tables';
REVOKE ALL ON FUNCTION
    pg_catalog.start_metadata_sync_to_node(text, int),
    pg_catalog.start_metadata_sync_to_all_nodes(),
    pg_catalog.stop_metadata_sync_to_node(text, int, boolean),
    pg_catalog.replicate_reference_tables(citus.shard_transfer_mode)
    FROM PUBLIC;

-- Who reaches whom.
CREATE FUNCTION pg_catalog.citus_check_connection_to_node(
    nodename text, nodeport int DEFAULT 5432) RETURNS boolean
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_check_connection_to_node';
CREATE FUNCTION pg_catalog.citus_check_cluster_node_health(
    OUT from_nodename text, OUT from_nodeport int, OUT to_nodename text, OUT to_nodeport int,
    OUT result boolean) RETURNS SETOF record
    LANGUAGE C STRICT ROWS 100 AS 'MODULE_PATHNAME', 'citus_check_cluster_node_health';

-- Nodes that left, until recovery has found nothing there that waits for this node's decision.
CREATE TABLE citus_internal.departed_node (
    groupid int NOT NULL CONSTRAINT departed_node_pkey PRIMARY KEY,
    nodename text NOT NULL,
    nodeport int NOT NULL,
    since timestamptz NOT NULL DEFAULT pg_catalog.now());

-- What could not be dropped in its time.
CREATE PROCEDURE pg_catalog.citus_cleanup_orphaned_resources()
    LANGUAGE C AS 'MODULE_PATHNAME', 'citus_cleanup_orphaned_resources';
CREATE PROCEDURE pg_catalog.citus_cleanup_orphaned_shards()
    LANGUAGE C AS 'MODULE_PATHNAME', 'citus_cleanup_orphaned_shards';
COMMENT ON PROCEDURE pg_catalog.citus_cleanup_orphaned_resources()
    IS 'drops what pg_dist_cleanup notes, where that is possible now';

-- Drops those of the relations that are no shards of this node any more and that nobody uses;
-- gives their names, in the order of the argument.
CREATE FUNCTION citus_internal.drop_leftovers(names text[]) RETURNS SETOF text
    LANGUAGE plpgsql VOLATILE STRICT
    SET search_path = pg_catalog SET citus.override_table_visibility = off
    SET lock_timeout = '200ms'
    AS $$
DECLARE
    relation text;
BEGIN
    FOREACH relation IN ARRAY names LOOP
        BEGIN
            IF NOT coalesce(relation_is_a_known_shard(to_regclass(relation)), false) THEN
                PERFORM citus_internal.drop_relations(ARRAY[relation]);
                RETURN NEXT relation;
            END IF;
        EXCEPTION
            WHEN lock_not_available THEN
                NULL;   -- another time
            WHEN OTHERS THEN
                RAISE LOG 'could not drop %: %', relation, SQLERRM;
        END;
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION citus_internal.drop_leftovers(text[]) FROM PUBLIC;

-- The schema that every database has is kept identical on all nodes as well.
INSERT INTO pg_catalog.pg_dist_object (classid, objid, objsubid)
    SELECT 'pg_catalog.pg_namespace'::pg_catalog.regclass, oid, 0
    FROM pg_catalog.pg_namespace WHERE nspname = 'public';
