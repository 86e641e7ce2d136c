-- What nodes call on each other to keep metadata equal.  The C functions check that the session was
-- opened by another node, and the owner of what they are about.

CREATE FUNCTION citus_internal.lock_node_list(exclusive boolean) RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_lock_node_list';

CREATE FUNCTION citus_internal.add_colocation_metadata(
    colocation_id int, shard_count int, replication_factor int, key_type text,
    key_collation text) RETURNS void
    LANGUAGE C AS 'MODULE_PATHNAME', 'citus_internal_add_colocation_metadata';
CREATE FUNCTION citus_internal.delete_colocation_metadata(colocation_id int) RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_delete_colocation_metadata';

CREATE FUNCTION citus_internal.add_table_metadata(
    relation text, partition_method "char", key_column text, colocation_id int,
    replication_model "char") RETURNS void
    LANGUAGE C AS 'MODULE_PATHNAME', 'citus_internal_add_table_metadata';
CREATE FUNCTION citus_internal.delete_table_metadata(relation text) RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_delete_table_metadata';
CREATE FUNCTION citus_internal.add_shard_metadata(
    relation text, shard_ids bigint[], min_tokens int[], max_tokens int[]) RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_add_shard_metadata';
CREATE FUNCTION citus_internal.add_placement_metadata(
    shard_ids bigint[], placement_ids bigint[], groups int[]) RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_add_placement_metadata';
CREATE FUNCTION citus_internal.delete_placement_metadata(shard_ids bigint[], groups int[])
    RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_delete_placement_metadata';

-- An object is named as pg_get_object_address() wants it.
CREATE FUNCTION citus_internal.create_object(
    type text, names text[], args text[], statements text[]) RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_create_object';
CREATE FUNCTION citus_internal.add_object_metadata(type text, names text[], args text[])
    RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_add_object_metadata';
CREATE FUNCTION citus_internal.delete_object_metadata(type text, names text[], args text[])
    RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_delete_object_metadata';
CREATE FUNCTION citus_internal.forget_dropped() RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_forget_dropped';

CREATE FUNCTION citus_internal.adjust_sequences(relation text) RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_adjust_sequences';
CREATE FUNCTION citus_internal.draw_numbers(
    sequence text, count bigint, fewer boolean, OUT start bigint, OUT step bigint, OUT amount bigint)
    RETURNS SETOF record
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_draw_numbers';
-- what statements on nodes other than the coordinator call in place of nextval() and its kin
CREATE FUNCTION citus_internal.next_value(sequence regclass) RETURNS bigint
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_next_value';
CREATE FUNCTION citus_internal.current_value(sequence regclass) RETURNS bigint
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_current_value';
CREATE FUNCTION citus_internal.last_value() RETURNS bigint
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_last_value';
CREATE FUNCTION citus_internal.set_value(sequence regclass, value bigint) RETURNS bigint
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_set_value';
CREATE FUNCTION citus_internal.set_value(sequence regclass, value bigint, is_called boolean) RETURNS bigint
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_set_value';
CREATE FUNCTION citus_internal.sequence_positions(OUT sequence_name text, OUT last_value bigint)
    RETURNS SETOF record
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_sequence_positions';
CREATE FUNCTION citus_internal.restore_sequence(sequence_name text, last_value bigint) RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_restore_sequence';

CREATE FUNCTION citus_internal.upsert_node(
    node_id int, group_id int, node_name text, node_port int, node_role text,
    node_cluster text, has_metadata boolean, is_active boolean, metadata_synced boolean,
    should_have_shards boolean, rack text, is_clone boolean, primary_node_id int) RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_upsert_node';
CREATE FUNCTION citus_internal.delete_node(node_id int) RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_delete_node';
CREATE FUNCTION citus_internal.reset_node(
    group_id int, cluster_id text, drop_copies boolean, kept_shells text[]) RETURNS void
    LANGUAGE C AS 'MODULE_PATHNAME', 'citus_internal_reset_node';
CREATE FUNCTION citus_internal.own_secret() RETURNS bytea
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_own_secret';
CREATE FUNCTION citus_internal.take_secret(secret bytea, second bytea, number text) RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_take_secret';
CREATE PROCEDURE citus_internal.rotate_secret()
    LANGUAGE C AS 'MODULE_PATHNAME', 'citus_internal_rotate_secret';
REVOKE ALL ON PROCEDURE citus_internal.rotate_secret() FROM PUBLIC;
CREATE FUNCTION citus_internal.shell_digests(OUT relation text, OUT digest text)
    RETURNS SETOF record
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_shell_digests';
REVOKE ALL ON FUNCTION
    citus_internal.own_secret(), citus_internal.take_secret(bytea, bytea, text),
    citus_internal.shell_digests(), citus_internal.sequence_positions(), citus_internal.restore_sequence(text, bigint),
    citus_internal.upsert_node(int, int, text, int, text, text, boolean, boolean, boolean,
        boolean, text, boolean, int),
    citus_internal.delete_node(int),
    citus_internal.reset_node(int, text, boolean, text[])
    FROM PUBLIC;
