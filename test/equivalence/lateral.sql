-- LATERAL: what a scan of shards gets from the rows beside it.
CREATE TABLE a (q1 bigint, q2 bigint);
CREATE TABLE s (f1 int);
CREATE TABLE t (f1 smallint);
-- distribute: SELECT create_distributed_table('a', 'q1', colocate_with => 'none')
-- distribute: SELECT create_distributed_table('s', 'f1', colocate_with => 'none')
-- distribute: SELECT create_distributed_table('t', 'f1', colocate_with => 'none')
INSERT INTO a VALUES (1, 4), (1, 2), (2, 1), (2, 2), (2, -2), (3, NULL);
INSERT INTO s VALUES (0), (1), (2), (-3), (4);
INSERT INTO t VALUES (0), (2), (-2), (4);

-- conditions on columns of the other side
SELECT * FROM a LEFT JOIN LATERAL (SELECT *, a.q2 AS x FROM a b) ss ON a.q2 = ss.q1;
SELECT * FROM a LEFT JOIN LATERAL (SELECT *, coalesce(a.q2, 42) AS x FROM a b) ss ON a.q2 = ss.q1;
SELECT * FROM s i LEFT JOIN LATERAL (SELECT coalesce(i) FROM t j WHERE i.f1 = j.f1) k ON true;
SELECT * FROM s i LEFT JOIN LATERAL (SELECT * FROM s j WHERE i.f1 < j.f1 ORDER BY 1 OFFSET 1) k ON true;
SELECT * FROM s i, LATERAL (SELECT j.f1 + i.f1 AS sum FROM t j WHERE j.f1 > i.f1 ORDER BY 1 LIMIT 1) k;
SELECT s.f1, x.* FROM s, LATERAL (SELECT count(*), max(q2 + s.f1) FROM a WHERE q1 >= s.f1) x;
SELECT * FROM a LEFT JOIN LATERAL
    (SELECT b.q1 AS bq1, c.q1 AS cq1, least(a.q1, b.q1, c.q1) FROM a b CROSS JOIN a c) ss ON a.q2 = ss.bq1;

-- expressions of both sides that are NULL where the join is outer
SELECT t1.q1, x FROM a t1 LEFT JOIN
    (a t2 LEFT JOIN LATERAL (SELECT t2.q1 + 1 AS x, * FROM a t3) t3 ON t2.q2 = t3.q2) ON t1.q2 = t2.q2;
SELECT t1.q1, x FROM a t1 LEFT JOIN
    (a t2 LEFT JOIN LATERAL (SELECT t2.q2 AS x, * FROM a t3) ss ON t2.q2 = ss.q1) ON t1.q1 = t2.q1;
SELECT ss2.* FROM a t1 LEFT JOIN
    (a t2 LEFT JOIN (SELECT coalesce(q1) AS x, * FROM a t3) ss1 ON t2.q1 = ss1.q2
     LEFT JOIN LATERAL (SELECT ss1.x AS y, * FROM a t4) ss2 ON t2.q2 = ss2.q1) ON t1.q2 = ss2.q1;

-- columns reached by the name of a join
SELECT * FROM a x JOIN (s x CROSS JOIN s y (ff)) j ON q1 = f1;
SELECT jj, ff FROM (a CROSS JOIN s) AS j (ii, jj, ff);
SELECT * FROM ((SELECT f1 / 2 AS x FROM s) ss1 JOIN s i4 ON x = f1) j, LATERAL (SELECT x) ss2 (y);
SELECT j.f1, q2 FROM a JOIN (s JOIN t USING (f1)) j ON q2 = j.f1;
SELECT j.* FROM a RIGHT JOIN (s FULL JOIN t USING (f1)) j ON q2 = j.f1;

-- the names of a joined row's columns
SELECT row_to_json(x.*) FROM a JOIN s ON q1 = f1 JOIN t USING (f1) AS x;
SELECT to_json(x) FROM s JOIN t USING (f1) AS x;
SELECT json_agg(x) FROM (SELECT x.* FROM s JOIN t USING (f1) AS x ORDER BY 1) x;

-- a table of which no row is asked for, beside one that is found by its key
CREATE TABLE keyed (k int PRIMARY KEY, v int);
-- distribute: SELECT create_distributed_table('keyed', 'k', colocate_with => 'none')
INSERT INTO keyed VALUES (1, 2), (2, 3);
SELECT * FROM s, LATERAL (SELECT x.k FROM keyed x JOIN keyed y ON y.k = x.v WHERE x.k IS NULL OFFSET 0) z;
SELECT f1, z.* FROM s LEFT JOIN LATERAL
    (SELECT x.k, y.v FROM a LEFT JOIN keyed x ON x.k = a.q1 AND false LEFT JOIN keyed y ON y.k = x.v WHERE a.q2 = s.f1 OFFSET 0) z ON true;
UPDATE keyed SET v = v + 1 FROM (SELECT x.k FROM keyed x JOIN keyed y ON y.k = x.v WHERE x.k IS NULL OFFSET 0) z WHERE keyed.k = z.k;
