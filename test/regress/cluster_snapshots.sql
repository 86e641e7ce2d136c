-- Statements that read several nodes, inside each other and around writes, see what they would see
-- on one server; and the functions that nodes call on each other take any input.
CREATE TABLE e (k int PRIMARY KEY, v int);
SELECT create_distributed_table('e', 'k', shard_count => 8);
INSERT INTO e SELECT i, i FROM generate_series(1, 100) i;
CREATE TABLE plain (k int, v int);
INSERT INTO plain VALUES (1, 1), (2, 2);
CREATE FUNCTION total() RETURNS bigint LANGUAGE plpgsql VOLATILE
    AS 'BEGIN RETURN (SELECT sum(v) FROM e); END';
CREATE FUNCTION total_stable() RETURNS bigint LANGUAGE plpgsql STABLE
    AS 'BEGIN RETURN (SELECT sum(v) FROM e); END';

-- statements inside a statement
SELECT k, total(), total_stable() FROM e WHERE k < 4 ORDER BY k;
SELECT count(*) FROM e WHERE v < total() AND v < total_stable();
SELECT p.k, e.v, total_stable() FROM plain p JOIN e ON e.v = p.v ORDER BY 1;
SELECT (SELECT sum(v) FROM plain), (SELECT sum(v) FROM e), total();

-- cursors see what was there when they were declared, before and after others
BEGIN;
DECLARE c CURSOR FOR SELECT k, v FROM e ORDER BY k;
DECLARE d CURSOR FOR SELECT p.k, e.v FROM plain p JOIN e ON e.v = p.v ORDER BY 1;
FETCH 1 FROM c;
UPDATE e SET v = v + 1000;
UPDATE plain SET v = v + 1000;
SELECT sum(v) FROM e;
FETCH 1 FROM c;
FETCH 1 FROM d;
SAVEPOINT s;
SELECT 1 / (k - k) FROM e;
ROLLBACK TO s;
FETCH 1 FROM c;
FETCH 1 FROM d;
SELECT p.k, e.v FROM plain p JOIN e ON e.v = p.v ORDER BY 1;
ROLLBACK;

-- savepoints, roles and settings of levels
DO $$
BEGIN
    FOR i IN 1 .. 3 LOOP
        BEGIN
            PERFORM sum(v) FROM e;
            PERFORM sum(1 / (v - i)) FROM e;
        EXCEPTION WHEN division_by_zero THEN
            PERFORM count(*) FROM e;
        END;
    END LOOP;
END $$;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SAVEPOINT s;
SELECT sum(v) FROM e;
SELECT sum(1 / (v - 1)) FROM e;
ROLLBACK TO s;
UPDATE e SET v = v + 1;
UPDATE plain SET v = v + 1;
SELECT p.k, e.v FROM plain p JOIN e ON e.v = p.v ORDER BY 1;
SELECT sum(v) FROM e;
ROLLBACK;
BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE;
SELECT sum(v) FROM e;
COMMIT;
SET default_transaction_isolation = 'repeatable read';
SELECT sum(v) FROM e;
SELECT v FROM e WHERE k = 5;
SELECT p.k, e.v FROM plain p JOIN e ON e.v = p.v ORDER BY 1;
SELECT count(*) FROM e a JOIN e b ON a.v = b.k;
RESET default_transaction_isolation;
SET citus.cluster_snapshots = off;
SELECT sum(v) FROM e;
RESET citus.cluster_snapshots;

CREATE ROLE snapshot_reader LOGIN;
GRANT SELECT ON e TO snapshot_reader;
BEGIN;
SELECT sum(v) FROM e;
SET LOCAL ROLE snapshot_reader;
SELECT sum(v) FROM e;
SELECT count(*) FROM e a JOIN e b ON a.v = b.k;
COMMIT;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT sum(v) FROM e;
SET LOCAL ROLE snapshot_reader;
SELECT count(*) FROM e a JOIN e b ON a.v = b.k;
COMMIT;

-- what nodes call on each other
SELECT citus_internal.snapshot_use(5);
SELECT citus_internal.snapshot_join(5, -1);
SELECT citus_internal.snapshot_join(5, 1000000);
SELECT citus_internal.snapshot_join(5, 3);
SELECT citus_internal.prove_session('citus_internal gpid=10000000001', '');
SELECT citus_internal.snapshot_forget(5), citus_internal.snapshot_fence(-1, ''),
    citus_internal.snapshot_fence(0, '0:1');
SELECT citus_internal.snapshot_fence(0, 'x');
\c -
BEGIN;
SELECT count(*) FROM plain;
SELECT citus_internal.snapshot_keep(5);
INSERT INTO plain VALUES (1000, 0);
SELECT count(*) FROM plain;
SELECT citus_internal.snapshot_forget(5);
SELECT count(*) FROM plain;
ROLLBACK;
SELECT citus_internal.snapshot_take(5, -1) ~ '^-1 [0-9]+$' AS empty,
    citus_internal.snapshot_take(5, 9223372036854775807) ~ '^[0-9]+ [0-9]+(;.*)?$' AS full;

-- this node's part of a snapshot is asked for when others have been in use for longer than reports go back
CREATE TABLE copied (k int PRIMARY KEY, v int);
SELECT create_reference_table('copied');
INSERT INTO copied SELECT k, 1 FROM e
    WHERE k < (SELECT count(*) + 1000 FROM plain)
        AND k IN (SELECT a.k FROM e a JOIN e b ON a.v = b.k
                  WHERE (SELECT count(*) FROM generate_series(1, 6000 + a.v)) > 0)
    ON CONFLICT (k) DO UPDATE SET v = (SELECT max(s.v) FROM e s WHERE s.k < excluded.k);

-- another node joins the snapshot when the session first connects to it
CREATE TABLE one (k int, v int);
SELECT create_distributed_table('one', NULL);
INSERT INTO one SELECT i, i % 3 FROM generate_series(1, 6) i;
\c -
WITH w AS (UPDATE one o SET v = o.v
           WHERE EXISTS (SELECT 1 FROM e WHERE e.k = o.v AND e.k = o.k) OR o.k = ANY (ARRAY[7, 2])
           RETURNING o.k)
    SELECT count(*), (SELECT count(*) FROM one), (SELECT count(*) FROM copied WHERE k < 0) FROM w;
DROP TABLE copied, one;

DROP FUNCTION total, total_stable;
DROP TABLE e, plain;
DROP ROLE snapshot_reader;
SELECT * FROM citus_internal.check_consistency();
