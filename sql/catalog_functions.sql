-- Functions over the metadata tables.

CREATE FUNCTION pg_catalog.citus_version() RETURNS text
    LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'citus_version';
CREATE FUNCTION pg_catalog.citus_server_id() RETURNS uuid
    LANGUAGE sql STABLE STRICT SET search_path = pg_catalog
    AS $$ SELECT (metadata ->> 'server_id')::uuid FROM pg_dist_node_metadata $$;

-- ----- which node

CREATE FUNCTION pg_catalog.citus_is_coordinator() RETURNS boolean
    LANGUAGE C VOLATILE STRICT AS 'MODULE_PATHNAME', 'citus_is_coordinator';
CREATE FUNCTION pg_catalog.citus_coordinator_nodeid() RETURNS int
    LANGUAGE C STABLE STRICT AS 'MODULE_PATHNAME', 'citus_coordinator_nodeid';
CREATE FUNCTION pg_catalog.citus_is_primary_node() RETURNS boolean
    LANGUAGE C VOLATILE STRICT AS 'MODULE_PATHNAME', 'citus_is_primary_node';
CREATE FUNCTION pg_catalog.citus_nodename_for_nodeid(nodeid int) RETURNS text
    LANGUAGE C STABLE STRICT AS 'MODULE_PATHNAME', 'citus_nodename_for_nodeid';
CREATE FUNCTION pg_catalog.citus_nodeport_for_nodeid(nodeid int) RETURNS int
    LANGUAGE C STABLE STRICT AS 'MODULE_PATHNAME', 'citus_nodeport_for_nodeid';
CREATE FUNCTION pg_catalog.get_nodeid_for_groupid(groupid int) RETURNS int
    LANGUAGE C STABLE STRICT AS 'MODULE_PATHNAME', 'get_nodeid_for_groupid';
CREATE FUNCTION pg_catalog.citus_get_active_worker_nodes(
    OUT node_name text, OUT node_port bigint) RETURNS SETOF record
    LANGUAGE C VOLATILE STRICT ROWS 100 AS 'MODULE_PATHNAME', 'citus_get_active_worker_nodes';
CREATE FUNCTION pg_catalog.master_get_active_worker_nodes(
    OUT node_name text, OUT node_port bigint) RETURNS SETOF record
    LANGUAGE C VOLATILE STRICT ROWS 100 AS 'MODULE_PATHNAME', 'citus_get_active_worker_nodes';

-- ----- columns, shards, colocation

CREATE FUNCTION pg_catalog.column_to_column_name(table_name regclass, column_var_text text)
    RETURNS text
    LANGUAGE C STABLE STRICT AS 'MODULE_PATHNAME', 'column_to_column_name';
CREATE FUNCTION pg_catalog.column_name_to_column(table_name regclass, column_name text)
    RETURNS text
    LANGUAGE C STABLE STRICT AS 'MODULE_PATHNAME', 'column_name_to_column';
CREATE FUNCTION pg_catalog.shard_name(
    object_name regclass, shard_id bigint, skip_qualify_public boolean DEFAULT true) RETURNS text
    LANGUAGE C STABLE STRICT AS 'MODULE_PATHNAME', 'shard_name';
CREATE FUNCTION pg_catalog.relation_is_a_known_shard(regclass) RETURNS boolean
    LANGUAGE C STABLE STRICT AS 'MODULE_PATHNAME', 'relation_is_a_known_shard';
CREATE FUNCTION pg_catalog.citus_table_is_visible(oid) RETURNS boolean
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'citus_table_is_visible';
CREATE FUNCTION pg_catalog.distributed_tables_colocated(table1 regclass, table2 regclass)
    RETURNS boolean
    LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'distributed_tables_colocated';
CREATE FUNCTION pg_catalog.get_colocated_table_array(regclass) RETURNS regclass[]
    LANGUAGE C VOLATILE STRICT AS 'MODULE_PATHNAME', 'get_colocated_table_array';
CREATE FUNCTION pg_catalog.get_colocated_shard_array(bigint) RETURNS bigint[]
    LANGUAGE C VOLATILE STRICT AS 'MODULE_PATHNAME', 'get_colocated_shard_array';

-- What the planner adds to scans of pg_class: false for relations that belong to shards.
CREATE FUNCTION citus_internal.relation_is_visible(oid) RETURNS boolean
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'citus_internal_relation_is_visible';

-- Shards, and indexes of shards, whose relations are in this database.
CREATE FUNCTION pg_catalog.citus_shards_on_worker(
    OUT schema_name name, OUT shard_name name, OUT table_type text, OUT owner_name name)
    RETURNS SETOF record
    LANGUAGE sql STABLE STRICT ROWS 100
    SET search_path = pg_catalog SET citus.override_table_visibility = off
    AS $$
    SELECT n.nspname, c.relname,
        CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table'
            WHEN 'f' THEN 'foreign table' END,
        pg_get_userbyid(c.relowner)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'f')
      AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
      AND relation_is_a_known_shard(c.oid)
    ORDER BY 1, 2
    $$;

CREATE FUNCTION pg_catalog.citus_shard_indexes_on_worker(
    OUT schema_name name, OUT index_name name, OUT table_type text, OUT owner_name name,
    OUT shard_name name)
    RETURNS SETOF record
    LANGUAGE sql STABLE STRICT ROWS 100
    SET search_path = pg_catalog SET citus.override_table_visibility = off
    AS $$
    SELECT n.nspname, c.relname,
        CASE c.relkind WHEN 'i' THEN 'index' ELSE 'partitioned index' END,
        pg_get_userbyid(c.relowner), t.relname
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_index i ON i.indexrelid = c.oid JOIN pg_class t ON t.oid = i.indrelid
    WHERE c.relkind IN ('i', 'I')
      AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
      AND relation_is_a_known_shard(t.oid)
    ORDER BY 1, 2
    $$;

-- Bounds of a range partition over one column; NULLs for the default partition.
CREATE FUNCTION pg_catalog.time_partition_range(
    table_name regclass, OUT lower_bound text, OUT upper_bound text) RETURNS record
    LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog AS $$
DECLARE
    bound text;
    parts text[];
BEGIN
    SELECT pg_get_expr(c.relpartbound, c.oid) INTO bound
    FROM pg_class c
        JOIN pg_inherits i ON i.inhrelid = c.oid
        JOIN pg_partitioned_table p ON p.partrelid = i.inhparent
    WHERE c.oid = table_name AND c.relispartition AND p.partstrat = 'r' AND p.partnatts = 1;
    IF bound IS NULL THEN
        RAISE EXCEPTION 'relation "%" is not a range partition over a single column', table_name
            USING ERRCODE = 'wrong_object_type';
    END IF;
    parts := regexp_match(bound, '^FOR VALUES FROM \((.*)\) TO \((.*)\)$');
    lower_bound := replace(regexp_replace(parts[1], '^''(.*)''$', '\1'), '''''', '''');
    upper_bound := replace(regexp_replace(parts[2], '^''(.*)''$', '\1'), '''''', '''');
END $$;

-- ----- strategies of the rebalancer

CREATE FUNCTION pg_catalog.citus_shard_cost_1(shardid bigint) RETURNS real
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT 1::real $$;
CREATE FUNCTION pg_catalog.citus_node_capacity_1(nodeid int) RETURNS real
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT 1::real $$;
CREATE FUNCTION pg_catalog.citus_shard_allowed_on_node_true(shardid bigint, nodeid int)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT true $$;

CREATE FUNCTION pg_catalog.citus_validate_rebalance_strategy_functions(
    shard_cost_function regproc, node_capacity_function regproc,
    shard_allowed_on_node_function regproc) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog AS $$
DECLARE
    wanted record;
BEGIN
    FOR wanted IN
        SELECT * FROM (VALUES
            ('shard cost', shard_cost_function, 'bigint', 'real'),
            ('node capacity', node_capacity_function, 'integer', 'real'),
            ('shard allowed on node', shard_allowed_on_node_function, 'bigint, integer',
             'boolean')) w (role, function, arguments, result)
    LOOP
        IF NOT EXISTS (
            SELECT FROM pg_proc p WHERE p.oid = wanted.function
              AND oidvectortypes(p.proargtypes) = wanted.arguments
              AND p.prorettype::regtype::text = wanted.result) THEN
            RAISE EXCEPTION '% function does not have the right signature', wanted.role
                USING ERRCODE = 'invalid_parameter_value',
                      DETAIL = format('It must take (%s) and return %s.', wanted.arguments,
                                      wanted.result);
        END IF;
    END LOOP;
END $$;

CREATE FUNCTION citus_internal.check_rebalance_strategy() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    PERFORM citus_validate_rebalance_strategy_functions(NEW.shard_cost_function,
        NEW.node_capacity_function, NEW.shard_allowed_on_node_function);
    IF NEW.default_threshold < NEW.minimum_threshold THEN
        RAISE EXCEPTION 'default_threshold cannot be smaller than minimum_threshold';
    END IF;
    IF NEW.default_strategy THEN
        PERFORM FROM pg_dist_rebalance_strategy
            WHERE default_strategy AND name <> NEW.name;
        IF FOUND THEN
            RAISE EXCEPTION 'there can be only one default strategy';
        END IF;
    END IF;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION citus_internal.check_rebalance_strategy() FROM PUBLIC;

CREATE TRIGGER pg_dist_rebalance_strategy_validation_trigger
    AFTER INSERT OR UPDATE ON pg_catalog.pg_dist_rebalance_strategy
    FOR EACH ROW EXECUTE FUNCTION citus_internal.check_rebalance_strategy();

CREATE FUNCTION pg_catalog.citus_add_rebalance_strategy(
    name name, shard_cost_function regproc, node_capacity_function regproc,
    shard_allowed_on_node_function regproc, default_threshold real,
    minimum_threshold real DEFAULT 0, improvement_threshold real DEFAULT 0) RETURNS void
    LANGUAGE sql STRICT SET search_path = pg_catalog
    AS $$
    INSERT INTO pg_dist_rebalance_strategy (name, shard_cost_function, node_capacity_function,
        shard_allowed_on_node_function, default_threshold, minimum_threshold,
        improvement_threshold)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    $$;

CREATE FUNCTION pg_catalog.citus_set_default_rebalance_strategy(name text) RETURNS void
    LANGUAGE plpgsql STRICT SET search_path = pg_catalog AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_dist_rebalance_strategy s WHERE s.name = $1) THEN
        RAISE EXCEPTION 'strategy with name "%" does not exist', $1
            USING ERRCODE = 'undefined_object';
    END IF;
    UPDATE pg_dist_rebalance_strategy s SET default_strategy = false WHERE default_strategy;
    UPDATE pg_dist_rebalance_strategy s SET default_strategy = true WHERE s.name = $1;
END $$;
