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
