-- Tables that an open cursor or the running statement of the session reads cannot be altered,
-- dropped or emptied.
CREATE TABLE t (k int PRIMARY KEY, v int);
CREATE INDEX t_v ON t (v);
-- distribute: SELECT create_distributed_table('t', 'k')
INSERT INTO t SELECT i, i % 7 FROM generate_series(1, 50) i;

CREATE FUNCTION run(query text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    c refcursor;
    x record;
BEGIN
    OPEN c FOR EXECUTE query;
    FETCH c INTO x;
    EXECUTE statement;
    RAISE EXCEPTION 'done';
EXCEPTION WHEN others THEN RETURN SQLSTATE;
END $$;

SELECT s, string_agg(run(q, s), ' ' ORDER BY q COLLATE "C") FROM
    unnest(ARRAY[
        'SELECT * FROM t',
        'SELECT * FROM t WHERE k = 7',
        'SELECT count(*) FROM t',
        'SELECT a.* FROM t a JOIN t b ON a.v = b.k + 1',
        'SELECT 1 FROM (VALUES (1), (2)) x (k) WHERE EXISTS (SELECT FROM t WHERE t.k = x.k)',
        'SELECT * FROM t ORDER BY k FOR UPDATE']) q,
    unnest(ARRAY[
        'ALTER TABLE t ADD COLUMN x int',
        'ALTER TABLE t ALTER v TYPE bigint',
        'ALTER TABLE t RENAME v TO w',
        'ALTER TABLE t RENAME TO w',
        'ALTER TABLE t ADD CHECK (v >= 0)',
        'ALTER TABLE t SET (fillfactor = 50)',
        'ALTER TABLE t OWNER TO current_user',
        'TRUNCATE t',
        'DROP TABLE t',
        'CREATE INDEX ON t (v)',
        'CLUSTER t USING t_v',
        'CREATE TRIGGER tr BEFORE UPDATE ON t FOR EACH ROW
             EXECUTE FUNCTION suppress_redundant_updates_trigger()',
        'CREATE POLICY p ON t USING (true)']) s
GROUP BY s ORDER BY s COLLATE "C";

-- a cursor of the client, open and closed
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM t;
ALTER TABLE t ADD COLUMN x int;
ROLLBACK;
BEGIN;
DECLARE c CURSOR FOR SELECT k FROM t WHERE k = 1;
FETCH ALL FROM c;
SAVEPOINT s;
DROP TABLE t;
ROLLBACK TO s;
CLOSE c;
ALTER TABLE t ADD COLUMN x int;
SELECT count(x) FROM t;
ROLLBACK;
BEGIN;
DECLARE c CURSOR WITH HOLD FOR SELECT k FROM t ORDER BY k;
COMMIT;
ALTER TABLE t ADD COLUMN x int;
FETCH 2 FROM c;
CLOSE c;
ALTER TABLE t DROP COLUMN x;

-- an error leaves nothing open
BEGIN;
SAVEPOINT s;
SELECT 1 / (k - k) FROM t;
ROLLBACK TO s;
TRUNCATE t;
ROLLBACK;

-- by the statement itself
CREATE FUNCTION widen(int) RETURNS int LANGUAGE plpgsql AS
    $$ BEGIN EXECUTE 'ALTER TABLE t ADD COLUMN x int'; RETURN $1; END $$;
SELECT widen(1) FROM t WHERE k = 1;
UPDATE t SET v = x.w FROM (SELECT widen(2) AS w) x WHERE k = 1;
INSERT INTO t SELECT 100, widen(3);
INSERT INTO t VALUES (100, widen(3));
SELECT widen(1);
SELECT * FROM t WHERE k = 1;

-- nor those that have triggers to come
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE CONSTRAINT TRIGGER later AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    EXECUTE FUNCTION nothing();
BEGIN;
INSERT INTO t VALUES (200, 1);
SAVEPOINT s;
ALTER TABLE t ADD COLUMN x int;
ROLLBACK TO s;
TRUNCATE t;
ROLLBACK TO s;
DROP TABLE t;
ROLLBACK TO s;
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE t ADD COLUMN x int;
COMMIT;
SELECT count(*), count(x) FROM t;
