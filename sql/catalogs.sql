-- The metadata tables.  They are created in schema citus and move to pg_catalog, where relations
-- cannot be created.

-- ----- what the tables' triggers and constraints call

CREATE FUNCTION pg_catalog.citus_dist_partition_cache_invalidate() RETURNS trigger
    LANGUAGE C AS 'MODULE_PATHNAME', 'citus_dist_partition_cache_invalidate';
CREATE FUNCTION pg_catalog.citus_dist_shard_cache_invalidate() RETURNS trigger
    LANGUAGE C AS 'MODULE_PATHNAME', 'citus_dist_shard_cache_invalidate';
CREATE FUNCTION pg_catalog.citus_dist_placement_cache_invalidate() RETURNS trigger
    LANGUAGE C AS 'MODULE_PATHNAME', 'citus_dist_placement_cache_invalidate';
CREATE FUNCTION pg_catalog.citus_dist_node_cache_invalidate() RETURNS trigger
    LANGUAGE C AS 'MODULE_PATHNAME', 'citus_dist_node_cache_invalidate';
CREATE FUNCTION pg_catalog.citus_dist_local_group_cache_invalidate() RETURNS trigger
    LANGUAGE C AS 'MODULE_PATHNAME', 'citus_dist_local_group_cache_invalidate';
CREATE FUNCTION pg_catalog.citus_dist_object_cache_invalidate() RETURNS trigger
    LANGUAGE C AS 'MODULE_PATHNAME', 'citus_dist_object_cache_invalidate';
CREATE FUNCTION pg_catalog.citus_conninfo_cache_invalidate() RETURNS trigger
    LANGUAGE C AS 'MODULE_PATHNAME', 'citus_conninfo_cache_invalidate';

CREATE FUNCTION pg_catalog.authinfo_valid(authinfo text) RETURNS boolean
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'authinfo_valid';
CREATE FUNCTION pg_catalog.poolinfo_valid(poolinfo text) RETURNS boolean
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'poolinfo_valid';
CREATE FUNCTION pg_catalog.role_exists(rolename name) RETURNS boolean
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'role_exists';

-- ----- sequences

CREATE SEQUENCE citus.pg_dist_shardid_seq MINVALUE 102008 NO CYCLE;
CREATE SEQUENCE citus.pg_dist_placement_placementid_seq NO CYCLE;
CREATE SEQUENCE citus.pg_dist_node_nodeid_seq MAXVALUE 4294967294 NO CYCLE;
CREATE SEQUENCE citus.pg_dist_groupid_seq MAXVALUE 4294967296 NO CYCLE;
CREATE SEQUENCE citus.pg_dist_colocationid_seq MAXVALUE 4294967296 NO CYCLE;
CREATE SEQUENCE citus.pg_dist_operationid_seq NO CYCLE;
CREATE SEQUENCE citus.pg_dist_cleanup_recordid_seq NO CYCLE;
CREATE SEQUENCE citus.pg_dist_clock_logical_seq NO CYCLE;

-- ----- tables and shards

CREATE TABLE citus.pg_dist_partition (
    logicalrelid regclass NOT NULL,
    partmethod "char" NOT NULL,
    partkey text,
    colocationid int NOT NULL DEFAULT 0,
    repmodel "char" NOT NULL DEFAULT 'c',
    autoconverted boolean DEFAULT false);
CREATE UNIQUE INDEX pg_dist_partition_logical_relid_index
    ON citus.pg_dist_partition (logicalrelid);
CREATE INDEX pg_dist_partition_colocationid_index ON citus.pg_dist_partition (colocationid);

CREATE TABLE citus.pg_dist_shard (
    logicalrelid regclass NOT NULL,
    shardid bigint NOT NULL,
    shardstorage "char" NOT NULL,
    shardminvalue text,
    shardmaxvalue text);
CREATE UNIQUE INDEX pg_dist_shard_shardid_index ON citus.pg_dist_shard (shardid);
CREATE INDEX pg_dist_shard_logical_relid_index ON citus.pg_dist_shard (logicalrelid);

CREATE TABLE citus.pg_dist_placement (
    placementid bigint NOT NULL
        DEFAULT pg_catalog.nextval('citus.pg_dist_placement_placementid_seq'::regclass),
    shardid bigint NOT NULL,
    shardstate int NOT NULL,
    shardlength bigint NOT NULL,
    groupid int NOT NULL);
CREATE UNIQUE INDEX pg_dist_placement_placementid_index
    ON citus.pg_dist_placement (placementid);
CREATE UNIQUE INDEX pg_dist_placement_shardid_index
    ON citus.pg_dist_placement (shardid, groupid);
CREATE INDEX pg_dist_placement_groupid_index ON citus.pg_dist_placement (groupid);

CREATE TABLE citus.pg_dist_colocation (
    colocationid int NOT NULL CONSTRAINT pg_dist_colocation_pkey PRIMARY KEY,
    shardcount int NOT NULL,
    replicationfactor int NOT NULL,
    distributioncolumntype oid NOT NULL,
    distributioncolumncollation oid NOT NULL);
CREATE INDEX pg_dist_colocation_configuration_index ON citus.pg_dist_colocation
    (distributioncolumntype, shardcount, replicationfactor, distributioncolumncollation);

CREATE TABLE citus.pg_dist_schema (
    schemaid oid NOT NULL CONSTRAINT pg_dist_schema_pkey PRIMARY KEY,
    colocationid int NOT NULL CONSTRAINT pg_dist_schema_unique_colocationid_index UNIQUE);

-- ----- nodes

CREATE TABLE citus.pg_dist_node (
    nodeid int NOT NULL DEFAULT pg_catalog.nextval('citus.pg_dist_node_nodeid_seq'::regclass)
        CONSTRAINT pg_dist_node_pkey PRIMARY KEY,
    groupid int NOT NULL DEFAULT pg_catalog.nextval('citus.pg_dist_groupid_seq'::regclass),
    nodename text NOT NULL,
    nodeport int NOT NULL DEFAULT 5432,
    noderack text NOT NULL DEFAULT 'default',
    hasmetadata boolean NOT NULL DEFAULT false,
    isactive boolean NOT NULL DEFAULT true,
    noderole pg_catalog.noderole NOT NULL DEFAULT 'primary',
    nodecluster name NOT NULL DEFAULT 'default',
    metadatasynced boolean NOT NULL DEFAULT false,
    shouldhaveshards boolean NOT NULL DEFAULT true,
    nodeisclone boolean NOT NULL DEFAULT false,
    nodeprimarynodeid int NOT NULL DEFAULT 0,
    CONSTRAINT pg_dist_node_nodename_nodeport_key UNIQUE (nodename, nodeport),
    CONSTRAINT primaries_are_only_allowed_in_the_default_cluster
        CHECK (NOT (nodecluster <> 'default' AND noderole = 'primary')));
CREATE INDEX pg_dist_node_groupid_index ON citus.pg_dist_node (groupid);

CREATE FUNCTION citus_internal.check_one_primary() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF (SELECT count(*) FROM pg_dist_node
        WHERE groupid = NEW.groupid AND noderole = 'primary') > 1 THEN
        RAISE EXCEPTION 'group % has a primary node already', NEW.groupid;
    END IF;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION citus_internal.check_one_primary() FROM PUBLIC;

CREATE TABLE citus.pg_dist_local_group (
    groupid int NOT NULL CONSTRAINT pg_dist_local_groupid_pkey PRIMARY KEY);
INSERT INTO citus.pg_dist_local_group VALUES (0);

CREATE TABLE citus.pg_dist_node_metadata (metadata jsonb NOT NULL);
INSERT INTO citus.pg_dist_node_metadata VALUES (pg_catalog.jsonb_build_object(
    'server_id', pg_catalog.gen_random_uuid()::text,
    'partitioned_citus_table_exists_pre_11', false));

CREATE TABLE citus.pg_dist_authinfo (
    nodeid int NOT NULL,
    rolename name NOT NULL
        CONSTRAINT role_exists CHECK (pg_catalog.role_exists(rolename)),
    authinfo text NOT NULL
        CONSTRAINT authinfo_valid CHECK (pg_catalog.authinfo_valid(authinfo)));
CREATE UNIQUE INDEX pg_dist_authinfo_identification_index
    ON citus.pg_dist_authinfo (rolename, nodeid DESC);

-- What the constraints check, said before them: their message shows the whole row.
CREATE FUNCTION citus_internal.check_authinfo() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    violated text := CASE WHEN NOT role_exists(NEW.rolename) THEN 'role_exists'
                          WHEN NOT authinfo_valid(NEW.authinfo) THEN 'authinfo_valid' END;
BEGIN
    IF violated IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = violated,
            SCHEMA = 'pg_catalog', TABLE = 'pg_dist_authinfo', MESSAGE = format(
                'new row for relation "pg_dist_authinfo" violates check constraint "%s"', violated);
    END IF;
    IF NEW.nodeid IS NULL OR NEW.rolename IS NULL OR NEW.authinfo IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'not_null_violation',
            SCHEMA = 'pg_catalog', TABLE = 'pg_dist_authinfo',
            MESSAGE = 'columns of relation "pg_dist_authinfo" must not be null';
    END IF;
    RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION citus_internal.check_authinfo() FROM PUBLIC;

CREATE TABLE citus.pg_dist_poolinfo (
    nodeid int NOT NULL CONSTRAINT pg_dist_poolinfo_pkey PRIMARY KEY,
    poolinfo text NOT NULL
        CONSTRAINT poolinfo_valid CHECK (pg_catalog.poolinfo_valid(poolinfo)));

-- Known to the nodes of the cluster only: by it they prove to each other who they are.  A server that
-- joins takes on the cluster's.  Two random UUIDs have 244 random bits.
CREATE TABLE citus.pg_dist_secret (
    secret bytea NOT NULL CHECK (pg_catalog.length(secret) = 32),
    -- believed, too, while it takes the other's place
    second bytea CHECK (pg_catalog.length(second) = 32));
INSERT INTO citus.pg_dist_secret VALUES (pg_catalog.sha256(
    pg_catalog.uuid_send(pg_catalog.gen_random_uuid()) || pg_catalog.uuid_send(pg_catalog.gen_random_uuid())));
-- nor for pg_read_all_data
ALTER TABLE citus.pg_dist_secret ENABLE ROW LEVEL SECURITY;

-- ----- objects and transactions

CREATE TABLE citus.pg_dist_object (
    classid oid NOT NULL,
    objid oid NOT NULL,
    objsubid int NOT NULL,
    type text,
    object_names text[],
    object_args text[],
    distribution_argument_index int,
    colocationid int,
    force_delegation boolean,
    CONSTRAINT pg_dist_object_pkey PRIMARY KEY (classid, objid, objsubid));

CREATE TABLE citus.pg_dist_transaction (
    groupid int NOT NULL,
    gid text NOT NULL,
    outer_xid xid8,
    CONSTRAINT pg_dist_transaction_unique_constraint UNIQUE (groupid, gid));

-- ----- moving shards, cleaning up, background jobs

CREATE TABLE citus.pg_dist_rebalance_strategy (
    name name NOT NULL CONSTRAINT pg_dist_rebalance_strategy_pkey UNIQUE,
    default_strategy boolean NOT NULL DEFAULT false,
    shard_cost_function regproc NOT NULL,
    node_capacity_function regproc NOT NULL,
    shard_allowed_on_node_function regproc NOT NULL,
    default_threshold real NOT NULL,
    minimum_threshold real NOT NULL DEFAULT 0,
    improvement_threshold real NOT NULL DEFAULT 0);

CREATE TABLE citus.pg_dist_cleanup (
    record_id bigint NOT NULL CONSTRAINT pg_dist_cleanup_pkey PRIMARY KEY
        DEFAULT pg_catalog.nextval('citus.pg_dist_cleanup_recordid_seq'::regclass),
    operation_id bigint NOT NULL,
    object_type int NOT NULL,
    object_name text NOT NULL,
    node_group_id int NOT NULL,
    policy_type int NOT NULL);

CREATE TABLE citus.pg_dist_background_job (
    job_id bigserial NOT NULL CONSTRAINT pg_dist_background_job_pkey PRIMARY KEY,
    state pg_catalog.citus_job_status NOT NULL DEFAULT 'scheduled',
    job_type name NOT NULL,
    description text NOT NULL,
    started_at timestamptz,
    finished_at timestamptz,
    CONSTRAINT pg_dist_background_job_check CHECK (finished_at >= started_at));

CREATE TABLE citus.pg_dist_background_task (
    job_id bigint NOT NULL REFERENCES citus.pg_dist_background_job (job_id),
    task_id bigserial NOT NULL CONSTRAINT pg_dist_background_task_pkey PRIMARY KEY,
    owner regrole NOT NULL DEFAULT CURRENT_USER::regrole,
    pid int,
    status pg_catalog.citus_task_status NOT NULL DEFAULT 'runnable',
    command text NOT NULL,
    retry_count int,
    not_before timestamptz,
    message text NOT NULL DEFAULT '',
    nodes_involved int[],
    CONSTRAINT pg_dist_background_task_job_id_task_id UNIQUE (job_id, task_id));
CREATE INDEX pg_dist_background_task_status_task_id_index
    ON citus.pg_dist_background_task (status, task_id);

CREATE TABLE citus.pg_dist_background_task_depend (
    job_id bigint NOT NULL REFERENCES citus.pg_dist_background_job (job_id) ON DELETE CASCADE,
    task_id bigint NOT NULL,
    depends_on bigint NOT NULL,
    PRIMARY KEY (job_id, task_id, depends_on),
    FOREIGN KEY (job_id, task_id)
        REFERENCES citus.pg_dist_background_task (job_id, task_id) ON DELETE CASCADE,
    FOREIGN KEY (job_id, depends_on)
        REFERENCES citus.pg_dist_background_task (job_id, task_id) ON DELETE CASCADE);
CREATE INDEX pg_dist_background_task_depend_task_id
    ON citus.pg_dist_background_task_depend (job_id, task_id);
CREATE INDEX pg_dist_background_task_depend_depends_on
    ON citus.pg_dist_background_task_depend (job_id, depends_on);

-- ----- triggers: what a superuser changes by hand takes effect at once

CREATE TRIGGER dist_partition_cache_invalidate
    AFTER INSERT OR UPDATE OR DELETE ON citus.pg_dist_partition
    FOR EACH ROW EXECUTE FUNCTION pg_catalog.citus_dist_partition_cache_invalidate();
CREATE TRIGGER dist_shard_cache_invalidate
    AFTER INSERT OR UPDATE OR DELETE ON citus.pg_dist_shard
    FOR EACH ROW EXECUTE FUNCTION pg_catalog.citus_dist_shard_cache_invalidate();
CREATE TRIGGER dist_placement_cache_invalidate
    AFTER INSERT OR UPDATE OR DELETE ON citus.pg_dist_placement
    FOR EACH ROW EXECUTE FUNCTION pg_catalog.citus_dist_placement_cache_invalidate();
CREATE TRIGGER dist_colocation_cache_invalidate
    AFTER INSERT OR UPDATE OR DELETE ON citus.pg_dist_colocation
    FOR EACH STATEMENT EXECUTE FUNCTION pg_catalog.citus_conninfo_cache_invalidate();
CREATE TRIGGER dist_schema_cache_invalidate
    AFTER INSERT OR UPDATE OR DELETE ON citus.pg_dist_schema
    FOR EACH STATEMENT EXECUTE FUNCTION pg_catalog.citus_conninfo_cache_invalidate();
CREATE TRIGGER dist_node_cache_invalidate
    AFTER INSERT OR UPDATE OR DELETE ON citus.pg_dist_node
    FOR EACH ROW EXECUTE FUNCTION pg_catalog.citus_dist_node_cache_invalidate();
CREATE TRIGGER dist_node_one_primary
    AFTER INSERT OR UPDATE ON citus.pg_dist_node
    FOR EACH ROW EXECUTE FUNCTION citus_internal.check_one_primary();
CREATE TRIGGER dist_local_group_cache_invalidate
    AFTER UPDATE ON citus.pg_dist_local_group
    FOR EACH ROW EXECUTE FUNCTION pg_catalog.citus_dist_local_group_cache_invalidate();
CREATE TRIGGER dist_object_cache_invalidate
    AFTER INSERT OR UPDATE OR DELETE ON citus.pg_dist_object
    FOR EACH ROW EXECUTE FUNCTION pg_catalog.citus_dist_object_cache_invalidate();
CREATE TRIGGER dist_authinfo_check
    BEFORE INSERT OR UPDATE ON citus.pg_dist_authinfo
    FOR EACH ROW EXECUTE FUNCTION citus_internal.check_authinfo();
CREATE TRIGGER dist_authinfo_cache_invalidate
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON citus.pg_dist_authinfo
    FOR EACH STATEMENT EXECUTE FUNCTION pg_catalog.citus_conninfo_cache_invalidate();
CREATE TRIGGER dist_poolinfo_cache_invalidate
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON citus.pg_dist_poolinfo
    FOR EACH STATEMENT EXECUTE FUNCTION pg_catalog.citus_conninfo_cache_invalidate();

-- ----- everything moves to pg_catalog; who may read what

DO $$
DECLARE
    relation record;
BEGIN
    FOR relation IN
        SELECT c.relname, c.relkind FROM pg_catalog.pg_class c
        WHERE c.relnamespace = 'citus'::pg_catalog.regnamespace AND c.relkind IN ('r', 'S')
          -- sequences of serial columns follow their tables
          AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                          WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                            AND d.objid = c.oid AND d.deptype = 'a')
        ORDER BY c.oid
    LOOP
        EXECUTE pg_catalog.format('ALTER %s citus.%I SET SCHEMA pg_catalog',
            CASE relation.relkind WHEN 'r' THEN 'TABLE' ELSE 'SEQUENCE' END, relation.relname);
    END LOOP;
END $$;

GRANT SELECT ON pg_catalog.pg_dist_partition, pg_catalog.pg_dist_shard,
    pg_catalog.pg_dist_placement, pg_catalog.pg_dist_colocation, pg_catalog.pg_dist_schema,
    pg_catalog.pg_dist_node, pg_catalog.pg_dist_local_group, pg_catalog.pg_dist_node_metadata,
    pg_catalog.pg_dist_poolinfo, pg_catalog.pg_dist_object, pg_catalog.pg_dist_transaction,
    pg_catalog.pg_dist_rebalance_strategy, pg_catalog.pg_dist_cleanup,
    pg_catalog.pg_dist_background_job, pg_catalog.pg_dist_background_task,
    pg_catalog.pg_dist_background_task_depend
    TO PUBLIC;
GRANT SELECT ON SEQUENCE pg_catalog.pg_dist_shardid_seq,
    pg_catalog.pg_dist_placement_placementid_seq, pg_catalog.pg_dist_node_nodeid_seq,
    pg_catalog.pg_dist_groupid_seq, pg_catalog.pg_dist_colocationid_seq,
    pg_catalog.pg_dist_operationid_seq, pg_catalog.pg_dist_cleanup_recordid_seq,
    pg_catalog.pg_dist_background_job_job_id_seq, pg_catalog.pg_dist_background_task_task_id_seq
    TO PUBLIC;
