-- Life of distributed tables and their shards.

CREATE FUNCTION pg_catalog.create_distributed_table(
    table_name regclass, distribution_column text,
    distribution_type citus.distribution_type DEFAULT 'hash',
    colocate_with text DEFAULT 'default', shard_count int DEFAULT NULL) RETURNS void
    LANGUAGE C AS 'MODULE_PATHNAME', 'create_distributed_table';
CREATE FUNCTION pg_catalog.create_reference_table(table_name regclass) RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'create_reference_table';
CREATE FUNCTION pg_catalog.undistribute_table(
    table_name regclass, cascade_via_foreign_keys boolean DEFAULT false) RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'undistribute_table';
CREATE FUNCTION pg_catalog.citus_add_local_table_to_metadata(
    table_name regclass, cascade_via_foreign_keys boolean DEFAULT false) RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_add_local_table_to_metadata';
CREATE FUNCTION pg_catalog.remove_local_tables_from_metadata() RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'remove_local_tables_from_metadata';
CREATE FUNCTION pg_catalog.truncate_local_data_after_distributing_table(function_name regclass)
    RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'truncate_local_data_after_distributing_table';
CREATE FUNCTION pg_catalog.alter_distributed_table(
    table_name regclass, distribution_column text DEFAULT NULL, shard_count int DEFAULT NULL,
    colocate_with text DEFAULT NULL, cascade_to_colocated boolean DEFAULT NULL) RETURNS void
    LANGUAGE C AS 'MODULE_PATHNAME', 'alter_distributed_table';
CREATE FUNCTION pg_catalog.update_distributed_table_colocation(
    table_name regclass, colocate_with text) RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'update_distributed_table_colocation';
CREATE FUNCTION pg_catalog.citus_drop_all_shards(
    logicalrelid regclass, schema_name text, table_name text,
    drop_shards_metadata_only boolean DEFAULT false) RETURNS int
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_drop_all_shards';
CREATE FUNCTION pg_catalog.master_get_new_shardid() RETURNS bigint
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'master_get_new_shardid';
CREATE FUNCTION pg_catalog.master_get_new_placementid() RETURNS bigint
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'master_get_new_placementid';

COMMENT ON FUNCTION pg_catalog.create_distributed_table(
    regclass, text, citus.distribution_type, text, int)
    IS 'spreads the rows of a table over shards';
COMMENT ON FUNCTION pg_catalog.create_reference_table(regclass)
    IS 'keeps a copy of a table on every node';
COMMENT ON FUNCTION pg_catalog.undistribute_table(regclass, boolean)
    IS 'makes a distributed table a local one again';
COMMENT ON FUNCTION pg_catalog.alter_distributed_table(regclass, text, int, text, boolean)
    IS 'changes the distribution column, the number of shards or the colocation of a table';
COMMENT ON FUNCTION pg_catalog.citus_add_local_table_to_metadata(regclass, boolean)
    IS 'makes a local table known to all nodes';

-- ----- what nodes call on each other

CREATE FUNCTION citus_internal.apply_shard_ddl(
    shard_ids bigint[], statements text[], names text[], search_path text,
    columns text[] DEFAULT NULL, expressions text[] DEFAULT NULL, series bigint[] DEFAULT NULL,
    number_of_series int DEFAULT NULL, "values" text[] DEFAULT NULL) RETURNS void
    LANGUAGE C AS 'MODULE_PATHNAME', 'citus_internal_apply_shard_ddl';
-- what stands for values of rows while a shard is rewritten
CREATE FUNCTION citus_internal.fill_number(series int) RETURNS bigint
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_fill_number';
CREATE FUNCTION citus_internal.fill_text(list int) RETURNS text
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_fill_text';
CREATE FUNCTION citus_internal.count_shard_rows(shard_ids bigint[]) RETURNS bigint[]
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_count_shard_rows';
CREATE FUNCTION citus_internal.drop_relations(names text[]) RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_drop_relations';
CREATE FUNCTION citus_internal.set_own_parts(
    relation text, columns text[], constraints text[]) RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_set_own_parts';
CREATE FUNCTION citus_internal.next_colocation_id() RETURNS int
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_next_colocation_id';
CREATE FUNCTION citus_internal.delete_shard_metadata(shard_ids bigint[]) RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_delete_shard_metadata';
CREATE FUNCTION citus_internal.set_table_colocation(relation text, colocation_id int) RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_set_table_colocation';
CREATE FUNCTION citus_internal.set_table_auto_converted(relation text, auto_converted boolean)
    RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_set_table_auto_converted';
-- foreign keys of a group's local tables that reference a distributed one
CREATE FUNCTION citus_internal.set_watches(relation text, group_id int, keys text[]) RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_set_watches';
CREATE FUNCTION citus_internal.local_key_watches(relation text) RETURNS SETOF text
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_local_key_watches';
REVOKE ALL ON FUNCTION citus_internal.local_key_watches(text) FROM PUBLIC;
-- those that are taken off and put back by the node that alters the type of a referenced column
CREATE FUNCTION citus_internal.take_off_local_keys(relation text, columns text[],
    OUT referring text, OUT name text, OUT definition text, OUT comment text) RETURNS SETOF record
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_take_off_local_keys';
REVOKE ALL ON FUNCTION citus_internal.take_off_local_keys(text, text[]) FROM PUBLIC;
CREATE FUNCTION citus_internal.put_back_local_key(referring text, name text, definition text,
    comment text, OUT constraint_id text, OUT referenced text) RETURNS SETOF record
    LANGUAGE C AS 'MODULE_PATHNAME', 'citus_internal_put_back_local_key';
REVOKE ALL ON FUNCTION citus_internal.put_back_local_key(text, text, text, text) FROM PUBLIC;

-- ----- whatever drops a known table ends here

CREATE FUNCTION pg_catalog.citus_drop_trigger() RETURNS event_trigger
    LANGUAGE C AS 'MODULE_PATHNAME', 'citus_drop_trigger';
CREATE EVENT TRIGGER citus_cascade_to_partition ON sql_drop
    EXECUTE FUNCTION pg_catalog.citus_drop_trigger();
