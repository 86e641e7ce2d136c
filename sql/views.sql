-- Views.  Those of pg_catalog are created in schema citus and move there.

-- What kind of table a row of pg_dist_partition is, in the words of citus_tables.
CREATE FUNCTION citus_internal.table_type(
    partmethod "char", repmodel "char", colocationid int) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog
    AS $$
    SELECT CASE
        WHEN partmethod <> 'n' THEN 'distributed'
        WHEN EXISTS (SELECT FROM pg_dist_schema s WHERE s.colocationid = $3) THEN 'schema'
        WHEN repmodel = 't' THEN 'reference'
        WHEN colocationid = 0 THEN 'local'
        ELSE 'distributed' END
    $$;

CREATE VIEW citus.citus_tables AS
SELECT
    p.logicalrelid AS table_name,
    citus_internal.table_type(p.partmethod, p.repmodel, p.colocationid) AS citus_table_type,
    coalesce(pg_catalog.column_to_column_name(p.logicalrelid, p.partkey), '<none>')
        AS distribution_column,
    p.colocationid AS colocation_id,
    pg_catalog.pg_size_pretty(s.size) AS table_size,
    s.count AS shard_count,
    pg_catalog.pg_get_userbyid(c.relowner) AS table_owner,
    a.amname AS access_method
FROM pg_catalog.pg_dist_partition p
    JOIN pg_catalog.pg_class c ON c.oid = p.logicalrelid
    LEFT JOIN pg_catalog.pg_am a ON a.oid = c.relam
    JOIN (SELECT s.logicalrelid, count(DISTINCT s.shardid) AS count, sum(z.size) AS size
          FROM pg_catalog.pg_dist_shard s
              LEFT JOIN pg_catalog.citus_shard_sizes() z ON z.shard_id = s.shardid
          GROUP BY s.logicalrelid) s ON s.logicalrelid = p.logicalrelid
ORDER BY p.logicalrelid::text;

CREATE VIEW citus.citus_schemas AS
SELECT
    d.schemaid::regnamespace AS schema_name,
    d.colocationid AS colocation_id,
    CASE WHEN pg_catalog.has_schema_privilege(CURRENT_USER, d.schemaid, 'USAGE')
        THEN pg_catalog.pg_size_pretty(coalesce(s.size, 0)) END AS schema_size,
    pg_catalog.pg_get_userbyid(n.nspowner) AS schema_owner
FROM pg_catalog.pg_dist_schema d
    JOIN pg_catalog.pg_namespace n ON n.oid = d.schemaid
    LEFT JOIN (SELECT c.relnamespace, sum(z.size) AS size
               FROM pg_catalog.pg_dist_shard s
                   JOIN pg_catalog.pg_class c ON c.oid = s.logicalrelid
                   JOIN pg_catalog.citus_shard_sizes() z ON z.shard_id = s.shardid
               GROUP BY c.relnamespace) s ON s.relnamespace = d.schemaid
ORDER BY d.schemaid::regnamespace::text;

GRANT SELECT ON citus.citus_tables, citus.citus_schemas TO PUBLIC;

-- These two are found in schema public where there is one.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'public') THEN
        ALTER VIEW citus.citus_tables SET SCHEMA public;
        ALTER VIEW citus.citus_schemas SET SCHEMA public;
    END IF;
END $$;

CREATE VIEW citus.citus_shards AS
SELECT
    p.logicalrelid AS table_name,
    s.shardid,
    pg_catalog.shard_name(p.logicalrelid, s.shardid) AS shard_name,
    citus_internal.table_type(p.partmethod, p.repmodel, p.colocationid) AS citus_table_type,
    p.colocationid AS colocation_id,
    n.nodename,
    n.nodeport,
    z.size AS shard_size
FROM pg_catalog.pg_dist_shard s
    JOIN pg_catalog.pg_dist_partition p ON p.logicalrelid = s.logicalrelid
    JOIN pg_catalog.pg_dist_placement l ON l.shardid = s.shardid AND l.shardstate = 1
    JOIN pg_catalog.pg_dist_node n
        ON n.groupid = l.groupid AND n.noderole = 'primary' AND n.isactive
    LEFT JOIN (SELECT shard_id, max(size) AS size FROM pg_catalog.citus_shard_sizes()
               GROUP BY shard_id) z ON z.shard_id = s.shardid
ORDER BY p.logicalrelid::text, s.shardid, n.nodename, n.nodeport;
ALTER VIEW citus.citus_shards SET SCHEMA pg_catalog;

CREATE VIEW citus.citus_nodes AS
SELECT nodename, nodeport,
    CASE WHEN groupid = 0 THEN 'coordinator' ELSE 'worker' END AS role,
    isactive AS active
FROM pg_catalog.pg_dist_node;
ALTER VIEW citus.citus_nodes SET SCHEMA pg_catalog;

CREATE VIEW citus.citus_shards_on_worker AS
SELECT schema_name AS "Schema", shard_name AS "Name", table_type AS "Type",
    owner_name AS "Owner"
FROM pg_catalog.citus_shards_on_worker();
ALTER VIEW citus.citus_shards_on_worker SET SCHEMA pg_catalog;

CREATE VIEW citus.citus_shard_indexes_on_worker AS
SELECT schema_name AS "Schema", index_name AS "Name", table_type AS "Type",
    owner_name AS "Owner", shard_name AS "Table"
FROM pg_catalog.citus_shard_indexes_on_worker();
ALTER VIEW citus.citus_shard_indexes_on_worker SET SCHEMA pg_catalog;

CREATE VIEW citus.time_partitions AS
SELECT
    i.inhparent::regclass AS parent_table,
    a.attname AS partition_column,
    i.inhrelid::regclass AS partition,
    b.lower_bound AS from_value,
    b.upper_bound AS to_value,
    m.amname AS access_method
FROM pg_catalog.pg_inherits i
    JOIN pg_catalog.pg_partitioned_table p ON p.partrelid = i.inhparent
    JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid AND c.relispartition
    JOIN pg_catalog.pg_attribute a ON a.attrelid = i.inhparent AND a.attnum = p.partattrs[0]
    LEFT JOIN pg_catalog.pg_am m ON m.oid = c.relam
    CROSS JOIN LATERAL pg_catalog.time_partition_range(i.inhrelid) b
WHERE p.partstrat = 'r' AND p.partnatts = 1
ORDER BY i.inhparent::regclass::text, b.lower_bound;
ALTER VIEW citus.time_partitions SET SCHEMA pg_catalog;

-- The placements in their old form; may be written to.
CREATE VIEW citus.pg_dist_shard_placement AS
SELECT l.shardid, l.shardstate, l.shardlength, n.nodename, n.nodeport, l.placementid
FROM pg_catalog.pg_dist_placement l
    JOIN pg_catalog.pg_dist_node n ON n.groupid = l.groupid AND n.noderole = 'primary';
ALTER VIEW citus.pg_dist_shard_placement SET SCHEMA pg_catalog;

CREATE FUNCTION citus_internal.change_shard_placement() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    node_group int;
BEGIN
    IF TG_OP = 'DELETE' THEN
        DELETE FROM pg_dist_placement WHERE placementid = OLD.placementid;
        RETURN OLD;
    END IF;
    SELECT groupid INTO node_group FROM pg_dist_node
        WHERE nodename = NEW.nodename AND nodeport = NEW.nodeport;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'node "%:%" does not exist', NEW.nodename, NEW.nodeport
            USING ERRCODE = 'undefined_object';
    END IF;
    IF TG_OP = 'UPDATE' THEN
        UPDATE pg_dist_placement SET shardid = NEW.shardid, shardstate = NEW.shardstate,
            shardlength = NEW.shardlength, placementid = NEW.placementid, groupid = node_group
        WHERE placementid = OLD.placementid;
    ELSE
        INSERT INTO pg_dist_placement (placementid, shardid, shardstate, shardlength, groupid)
        VALUES (coalesce(NEW.placementid, nextval('pg_dist_placement_placementid_seq')),
            NEW.shardid, NEW.shardstate, NEW.shardlength, node_group);
    END IF;
    RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION citus_internal.change_shard_placement() FROM PUBLIC;

CREATE TRIGGER change_shard_placement
    INSTEAD OF INSERT OR UPDATE OR DELETE ON pg_catalog.pg_dist_shard_placement
    FOR EACH ROW EXECUTE FUNCTION citus_internal.change_shard_placement();

GRANT SELECT ON pg_catalog.citus_shards, pg_catalog.citus_nodes,
    pg_catalog.citus_shards_on_worker, pg_catalog.citus_shard_indexes_on_worker,
    pg_catalog.time_partitions, pg_catalog.pg_dist_shard_placement TO PUBLIC;

-- ----- last of the script: rows that name functions of other topics, and TLS

CREATE FUNCTION pg_catalog.citus_shard_cost_by_disk_size(bigint) RETURNS real
    LANGUAGE sql STABLE STRICT SET search_path = pg_catalog
    AS $$
    SELECT (coalesce(sum(z.size), 0)
            -- pg_size_bytes() of 15 does not know "B"
            + pg_size_bytes(regexp_replace(current_setting('citus.rebalancer_by_disk_size_base_cost'),
                                           '(\d)B$', '\1 bytes')))::real
    FROM citus_shard_sizes() z WHERE z.shard_id = ANY (get_colocated_shard_array($1))
    $$;

INSERT INTO pg_catalog.pg_dist_rebalance_strategy (name, default_strategy, shard_cost_function,
    node_capacity_function, shard_allowed_on_node_function, default_threshold,
    minimum_threshold, improvement_threshold)
VALUES
    ('by_shard_count', false, 'citus_shard_cost_1', 'citus_node_capacity_1',
     'citus_shard_allowed_on_node_true', 0, 0, 0),
    ('by_disk_size', true, 'citus_shard_cost_by_disk_size', 'citus_node_capacity_1',
     'citus_shard_allowed_on_node_true', 0.1, 0.01, 0.5);

CREATE FUNCTION citus_internal.enable_tls() RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_internal_enable_tls';
REVOKE ALL ON FUNCTION citus_internal.enable_tls() FROM PUBLIC;
SELECT citus_internal.enable_tls();
