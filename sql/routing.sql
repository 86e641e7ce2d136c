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

-- Which shard inserts a row of a MERGE whose source all shards see; immutable, so that they may travel.
CREATE FUNCTION citus_internal.token_is_between(value "any", low integer, high integer)
    RETURNS boolean
    LANGUAGE C IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', $$token_is_between$$;
COMMENT ON FUNCTION citus_internal.token_is_between("any", integer, integer)
    IS 'whether a shard with such tokens has the rows of a key; the first shard has NULL';

CREATE FUNCTION citus_internal.key_is_given(value "any", name text)
    RETURNS boolean
    LANGUAGE C IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', $$key_is_given$$;
COMMENT ON FUNCTION citus_internal.key_is_given("any", text)
    IS 'true, or an error when a value for a distribution column is NULL';

-- Rows that are known by their place, for WHERE CURRENT OF.  is_row() is immutable, so that it may
-- travel; the shard is asked for row_version() instead.
CREATE FUNCTION citus_internal.is_row(tableoid oid, ctid tid, shard bigint, place tid)
    RETURNS boolean
    LANGUAGE C STRICT IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', $$is_row$$;
COMMENT ON FUNCTION citus_internal.is_row(oid, tid, bigint, tid)
    IS 'whether a row is the one that was at a place of a shard';

CREATE FUNCTION citus_internal.row_version(shard bigint, place tid)
    RETURNS tid
    LANGUAGE C STRICT STABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', $$row_version$$;
COMMENT ON FUNCTION citus_internal.row_version(bigint, tid)
    IS 'where a row is now that was at a place of a shard';
