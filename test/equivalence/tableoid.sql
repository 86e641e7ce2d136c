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
-- where the condition is one of a scan, which the server has simplified
SELECT k FROM p WHERE tableoid = 'p2'::regclass AND random() >= 0;
SELECT a.k, b.k FROM p a LEFT JOIN p b ON a.d = b.k AND b.tableoid = 'p2'::regclass WHERE random() >= 0;
SELECT p FROM p WHERE k = 3;
SELECT p2, tableoid::regclass FROM p2 WHERE k = 8;
-- of a sub-query
SELECT t::regclass, count(*) FROM (SELECT tableoid AS t, d FROM p) s GROUP BY t;
SELECT x.t::regclass, y.k FROM p y LEFT JOIN (SELECT k, t FROM (SELECT tableoid AS t, k FROM p WHERE d > 3 OFFSET 0) s) x USING (k)
WHERE random() >= 0;
SELECT DISTINCT relname FROM (SELECT tableoid AS t FROM p OFFSET 0) s JOIN pg_class c ON c.oid = s.t;
SELECT a.tableoid::regclass, b.tableoid::regclass
FROM p a LEFT JOIN p b ON a.k = b.k AND b.d > 6 WHERE a.k IN (3, 8);
UPDATE p SET d = 1 WHERE k = 9 RETURNING p, tableoid::regclass;
DELETE FROM p WHERE k = 12 RETURNING p.*, tableoid::regclass;
-- In checks and generated columns it is that of the table, too, also after it has got another name.
CREATE TABLE c (k int, v int, own bool GENERATED ALWAYS AS (tableoid = 'c'::regclass) STORED, CHECK (v > 0 OR tableoid <> 'c'::regclass));
-- distribute: SELECT create_distributed_table('c', 'k')
INSERT INTO c VALUES (1, 1), (2, 2);
INSERT INTO c VALUES (3, 0);
ALTER TABLE c RENAME TO c2;
INSERT INTO c2 VALUES (3, 0);
ALTER TABLE c2 ADD CHECK (c2.tableoid <> 'c2'::regclass OR v < 10);
INSERT INTO c2 VALUES (4, 10);
UPDATE c2 SET v = 9 WHERE k = 1;
ALTER TABLE c2 ADD COLUMN r regclass GENERATED ALWAYS AS (tableoid) STORED;
SELECT * FROM c2;
-- a node's number of a table that was made later than others is another one
SELECT t::regclass, count(*) FROM (SELECT tableoid AS t FROM c2) s GROUP BY t;
