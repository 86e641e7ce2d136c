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

-- a STABLE function sees what its statement sees, whatever functions beside it write
CREATE TABLE w (k int, v int);
CREATE TABLE o (k int, v int);
-- distribute: SELECT create_distributed_table('w', 'k'), create_reference_table('o')
CREATE FUNCTION store(int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN INSERT INTO w VALUES ($1, $1); INSERT INTO o VALUES ($1, $1); RETURN $1; END $$;
CREATE FUNCTION store_some(int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN
    BEGIN
        PERFORM store($1);
        IF $1 % 2 = 0 THEN RAISE division_by_zero; END IF;
    EXCEPTION WHEN division_by_zero THEN RETURN -$1;
    END;
    RETURN $1; END $$;
CREATE FUNCTION seen() RETURNS bigint STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT count(*) FROM w); END $$;
CREATE FUNCTION seen_sql() RETURNS bigint STABLE LANGUAGE sql AS 'SELECT sum(v) FROM w';
CREATE FUNCTION seen_copies() RETURNS bigint STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT count(*) FROM o); END $$;
CREATE FUNCTION seen_now() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT count(*) FROM w); END $$;
CREATE FUNCTION seen_of(int) RETURNS bigint STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT count(*) FROM w WHERE k = $1); END $$;
SELECT store(g), seen(), seen_sql(), seen_copies(), seen_now(), seen_of(g) FROM generate_series(1, 4) g;
SELECT seen(), store(g), seen(), seen_sql(), seen_copies(), seen_now(), seen_of(g) FROM generate_series(5, 8) g;
SELECT store_some(g), seen(), seen_sql(), seen_copies(), seen_now() FROM generate_series(9, 14) g;
SELECT store(g + 20), seen() FROM generate_series(1, 4) g WHERE seen_of(g + 20) = 0;
BEGIN;
INSERT INTO w VALUES (50, 50);
SELECT store(g), seen(), seen_sql(), seen_copies(), seen_now(), seen_of(g) FROM generate_series(51, 53) g;
SAVEPOINT a;
SELECT store(g), seen(), seen_sql(), seen_copies(), seen_now(), seen_of(g) FROM generate_series(54, 56) g;
ROLLBACK TO a;
SELECT store(g), seen(), seen_sql(), seen_copies(), seen_now(), seen_of(g) FROM generate_series(54, 56) g;
DELETE FROM w WHERE k = 50;
DECLARE c CURSOR FOR SELECT store(g), seen(), seen_now() FROM generate_series(57, 59) g;
FETCH 1 FROM c;
INSERT INTO w VALUES (60, 60);
FETCH 2 FROM c;
COMMIT;
INSERT INTO w SELECT 100 + g, seen() FROM generate_series(1, 4) g WHERE store(200 + g) > seen_of(200 + g);
UPDATE w SET v = seen() + seen_of(k) WHERE k < 5 AND store(300 + k) > 0;
DO $$ BEGIN PERFORM store(400 + g) FROM generate_series(1, 3) g WHERE seen() > 0; END $$;
SELECT * FROM w ORDER BY k, v;
CREATE OR REPLACE FUNCTION seen() RETURNS bigint STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT -count(*) FROM w); END $$;
SELECT store(g), seen(), seen_now() FROM generate_series(500, 502) g;
