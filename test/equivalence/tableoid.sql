-- tableoid of partitioned tables names the partition, never a shard.
-- only: distributed single
CREATE TABLE p (k int, d int, note text) PARTITION BY RANGE (d);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (1) TO (5);
CREATE TABLE p2 PARTITION OF p DEFAULT;
-- distribute: SELECT create_distributed_table('p', 'k')
INSERT INTO p SELECT i, i, 'n' || i FROM generate_series(1, 12) i;
SELECT tableoid::regclass, count(*) FROM p GROUP BY 1;
SELECT tableoid::regclass FROM p WHERE k = 7;
SELECT d, tableoid = 'p1'::regclass FROM p WHERE k = 3;
SELECT c.relname, count(*) FROM p JOIN pg_class c ON c.oid = p.tableoid GROUP BY 1;
SELECT c.relname FROM pg_class c WHERE c.oid IN (SELECT tableoid FROM p);
SELECT k FROM p WHERE tableoid = 'p2'::regclass;
SELECT p FROM p WHERE k = 3;
SELECT p2, tableoid::regclass FROM p2 WHERE k = 8;
SELECT a.tableoid::regclass, b.tableoid::regclass
FROM p a LEFT JOIN p b ON a.k = b.k AND b.d > 6 WHERE a.k IN (3, 8);
UPDATE p SET d = 1 WHERE k = 9 RETURNING p, tableoid::regclass;
DELETE FROM p WHERE k = 12 RETURNING p.*, tableoid::regclass;
