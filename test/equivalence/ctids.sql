-- ctid is different for every row of a table, whichever shard it is in; its value is not plain's.
-- only: distributed single
CREATE TABLE t (k int, v int);
CREATE TABLE u (k int, v int);
-- distribute: SELECT create_distributed_table('t', 'k')
-- distribute: SELECT create_distributed_table('u', 'v', colocate_with => 'none')
INSERT INTO t SELECT i, i % 10 FROM generate_series(1, 50) i;
INSERT INTO t SELECT i, i % 10 FROM generate_series(1, 10) i;
INSERT INTO u SELECT * FROM t;
SELECT count(DISTINCT ctid), count(*) FROM t;
SELECT count(*) FROM t WHERE ctid = (SELECT ctid FROM t WHERE k = 20);
SELECT k FROM t WHERE ctid = ANY (ARRAY(SELECT ctid FROM t WHERE k IN (21, 22, 23)));
DELETE FROM t WHERE ctid IN (SELECT ctid FROM t WHERE k > 30 ORDER BY k LIMIT 3) RETURNING k;
DELETE FROM t a USING t b WHERE a.k = b.k AND a.ctid < b.ctid RETURNING a.k;
DELETE FROM u a WHERE ctid NOT IN (SELECT max(ctid) FROM u GROUP BY k) AND k < 6;
SELECT count(*) FROM u;
UPDATE t SET v = v + 100 FROM (SELECT ctid AS c FROM t ORDER BY k LIMIT 2) s WHERE t.ctid = s.c RETURNING t.k, v;
SELECT count(*) FROM t a JOIN t b ON a.ctid = b.ctid;
SELECT count(*) FROM t a LEFT JOIN t b ON a.ctid = b.ctid AND b.v > 5 WHERE b.ctid IS NULL;
UPDATE t SET v = 0 WHERE k = 3 RETURNING ctid IS NOT NULL;
UPDATE t SET k = k + 1000 WHERE k < 3 RETURNING ctid IS NULL, k;
SELECT t FROM t WHERE k = 4 AND ctid IS NOT NULL;
DO $$ DECLARE c tid; BEGIN SELECT ctid INTO c FROM t WHERE k = 9; DELETE FROM t WHERE ctid = c; END $$;
SELECT count(*), count(*) FILTER (WHERE k = 9) FROM t;
SELECT k, v FROM t;
