-- Tokens and shards of values.

CREATE FUNCTION pg_catalog.worker_hash(value "any")
    RETURNS integer
    LANGUAGE C STRICT STABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', $$worker_hash$$;
COMMENT ON FUNCTION pg_catalog.worker_hash("any")
    IS 'token by which a value is routed to its shard';

CREATE FUNCTION pg_catalog.get_shard_id_for_distribution_column(
        table_name regclass, distribution_value "any" DEFAULT NULL)
    RETURNS bigint
    LANGUAGE C STABLE
    AS 'MODULE_PATHNAME', $$get_shard_id_for_distribution_column$$;
COMMENT ON FUNCTION pg_catalog.get_shard_id_for_distribution_column(regclass, "any")
    IS 'shard in which rows with this key live';

-- what ctid means in statements on shards; immutable, so that it may travel
CREATE FUNCTION citus_internal.row_tid(tableoid oid, ctid tid)
    RETURNS tid
    LANGUAGE C STRICT IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', $$row_tid$$;
COMMENT ON FUNCTION citus_internal.row_tid(oid, tid)
    IS 'ctid of a row of a shard, different from those of all other shards';
