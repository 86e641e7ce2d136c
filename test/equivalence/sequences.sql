-- Values of sequences, on whatever node they are drawn.
CREATE TABLE t (k int, s serial, b bigserial, m smallserial, i int GENERATED ALWAYS AS IDENTITY, v text);
CREATE SEQUENCE plain START 100 INCREMENT 10;
CREATE TABLE u (k int, n int DEFAULT nextval('plain'));
CREATE SEQUENCE small AS smallint MAXVALUE 3;
CREATE TABLE w (k int, n smallint DEFAULT nextval('small'));
CREATE SEQUENCE down INCREMENT -2;
CREATE TABLE x (k int, n bigint DEFAULT nextval('down'));
-- distribute: SET citus.shard_count TO 4
-- distribute: SELECT create_distributed_table('t', 'k')
-- distribute: SELECT create_distributed_table('u', 'k')
-- distribute: SELECT create_reference_table('w')
-- distribute: SELECT create_distributed_table('x', 'k')
CREATE VIEW tv AS SELECT k, v, i FROM t;
INSERT INTO t (k, v) VALUES (1, 'one');
-- worker
SELECT currval('plain');
INSERT INTO t (k, v) VALUES (2, 'two') RETURNING *;
SELECT currval('t_s_seq'), currval('t_b_seq'), currval('t_m_seq'), currval('t_i_seq'), lastval();
INSERT INTO t (k) VALUES (3) RETURNING s, b, m, i;
INSERT INTO t (k, s) VALUES (4, DEFAULT), (5, 77) RETURNING k, s;
SELECT count(*), count(DISTINCT b), count(DISTINCT i) FROM t;
SELECT nextval('plain');
SELECT nextval('plain'), currval('plain'), lastval();
SELECT nextval('plain'::text::regclass) AS a;
SELECT nextval('eq.plain') AS b;
INSERT INTO u (k) VALUES (1) RETURNING n;
SELECT setval('plain', 500);
SELECT currval('plain'), nextval('plain');
SELECT setval('plain', 600, false);
SELECT nextval('plain');
SELECT setval('plain', 700, true), nextval('plain');
SELECT setval('plain', -1);
SELECT nextval('nope');
SELECT nextval('t');
INSERT INTO w (k) VALUES (1), (2), (3);
INSERT INTO w (k) VALUES (4);
SELECT nextval('small');
SELECT * FROM w ORDER BY k;
ALTER SEQUENCE small CYCLE;
INSERT INTO w (k) VALUES (5) RETURNING n;
ALTER SEQUENCE small MAXVALUE 1000 NO CYCLE RESTART 900;
INSERT INTO w (k) VALUES (6) RETURNING n;
ALTER SEQUENCE small MAXVALUE 100000;
ALTER SEQUENCE small AS int MAXVALUE 100000;
ALTER SEQUENCE small INCREMENT 0;
ALTER SEQUENCE small INCREMENT 7 CACHE 1 START 5;
SELECT nextval('small');
ALTER SEQUENCE small RESTART;
SELECT nextval('small');
ALTER SEQUENCE small INCREMENT BY -1 MINVALUE -5;
SELECT nextval('small');
ALTER SEQUENCE IF EXISTS nope RESTART;
ALTER SEQUENCE nope RESTART;
INSERT INTO x (k) VALUES (1) RETURNING n;
INSERT INTO x (k) VALUES (2) RETURNING n;
INSERT INTO x (k) SELECT generate_series(3, 50);
SELECT count(DISTINCT n), max(n), min(n) < -90 FROM x;
BEGIN READ ONLY;
SELECT nextval('plain');
ROLLBACK;
BEGIN READ ONLY;
SELECT setval('plain', 1);
ROLLBACK;
-- what a transaction undoes, and what it does not
BEGIN;
SELECT nextval('plain');
SAVEPOINT s;
INSERT INTO u (k) VALUES (2) RETURNING n;
ROLLBACK TO s;
INSERT INTO u (k) VALUES (3) RETURNING n;
ALTER SEQUENCE plain RESTART 2000;
INSERT INTO u (k) VALUES (4) RETURNING n;
ROLLBACK;
SELECT nextval('plain');
BEGIN;
ALTER TABLE u ADD COLUMN s serial;
INSERT INTO u (k) VALUES (5) RETURNING s;
ALTER SEQUENCE u_s_seq RENAME TO u_renamed;
INSERT INTO u (k) VALUES (6) RETURNING s;
SELECT currval('u_renamed');
COMMIT;
INSERT INTO u (k) VALUES (7) RETURNING s;
ALTER SEQUENCE u_renamed OWNED BY NONE;
ALTER TABLE u DROP COLUMN s;
SELECT nextval('u_renamed');
ALTER SEQUENCE u_renamed OWNED BY u.n;
ALTER SEQUENCE u_renamed OWNED BY u.nope;
ALTER TABLE u ALTER COLUMN n SET DEFAULT nextval('u_renamed');
INSERT INTO u (k) VALUES (8) RETURNING n;
-- functions, prepared statements, COPY, TRUNCATE
CREATE FUNCTION two() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE a bigint := nextval('plain'); BEGIN RETURN a + nextval('plain') - currval('plain'); END $$;
SELECT two();
CREATE FUNCTION one() RETURNS bigint LANGUAGE sql AS $$ SELECT nextval('plain') $$;
SELECT one() - lastval();
ALTER TABLE u ADD COLUMN o bigint DEFAULT one();
SELECT count(DISTINCT o) = count(*), max(o) < 1000 FROM u;
INSERT INTO u (k) VALUES (9);
SELECT o - lastval() FROM u WHERE k = 9;
PREPARE q AS SELECT one() > 0;
EXECUTE q;
CREATE OR REPLACE FUNCTION one() RETURNS bigint LANGUAGE sql AS $$ SELECT -1::bigint $$;
EXECUTE q;
ALTER TABLE u DROP COLUMN o;
SELECT setval('plain', 5000);
SELECT setval('plain', 6000);
PREPARE p AS INSERT INTO u (k, n) VALUES ($1, nextval('plain')) RETURNING n;
EXECUTE p (20);
EXECUTE p (21);
DO $$ BEGIN FOR i IN 1 .. 20 LOOP INSERT INTO u (k) VALUES (i + 100); END LOOP; END $$;
SELECT count(DISTINCT n) FROM u WHERE k > 100;
COPY t (k, v) FROM STDIN;
10	ten
11	eleven
12	twelve
\.
SELECT count(*), count(DISTINCT s), count(DISTINCT b), count(DISTINCT m), count(DISTINCT i) FROM t WHERE k >= 10;
INSERT INTO tv (k) VALUES (13);
INSERT INTO t (k, s) SELECT k + 20, nextval('t_s_seq') FROM t;
SELECT count(*) = count(DISTINCT s), count(DISTINCT b) = count(*) FROM t WHERE k > 20;
INSERT INTO t (k, i) VALUES (30, 5);
UPDATE t SET i = 5 WHERE k = 1;
TRUNCATE t RESTART IDENTITY;
INSERT INTO t (k) VALUES (1) RETURNING s, b, m, i;
TRUNCATE t CONTINUE IDENTITY;
INSERT INTO t (k) VALUES (1) RETURNING s, b, m, i;
CREATE SEQUENCE own OWNED BY t.v;
SELECT nextval('own');
DROP SEQUENCE t_s_seq;
ALTER TABLE t DROP COLUMN v CASCADE;
SELECT nextval('own');
DROP TABLE t, u, w, x;
SELECT nextval('plain') > 700;
DROP SEQUENCE plain, small, down;
DROP FUNCTION one, two;
