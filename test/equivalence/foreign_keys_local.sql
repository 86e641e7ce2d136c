-- Foreign keys of tables of one node only to distributed ones.
-- only: distributed single
-- distribute: SET citus.shard_count TO 4

CREATE TABLE far (k int PRIMARY KEY, v text);
-- distribute: SELECT create_distributed_table('far', 'k')
INSERT INTO far SELECT i, 'f' || i FROM generate_series(1, 9) i;
CREATE TABLE near (k int CONSTRAINT near_k REFERENCES far DEFERRABLE, w text);
CREATE TABLE near_follows (k int DEFAULT 9 REFERENCES far ON DELETE SET DEFAULT ON UPDATE CASCADE, w text);
INSERT INTO near VALUES (1, 'n1'), (2, 'n2');
INSERT INTO near_follows SELECT k, v FROM far;
DELETE FROM far WHERE k = 1;
UPDATE far SET k = 10 WHERE k = 2;
DELETE FROM far WHERE k IN (3, 4);
UPDATE far SET k = k + 20 WHERE k = 5 RETURNING *;
UPDATE far SET v = 'same' WHERE k = 1;
BEGIN;
SET CONSTRAINTS near_k DEFERRED;
DELETE FROM far WHERE k = 1;
SELECT count(*) FROM far;
COMMIT;
BEGIN;
SET CONSTRAINTS near_k DEFERRED;
DELETE FROM far WHERE k = 1;
UPDATE near SET k = 2;
COMMIT;
SELECT * FROM far ORDER BY k;
SELECT * FROM near ORDER BY w;
SELECT * FROM near_follows ORDER BY w;

-- columns of either side get another type: the rows that refer are checked against the shards
COMMENT ON CONSTRAINT near_k ON near IS 'kept';
ALTER TABLE far ALTER COLUMN k TYPE bigint;
ALTER TABLE near ALTER COLUMN k TYPE bigint;
INSERT INTO near VALUES (777, 'nothing');
DELETE FROM far WHERE k = 2;
ALTER TABLE far ALTER COLUMN k TYPE int USING (k + 1)::int;
ALTER TABLE far ALTER COLUMN k TYPE text;
SELECT obj_description(oid, 'pg_constraint'), condeferrable, convalidated FROM pg_constraint WHERE conname = 'near_k';
SELECT * FROM far ORDER BY k;
CREATE TABLE far_pair (a int, b int, v int, PRIMARY KEY (a, b));
-- distribute: SELECT create_distributed_table('far_pair', 'a')
INSERT INTO far_pair SELECT i, i, i FROM generate_series(1, 9) i;
CREATE TABLE near_pair (a int, b int, FOREIGN KEY (a, b) REFERENCES far_pair ON DELETE CASCADE);
INSERT INTO near_pair VALUES (1, 1), (2, 2);
ALTER TABLE far_pair ALTER COLUMN b TYPE bigint, ALTER COLUMN v TYPE bigint;
ALTER TABLE far_pair ALTER COLUMN a TYPE bigint;
ALTER TABLE near_pair ALTER COLUMN b TYPE bigint;
INSERT INTO near_pair VALUES (1, 2);
DELETE FROM far_pair WHERE a = 1;
SELECT * FROM near_pair;
ALTER TABLE near_pair DROP CONSTRAINT near_pair_a_b_fkey;
INSERT INTO near_pair VALUES (77, 77);
ALTER TABLE near_pair ADD CONSTRAINT unchecked FOREIGN KEY (a, b) REFERENCES far_pair NOT VALID;
ALTER TABLE far_pair ALTER COLUMN a TYPE int;
INSERT INTO near_pair VALUES (78, 78);
ALTER TABLE near_pair VALIDATE CONSTRAINT unchecked;
DROP TABLE near_pair, far_pair;
DROP TABLE near, near_follows, far;

-- partitions that rows of a local table refer to
CREATE TABLE far_parts (a int, b text, PRIMARY KEY (a, b)) PARTITION BY RANGE (a);
CREATE TABLE far_low PARTITION OF far_parts FOR VALUES FROM (0) TO (10);
CREATE TABLE far_mid PARTITION OF far_parts FOR VALUES FROM (10) TO (20) PARTITION BY LIST (b);
CREATE TABLE far_mid_x PARTITION OF far_mid FOR VALUES IN ('x');
CREATE TABLE far_high PARTITION OF far_parts FOR VALUES FROM (20) TO (30);
-- distribute: SELECT create_distributed_table('far_parts', 'a')
INSERT INTO far_parts SELECT i, 'x' FROM generate_series(0, 29) i;
CREATE TABLE near_parts (x bigint, y varchar, CONSTRAINT near_p FOREIGN KEY (x, y) REFERENCES far_parts ON DELETE CASCADE);
CREATE TABLE near_split (y text, x int) PARTITION BY LIST (y);
CREATE TABLE near_split_x PARTITION OF near_split FOR VALUES IN ('x');
ALTER TABLE near_split ADD CONSTRAINT near_s FOREIGN KEY (x, y) REFERENCES far_parts;
INSERT INTO near_parts VALUES (1, 'x'), (12, 'x'), (NULL, 'x');
ALTER TABLE far_parts DETACH PARTITION far_low;
ALTER TABLE far_parts DETACH PARTITION far_low CONCURRENTLY;
ALTER TABLE far_parts DETACH PARTITION far_mid;
ALTER TABLE far_mid DETACH PARTITION far_mid_x;
DROP TABLE far_low;
TRUNCATE far_low;
ALTER TABLE far_parts DETACH PARTITION far_high;
DELETE FROM near_parts WHERE x = 1;
INSERT INTO near_split VALUES ('x', 2);
ALTER TABLE far_parts DETACH PARTITION far_low;
DELETE FROM near_split;
ALTER TABLE far_parts DETACH PARTITION far_low CONCURRENTLY;
SELECT count(*) FROM far_parts;
SELECT count(*) FROM far_low;
INSERT INTO near_parts VALUES (2, 'x');
DELETE FROM far_low WHERE a = 2;
ALTER TABLE near_parts ALTER CONSTRAINT near_p DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE far_parts DETACH PARTITION far_mid;
SELECT * FROM near_parts ORDER BY x;
DROP TABLE near_parts, near_split, far_parts, far_low, far_high;
