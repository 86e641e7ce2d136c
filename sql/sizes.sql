-- Sizes of tables and shards on all nodes.

CREATE FUNCTION pg_catalog.citus_relation_size(logicalrelid regclass) RETURNS bigint
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_relation_size';
CREATE FUNCTION pg_catalog.citus_table_size(logicalrelid regclass) RETURNS bigint
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_table_size';
CREATE FUNCTION pg_catalog.citus_total_relation_size(
    logicalrelid regclass, fail_on_error boolean DEFAULT true) RETURNS bigint
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_total_relation_size';

CREATE FUNCTION pg_catalog.citus_shard_sizes(OUT shard_id int, OUT size bigint)
    RETURNS SETOF record
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_shard_sizes';
CREATE FUNCTION citus_internal.local_shard_sizes(OUT shard_id int, OUT size bigint)
    RETURNS SETOF record
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_local_shard_sizes';

CREATE FUNCTION pg_catalog.citus_update_table_statistics(relation regclass) RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_update_table_statistics';
CREATE FUNCTION pg_catalog.citus_update_shard_statistics(shard_id bigint) RETURNS bigint
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_update_shard_statistics';
CREATE FUNCTION pg_catalog.master_update_table_statistics(relation regclass) RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_update_table_statistics';
CREATE FUNCTION pg_catalog.master_update_shard_statistics(shard_id bigint) RETURNS bigint
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_update_shard_statistics';
CREATE FUNCTION citus_internal.set_shard_lengths(shard_ids bigint[], lengths bigint[])
    RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_set_shard_lengths';

CREATE FUNCTION pg_catalog.citus_local_disk_space_stats(
    OUT available_disk_size bigint, OUT total_disk_size bigint) RETURNS record
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_local_disk_space_stats';
