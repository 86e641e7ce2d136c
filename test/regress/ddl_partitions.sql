-- Partitions of distributed tables that come and go.
ALTER SEQUENCE pg_catalog.pg_dist_shardid_seq RESTART 1900000;
CREATE SCHEMA ddl_pt;
SET search_path TO ddl_pt;
SET citus.shard_count TO 4;
SET client_min_messages TO warning;
CREATE TABLE p (k int, d date, v int, PRIMARY KEY (k, d)) PARTITION BY RANGE (d);
CREATE TABLE p_old PARTITION OF p FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
SELECT create_distributed_table('p', 'k');
CREATE TABLE p_new PARTITION OF p FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
INSERT INTO p SELECT i, '2020-06-01'::date + i * 5, i FROM generate_series(1, 100) i;
SELECT count(*) FROM p_old;
SELECT count(*) FROM p_new;
SELECT table_name FROM public.citus_tables WHERE table_name::text LIKE 'p%' ORDER BY 1;
INSERT INTO p VALUES (1, '2025-01-01', 1);

-- a plain table with rows
CREATE TABLE p_next (k int NOT NULL, d date NOT NULL, v int);
INSERT INTO p_next SELECT i, '2022-02-02', i FROM generate_series(1, 30) i;
ALTER TABLE p ATTACH PARTITION p_next FOR VALUES FROM ('2022-01-01') TO ('2023-01-01');
SELECT count(*) FROM p;
SELECT count(*) FROM p WHERE d > '2022-01-01';
CREATE INDEX ON p (v);
ALTER TABLE p ADD COLUMN w int DEFAULT 5;
SELECT sum(w) FROM p_next;
-- a distributed one
CREATE TABLE p_far (k int NOT NULL, d date NOT NULL, v int, w int DEFAULT 5);
SELECT create_distributed_table('p_far', 'k');
INSERT INTO p_far VALUES (1, '2030-01-01', 1);
ALTER TABLE p ATTACH PARTITION p_far DEFAULT;
SELECT count(*) FROM p;
INSERT INTO p VALUES (2, '2031-01-01', 1);
SELECT count(*) FROM p_far;
ALTER TABLE p DETACH PARTITION p_far;
SELECT count(*) FROM p;
SELECT count(*) FROM p_far;
DROP TABLE p_old;
SELECT count(*) FROM p;
TRUNCATE p_next;
SELECT count(*) FROM p;
-- refused
CREATE TABLE local_parent (k int NOT NULL, d date NOT NULL, v int, w int) PARTITION BY RANGE (d);
ALTER TABLE local_parent ATTACH PARTITION p_far FOR VALUES FROM ('2030-01-01') TO ('2032-01-01');
CREATE TABLE wrong (k int NOT NULL, d date NOT NULL, v int, w int);
INSERT INTO wrong VALUES (1, '1999-01-01');
ALTER TABLE p ATTACH PARTITION wrong FOR VALUES FROM ('2050-01-01') TO ('2051-01-01');
SELECT count(*) FROM wrong;
DROP SCHEMA ddl_pt CASCADE;
