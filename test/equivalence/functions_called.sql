-- Functions that read tables, called where the statement is not run yet, or is no query: by an estimate, by
-- DDL that looks at rows.
CREATE TABLE d (k int PRIMARY KEY, v int, w int);
CREATE TABLE e (k int PRIMARY KEY, v int, w int);
CREATE TABLE r (k int PRIMARY KEY);
CREATE TABLE l (x int);
-- distribute: SELECT create_distributed_table('d', 'k')
-- distribute: SELECT create_distributed_table('e', 'k')
-- distribute: SELECT create_reference_table('r')
INSERT INTO d SELECT i, i % 100, i FROM generate_series(1, 300) i;
INSERT INTO e SELECT i, i % 100, i FROM generate_series(1, 300) i;
INSERT INTO r VALUES (1), (2);
INSERT INTO l SELECT generate_series(1, 50);
ANALYZE d, e;

-- the plan of the function's query is kept: what it was planned in the middle of must not show
CREATE FUNCTION rows_found() RETURNS int STABLE LANGUAGE plpgsql
    AS $$ BEGIN RETURN (SELECT count(*) FROM l FULL JOIN d ON d.v = l.x); END $$;
SELECT count(*) FROM d, e WHERE d.v = e.w AND d.w < rows_found();
SELECT rows_found();
SELECT count(*) FROM d, e WHERE d.v = e.w AND d.w = rows_found();
SELECT rows_found();

-- what DDL computes for rows that are there
CREATE TABLE t (k int, v int);
-- distribute: SELECT create_distributed_table('t', 'k')
INSERT INTO t VALUES (1, 1), (2, 2);
CREATE FUNCTION is_known(int) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RETURN EXISTS (SELECT FROM r WHERE k = $1); END $$;
CREATE FUNCTION known(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT count(*) + $1 FROM r); END $$;
CREATE FUNCTION known_sql(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT count(*)::int + $1 FROM r';
ALTER TABLE t ADD CONSTRAINT all_known CHECK (is_known(k));
ALTER TABLE t ADD COLUMN g int GENERATED ALWAYS AS (known(k)) STORED;
ALTER TABLE t ADD COLUMN s int DEFAULT known_sql(0);
ALTER TABLE t ALTER COLUMN v TYPE bigint USING known_sql(v);
CREATE UNIQUE INDEX ON t (k, known(v::int));
SELECT * FROM t;
INSERT INTO t (k) VALUES (1);
INSERT INTO t (k) VALUES (3);
ALTER TABLE t ADD CONSTRAINT none_known CHECK (NOT is_known(k));
SELECT * FROM t;
