-- Prepared statements past the switch to generic plans, cursors, functions, DO.
CREATE TABLE t (k int PRIMARY KEY, g int, s text);
-- distribute: SELECT create_distributed_table('t', 'k')
INSERT INTO t SELECT i, i % 4, 's' || i FROM generate_series(1, 100) i;

PREPARE by_key(int) AS SELECT * FROM t WHERE k = $1;
EXECUTE by_key(1);
EXECUTE by_key(2);
EXECUTE by_key(3);
EXECUTE by_key(4);
EXECUTE by_key(5);
EXECUTE by_key(6);
EXECUTE by_key(7);
EXECUTE by_key(NULL);
EXECUTE by_key(1000);
PREPARE by_group(int) AS SELECT count(*), min(s) FROM t WHERE g = $1;
EXECUTE by_group(0);
EXECUTE by_group(1);
EXECUTE by_group(2);
EXECUTE by_group(3);
EXECUTE by_group(0);
EXECUTE by_group(1);
EXECUTE by_group(NULL);
PREPARE two(int, int) AS SELECT k, s FROM t WHERE k IN ($1, $2) ORDER BY k;
EXECUTE two(1, 2);
EXECUTE two(2, 3);
EXECUTE two(3, 4);
EXECUTE two(4, 5);
EXECUTE two(5, 6);
EXECUTE two(6, 7);
EXECUTE two(7, 7);
PREPARE ins(int, text) AS INSERT INTO t VALUES ($1, 9, $2) RETURNING k, s;
EXECUTE ins(201, 'a');
EXECUTE ins(202, 'b');
EXECUTE ins(203, 'c');
EXECUTE ins(204, NULL);
EXECUTE ins(205, 'e');
EXECUTE ins(206, 'f');
EXECUTE ins(207, 'g');
EXECUTE ins(201, 'twice');
-- differs: SQLSTATE, a missing key has a code of its own
EXECUTE ins(NULL, 'none');
PREPARE upd(int, text) AS UPDATE t SET s = $2 || s WHERE k = $1 RETURNING s;
EXECUTE upd(201, 'x');
EXECUTE upd(202, 'x');
EXECUTE upd(203, 'x');
EXECUTE upd(204, 'x');
EXECUTE upd(205, 'x');
EXECUTE upd(206, 'x');
EXECUTE upd(207, 'x');
PREPARE del(int) AS DELETE FROM t WHERE k = $1;
EXECUTE del(201);
EXECUTE del(202);
EXECUTE del(203);
EXECUTE del(204);
EXECUTE del(205);
EXECUTE del(206);
EXECUTE del(207);
SELECT count(*) FROM t;
-- A plan must notice that its table changed.
ALTER TABLE t ADD COLUMN more int DEFAULT 5;
EXECUTE by_group(2);
DEALLOCATE by_key;
PREPARE by_key(int) AS SELECT * FROM t WHERE k = $1;
EXECUTE by_key(1);
EXECUTE by_key('x');
DEALLOCATE ALL;

BEGIN;
DECLARE c CURSOR FOR SELECT k FROM t ORDER BY k;
FETCH 3 FROM c;
FETCH 2 FROM c;
MOVE 10 FROM c;
FETCH NEXT FROM c;
CLOSE c;
DECLARE d SCROLL CURSOR FOR SELECT k FROM t WHERE g = 1 ORDER BY k DESC;
FETCH 2 FROM d;
FETCH LAST FROM d;
FETCH PRIOR FROM d;
FETCH FIRST FROM d;
COMMIT;
DECLARE h CURSOR WITH HOLD FOR SELECT k, s FROM t WHERE k < 5 ORDER BY k;
FETCH ALL FROM h;
CLOSE h;

CREATE FUNCTION count_of(int) RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM t WHERE g = $1';
SELECT count_of(1), count_of(2);
CREATE FUNCTION name_of(key int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN
    SELECT s INTO result FROM t WHERE k = key;
    RETURN result;
END $$;
SELECT i, name_of(i) FROM generate_series(1, 8) i ORDER BY i;
SELECT k, name_of(k) FROM t WHERE k < 4 ORDER BY k;
CREATE FUNCTION all_of(key int) RETURNS SETOF t LANGUAGE sql AS 'SELECT * FROM t WHERE k <= key';
SELECT * FROM all_of(3) ORDER BY k;
CREATE FUNCTION put(key int, value text) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO t (k, s) VALUES (key, value) ON CONFLICT (k) DO UPDATE SET s = excluded.s;
    RETURN key;
END $$;
SELECT put(1, 'put'), put(1001, 'put');
SELECT k, s FROM t WHERE s = 'put' ORDER BY k;
DO $$
DECLARE row record; total int := 0;
BEGIN
    FOR row IN SELECT k FROM t WHERE g = 2 ORDER BY k LOOP
        total := total + row.k;
    END LOOP;
    UPDATE t SET more = total WHERE k = 1;
    EXECUTE 'UPDATE t SET more = more + $1 WHERE k = $2' USING 1, 1;
END $$;
SELECT more FROM t WHERE k = 1;
-- A parameter that nothing reads any more is not taken for another one where wanted rows are locked.
CREATE TABLE moved (k int, a int, t text);
CREATE TABLE sums (k int, a int);
-- distribute: SELECT create_distributed_table('moved', 'k')
-- distribute: SELECT create_distributed_table('sums', 'a')
INSERT INTO moved SELECT i, i, 'x' FROM generate_series(1, 10) i;
INSERT INTO sums SELECT i, i FROM generate_series(1, 10) i;
SET plan_cache_mode = force_generic_plan;
PREPARE nothing(int) AS UPDATE moved x SET t = 'y' FROM (SELECT k, max(a) AS a FROM sums WHERE k IS NOT NULL GROUP BY k) s WHERE x.k = s.k AND x.k BETWEEN NULL AND $1 RETURNING x.k, s.a;
EXECUTE nothing(2);
PREPARE some(int) AS UPDATE moved x SET t = 'y' FROM (SELECT k, max(a) AS a FROM sums WHERE k IS NOT NULL GROUP BY k) s WHERE x.k = s.k AND x.k BETWEEN 1 AND $1 RETURNING x.k, s.a, x.t;
EXECUTE some(2);
RESET plan_cache_mode;
DROP TABLE moved, sums;
