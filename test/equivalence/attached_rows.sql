-- Tables with rows become partitions of distributed tables whose foreign keys the rows have to keep.
-- only: distributed worker
CREATE TABLE pk (a int, b int, PRIMARY KEY (a, b));
CREATE TABLE ref (id int PRIMARY KEY);
CREATE TABLE fk (a int, b int, r int, FOREIGN KEY (a, b) REFERENCES pk) PARTITION BY LIST (b);
CREATE TABLE self (a int, b int, up int, PRIMARY KEY (a, b), FOREIGN KEY (a, up) REFERENCES self (a, b)) PARTITION BY LIST (b);
CREATE TABLE self_rest PARTITION OF self DEFAULT;
CREATE TABLE nv (a int, b int) PARTITION BY LIST (b);
-- distribute: SET citus.shard_count TO 4
-- distribute: SELECT create_distributed_table('pk', 'a')
-- distribute: SELECT create_reference_table('ref')
-- distribute: SELECT create_distributed_table('fk', 'a')
-- distribute: SELECT create_distributed_table('self', 'a')
-- distribute: SELECT create_distributed_table('nv', 'a')
INSERT INTO pk SELECT i, i % 4 FROM generate_series(1, 40) i;
INSERT INTO ref SELECT generate_series(1, 10);
-- worker

ALTER TABLE fk ADD FOREIGN KEY (r) REFERENCES ref;

CREATE TABLE fk1 (a int, b int, r int);
INSERT INTO fk1 SELECT i, 1, 1 + i % 10 FROM generate_series(1, 40, 4) i;
ALTER TABLE fk ATTACH PARTITION fk1 FOR VALUES IN (1);
SELECT count(*), sum(a), sum(r) FROM fk;
CREATE TABLE fk2 (b int, dropped int, a int, r int, extra text);
ALTER TABLE fk2 DROP COLUMN dropped, DROP COLUMN extra;
INSERT INTO fk2 (a, b) VALUES (2, 2), (6, 2), (7, 2);
ALTER TABLE fk ATTACH PARTITION fk2 FOR VALUES IN (2);
SELECT count(*) FROM fk2;
DELETE FROM fk2 WHERE a = 7;
INSERT INTO fk2 (a, b, r) VALUES (10, 2, 11);
ALTER TABLE fk ATTACH PARTITION fk2 FOR VALUES IN (2);
UPDATE fk2 SET r = 10 WHERE r = 11;
ALTER TABLE fk ATTACH PARTITION fk2 FOR VALUES IN (3);
ALTER TABLE fk ATTACH PARTITION fk2 FOR VALUES IN (2);
SELECT b, count(*), sum(a), sum(r) FROM fk GROUP BY b ORDER BY b;
INSERT INTO fk VALUES (14, 2, 1);
INSERT INTO fk VALUES (15, 2, 1);
DELETE FROM pk WHERE a = 2;
DELETE FROM ref WHERE id = 10;

-- partitions of its own
CREATE TABLE fk3 (a int, b int, r int) PARTITION BY RANGE (a);
CREATE TABLE fk3_1 PARTITION OF fk3 FOR VALUES FROM (0) TO (20);
CREATE TABLE fk3_2 PARTITION OF fk3 FOR VALUES FROM (20) TO (100);
INSERT INTO fk3 VALUES (3, 3, 1), (23, 3, 2), (50, 3, 2);
ALTER TABLE fk ATTACH PARTITION fk3 FOR VALUES IN (3);
DELETE FROM fk3 WHERE a = 50;
ALTER TABLE fk ATTACH PARTITION fk3 FOR VALUES IN (3);
SELECT b, count(*), sum(a), sum(r) FROM fk GROUP BY b ORDER BY b;
SELECT count(*) FROM fk3_2;

-- rows that reference each other, and rows that are there
INSERT INTO self VALUES (1, 1, NULL), (2, 1, NULL), (2, 2, 1);
CREATE TABLE self5 (a int NOT NULL, b int NOT NULL, up int);
INSERT INTO self5 VALUES (1, 5, 5), (2, 5, 1);
ALTER TABLE self ATTACH PARTITION self5 FOR VALUES IN (5);
CREATE TABLE self6 (a int NOT NULL, b int NOT NULL, up int);
INSERT INTO self6 VALUES (1, 6, 2);
ALTER TABLE self ATTACH PARTITION self6 FOR VALUES IN (6);
SELECT * FROM self ORDER BY 1, 2;

-- what the server says of tables that do not fit
CREATE TABLE wrong1 (a int, b int);
INSERT INTO wrong1 VALUES (4, 4);
ALTER TABLE fk ATTACH PARTITION wrong1 FOR VALUES IN (4);
CREATE TABLE wrong2 (a bigint, b int, r int);
INSERT INTO wrong2 VALUES (4, 4, 1);
ALTER TABLE fk ATTACH PARTITION wrong2 FOR VALUES IN (4);
CREATE TABLE wrong3 (b int, r int);
INSERT INTO wrong3 VALUES (4, 1);
ALTER TABLE fk ATTACH PARTITION wrong3 FOR VALUES IN (4);
CREATE TABLE wrong4 (a int, b int, r int, more int);
INSERT INTO wrong4 VALUES (4, 4, 1);
ALTER TABLE fk ATTACH PARTITION wrong4 FOR VALUES IN (4);
CREATE TABLE good (a int, b int, r int);
INSERT INTO good VALUES (4, 0, 1);
ALTER TABLE fk ATTACH PARTITION good FOR VALUES IN (1);
BEGIN;
ALTER TABLE fk ATTACH PARTITION good FOR VALUES IN (0);
SELECT count(*) FROM fk;
ROLLBACK;
SELECT count(*) FROM good;
PREPARE attach AS SELECT count(*) FROM fk;
EXECUTE attach;
ALTER TABLE fk ATTACH PARTITION good FOR VALUES IN (0);
EXECUTE attach;

-- constraints that are not validated, and rows that break them
ALTER TABLE nv ADD CONSTRAINT nv_a_check CHECK (a > 0) NOT VALID;
CREATE TABLE nv1 (a int, b int);
INSERT INTO nv1 VALUES (-1, 1), (1, 1);
ALTER TABLE nv1 ADD CONSTRAINT nv_a_check CHECK (a > 0) NOT VALID;
ALTER TABLE nv ATTACH PARTITION nv1 FOR VALUES IN (1);
SELECT conname, convalidated, conislocal, coninhcount FROM pg_constraint WHERE conrelid = 'nv1'::regclass ORDER BY 1;
SELECT * FROM nv ORDER BY 1, 2;
INSERT INTO nv VALUES (-2, 1);
