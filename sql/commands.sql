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
                                              row_count double precision, gathered boolean)
    RETURNS void
    LANGUAGE C STRICT
    AS 'MODULE_PATHNAME', $$citus_internal_set_table_size$$;
COMMENT ON FUNCTION citus_internal.set_table_size(regclass, double precision, double precision, boolean)
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

-- What this node knows of the sizes of all tables: of its shards, the first copies only, and of its
-- shells.  Ages in seconds, of the last analysis; NULL: unknown.
CREATE FUNCTION citus_internal.statistics_state(
        OUT table_name text, OUT row_count double precision, OUT pages double precision,
        OUT changes double precision, OUT analyzed double precision,
        OUT shell_rows double precision, OUT shell_analyzed double precision)
    RETURNS SETOF record
    LANGUAGE sql STABLE STRICT
    SET search_path TO pg_catalog
    SET citus.override_table_visibility TO off	-- shards, too, whoever asks
AS $$
    SELECT format('%I.%I', n.nspname, c.relname), s.row_count, s.pages, s.changes,
           extract(epoch FROM clock_timestamp() - s.analyzed), c.reltuples,
           CASE WHEN current_setting('track_counts')::boolean THEN
               extract(epoch FROM clock_timestamp() -
                       greatest(pg_stat_get_last_analyze_time(c.oid),
                                pg_stat_get_last_autoanalyze_time(c.oid)))
           ELSE 0 END
    FROM pg_dist_partition t
    JOIN pg_class c ON c.oid = t.logicalrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN (
        SELECT d.logicalrelid,
               sum(r.reltuples::double precision) FILTER (WHERE r.reltuples >= 0) AS row_count,
               sum(r.relpages::double precision) FILTER (WHERE r.reltuples >= 0) AS pages,
               sum(pg_stat_get_mod_since_analyze(r.oid)) AS changes,
               max(greatest(pg_stat_get_last_analyze_time(r.oid),
                            pg_stat_get_last_autoanalyze_time(r.oid))) AS analyzed
        FROM pg_dist_placement p
        JOIN pg_dist_shard d USING (shardid)
        JOIN pg_class r ON r.oid = to_regclass(shard_name(d.logicalrelid, d.shardid, false))
        WHERE p.groupid = (SELECT groupid FROM pg_dist_local_group)
          AND NOT EXISTS (SELECT FROM pg_dist_placement f
                          WHERE f.shardid = p.shardid AND f.placementid < p.placementid)
        GROUP BY 1) s ON s.logicalrelid = t.logicalrelid
$$;
COMMENT ON FUNCTION citus_internal.statistics_state()
    IS 'what a node knows of the sizes of distributed tables';
CREATE FUNCTION citus_internal.refresh_statistics() RETURNS integer
    LANGUAGE C STRICT
    AS 'MODULE_PATHNAME', $$citus_internal_refresh_statistics$$;
COMMENT ON FUNCTION citus_internal.refresh_statistics()
    IS 'gathers statistics of tables whose shards have newer ones';
REVOKE ALL ON FUNCTION citus_internal.statistics_state(), citus_internal.refresh_statistics()
    FROM PUBLIC;

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
