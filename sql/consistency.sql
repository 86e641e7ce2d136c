-- What must hold between transactions, on every node and between nodes.  For tests, and for the
-- operator who wants to know.

-- What is wrong with this node's shards by themselves.  highest: the last id of a shard that the
-- coordinator handed out.
CREATE FUNCTION citus_internal.node_problems(highest bigint) RETURNS SETOF text
    LANGUAGE plpgsql VOLATILE STRICT
    SET search_path = pg_catalog SET citus.override_table_visibility = off
    AS $$
DECLARE
    here int := (SELECT groupid FROM pg_dist_local_group);
    placed record;
    misplaced bigint;
    gid text;
BEGIN
    FOR placed IN
        SELECT s.logicalrelid, s.shardid, s.shardminvalue, s.shardmaxvalue, t.partmethod,
            shard_name(s.logicalrelid, s.shardid, false) AS shard_name,
            column_to_column_name(t.logicalrelid, t.partkey) AS key
        FROM pg_dist_shard s JOIN pg_dist_partition t USING (logicalrelid)
            JOIN pg_dist_placement p USING (shardid)
        WHERE p.groupid = here
        ORDER BY s.shardid
    LOOP
        IF to_regclass(placed.shard_name) IS NULL THEN
            RETURN NEXT format('shard %s has no relation', placed.shard_name);
        ELSIF placed.partmethod = 'h' THEN
            EXECUTE format('SELECT count(*) FROM %s WHERE %I IS NOT DISTINCT FROM NULL '
                'OR worker_hash(%I) NOT BETWEEN %s AND %s', placed.shard_name, placed.key,
                placed.key, placed.shardminvalue, placed.shardmaxvalue) INTO misplaced;
            IF misplaced > 0 THEN
                RETURN NEXT format('shard %s has %s rows that belong elsewhere',
                    placed.shard_name, misplaced);
            END IF;
        END IF;
    END LOOP;

    -- names as ours: with an id that was given to a shard, which is no more, or not here
    highest := greatest(highest, (SELECT max(shardid) FROM pg_dist_shard));
    RETURN QUERY
        SELECT format('relation %s is no shard of any table', c.oid::regclass)
        FROM pg_class c,
            substring(c.relname FROM '_([1-9][0-9]{5,17})$') AS number
        WHERE c.relkind IN ('r', 'p') AND number::bigint BETWEEN 102008 AND highest
          AND c.relnamespace::regnamespace::text !~ '^pg_'
          AND NOT EXISTS (SELECT FROM pg_dist_shard s WHERE s.shardid = number::bigint)
          AND NOT EXISTS (SELECT FROM pg_dist_partition t WHERE t.logicalrelid = c.oid);
    RETURN QUERY
        SELECT format('relation %s is a shard that has no placement on this node',
            c.oid::regclass)
        FROM pg_class c,
            substring(c.relname FROM '_([1-9][0-9]{5,17})$') AS number
        WHERE c.relkind IN ('r', 'p', 'f') AND relation_is_a_known_shard(c.oid)
          AND NOT EXISTS (SELECT FROM pg_dist_placement p
                          WHERE p.shardid = number::bigint AND p.groupid = here);

    RETURN QUERY
        SELECT format('shard %s belongs to no table', s.shardid)
        FROM pg_dist_shard s
        WHERE NOT EXISTS (SELECT FROM pg_dist_partition t
                          WHERE t.logicalrelid = s.logicalrelid)
        UNION ALL
        SELECT format('placement %s belongs to no shard', p.placementid)
        FROM pg_dist_placement p
        WHERE NOT EXISTS (SELECT FROM pg_dist_shard s WHERE s.shardid = p.shardid)
        UNION ALL
        SELECT format('table with OID %s does not exist', t.logicalrelid::oid)
        FROM pg_dist_partition t
        WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = t.logicalrelid)
        UNION ALL
        SELECT format('table %s belongs to no colocation group', t.logicalrelid)
        FROM pg_dist_partition t
        WHERE t.colocationid <> 0
          AND NOT EXISTS (SELECT FROM pg_dist_colocation c
                          WHERE c.colocationid = t.colocationid)
        UNION ALL
        SELECT format('colocation group %s has no table', c.colocationid)
        FROM pg_dist_colocation c
        WHERE NOT EXISTS (SELECT FROM pg_dist_partition t
                          WHERE t.colocationid = c.colocationid)
          AND NOT EXISTS (SELECT FROM pg_dist_schema d
                          WHERE d.colocationid = c.colocationid);

    FOR gid IN
        SELECT x.gid FROM pg_prepared_xacts x
        WHERE x.database = current_database() AND starts_with(x.gid, 'citus_')
    LOOP
        RETURN NEXT format('transaction %s is left prepared', gid);
    END LOOP;
END
$$;

-- What must be the same on all nodes, each with a digest of its content.
CREATE FUNCTION citus_internal.node_digests() RETURNS TABLE (item text, digest text)
    LANGUAGE plpgsql VOLATILE STRICT
    SET search_path = pg_catalog SET citus.override_table_visibility = off
    SET datestyle = 'ISO' SET intervalstyle = postgres SET timezone = 'UTC'
    SET extra_float_digits = 3
    AS $$
DECLARE
    here int := (SELECT groupid FROM pg_dist_local_group);
    copy record;
BEGIN
    RETURN QUERY
        SELECT format('node %s', nodeid),
            concat_ws(' ', groupid, nodename, nodeport, noderack, hasmetadata, isactive, noderole,
                nodecluster, metadatasynced, shouldhaveshards)
        FROM pg_dist_node
        UNION ALL
        SELECT format('colocation group %s', colocationid),
            concat_ws(' ', shardcount, replicationfactor,
                nullif(distributioncolumntype, 0)::regtype,
                nullif(distributioncolumncollation, 0)::regcollation)
        FROM pg_dist_colocation
        UNION ALL
        SELECT format('table %s', logicalrelid),
            concat_ws(' ', partmethod, column_to_column_name(logicalrelid, partkey), colocationid,
                repmodel, autoconverted)
        FROM pg_dist_partition
        UNION ALL
        SELECT format('columns of table %s', t.logicalrelid),
            (SELECT string_agg(concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod),
                    a.attnotnull), ', ' ORDER BY a.attnum)
             FROM pg_attribute a
             WHERE a.attrelid = t.logicalrelid AND a.attnum > 0 AND NOT a.attisdropped)
        FROM pg_dist_partition t
        UNION ALL
        SELECT format('indexes of table %s', t.logicalrelid),
            (SELECT string_agg(pg_get_indexdef(i.indexrelid), ', '
                               ORDER BY i.indexrelid::regclass::text)
             FROM pg_index i WHERE i.indrelid = t.logicalrelid)
        FROM pg_dist_partition t
        UNION ALL
        SELECT format('shard %s', shardid),
            concat_ws(' ', logicalrelid, shardstorage, shardminvalue, shardmaxvalue)
        FROM pg_dist_shard
        UNION ALL
        SELECT format('placement %s', placementid), concat_ws(' ', shardid, shardstate, groupid)
        FROM pg_dist_placement
        UNION ALL
        SELECT format('object %s', pg_describe_object(classid, objid, objsubid)),
            concat_ws(' ', distribution_argument_index, colocationid, force_delegation)
        FROM pg_dist_object
        -- a role may have been dropped in another database of the server
        WHERE classid <> 'pg_authid'::regclass OR objid IN (SELECT oid FROM pg_authid);

    -- the copies of a reference table
    FOR copy IN
        SELECT t.logicalrelid, shard_name(s.logicalrelid, s.shardid, false) AS shard_name
        FROM pg_dist_partition t JOIN pg_dist_shard s USING (logicalrelid)
            JOIN pg_dist_placement p USING (shardid)
        WHERE t.repmodel = 't' AND p.groupid = here
    LOOP
        item := format('rows of reference table %s', copy.logicalrelid);
        digest := 'missing';
        IF to_regclass(copy.shard_name) IS NOT NULL THEN
            EXECUTE format('SELECT count(*) || '' '' || coalesce(sum(hashtextextended('
                'copy::text, 0)), 0) FROM %s copy', copy.shard_name) INTO digest;
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;

-- One line a problem; none when all is well.  Sees what is committed.
CREATE FUNCTION citus_internal.check_consistency() RETURNS SETOF text
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_check_consistency';

REVOKE ALL ON FUNCTION citus_internal.node_problems(bigint), citus_internal.node_digests(),
    citus_internal.check_consistency() FROM PUBLIC;
