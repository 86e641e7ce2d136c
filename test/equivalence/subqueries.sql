-- Subqueries, common table expressions, recursion, set operations.
CREATE TABLE t (k int PRIMARY KEY, parent int, v int, s text);
CREATE TABLE u (k int, x int);
CREATE TABLE r (id int PRIMARY KEY, label text);
-- distribute: SELECT create_distributed_table('t', 'k')
-- distribute: SELECT create_distributed_table('u', 'k', colocate_with => 't')
-- distribute: SELECT create_reference_table('r')
INSERT INTO t SELECT i, NULLIF(i / 3, 0), i * 7 % 31, 's' || i % 5 FROM generate_series(1, 90) i;
INSERT INTO u SELECT i % 40 + 1, i FROM generate_series(1, 120) i;
INSERT INTO r SELECT i, 'label ' || i FROM generate_series(0, 4) i;

SELECT k, (SELECT max(x) FROM u WHERE u.k = t.k) FROM t WHERE k < 45;
SELECT k, (SELECT label FROM r WHERE 's' || id = t.s) FROM t WHERE k < 8;
SELECT k, (SELECT count(*) FROM t c WHERE c.parent = t.k) FROM t WHERE k < 12;
SELECT k FROM t WHERE v = (SELECT max(v) FROM t);
SELECT k FROM t WHERE v > (SELECT avg(v) FROM t q WHERE q.s = t.s);
SELECT k FROM t WHERE v >= ALL (SELECT v FROM t WHERE s = 's1');
SELECT k FROM t WHERE v = ANY (SELECT x FROM u WHERE k < 5);
SELECT k FROM t WHERE EXISTS (SELECT FROM u WHERE u.k = t.k AND u.x > t.v * 3);
SELECT k FROM t WHERE (k, v) IN (SELECT k, x FROM u);
SELECT k FROM t WHERE k NOT IN (SELECT k FROM u);
SELECT (SELECT count(*) FROM t), (SELECT sum(x) FROM u);
SELECT ARRAY(SELECT k FROM t WHERE v < 3 ORDER BY k);
SELECT (SELECT k FROM t WHERE v < 10);
SELECT s, n FROM (SELECT s, count(*) AS n FROM t GROUP BY s) x WHERE n > 10 ORDER BY 1;
SELECT sum(n) FROM (SELECT k, count(*) AS n FROM u GROUP BY k ORDER BY n DESC, k LIMIT 3) x;
WITH big AS (SELECT k, v FROM t WHERE v > 25) SELECT count(*), max(k) FROM big;
WITH a AS (SELECT k FROM t WHERE v < 9), b AS (SELECT k FROM a WHERE k > 10) SELECT * FROM a JOIN b USING (k);
WITH a AS MATERIALIZED (SELECT * FROM t ORDER BY v, k LIMIT 4) SELECT a.k, u.x FROM a LEFT JOIN u USING (k);
WITH a AS NOT MATERIALIZED (SELECT * FROM t) SELECT count(*) FROM a x JOIN a y ON x.parent = y.k;
WITH a AS (SELECT k FROM t WHERE k < 4) SELECT a.k, (SELECT count(*) FROM a) FROM a ORDER BY 1;
WITH RECURSIVE up(k, depth) AS (SELECT 77, 0 UNION ALL SELECT t.parent, depth + 1 FROM up JOIN t USING (k) WHERE t.parent IS NOT NULL) SELECT * FROM up ORDER BY depth;
WITH RECURSIVE down(k) AS (SELECT k FROM t WHERE parent IS NULL UNION SELECT t.k FROM down JOIN t ON t.parent = down.k) SELECT count(*), max(k) FROM down;
WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT i, t.v FROM n JOIN t ON t.k = n.i ORDER BY 1;
WITH RECURSIVE g(k, path) AS (SELECT k, ARRAY[k] FROM t WHERE k = 2 UNION ALL SELECT t.k, path || t.k FROM g JOIN t ON t.parent = g.k) SEARCH DEPTH FIRST BY k SET o SELECT k, path FROM g ORDER BY o;
SELECT k FROM t WHERE k < 3 UNION SELECT k FROM u WHERE k < 5;
SELECT s FROM t UNION ALL SELECT label FROM r;
SELECT k FROM t INTERSECT SELECT k FROM u;
SELECT k FROM t EXCEPT SELECT k FROM u ORDER BY k;
SELECT k FROM u EXCEPT ALL SELECT k FROM t;
SELECT k, 't' FROM t WHERE v < 4 UNION SELECT x, 'u' FROM u WHERE x < 4 ORDER BY 1, 2 LIMIT 5;
(SELECT k FROM t ORDER BY k LIMIT 2) UNION ALL (SELECT k FROM t ORDER BY k DESC LIMIT 2);
SELECT count(*) FROM (SELECT k FROM t UNION SELECT x FROM u) x;
SELECT k, count(*) FROM (SELECT k FROM t UNION ALL SELECT k FROM u) x GROUP BY k HAVING count(*) > 4;
SELECT * FROM (SELECT k, v FROM t WHERE k = 5 UNION ALL SELECT k, x FROM u WHERE k = 5) x;
SELECT t.k FROM t WHERE t.k IN (SELECT u.k FROM u WHERE u.x IN (SELECT v FROM t));
SELECT k FROM t WHERE v < (SELECT count(*) FROM u WHERE u.k < t.k) ORDER BY k LIMIT 5;
SELECT x.k FROM (SELECT k, rank() OVER (ORDER BY v DESC, k) AS p FROM t) x WHERE p <= 3;
SELECT CASE WHEN EXISTS (SELECT FROM u WHERE k = 1) THEN 'yes' ELSE 'no' END;
SELECT k FROM t WHERE k = (SELECT k FROM u ORDER BY x LIMIT 1);
SELECT t.k, l.* FROM t, LATERAL (SELECT x FROM u WHERE u.k = t.k ORDER BY x DESC LIMIT 2) l WHERE t.v = 7;
CREATE VIEW v AS SELECT t.k, t.v, count(u.x) AS n FROM t LEFT JOIN u USING (k) GROUP BY t.k, t.v;
SELECT * FROM v WHERE k < 5;
SELECT sum(n) FROM v;
SELECT v.k FROM v JOIN r ON r.id = v.n;
