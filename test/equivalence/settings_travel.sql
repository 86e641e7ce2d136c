-- What reads settings, roles and users on a shard reads those of the session: set in any way, until
-- it is undone in any way.  What the CHECK lets in is what the shard's session was told.
CREATE TABLE c (k int PRIMARY KEY, v text DEFAULT 'unset', CHECK (v = coalesce(nullif(current_setting('my.a', true), ''), 'unset')));
-- distribute: SELECT create_distributed_table('c', 'k')
CREATE TABLE d (k int, z interval, CHECK (k < 0 OR z = '2024-01-01 00:00'::timestamp::timestamptz - '2024-01-01 00:00+00'));
-- distribute: SELECT create_distributed_table('d', 'k')
CREATE TABLE u (k int PRIMARY KEY, who name, CHECK (who = current_user));
-- distribute: SELECT create_distributed_table('u', 'k')
CREATE TABLE p (k int PRIMARY KEY, owner text);
-- distribute: SELECT create_distributed_table('p', 'k')
CREATE TABLE l (k int PRIMARY KEY, s text, v text, CHECK (s = current_setting('array_nulls') || ' ' || current_setting('session_replication_role')), CHECK (v = current_setting('log_parameter_max_length') || '/' || current_setting('log_parameter_max_length_on_error')));
-- distribute: SELECT create_distributed_table('l', 'k')
ALTER TABLE p ENABLE ROW LEVEL SECURITY;
ALTER TABLE p FORCE ROW LEVEL SECURITY;
CREATE POLICY mine ON p USING (owner = current_setting('my.owner', true) OR owner = current_user);
CREATE ROLE eq_travel_a;
CREATE ROLE eq_travel_b;
CREATE ROLE eq_travel_login LOGIN;
GRANT USAGE ON SCHEMA eq TO eq_travel_a, eq_travel_b, eq_travel_login;
GRANT ALL ON c, d, u, p, l TO eq_travel_a, eq_travel_b, eq_travel_login;
INSERT INTO p VALUES (1, 'eq_travel_a'), (2, 'eq_travel_b'), (3, 'x'), (4, 'y');
CREATE FUNCTION eq.set_a(value text) RETURNS void LANGUAGE plpgsql SET my.a = 'function' AS $$ BEGIN INSERT INTO eq.c VALUES (value::int, 'function'), (value::int + 1, 'function'); END $$;
CREATE FUNCTION eq.as_definer(n int) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN INSERT INTO eq.u VALUES (n, 'eq_travel_b'), (n + 1, 'eq_travel_b'); END $$;
ALTER FUNCTION eq.as_definer(int) OWNER TO eq_travel_b;
CREATE FUNCTION eq.visible() RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT string_agg(k::text, '','' ORDER BY k) FROM eq.p';
ALTER FUNCTION eq.visible() OWNER TO eq_travel_b;
-- worker
TRUNCATE c, d, u;
INSERT INTO c (k) VALUES (1), (2), (3), (4);
-- SET, RESET
SET my.a = 'one';
INSERT INTO c VALUES (11, 'one'), (12, 'one'), (13, 'one');
INSERT INTO c VALUES (14, 'two');
RESET my.a;
INSERT INTO c VALUES (21, 'unset'), (22, 'unset'), (23, 'unset');
SET my.a = 'with ''quotes'' and \ "more"';
INSERT INTO c VALUES (31, 'with ''quotes'' and \ "more"'), (32, 'with ''quotes'' and \ "more"');
SET my.a TO DEFAULT;
INSERT INTO c VALUES (33, 'unset'), (34, 'unset');
-- SET LOCAL, savepoints
BEGIN;
SET LOCAL my.a = 'local';
INSERT INTO c VALUES (41, 'local'), (42, 'local');
SAVEPOINT s;
SET LOCAL my.a = 'deeper';
INSERT INTO c VALUES (43, 'deeper'), (44, 'deeper');
ROLLBACK TO s;
INSERT INTO c VALUES (45, 'local'), (46, 'local');
SAVEPOINT t;
SET my.a = 'kept';
RELEASE t;
INSERT INTO c VALUES (47, 'kept'), (48, 'kept');
COMMIT;
INSERT INTO c VALUES (49, 'kept'), (50, 'kept');
BEGIN;
SET my.a = 'gone';
INSERT INTO c VALUES (51, 'gone'), (52, 'gone');
ROLLBACK;
INSERT INTO c VALUES (53, 'kept'), (54, 'kept');
BEGIN;
SET my.a = 'gone';
SELECT 1 / 0;
ROLLBACK;
INSERT INTO c VALUES (55, 'kept'), (56, 'kept');
RESET ALL;
SET search_path TO eq, public;
INSERT INTO c VALUES (57, 'unset'), (58, 'unset');
-- set_config
SELECT set_config('my.a', 'config', false);
INSERT INTO c VALUES (61, 'config'), (62, 'config');
BEGIN;
SELECT set_config('my.a', 'config local', true);
INSERT INTO c VALUES (63, 'config local'), (64, 'config local');
COMMIT;
INSERT INTO c VALUES (65, 'config'), (66, 'config');
SELECT set_config('my.a', 'in the statement', true) FROM c WHERE k = 1;
INSERT INTO c VALUES (67, 'config'), (68, 'config');
DISCARD ALL;
SET search_path TO eq, public;
INSERT INTO c VALUES (69, 'unset'), (70, 'unset');
-- functions
SELECT eq.set_a('71');
INSERT INTO c VALUES (73, 'unset'), (74, 'unset');
SET my.a = 'outer';
SELECT eq.set_a('75');
INSERT INTO c VALUES (77, 'outer'), (78, 'outer');
DO $$ BEGIN
  PERFORM set_config('my.a', 'block', false);
  INSERT INTO c VALUES (81, 'block'), (82, 'block');
  BEGIN
    PERFORM set_config('my.a', 'inner', false);
    INSERT INTO c VALUES (83, 'inner'), (84, 'inner');
    RAISE division_by_zero;
  EXCEPTION WHEN division_by_zero THEN
    INSERT INTO c VALUES (85, 'block'), (86, 'block');
  END;
END $$;
INSERT INTO c VALUES (87, 'block'), (88, 'block');
DO $$ BEGIN
  PERFORM set_config('my.a', 'then fails', false);
  RAISE division_by_zero;
END $$;
INSERT INTO c VALUES (89, 'block'), (90, 'block');
RESET my.a;
SELECT k, v FROM c ORDER BY k;
-- settings of the server's own
SET timezone = 'Etc/GMT+3';
INSERT INTO d VALUES (1, '3 hours'), (2, '3 hours');
BEGIN;
SET LOCAL timezone = 'Etc/GMT-4';
INSERT INTO d VALUES (3, '-4 hours'), (4, '-4 hours');
COMMIT;
INSERT INTO d VALUES (5, '3 hours'), (6, '3 hours');
SET TIME ZONE INTERVAL '+02:00' HOUR TO MINUTE;
INSERT INTO d VALUES (7, '-2 hours'), (8, '-2 hours');
RESET timezone;
SELECT k, z FROM d ORDER BY k;
-- roles
SET ROLE eq_travel_a;
INSERT INTO u VALUES (1, 'eq_travel_a'), (2, 'eq_travel_a');
SELECT eq.as_definer(3);
INSERT INTO u VALUES (5, 'eq_travel_a'), (6, 'eq_travel_a');
INSERT INTO u VALUES (7, 'eq_travel_b');
BEGIN;
INSERT INTO u VALUES (8, 'eq_travel_a');
SAVEPOINT s;
SET ROLE eq_travel_b;
INSERT INTO u VALUES (9, 'eq_travel_b'), (10, 'eq_travel_b');
ROLLBACK TO s;
INSERT INTO u VALUES (11, 'eq_travel_a'), (12, 'eq_travel_a');
SET LOCAL ROLE eq_travel_b;
INSERT INTO u VALUES (13, 'eq_travel_b'), (14, 'eq_travel_b');
COMMIT;
INSERT INTO u VALUES (15, 'eq_travel_a'), (16, 'eq_travel_a');
RESET ROLE;
SET SESSION AUTHORIZATION eq_travel_b;
INSERT INTO u VALUES (17, 'eq_travel_b'), (18, 'eq_travel_b');
SET ROLE eq_travel_a;
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION eq_travel_login;
INSERT INTO u VALUES (19, 'eq_travel_login'), (20, 'eq_travel_login');
RESET SESSION AUTHORIZATION;
SELECT k, who FROM u ORDER BY k;
-- policies
SET ROLE eq_travel_a;
SELECT k FROM p ORDER BY k;
SET my.owner = 'x';
SELECT k FROM p ORDER BY k;
SELECT k FROM p WHERE k = 3;
SELECT k FROM p WHERE k = 4;
UPDATE p SET k = k WHERE k = 4;
SELECT eq.visible();
BEGIN;
SET LOCAL my.owner = 'y';
SELECT k FROM p ORDER BY k;
SELECT eq.visible();
ROLLBACK;
SELECT count(*) FROM p;
SET ROLE eq_travel_b;
SELECT k FROM p ORDER BY k;
PREPARE q AS SELECT k FROM p ORDER BY k;
EXECUTE q;
SET ROLE eq_travel_a;
EXECUTE q;
SET my.owner = 'y';
EXECUTE q;
RESET ROLE;
RESET my.owner;
EXECUTE q;
DEALLOCATE q;
-- settings of the server, and how much of parameters is logged
SET array_nulls = off;
SET session_replication_role = 'replica';
INSERT INTO l VALUES (-1, 'off replica', '-1/0'), (-2, 'off replica', '-1/0'), (-3, 'off replica', '-1/0');
RESET session_replication_role;
INSERT INTO l VALUES (-4, 'off origin', '-1/0'), (-5, 'off origin', '-1/0'), (-6, 'off origin', '-1/0');
SET array_nulls TO DEFAULT;
INSERT INTO l VALUES (-7, 'on origin', '-1/0'), (-8, 'on origin', '-1/0'), (-9, 'on origin', '-1/0');
INSERT INTO l VALUES (1, 'on origin', '-1/0'), (2, 'on origin', '-1/0');
SET log_parameter_max_length = 0;
SET log_parameter_max_length_on_error = '10B';
INSERT INTO l VALUES (3, 'on origin', '0/10B'), (4, 'on origin', '0/10B');
BEGIN;
SET LOCAL log_parameter_max_length = '20B';
INSERT INTO l VALUES (5, 'on origin', '20B/10B'), (6, 'on origin', '20B/10B');
ROLLBACK;
INSERT INTO l VALUES (7, 'on origin', '0/10B'), (8, 'on origin', '0/10B');
SET ROLE eq_travel_a;
SET log_parameter_max_length_on_error = -1;
INSERT INTO l VALUES (9, 'on origin', '0/-1'), (10, 'on origin', '0/-1');
RESET ROLE;
RESET log_parameter_max_length;
RESET log_parameter_max_length_on_error;
INSERT INTO l VALUES (11, 'on origin', '-1/0'), (12, 'on origin', '-1/0');
DROP TABLE c, d, u, p, l;
DROP FUNCTION eq.set_a(text), eq.as_definer(int), eq.visible();
REVOKE USAGE ON SCHEMA eq FROM eq_travel_a, eq_travel_b, eq_travel_login;
DROP ROLE eq_travel_a, eq_travel_b, eq_travel_login;
