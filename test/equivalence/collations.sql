-- COLLATE in what the server's planner has made of a statement: joins and filters of scans.
CREATE COLLATION ci (provider = icu, locale = '@colStrength=secondary', deterministic = false);
CREATE TABLE t (x text COLLATE "C", k int);
CREATE TABLE u (x text COLLATE "C", k int);
-- distribute: SELECT create_distributed_table('t', 'x')
-- distribute: SELECT create_distributed_table('u', 'x')
INSERT INTO t VALUES ('abc', 1), ('ABC', 2), ('def', 3), ('ghi', 4);
INSERT INTO u VALUES ('abc', 1), ('aBc', 2), ('DEF', 3);
-- without them a plain server makes the rows of EXISTS unique by the wrong collation
ANALYZE t;
ANALYZE u;
SET enable_hashjoin TO off;
SET enable_mergejoin TO off;
SELECT * FROM t a, t b WHERE a.x = b.x COLLATE ci;
SELECT * FROM t, u WHERE t.x = u.x COLLATE ci ORDER BY t.x, u.x;
SELECT * FROM t LEFT JOIN u ON t.x = u.x COLLATE ci;
SELECT * FROM t WHERE EXISTS (SELECT FROM u WHERE u.x = t.x COLLATE ci);
RESET enable_hashjoin;
RESET enable_mergejoin;
SELECT * FROM t, u WHERE t.x = u.x COLLATE ci;
SELECT * FROM t FULL JOIN u ON t.k = u.k WHERE t.x COLLATE ci = 'ABC' OR u.x COLLATE ci < 'abd';
SELECT * FROM (SELECT * FROM t WHERE x COLLATE ci = 'ABC' LIMIT 10) a FULL JOIN u ON a.k = u.k;
SELECT * FROM t, (SELECT x COLLATE ci AS x FROM u OFFSET 0) s WHERE t.k > 0 AND s.x = 'ABC';
