-- DDL of owners that are not superusers.
ALTER SEQUENCE pg_catalog.pg_dist_shardid_seq RESTART 2600000;
SET client_min_messages TO warning;
CREATE ROLE dao_owner LOGIN;
CREATE ROLE dao_other LOGIN;
CREATE SCHEMA dao AUTHORIZATION dao_owner;
SET ROLE dao_owner;
SET search_path TO dao;
SET citus.shard_count TO 4;
CREATE TYPE col AS ENUM ('r', 'g');
CREATE FUNCTION f(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + 1';
CREATE TABLE t (k int PRIMARY KEY, c col, v int);
CREATE TABLE r (id int PRIMARY KEY);
CREATE TABLE p (k int, d int) PARTITION BY LIST (d);
SELECT create_distributed_table('t', 'k');
SELECT create_reference_table('r');
SELECT create_distributed_table('p', 'k');
COPY t FROM STDIN;
1	r	1
2	g	2
\.
INSERT INTO r VALUES (1), (2);
ALTER TABLE t ADD COLUMN z int REFERENCES r (id);
CREATE INDEX ON t (f(v));
CREATE INDEX CONCURRENTLY ON t (v, z);
VACUUM ANALYZE t;
ANALYZE r;
GRANT USAGE ON SCHEMA dao TO dao_other;
GRANT SELECT ON t TO dao_other;
CREATE VIEW v AS SELECT * FROM t;
ALTER TABLE t RENAME TO t2;
CREATE POLICY p ON t2 USING (v > 0);
CREATE STATISTICS st ON v, z FROM t2;
REINDEX TABLE t2;
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
CREATE TABLE p2 PARTITION OF p DEFAULT;
INSERT INTO p SELECT i, i % 2 FROM generate_series(1, 10) i;
DROP TABLE p1;
SELECT count(*) FROM p;
SELECT DISTINCT result FROM run_command_on_placements('t2', $$
    SELECT relowner::regrole FROM pg_class WHERE oid = '%s'::regclass $$);
-- others may not
RESET ROLE;
SET ROLE dao_other;
SET search_path TO dao;
SELECT count(*) FROM t2;
ALTER TABLE t2 ADD COLUMN no int;
ALTER TABLE t2 RENAME TO no;
ALTER TABLE t2 RENAME COLUMN v TO no;
ALTER TABLE t2 SET SCHEMA public;
CREATE INDEX ON t2 (v);
CREATE INDEX CONCURRENTLY ON t2 (v);
DROP INDEX t_f_idx;
TRUNCATE r CASCADE;
COPY t2 FROM STDIN;
\.
SET client_min_messages TO error;
VACUUM t2;
SET client_min_messages TO warning;
CREATE STATISTICS no ON v, z FROM t2;
CREATE POLICY no ON t2;
GRANT ALL ON t2 TO dao_other;
RESET ROLE;
GRANT INSERT ON dao.t2 TO dao_other WITH GRANT OPTION;
SET ROLE dao_other;
GRANT INSERT ON t2 TO PUBLIC;
SELECT DISTINCT result FROM run_command_on_placements('t2', $$
    SELECT replace(relacl::text, 'xtm', 'xt') FROM pg_class WHERE oid = '%s'::regclass $$);
DROP TABLE t2;
SELECT citus_internal.truncate_tables(ARRAY['dao.t2'::regclass], false);
SELECT citus_internal.set_table_size('dao.t2', 1, 1, true);
RESET ROLE;
SET ROLE dao_owner;
SET search_path TO dao;
TRUNCATE r CASCADE;
SELECT count(*) FROM t2;
DROP VIEW v;
DROP TABLE t2, r, p;
DROP FUNCTION f(int);
DROP TYPE col;
RESET ROLE;
DROP SCHEMA dao;
DROP ROLE dao_owner, dao_other;
