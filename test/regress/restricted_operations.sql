-- What an owner's functions leave for the end of the transaction of a superuser who refreshes a
-- materialized view does not run with the superuser's rights.
CREATE SCHEMA trojan;
CREATE ROLE trojan_group;
CREATE ROLE trojan_user LOGIN;
GRANT ALL ON SCHEMA trojan TO trojan_user;
SET search_path TO trojan;
SET SESSION AUTHORIZATION trojan_user;
CREATE TABLE everywhere (k int);
CREATE TABLE spread (k int);
SELECT create_reference_table('everywhere');
SELECT create_distributed_table('spread', 'k');
CREATE FUNCTION grab() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN GRANT trojan_group TO trojan_user; RETURN NULL; END';
CREATE CONSTRAINT TRIGGER t AFTER INSERT ON everywhere INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION grab();
CREATE CONSTRAINT TRIGGER t AFTER INSERT ON spread INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION grab();
CREATE FUNCTION fill(regclass) RETURNS bool LANGUAGE plpgsql AS
    'BEGIN EXECUTE format(''INSERT INTO %s SELECT generate_series(1, 10)'', $1); RETURN true; END';
CREATE MATERIALIZED VIEW of_reference AS SELECT fill('trojan.everywhere') WITH NO DATA;
CREATE MATERIALIZED VIEW of_distributed AS SELECT fill('trojan.spread') WITH NO DATA;
RESET SESSION AUTHORIZATION;
\set VERBOSITY terse
REFRESH MATERIALIZED VIEW of_reference;
REFRESH MATERIALIZED VIEW of_distributed;
-- at once it runs as the owner
BEGIN;
SET CONSTRAINTS ALL IMMEDIATE;
\set VERBOSITY sqlstate
REFRESH MATERIALIZED VIEW of_reference;
ROLLBACK;
BEGIN;
SET CONSTRAINTS ALL IMMEDIATE;
REFRESH MATERIALIZED VIEW of_distributed;
ROLLBACK;
\set VERBOSITY default
SELECT pg_has_role('trojan_user', 'trojan_group', 'MEMBER') AS grabbed;
SELECT (SELECT count(*) FROM everywhere) AS everywhere, (SELECT count(*) FROM spread) AS spread;
-- otherwise it is fired at the end
CREATE OR REPLACE FUNCTION grab() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN RETURN NULL; END';
INSERT INTO spread VALUES (1);
SET client_min_messages TO error;
DROP SCHEMA trojan CASCADE;
DROP ROLE trojan_user, trojan_group;
SELECT * FROM citus_internal.check_consistency();
