-- LIMIT, OFFSET and window frames that depend on sub-queries.
CREATE TABLE t (k int PRIMARY KEY, v int);
CREATE TABLE r (id int);
-- distribute: SELECT create_distributed_table('t', 'k')
-- distribute: SELECT create_reference_table('r')
INSERT INTO t SELECT i, i % 5 FROM generate_series(0, 99) i;
INSERT INTO r VALUES (1), (2);
SELECT sum(k) OVER (ORDER BY k ROWS (SELECT k FROM t ORDER BY k LIMIT 1) + 1 PRECEDING), k FROM t WHERE k < 10;
SELECT k, count(*) OVER (PARTITION BY k ORDER BY v ROWS (SELECT min(id) FROM r) PRECEDING) FROM t WHERE k < 10;
SELECT k FROM t ORDER BY k LIMIT (SELECT max(id) FROM r);
SELECT k FROM t ORDER BY k LIMIT (SELECT count(*) FROM t WHERE v = 0) OFFSET (SELECT min(id) FROM r);
SELECT v, count(*) FROM t GROUP BY v ORDER BY v LIMIT (SELECT max(id) FROM r);
SELECT v FROM t WHERE k = 7 LIMIT (SELECT max(id) FROM r);
SELECT * FROM (SELECT k FROM t ORDER BY k LIMIT (SELECT max(id) FROM r)) x JOIN t USING (k);
