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
-- copies of a reference table agree on every row
CREATE SEQUENCE rsq;
ALTER TABLE r ADD COLUMN b uuid DEFAULT gen_random_uuid(), ADD COLUMN s bigserial, ADD COLUMN i int GENERATED ALWAYS AS IDENTITY,
    ADD COLUMN m text NOT NULL DEFAULT random() || '-' || nextval('rsq');
SELECT count(DISTINCT b), count(DISTINCT s), max(s), count(DISTINCT i), max(i), count(DISTINCT m) FROM r;
SELECT count(DISTINCT result) FROM run_command_on_placements('r', 'SELECT md5(string_agg(r::text, '','' ORDER BY id)) FROM %s r');
INSERT INTO r VALUES (41) RETURNING s, i;
ALTER TABLE r DROP COLUMN s, DROP COLUMN i, DROP COLUMN m;
-- rows in another order, and equal rows
CREATE TABLE r2 (v int);
SELECT create_reference_table('r2');
INSERT INTO r2 SELECT i % 7 FROM generate_series(1, 30) i;
SELECT count(*) FROM run_command_on_placements('r2', 'WITH gone AS (DELETE FROM %s WHERE v = 3 RETURNING *) SELECT count(*) FROM gone') LIMIT 1;
INSERT INTO r2 SELECT 3 FROM generate_series(1, 4);
UPDATE r2 SET v = v + 10 WHERE v < 2;
ALTER TABLE r2 ADD COLUMN s serial, ADD COLUMN f float DEFAULT random();
SELECT count(DISTINCT s), max(s), count(DISTINCT f) FROM r2;
SELECT count(DISTINCT result) FROM run_command_on_placements('r2', 'SELECT md5(string_agg(r::text, '','' ORDER BY s)) FROM %s r');
-- shards draw nothing: defaults that remain for later rows
SELECT DISTINCT result FROM run_command_on_placements('r2', $$
    SELECT string_agg(attname || coalesce('=' || pg_get_expr(adbin, adrelid), ''), ' ' ORDER BY attnum)
    FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attrelid = '%s'::regclass AND attnum > 0 AND NOT attisdropped$$);
-- what is there already stays
SELECT pg_sleep(0.01);
ALTER TABLE t ADD COLUMN IF NOT EXISTS a timestamptz DEFAULT now();
SELECT bool_and(a < now()) FROM t;
-- new rows get values of their own
INSERT INTO t (k) VALUES (41);
SELECT a = now(), a > (SELECT min(a) FROM t) FROM t WHERE k = 41;
DELETE FROM r;
ALTER TABLE r ADD COLUMN b2 uuid DEFAULT gen_random_uuid();
INSERT INTO r (id) VALUES (1), (2);
SELECT count(DISTINCT b) FROM r;
SELECT count(DISTINCT result) FROM run_command_on_placements('r', 'SELECT md5(string_agg(r::text, '','' ORDER BY id)) FROM %s r');
ALTER TABLE r ALTER COLUMN id TYPE bigint USING id + 1;
ALTER TABLE r ALTER COLUMN id TYPE int USING (random() * 100)::int;
SELECT count(*) FROM r WHERE id BETWEEN 0 AND 100;
SELECT count(DISTINCT result) FROM run_command_on_placements('r', 'SELECT md5(string_agg(r::text, '','' ORDER BY id, a, b)) FROM %s r');
-- copies of shards agree, too
SET citus.shard_replication_factor TO 2;
CREATE TABLE two (k int);
SELECT create_distributed_table('two', 'k');
INSERT INTO two SELECT generate_series(1, 40);
ALTER TABLE two ADD COLUMN f float DEFAULT random(), ADD COLUMN s serial;
SELECT count(DISTINCT f), count(DISTINCT s), max(s) FROM two;
SELECT max(n) FROM (SELECT shardid, count(DISTINCT result) n FROM run_command_on_placements('two',
    'SELECT md5(string_agg(r::text, '','' ORDER BY k)) FROM %s r') GROUP BY 1) x;
CREATE TABLE twop (k int, d int) PARTITION BY LIST (d);
CREATE TABLE twop1 PARTITION OF twop FOR VALUES IN (1);
CREATE TABLE twop2 (d int, gone int, k int);
ALTER TABLE twop2 DROP COLUMN gone;
ALTER TABLE twop ATTACH PARTITION twop2 FOR VALUES IN (2);
SELECT create_distributed_table('twop', 'k');
INSERT INTO twop SELECT i, 1 + i % 2 FROM generate_series(1, 40) i;
ALTER TABLE twop ADD COLUMN f float DEFAULT random(), ADD COLUMN s serial;
SELECT count(DISTINCT f), count(DISTINCT s), max(s) FROM twop;
SELECT max(n) FROM (SELECT shardid, count(DISTINCT result) n FROM run_command_on_placements('twop',
    'SELECT md5(string_agg(r::text, '','' ORDER BY k)) FROM %s r') GROUP BY 1) x;
SELECT citus_internal.fill_number(0);
SELECT citus_internal.fill_text(0);
DROP SCHEMA dde CASCADE;
