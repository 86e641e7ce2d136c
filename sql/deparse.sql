-- Statements that make objects again.

CREATE FUNCTION pg_catalog.master_get_table_ddl_events(text)
    RETURNS SETOF text
    LANGUAGE C STRICT
    AS 'MODULE_PATHNAME', $$master_get_table_ddl_events$$;
COMMENT ON FUNCTION pg_catalog.master_get_table_ddl_events(text)
    IS 'statements that recreate a table';

CREATE FUNCTION citus_internal.shell_of_relation(relation oid)
    RETURNS oid
    LANGUAGE C STRICT STABLE
    AS 'MODULE_PATHNAME', $$shell_of_relation$$;
COMMENT ON FUNCTION citus_internal.shell_of_relation(oid)
    IS 'the distributed table that a shard belongs to';

-- immutable, so that it may travel: a relation keeps its shard
CREATE FUNCTION citus_internal.shard_of_row(tableoid oid)
    RETURNS bigint
    LANGUAGE C STRICT IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', $$shard_of_row$$;
COMMENT ON FUNCTION citus_internal.shard_of_row(oid)
    IS 'the shard that a row is in';

CREATE FUNCTION citus_internal.place_in_shard(ctid tid)
    RETURNS tid
    LANGUAGE C STRICT IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', $$place_in_shard$$;
COMMENT ON FUNCTION citus_internal.place_in_shard(tid)
    IS 'where in its shard a row is';
