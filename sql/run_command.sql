-- Commands on other nodes, outside the transaction of the caller, as the caller.

CREATE FUNCTION pg_catalog.run_command_on_workers(
    command text, parallel boolean DEFAULT true,
    OUT nodename text, OUT nodeport int, OUT success boolean, OUT result text)
    RETURNS SETOF record
    LANGUAGE C STRICT ROWS 100 AS 'MODULE_PATHNAME', 'run_command_on_workers';
CREATE FUNCTION pg_catalog.run_command_on_all_nodes(
    command text, parallel boolean DEFAULT true,
    give_warning_for_connection_errors boolean DEFAULT false,
    OUT nodeid int, OUT success boolean, OUT result text)
    RETURNS SETOF record
    LANGUAGE C STRICT ROWS 100 AS 'MODULE_PATHNAME', 'run_command_on_all_nodes';
CREATE FUNCTION pg_catalog.run_command_on_coordinator(
    command text, give_warning_for_connection_errors boolean DEFAULT false,
    OUT nodeid int, OUT success boolean, OUT result text)
    RETURNS SETOF record
    LANGUAGE C STRICT ROWS 1 AS 'MODULE_PATHNAME', 'run_command_on_coordinator';
CREATE FUNCTION pg_catalog.run_command_on_shards(
    table_name regclass, command text, parallel boolean DEFAULT true,
    OUT shardid bigint, OUT success boolean, OUT result text)
    RETURNS SETOF record
    LANGUAGE C STRICT ROWS 100 AS 'MODULE_PATHNAME', 'run_command_on_shards';
CREATE FUNCTION pg_catalog.run_command_on_placements(
    table_name regclass, command text, parallel boolean DEFAULT true,
    OUT nodename text, OUT nodeport int, OUT shardid bigint, OUT success boolean,
    OUT result text)
    RETURNS SETOF record
    LANGUAGE C STRICT ROWS 100 AS 'MODULE_PATHNAME', 'run_command_on_placements';
CREATE FUNCTION pg_catalog.run_command_on_colocated_placements(
    table_name1 regclass, table_name2 regclass, command text, parallel boolean DEFAULT true,
    OUT nodename text, OUT nodeport int, OUT shardid1 bigint, OUT shardid2 bigint,
    OUT success boolean, OUT result text)
    RETURNS SETOF record
    LANGUAGE C STRICT ROWS 100
    AS 'MODULE_PATHNAME', 'run_command_on_colocated_placements';
CREATE FUNCTION pg_catalog.master_run_on_worker(
    worker_name text[], port int[], command text[], parallel boolean,
    OUT node_name text, OUT node_port int, OUT success boolean, OUT result text)
    RETURNS SETOF record
    LANGUAGE C STRICT ROWS 100 AS 'MODULE_PATHNAME', 'master_run_on_worker';
CREATE FUNCTION pg_catalog.citus_run_local_command(command text) RETURNS void
    LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'citus_run_local_command';
