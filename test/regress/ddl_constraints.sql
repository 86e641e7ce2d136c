-- Constraints added to and dropped from distributed and reference tables.
ALTER SEQUENCE pg_catalog.pg_dist_shardid_seq RESTART 1600000;
CREATE SCHEMA ddl_con;
SET search_path TO ddl_con;
SET citus.shard_count TO 4;
SET client_min_messages TO warning;
CREATE TABLE t (k int, a int, b text);
CREATE TABLE child (k int, id int, r int);
CREATE TABLE r (id int PRIMARY KEY, x int);
SELECT create_distributed_table('t', 'k');
SELECT create_distributed_table('child', 'k');
SELECT create_reference_table('r');
CREATE VIEW shard_constraints AS
SELECT result, count(*) FROM (
    SELECT regexp_replace(unnest(string_to_array(result, E'\n')), 'ddl_con\.|(?<=_)\d{6,}', '', 'g') AS result
    FROM run_command_on_placements('t', $$
        SELECT string_agg(conname || ' ' || pg_get_constraintdef(oid), E'\n')
        FROM pg_constraint WHERE conrelid = '%s'::regclass AND contype <> 'n'$$)) s
GROUP BY 1 ORDER BY 1;
INSERT INTO t SELECT i, i FROM generate_series(1, 20) i;

ALTER TABLE t ADD CONSTRAINT t_a_positive CHECK (a > 0);
ALTER TABLE t ADD CHECK (a < 1000), ADD CHECK (t.b <> 'bad');
ALTER TABLE t ADD PRIMARY KEY (k);
ALTER TABLE t ADD UNIQUE (a, k);
ALTER TABLE t ADD EXCLUDE USING btree (k WITH =);
ALTER TABLE t ADD COLUMN c int CHECK (c > 1) UNIQUE;
ALTER TABLE t ADD COLUMN c int CHECK (c > 1);
ALTER TABLE t ADD COLUMN d int REFERENCES r;
TABLE shard_constraints;
INSERT INTO t VALUES (100, -1);
INSERT INTO t VALUES (100, 1, 'bad');
INSERT INTO t VALUES (1, 1);

-- the server's rows decide
ALTER TABLE t ADD CONSTRAINT too_strict CHECK (a > 10);
ALTER TABLE t ADD CONSTRAINT not_yet CHECK (a > 10) NOT VALID;
ALTER TABLE t VALIDATE CONSTRAINT not_yet;
ALTER TABLE t RENAME CONSTRAINT not_yet TO renamed;
DELETE FROM t WHERE a <= 10;
ALTER TABLE t VALIDATE CONSTRAINT renamed;
ALTER TABLE t DROP CONSTRAINT t_b_check, DROP CONSTRAINT IF EXISTS nothing;
ALTER TABLE t DROP CONSTRAINT t_a_k_key;
TABLE shard_constraints;

-- a constraint on an index that exists
CREATE UNIQUE INDEX ready ON t (k, a);
ALTER TABLE t ADD CONSTRAINT from_index UNIQUE USING INDEX ready;
ALTER TABLE t DROP CONSTRAINT from_index;

-- foreign keys
ALTER TABLE child ADD FOREIGN KEY (k) REFERENCES t (k) ON DELETE CASCADE;
ALTER TABLE child ADD CONSTRAINT to_r FOREIGN KEY (r) REFERENCES r DEFERRABLE;
INSERT INTO r VALUES (1, 1);
INSERT INTO child VALUES (11, 1, 1);
INSERT INTO child VALUES (12, 1, 2);
INSERT INTO child VALUES (999, 1, 1);
ALTER TABLE child ALTER CONSTRAINT to_r DEFERRABLE INITIALLY DEFERRED;
DELETE FROM r;
DELETE FROM t WHERE k = 11;
SELECT * FROM child;
ALTER TABLE r ADD FOREIGN KEY (x) REFERENCES t (k);
ALTER TABLE child ADD FOREIGN KEY (id) REFERENCES t (k);
ALTER TABLE t DROP CONSTRAINT t_pkey;
ALTER TABLE t DROP CONSTRAINT t_pkey CASCADE;
SELECT conname FROM pg_constraint WHERE conrelid = 'child'::regclass ORDER BY 1;

-- what shards cannot keep
ALTER TABLE t ADD UNIQUE (a);
ALTER TABLE t ADD CONSTRAINT pk PRIMARY KEY (a);
ALTER TABLE t ADD EXCLUDE USING btree (a WITH =);
CREATE UNIQUE INDEX ON t (b);
CREATE UNIQUE INDEX CONCURRENTLY u_b ON t (b);
SELECT conname FROM pg_constraint WHERE conrelid = 't'::regclass AND contype <> 'n' ORDER BY 1;

-- an index whose equality is not that of the shards would hold in each of them only
CREATE COLLATION caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE texts (k text, v int4range);
SELECT create_distributed_table('texts', 'k');
CREATE UNIQUE INDEX ON texts (k COLLATE caseless);
ALTER TABLE texts ADD EXCLUDE USING btree (k COLLATE caseless WITH =);
CREATE INDEX ON texts (k COLLATE caseless);
CREATE UNIQUE INDEX ON texts (k COLLATE "C");
CREATE UNIQUE INDEX ON texts (k text_pattern_ops);
CREATE FUNCTION size_cmp(int, int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT btint4cmp(abs($1), abs($2))';
CREATE FUNCTION size_eq(int, int) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT abs($1) = abs($2)';
CREATE OPERATOR |=| (LEFTARG = int, RIGHTARG = int, FUNCTION = size_eq, MERGES, HASHES, COMMUTATOR = |=|);
CREATE OPERATOR CLASS size_ops FOR TYPE int USING btree AS OPERATOR 3 |=|, FUNCTION 1 size_cmp(int, int);
CREATE TABLE numbers (k int, v int);
CREATE UNIQUE INDEX numbers_k ON numbers (k size_ops);
SELECT create_distributed_table('numbers', 'k');
DROP INDEX numbers_k;
SELECT create_distributed_table('numbers', 'k');
ALTER TABLE numbers ADD EXCLUDE USING btree (k size_ops WITH |=|);
ALTER TABLE numbers ADD EXCLUDE USING btree (v size_ops WITH |=|, k WITH =);

-- a plain table comes along when a foreign key ties it to a reference table
CREATE TABLE plain (id int REFERENCES r, v int);
CREATE TABLE plain2 (id int, v int);
INSERT INTO plain2 VALUES (1, 2);
ALTER TABLE plain2 ADD FOREIGN KEY (id) REFERENCES r;
SELECT table_name, citus_table_type FROM public.citus_tables WHERE table_name::text LIKE 'plain%';
INSERT INTO plain VALUES (1, 1);
INSERT INTO plain VALUES (7, 1);
SELECT * FROM plain2;
DROP SCHEMA ddl_con CASCADE;
