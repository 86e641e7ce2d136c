-- Sub-queries whose computing fails, where no row asks for their value, and where one does.
CREATE TABLE d (k int, g int, x numeric, t text COLLATE "C");
CREATE TABLE ed (k int, g int, x numeric, t text COLLATE "C");
CREATE TABLE o (id int, k int, x numeric);
CREATE TABLE l (a int, b numeric, t text COLLATE "C", g int);
CREATE TABLE r (g int PRIMARY KEY, name text);
CREATE TABLE seen (n int);
-- distribute: SET citus.shard_count = 5
-- distribute: SELECT create_distributed_table('d', 'k'), create_distributed_table('ed', 'k'), create_reference_table('r')
-- distribute: SELECT create_distributed_table('o', 'id', colocate_with => 'none')
INSERT INTO d SELECT i % 80, i % 7, i / 8.0, 't' || i % 5 FROM generate_series(1, 400) i;
INSERT INTO o SELECT i, i % 60, i / 3.0 FROM generate_series(1, 150) i;
INSERT INTO l SELECT i, i % 9, 't' || i % 4, i % 6 FROM generate_series(1, 30) i;
INSERT INTO r SELECT i, 'n' || i % 3 FROM generate_series(0, 7) i;
CREATE FUNCTION complain(n int) RETURNS int LANGUAGE plpgsql STABLE AS $$
BEGIN
    RAISE EXCEPTION 'no number''s "like" % \ é', n USING ERRCODE = 'UX123', DETAIL = 'it''s odd', HINT = 'take \another';
END $$;
CREATE FUNCTION note(n int) RETURNS int LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    INSERT INTO seen VALUES (n);
    RETURN 1 / n;
END $$;
ANALYZE;

-- no row asks
SELECT count(*) FROM ed WHERE t = (SELECT t::int::text FROM l WHERE a = 1);
SELECT count(*) FROM ed WHERE k = (SELECT 1 / g FROM l WHERE a = 6);
SELECT count(*) FROM ed WHERE g = (SELECT 1 / g FROM l WHERE a = 6);
SELECT count(*) FROM ed WHERE g = (SELECT 1 / (k - 1) FROM d WHERE x = 1 / 8.0);
SELECT count(*), sum(x) FROM ed WHERE x > (SELECT 1 / sum(x - x) FROM o);
SELECT count(*) FROM ed WHERE g = ANY (ARRAY(SELECT 1 / g FROM l));
SELECT count(*) FROM ed WHERE (g, t) = (SELECT 1 / g, t FROM l WHERE a = 6);
SELECT k, (SELECT 1 / g FROM l WHERE a = 6) FROM ed ORDER BY k;
SELECT g, sum(x) FROM ed WHERE x > (SELECT 1 / g FROM l WHERE a = 6) GROUP BY ROLLUP (g);
SELECT count(*) FROM ed JOIN o USING (k) WHERE ed.x = (SELECT 1 / g FROM l WHERE a = 6);
SELECT count(*) FROM d LEFT JOIN ed ON ed.g = d.g AND ed.x > (SELECT 1 / g FROM l WHERE a = 6);
SELECT coalesce(g, (SELECT 1 / g FROM l WHERE a = 6)), count(*) FROM d GROUP BY 1;
SELECT count(*) FROM d WHERE g = 1 AND CASE WHEN g = 1 THEN true ELSE x > (SELECT 1 / g FROM l WHERE a = 6) END;
SELECT count(*) FROM d WHERE k = 1000 AND g = (SELECT 1 / g FROM l WHERE a = 6);
SELECT count(*) FROM r WHERE name = 'none' AND g = (SELECT 1 / g FROM l WHERE a = 6);
SELECT count(*) FROM ed WHERE g = (SELECT complain(a) FROM l WHERE a = 7);
SELECT count(*) FROM (SELECT k FROM ed WHERE g = (SELECT 1 / g FROM l WHERE a = 6) UNION ALL SELECT k FROM o WHERE id < 9) u;
SELECT l.a, (SELECT count(*) FROM ed WHERE ed.g = l.g AND ed.x = (SELECT 1 / i.g FROM l i WHERE i.a = l.a)) FROM l;
SELECT l.a, (SELECT count(*) FROM ed WHERE ed.k = l.a AND ed.x = (SELECT 1 / l.g FROM l i WHERE i.a = 1)) FROM l;
SELECT l.a, (SELECT count(*) FROM d WHERE d.k = l.a AND d.x = (SELECT 1 / l.g FROM l i WHERE i.a = 1)) FROM l WHERE g <> 0;

-- one does
SELECT count(*) FROM d WHERE k = (SELECT 1 / g FROM l WHERE a = 6);
SELECT count(*) FROM d WHERE g = (SELECT 1 / g FROM l WHERE a = 6);
SELECT count(*) FROM d WHERE t = (SELECT t::int::text FROM l WHERE a = 1);
SELECT count(*) FROM d WHERE g = ANY (ARRAY(SELECT 1 / g FROM l));
SELECT count(*) FROM d WHERE g = (SELECT complain(a) FROM l WHERE a = 7);
SELECT count(*) FROM d WHERE (SELECT 1 / g FROM l WHERE a = 6) > 3;
SELECT k, (SELECT 1 / g FROM l WHERE a = 6) FROM d;
SELECT coalesce(nullif(g, 5), (SELECT 1 / g FROM l WHERE a = 6)), count(*) FROM d GROUP BY 1;
SELECT count(*) FROM d WHERE k = (SELECT 1 / g FROM l WHERE a < 6);
SELECT l.a, (SELECT count(*) FROM d WHERE d.k = l.a AND d.x = (SELECT 1 / l.g FROM l i WHERE i.a = 1)) FROM l;
DO $$
DECLARE
    m text; d text; h text;
BEGIN
    PERFORM count(*) FROM d WHERE g = (SELECT complain(a) FROM l WHERE a = 7);
EXCEPTION WHEN SQLSTATE 'UX123' THEN
    GET STACKED DIAGNOSTICS m = MESSAGE_TEXT, d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT;
    CREATE TABLE told AS SELECT m, d, h;
END $$;
SELECT * FROM told;

-- with values after all
SELECT count(*) FROM d WHERE k = (SELECT 12 / g FROM l WHERE a = 4);
SELECT count(*) FROM d WHERE g = ANY (ARRAY(SELECT 12 / g FROM l WHERE a IN (4, 3, 8)));
SELECT count(*) FROM d WHERE g = ANY (ARRAY(SELECT 12 / g FROM l WHERE a < 0));
SELECT count(*) FROM d WHERE g = (SELECT 12 / g FROM l WHERE a < 0);
SELECT count(*) FROM d WHERE (g, t) = (SELECT 12 / g, 't' || g FROM l WHERE a = 3);
SELECT count(*) FROM d WHERE x > 20 OR EXISTS (SELECT 1 FROM l WHERE 12 / a = 40);
SELECT count(*) FROM d WHERE x > 20 OR EXISTS (SELECT 1 FROM l WHERE 12 / a = 4);
SELECT t, count(*) FROM d WHERE t > (SELECT lower(max(t)) FROM l WHERE a < 3) GROUP BY t;
SELECT l.a, (SELECT count(*) FROM d WHERE d.k = l.a AND d.x > (SELECT 100 / (i.a + l.g) FROM l i WHERE i.a = 1)) FROM l;
SELECT l.a, (SELECT count(*) FROM d WHERE d.g = l.g AND d.x > (SELECT sum(x) / count(*) FROM o WHERE o.k = l.a)) FROM l;
SELECT count(*) FROM d WHERE x > (SELECT 1 + avg(x) FROM o) AND x < (SELECT max(x) * 0.9 FROM d);

-- in transactions, which go on
BEGIN;
INSERT INTO d VALUES (500, 1, 1, 't');
SELECT count(*) FROM ed WHERE k = (SELECT 1 / g FROM l WHERE a = 6);
SELECT count(*) FROM ed WHERE g = (SELECT 1 / (k - 500) FROM d WHERE k = 500);
SAVEPOINT s;
SELECT count(*) FROM d WHERE g = (SELECT 1 / g FROM l WHERE a = 6);
ROLLBACK TO s;
INSERT INTO l VALUES (40, 1, 't', 0);
SELECT count(*) FROM ed WHERE k = (SELECT 1 / g FROM l WHERE a = 40);
SELECT count(*) FROM d WHERE k = (SELECT a + 460 / (g + 1) FROM l WHERE a = 40);
COMMIT;
SELECT count(*) FROM d;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM ed WHERE g = (SELECT 1 / (x - x) FROM o WHERE id = 5);
DECLARE c CURSOR FOR SELECT k, x FROM d WHERE g = (SELECT 12 / g FROM l WHERE a = 3) ORDER BY x;
FETCH 2 FROM c;
SAVEPOINT s;
DECLARE e CURSOR FOR SELECT k FROM ed WHERE g = (SELECT 1 / g FROM l WHERE a = 6);
FETCH 2 FROM e;
ROLLBACK TO s;
FETCH 2 FROM c;
COMMIT;
SET default_transaction_isolation = 'repeatable read';
SELECT count(*) FROM ed WHERE g = (SELECT 1 / sum(x - x) FROM o);
SELECT count(*) FROM d WHERE x > (SELECT sum(x) / count(*) FROM o);
RESET default_transaction_isolation;

-- what a failing sub-query has written is gone; one that does not fail has written it once
SELECT count(*) FROM ed WHERE g = (SELECT note(a - 1) FROM l WHERE a = 1);
SELECT count(*) FROM d WHERE g = (SELECT note(1));
SELECT n, count(*) FROM seen GROUP BY n;

-- prepared, and where the plan asks, too
PREPARE late (int) AS SELECT count(*), sum(x) FROM ed WHERE g > $1 AND k = (SELECT 12 / (g - $1) FROM l WHERE a = 4);
EXECUTE late (4);
EXECUTE late (1);
EXECUTE late (4);
EXECUTE late (4);
EXECUTE late (4);
EXECUTE late (4);
EXECUTE late (4);
INSERT INTO ed VALUES (4, 5, 3, 'four');
EXECUTE late (4);
EXECUTE late (1);
TRUNCATE ed;
SELECT count(*), (SELECT 1 / g FROM l WHERE a = 6) FROM ed WHERE k = (SELECT 1 / g FROM l WHERE a = 6) AND random() < 2;
SELECT l.a FROM l, ed WHERE ed.g = (SELECT 1 / g FROM l WHERE a = 6) AND l.b = ed.x;
SELECT count(*) FROM ed FULL JOIN d ON ed.k = d.k AND ed.x = (SELECT 1 / g FROM l WHERE a = 6);
INSERT INTO ed SELECT k, (SELECT 1 / g FROM l WHERE a = 6), x, t FROM ed;
INSERT INTO ed SELECT k, g, x, t FROM ed WHERE g = (SELECT 1 / g FROM l WHERE a = 6);
UPDATE ed SET g = (SELECT 1 / g FROM l WHERE a = 6);
DELETE FROM ed WHERE x = (SELECT 1 / g FROM l WHERE a = 6);
