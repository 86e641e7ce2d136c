-- One transaction, several roles: each sees what the others wrote, with its own rights.
CREATE SCHEMA rit;
SET search_path TO rit;
SET client_min_messages TO warning;
SET citus.shard_count TO 8;
CREATE ROLE rit_user LOGIN;
CREATE ROLE rit_other LOGIN;
CREATE ROLE rit_group;
GRANT rit_group TO rit_user;
GRANT USAGE, CREATE ON SCHEMA rit TO rit_user, rit_other, rit_group;
CREATE TABLE d (k int PRIMARY KEY, who text);
SELECT create_distributed_table('d', 'k');
CREATE TABLE secret (k int PRIMARY KEY, t text);
SELECT create_distributed_table('secret', 'k');
INSERT INTO secret SELECT i, 's' || i FROM generate_series(1, 20) i;
GRANT SELECT, INSERT ON d TO rit_user, rit_group;

-- what one role wrote the others see, on every shard
BEGIN;
INSERT INTO d SELECT i, current_user FROM generate_series(1, 20) i;
SET LOCAL ROLE rit_user;
SELECT count(*) FROM d;
SELECT k FROM d WHERE k = 7;
INSERT INTO d SELECT i, current_user FROM generate_series(21, 40) i;
SAVEPOINT refused;
DELETE FROM d;
ROLLBACK TO refused;
SELECT count(*) FROM secret;
ROLLBACK TO refused;
RESET ROLE;
SELECT who, count(*) FROM d GROUP BY who ORDER BY who;
SELECT count(*) FROM secret;
COMMIT;
SELECT who, count(*) FROM d GROUP BY who ORDER BY who;

-- a role set outside of a savepoint is in force again after a rollback to it
BEGIN;
INSERT INTO d VALUES (101, current_user);
SET LOCAL ROLE rit_user;
INSERT INTO d VALUES (102, current_user);
SAVEPOINT s;
RESET ROLE;
SELECT count(*) FROM secret;
ROLLBACK TO s;
SELECT current_user;
SELECT count(*) FROM d WHERE k > 100;
SELECT count(*) FROM secret;
ROLLBACK;
SELECT count(*) FROM d WHERE k > 100;

-- a SECURITY DEFINER function, called by a role that has written
CREATE FUNCTION peek() RETURNS TABLE (d bigint, secret bigint) LANGUAGE sql SECURITY DEFINER
    SET search_path = rit AS 'SELECT (SELECT count(*) FROM d), (SELECT count(*) FROM secret)';
SET SESSION AUTHORIZATION rit_user;
BEGIN;
INSERT INTO d SELECT i, current_user FROM generate_series(201, 220) i;
SELECT * FROM peek();
SELECT count(*) FROM d WHERE k > 200;
SELECT count(*) FROM secret;
ROLLBACK;
BEGIN;
INSERT INTO d SELECT i, current_user FROM generate_series(201, 220) i;
SELECT * FROM peek();
INSERT INTO d SELECT i, current_user FROM generate_series(221, 240) i;
COMMIT;
SELECT who, count(*) FROM d GROUP BY who ORDER BY who;
RESET SESSION AUTHORIZATION;
SELECT count(*) FROM d WHERE k > 200;

-- a role that cannot log in
SET ROLE rit_group;
SELECT count(*) FROM d;
INSERT INTO d VALUES (301, current_user);
SELECT who FROM d WHERE k = 301;
UPDATE d SET who = '';
CREATE TABLE mine (k int);
SELECT create_distributed_table('mine', 'k');
INSERT INTO mine SELECT generate_series(1, 10);
SELECT count(*) FROM mine;
ALTER TABLE mine ADD COLUMN v int DEFAULT 1;
CREATE INDEX ON mine (v);
SELECT sum(v) FROM mine;
DROP TABLE mine;
RESET ROLE;
CREATE FUNCTION as_group() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = rit
    AS 'INSERT INTO d SELECT i, current_user FROM generate_series(401, 410) i;
        SELECT count(*) FROM d WHERE k > 400';
ALTER FUNCTION as_group() OWNER TO rit_group;
SET SESSION AUTHORIZATION rit_other;
SELECT as_group();
SELECT count(*) FROM d;
RESET SESSION AUTHORIZATION;
SELECT who, count(*) FROM d WHERE k > 300 GROUP BY who ORDER BY who;

-- a role without LOGIN, in which nobody logged in: the one who did, works for it
GRANT SELECT, INSERT ON d TO rit_group;
SET SESSION AUTHORIZATION rit_group;
SELECT count(*) FROM d WHERE k < 10;
INSERT INTO d VALUES (501, current_user), (502, session_user);
COPY (SELECT * FROM d WHERE k > 500 ORDER BY k) TO STDOUT;
SELECT count(*) FROM secret;
BEGIN;
SELECT * FROM d WHERE k = 501;
SET LOCAL ROLE rit_group;
SELECT * FROM d WHERE k = 502;
COMMIT;
RESET SESSION AUTHORIZATION;

-- roles are lent by superusers, between nodes
\set VERBOSITY sqlstate
SELECT citus_internal.assume_role('00000000000000000000000000000000');
SELECT citus_internal.lend_role('00000000000000000000000000000000', 'rit_user');
SELECT citus_internal.prove_session('citus_internal gpid=1', '');
/* citus node */ SELECT citus_internal.assume_role('00000000000000000000000000000000');
SET ROLE rit_user;
/* citus node */ SELECT citus_internal.lend_role('00000000000000000000000000000000', 'rit_user');
/* citus node */ SELECT citus_internal.assume_role('00000000000000000000000000000000');
/* citus node */ SELECT citus_internal.assume_role('');
\c -
SET search_path TO rit;
SET client_min_messages TO warning;
\set VERBOSITY default

SELECT citus_internal.check_consistency();
DROP SCHEMA rit CASCADE;
DROP ROLE rit_user, rit_other, rit_group;
SELECT citus_internal.check_consistency();
