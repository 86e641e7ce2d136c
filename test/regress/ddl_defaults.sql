-- Defaults of new columns for rows that are there already.
ALTER SEQUENCE pg_catalog.pg_dist_shardid_seq RESTART 3000000;
CREATE SCHEMA dde;
SET search_path TO dde;
SET client_min_messages TO warning;
SET citus.shard_count TO 4;
CREATE TABLE t (k int, v int);
CREATE TABLE r (id int);
CREATE TABLE p (k int, d int) PARTITION BY LIST (d);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
SELECT create_distributed_table('t', 'k');
SELECT create_reference_table('r');
SELECT create_distributed_table('p', 'k');
INSERT INTO t SELECT i, i FROM generate_series(1, 40) i;
INSERT INTO r SELECT i FROM generate_series(1, 40) i;
INSERT INTO p SELECT i, 1 FROM generate_series(1, 40) i;
CREATE DOMAIN stamp AS timestamptz DEFAULT now();
BEGIN;
ALTER TABLE t ADD COLUMN a timestamptz DEFAULT now(), ADD COLUMN b name NOT NULL DEFAULT current_user,
    ADD COLUMN c uuid DEFAULT gen_random_uuid(), ADD COLUMN d text DEFAULT 'x', ADD COLUMN e stamp;
SELECT count(*), count(DISTINCT a), bool_and(a = now()), min(b), count(DISTINCT c), min(d), bool_and(e = now()) FROM t;
ALTER TABLE p ADD COLUMN a timestamptz DEFAULT now();
SELECT count(*), bool_and(a = now()) FROM p;
ALTER TABLE r ADD COLUMN a timestamptz DEFAULT now();
SELECT count(*), bool_and(a = now()) FROM r;
COMMIT;
SELECT count(DISTINCT result) FROM run_command_on_placements('r', 'SELECT md5(string_agg(r::text, '','' ORDER BY id)) FROM %s r');
ALTER TABLE r ADD COLUMN b uuid DEFAULT gen_random_uuid();
-- what is there already stays
SELECT pg_sleep(0.01);
ALTER TABLE t ADD COLUMN IF NOT EXISTS a timestamptz DEFAULT now();
SELECT bool_and(a < now()) FROM t;
-- new rows get values of their own
INSERT INTO t (k) VALUES (41);
SELECT a = now(), a > (SELECT min(a) FROM t) FROM t WHERE k = 41;
DELETE FROM r;
ALTER TABLE r ADD COLUMN b uuid DEFAULT gen_random_uuid();
INSERT INTO r (id) VALUES (1), (2);
SELECT count(DISTINCT b) FROM r;
SELECT count(DISTINCT result) FROM run_command_on_placements('r', 'SELECT md5(string_agg(r::text, '','' ORDER BY id)) FROM %s r');
ALTER TABLE r ALTER COLUMN id TYPE bigint USING id + 1;
ALTER TABLE r ALTER COLUMN id TYPE int USING (random() * 100)::int;
SELECT * FROM (SELECT id FROM r ORDER BY 1) x;
DROP SCHEMA dde CASCADE;
