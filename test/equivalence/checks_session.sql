-- Checks that ask for the session's user: whoever works for it elsewhere, it is the client's.
CREATE ROLE eq_check_user LOGIN;
CREATE ROLE eq_check_other LOGIN;
CREATE ROLE eq_check_group;
GRANT eq_check_other, eq_check_group TO eq_check_user;
DO $$ BEGIN EXECUTE format('GRANT CREATE, USAGE ON SCHEMA %I TO eq_check_user, eq_check_other, eq_check_group', current_schema); END $$;
CREATE FUNCTION by_sql(text) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT $1 LIKE session_user || ''/%''';
CREATE FUNCTION by_plpgsql(text) RETURNS boolean LANGUAGE plpgsql STABLE AS 'BEGIN RETURN $1 LIKE session_user || ''/%''; END';
CREATE TABLE a (k int PRIMARY KEY, v text DEFAULT session_user || '/' || current_user, CHECK (v = session_user || '/' || current_user));
CREATE TABLE b (k int, v text CONSTRAINT b_mine CHECK (CASE WHEN k > 0 THEN coalesce(v, '') IN (session_user || '/x', session_user::text || '/' || current_user) END), w name DEFAULT session_user CHECK (w = SESSION_USER));
CREATE TABLE c (k int, v text CHECK (by_sql(v)), CHECK (by_plpgsql(c.v)));
CREATE TABLE r (k int PRIMARY KEY, v text CHECK (nullif(v, session_user || '/' || current_user) IS NULL));
CREATE TABLE p (k int, v text CHECK (v = session_user || '/' || current_user)) PARTITION BY RANGE (k);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (50);
CREATE TABLE s (k int, v text);
CREATE TABLE l (k int, v text);
-- distribute: SELECT create_distributed_table('a', 'k'), create_distributed_table('b', 'k'), create_distributed_table('c', 'k'), create_reference_table('r'), create_distributed_table('p', 'k'), create_distributed_table('s', 'k')
CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (50) TO (100);
GRANT ALL ON a, b, c, r, p, s, l TO eq_check_user, eq_check_other, eq_check_group;
CREATE FUNCTION mine() RETURNS text LANGUAGE sql AS $$ SELECT session_user || '/' || current_user $$;
INSERT INTO l SELECT i, 'eq_check_user/eq_check_other' FROM generate_series(40, 60) i;
INSERT INTO s SELECT * FROM l;
SET SESSION AUTHORIZATION eq_check_user;
INSERT INTO a SELECT i, mine() FROM generate_series(1, 8) i;
INSERT INTO a VALUES (9), (10);
INSERT INTO a VALUES (11, 'eq_check_other/eq_check_user');
SET ROLE eq_check_other;
INSERT INTO a VALUES (12), (13), (14), (15);
INSERT INTO a VALUES (16, mine());
INSERT INTO a VALUES (17, 'eq_check_other/eq_check_other');
INSERT INTO a SELECT i, 'eq_check_other/eq_check_other' FROM generate_series(21, 28) i;
INSERT INTO a SELECT i, mine() FROM generate_series(21, 28) i;
INSERT INTO a SELECT * FROM s;
INSERT INTO a SELECT k + 20, v FROM s;
INSERT INTO a SELECT k + 50, v FROM l;
INSERT INTO a SELECT k + 100, replace(v, 'user', 'x') FROM s;
COPY a FROM stdin;
200	eq_check_user/eq_check_other
201	eq_check_user/eq_check_other
202	eq_check_user/eq_check_other
203	eq_check_user/eq_check_other
\.
COPY a FROM stdin;
210	eq_check_user/eq_check_other
211	eq_check_other/eq_check_other
212	eq_check_user/eq_check_other
\.
UPDATE a SET v = mine() WHERE k < 9;
UPDATE a SET v = mine() WHERE k = 10;
UPDATE a SET v = 'eq_check_other/eq_check_other' WHERE k < 9;
UPDATE a SET v = s.v FROM s WHERE s.k = a.k;
INSERT INTO a VALUES (5, mine()), (6, mine()), (300, mine()) ON CONFLICT (k) DO UPDATE SET v = excluded.v;
INSERT INTO a VALUES (5, mine()), (301, mine()) ON CONFLICT (k) DO UPDATE SET v = 'eq_check_other/eq_check_other';
MERGE INTO a USING s ON a.k = s.k WHEN MATCHED THEN UPDATE SET v = mine() WHEN NOT MATCHED THEN INSERT VALUES (s.k, s.v);
MERGE INTO a USING l ON a.k = l.k + 5 WHEN MATCHED THEN UPDATE SET v = l.v WHEN NOT MATCHED THEN INSERT VALUES (l.k + 5, l.v);
MERGE INTO a USING l ON a.k = l.k WHEN MATCHED THEN UPDATE SET v = 'eq_check_other/eq_check_other';
SELECT * FROM a ORDER BY k;
INSERT INTO b (k, v) VALUES (1, mine()), (2, 'eq_check_user/x'), (3, mine());
INSERT INTO b (k, v) VALUES (4, 'eq_check_other/x');
INSERT INTO b VALUES (4, mine(), 'eq_check_other');
UPDATE b SET w = session_user, v = 'eq_check_user/x';
UPDATE b SET k = k + 1000;
SELECT * FROM b ORDER BY k;
INSERT INTO c VALUES (1, mine()), (2, mine()), (3, mine());
INSERT INTO c SELECT k, v FROM s;
INSERT INTO c VALUES (1, 'eq_check_other/eq_check_other');
UPDATE c SET k = k + 1000;
SELECT count(*), min(v), sum(k) FROM c;
INSERT INTO r VALUES (1, mine()), (2, mine());
INSERT INTO r VALUES (3, 'eq_check_other/eq_check_other');
UPDATE r SET v = mine() WHERE k = 1;
SELECT * FROM r ORDER BY k;
INSERT INTO p SELECT * FROM s;
INSERT INTO p VALUES (1, mine()), (99, mine());
INSERT INTO p VALUES (1, 'eq_check_other/x');
SELECT count(*), sum(k) FROM p2;
BEGIN;
INSERT INTO a VALUES (400, mine()), (401, mine());
RESET ROLE;
INSERT INTO a VALUES (402, mine()), (403, mine());
SET LOCAL ROLE eq_check_group;
INSERT INTO a VALUES (404, mine()), (405, mine()), (406, mine()), (407, mine());
SAVEPOINT s;
INSERT INTO a VALUES (408, 'eq_check_group/eq_check_group');
ROLLBACK TO s;
COMMIT;
SELECT * FROM a WHERE k BETWEEN 400 AND 410 ORDER BY k;
-- what is added later, to rows that are there
CREATE TABLE t (k int, v text);
-- distribute: SELECT create_distributed_table('t', 'k')
INSERT INTO t SELECT i, 'eq_check_user' FROM generate_series(1, 10) i;
SET ROLE eq_check_other;
CREATE TABLE o (k int, v text);
-- distribute: SELECT create_distributed_table('o', 'k')
INSERT INTO o SELECT i, 'eq_check_user' FROM generate_series(1, 10) i;
ALTER TABLE o ADD CONSTRAINT o_mine CHECK (v = session_user);
ALTER TABLE o ADD CONSTRAINT o_other CHECK (v <> session_user);
ALTER TABLE o ADD CONSTRAINT o_late CHECK (v >= session_user) NOT VALID;
ALTER TABLE o VALIDATE CONSTRAINT o_late;
ALTER TABLE o ADD COLUMN w name DEFAULT session_user CHECK (w = session_user);
ALTER TABLE o ALTER COLUMN v SET DEFAULT session_user;
INSERT INTO o (k) SELECT * FROM generate_series(11, 15);
SELECT * FROM o ORDER BY k;
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'o'::regclass ORDER BY 1;
ALTER TABLE o DROP CONSTRAINT o_mine;
INSERT INTO o VALUES (20, 'f');
RESET ROLE;
RESET SESSION AUTHORIZATION;
SET ROLE eq_check_other;
INSERT INTO o SELECT 30, session_user;
INSERT INTO o (k, v) SELECT i, 'z' FROM generate_series(31, 35) i;
SELECT * FROM o WHERE k > 20 ORDER BY k;
RESET ROLE;
DROP TABLE l;

-- worker
SET SESSION AUTHORIZATION eq_check_user;
SET ROLE eq_check_other;
INSERT INTO a SELECT i, session_user || '/' || current_user FROM generate_series(501, 508) i;
INSERT INTO a VALUES (509, 'eq_check_other/eq_check_other');
UPDATE a SET v = 'eq_check_user/eq_check_other' WHERE k > 500;
SELECT * FROM a WHERE k > 500 ORDER BY k;
RESET SESSION AUTHORIZATION;
DROP TABLE a, b, c, r, p, s, t, o;
DROP OWNED BY eq_check_user, eq_check_other, eq_check_group;
DROP ROLE eq_check_user, eq_check_other, eq_check_group;
