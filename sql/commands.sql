-- What nodes ask each other for utility statements.

-- truncates shells and shards of tables on this node
CREATE FUNCTION citus_internal.truncate_tables(tables regclass[], restart_identity boolean)
    RETURNS void
    LANGUAGE C STRICT
    AS 'MODULE_PATHNAME', $$citus_internal_truncate_tables$$;
COMMENT ON FUNCTION citus_internal.truncate_tables(regclass[], boolean)
    IS 'truncates a node''s shells and shards of distributed tables';

-- SET CONSTRAINTS for constraints of tables' shards on this node
CREATE FUNCTION citus_internal.set_constraints(tables regclass[], names name[], deferred boolean)
    RETURNS void
    LANGUAGE C STRICT
    AS 'MODULE_PATHNAME', $$citus_internal_set_constraints$$;
COMMENT ON FUNCTION citus_internal.set_constraints(regclass[], name[], boolean)
    IS 'defers or checks constraints of a node''s shards';

-- pages and rows of all shards into the shell's pg_class row, for estimates
CREATE FUNCTION citus_internal.set_table_size(table_name regclass, pages double precision,
                                              row_count double precision)
    RETURNS void
    LANGUAGE C STRICT
    AS 'MODULE_PATHNAME', $$citus_internal_set_table_size$$;
COMMENT ON FUNCTION citus_internal.set_table_size(regclass, double precision, double precision)
    IS 'notes pages and rows of a distributed table for the planner';

-- what the shards' statistics of a column say together, into the shell's pg_statistic row
CREATE FUNCTION citus_internal.set_column_statistics(table_name regclass, column_name name,
                                                     null_fraction real, width integer,
                                                     distinct_values real, common_values text,
                                                     frequencies real[], bounds text)
    RETURNS void
    LANGUAGE C
    AS 'MODULE_PATHNAME', $$citus_internal_set_column_statistics$$;
COMMENT ON FUNCTION citus_internal.set_column_statistics(regclass, name, real, integer, real, text, real[], text)
    IS 'notes statistics of a distributed table''s column for the planner';

CREATE FUNCTION citus_internal.alter_sequence(statement text, with_owner boolean) RETURNS void
    LANGUAGE C STRICT
    AS 'MODULE_PATHNAME', $$citus_internal_alter_sequence$$;
CREATE FUNCTION citus_internal.alter_shell(statement text) RETURNS void
    LANGUAGE C STRICT
    AS 'MODULE_PATHNAME', $$citus_internal_alter_shell$$;
COMMENT ON FUNCTION citus_internal.alter_sequence(text, boolean)
    IS 'alters a sequence the way another node has';
COMMENT ON FUNCTION citus_internal.alter_shell(text)
    IS 'alters a table the way another node has';

-- locks relations on this node; scope: bits, 1 with children, 2 with what a DROP locks besides
CREATE FUNCTION citus_internal.lock_relations(names text[], mode integer, scope integer)
    RETURNS void
    LANGUAGE C STRICT
    AS 'MODULE_PATHNAME', $$citus_internal_lock_relations$$;
CREATE FUNCTION citus_internal.lock_names(names text[]) RETURNS boolean
    LANGUAGE C STRICT
    AS 'MODULE_PATHNAME', $$citus_internal_lock_names$$;
COMMENT ON FUNCTION citus_internal.lock_names(text[])
    IS 'locks names of objects before another node changes them';
COMMENT ON FUNCTION citus_internal.lock_relations(text[], integer, integer)
    IS 'locks relations before another node changes them';
