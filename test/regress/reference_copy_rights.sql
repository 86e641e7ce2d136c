-- A node is given its copies of reference tables with the rights of their owners: what checks,
-- generates or partitions their rows is code of theirs.
CREATE ROLE copy_owner LOGIN;
CREATE SCHEMA copy_rights AUTHORIZATION copy_owner;
SET client_min_messages TO warning;
SET ROLE copy_owner;
SET search_path TO copy_rights;
CREATE FUNCTION tell(what text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN
        RAISE EXCEPTION '% as a superuser', what;
    END IF;
END $$;
CREATE FUNCTION checks(int) RETURNS bool IMMUTABLE LANGUAGE plpgsql
    AS $$ BEGIN PERFORM copy_rights.tell('check'); RETURN true; END $$;
CREATE FUNCTION generates(int) RETURNS int IMMUTABLE LANGUAGE plpgsql
    AS $$ BEGIN PERFORM copy_rights.tell('generation'); RETURN $1; END $$;
CREATE FUNCTION indexes(int) RETURNS int IMMUTABLE LANGUAGE plpgsql
    AS $$ BEGIN PERFORM copy_rights.tell('index'); RETURN $1; END $$;
CREATE FUNCTION partitions(int) RETURNS int IMMUTABLE LANGUAGE plpgsql
    AS $$ BEGIN PERFORM copy_rights.tell('partition'); RETURN $1; END $$;
CREATE DOMAIN checked AS int CHECK (checks(VALUE));
CREATE TABLE plain (k int PRIMARY KEY CHECK (checks(k)), g int GENERATED ALWAYS AS (generates(k)) STORED, d checked);
CREATE INDEX ON plain (indexes(k));
SELECT create_reference_table('plain');
INSERT INTO plain (k, d) VALUES (1, 1), (2, 2);
ALTER TABLE plain ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY none ON plain USING (false);
CREATE TABLE parts (k int, v int) PARTITION BY RANGE (partitions(k));
CREATE TABLE parts1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE TABLE parts2 PARTITION OF parts FOR VALUES FROM (10) TO (20);
SELECT create_reference_table('parts');
INSERT INTO parts VALUES (1, 1), (11, 2);
RESET ROLE;
SELECT citus_disable_node('localhost', :worker2_port);
SELECT citus_activate_node('localhost', :worker2_port) > 0 AS active;
SELECT success, result FROM run_command_on_placements('copy_rights.plain', 'SELECT count(*) FROM %s');
SELECT success, result FROM run_command_on_placements('copy_rights.parts', 'SELECT count(*) FROM %s');
SELECT * FROM citus_internal.check_consistency();
DROP SCHEMA copy_rights CASCADE;
DROP ROLE copy_owner;
