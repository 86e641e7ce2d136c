-- Foreign keys of tables of one node only to distributed ones.
-- only: distributed single

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
DROP TABLE near, near_follows, far;
