-- Types by whose values tables are distributed: labels and attributes change, and they are dropped.
-- only: distributed single worker
CREATE TYPE en AS ENUM ('a', 'b', 'c');
CREATE TYPE comp AS (a int, e en);
CREATE TYPE alone AS (a int, b int);
CREATE DOMAIN dom AS en;
CREATE DOMAIN num AS int;
CREATE TYPE row_type AS (k int, v int);
CREATE TABLE ke (e en PRIMARY KEY, v int);
CREATE TABLE kf (e en REFERENCES ke, v int);
CREATE TABLE kc (c comp, v int);
CREATE TABLE kd (c alone, v int);
CREATE TABLE ka (c dom[], v int);
CREATE TABLE kn (k num, v int);
CREATE TABLE typed OF row_type (PRIMARY KEY (k));
CREATE TABLE other (a int, e en, c comp);
-- distribute: SET citus.shard_count TO 4
-- distribute: SELECT create_distributed_table('ke', 'e')
-- distribute: SELECT create_distributed_table('kf', 'e')
-- distribute: SELECT create_distributed_table('kc', 'c')
-- distribute: SELECT create_distributed_table('kd', 'c')
-- distribute: SELECT create_distributed_table('ka', 'c')
-- distribute: SELECT create_distributed_table('kn', 'k')
-- distribute: SELECT create_distributed_table('typed', 'k')
-- distribute: SELECT create_distributed_table('other', 'a')
INSERT INTO ke VALUES ('a', 1), ('b', 2), ('c', 3);
INSERT INTO kf SELECT e, v * i FROM ke, generate_series(1, 3) i;
INSERT INTO kc SELECT (i, (ARRAY['a', 'b', 'c'])[i % 3 + 1])::comp, i FROM generate_series(1, 30) i;
INSERT INTO kd SELECT (i, i)::alone, i FROM generate_series(1, 30) i;
INSERT INTO ka SELECT ARRAY['a', (ARRAY['a', 'b', 'c'])[i % 3 + 1]]::dom[], i FROM generate_series(1, 9) i;
INSERT INTO kn SELECT i, i FROM generate_series(1, 30) i;
INSERT INTO typed SELECT i, i FROM generate_series(1, 30) i;
INSERT INTO other SELECT i, 'a', (i, 'b')::comp FROM generate_series(1, 5) i;
-- worker
ALTER TYPE en RENAME VALUE 'a' TO 'first';
SELECT * FROM ke WHERE e = 'first';
SELECT * FROM kf WHERE e = 'first' ORDER BY v;
SELECT * FROM kc WHERE c = (3, 'first')::comp;
SELECT * FROM ka WHERE c = '{first,b}' ORDER BY v;
SELECT count(*) FROM ke JOIN kf USING (e);
INSERT INTO kf VALUES ('first', 77);
INSERT INTO ke VALUES ('first', 77);
ALTER TYPE en ADD VALUE 'd';
INSERT INTO ke VALUES ('d', 4);
BEGIN;
ALTER TYPE en RENAME VALUE 'b' TO 'second';
SELECT * FROM ke WHERE e = 'second';
ROLLBACK;
SELECT * FROM ke WHERE e = 'b';
ALTER TYPE en RENAME VALUE 'b' TO 'c';
ALTER TYPE en RENAME VALUE 'nope' TO 'z';
ALTER TYPE alone ADD ATTRIBUTE z int;
SELECT * FROM kd WHERE c = (3, 3, NULL)::alone;
SELECT * FROM kd WHERE c IS NOT DISTINCT FROM (SELECT c FROM kd WHERE v = 4);
ALTER TYPE alone DROP ATTRIBUTE b;
SELECT count(*), count(DISTINCT c) FROM kd;
SELECT v, (c).a FROM kd WHERE c = (SELECT c FROM kd WHERE v = 4);
ALTER TYPE alone ALTER ATTRIBUTE a TYPE bigint;

ALTER TYPE row_type ADD ATTRIBUTE b int CASCADE;
ALTER TYPE row_type ALTER ATTRIBUTE k TYPE bigint CASCADE;
SELECT * FROM typed WHERE k = 7;
INSERT INTO typed VALUES (5000000000, 1, 1);
SELECT count(*), sum(k) FROM typed;
ALTER TYPE row_type DROP ATTRIBUTE k;
ALTER TYPE row_type DROP ATTRIBUTE k CASCADE;
SELECT count(*), sum(v) FROM typed;
INSERT INTO typed VALUES (3, 3);
SELECT * FROM typed WHERE v = 3;

DROP DOMAIN num;
DROP DOMAIN num CASCADE;
SELECT count(*), sum(v) FROM kn;
DROP DOMAIN dom CASCADE;
SELECT count(*), sum(v) FROM ka;
BEGIN;
DROP TYPE en CASCADE;
SELECT count(*), sum(v) FROM ke;
SELECT count(*), count(DISTINCT c) FROM kc;
ROLLBACK;
SELECT * FROM ke WHERE e = 'first';
DROP TYPE en CASCADE;
SELECT count(*), sum(v) FROM ke;
SELECT count(*), sum(v) FROM kf;
SELECT count(*), count(DISTINCT c) FROM kc;
SELECT v FROM kc WHERE c = (SELECT c FROM kc WHERE v = 4);
SELECT count(*) FROM other;
INSERT INTO ke VALUES (1);
DROP TYPE comp, alone CASCADE;
SELECT sum(v) FROM kc;
SELECT sum(v) FROM kd;
