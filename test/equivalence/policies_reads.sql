-- Who reads no column is not asked by policies of SELECT, and needs no right to read.
-- only: distributed single
CREATE ROLE eq_reads_user;
CREATE TABLE t (k int, a int, b int);
-- distribute: SELECT create_distributed_table('t', 'k')
INSERT INTO t SELECT i, i % 4, i % 3 FROM generate_series(1, 24) i;
GRANT UPDATE, DELETE ON t TO eq_reads_user;
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
CREATE POLICY s ON t FOR SELECT USING (b <> 2);
CREATE POLICY u ON t FOR UPDATE USING (a <> 1) WITH CHECK (true);
CREATE POLICY d ON t FOR DELETE USING (a <> 2);
SET ROLE eq_reads_user;
BEGIN;
UPDATE t SET a = 7;
DELETE FROM t;
ROLLBACK;
DELETE FROM t WHERE k = 1;
RESET ROLE;
GRANT SELECT ON t TO eq_reads_user;
SET ROLE eq_reads_user;
BEGIN;
UPDATE t SET a = 7;
DELETE FROM t;
RESET ROLE;
SELECT * FROM t;
ROLLBACK;
SET ROLE eq_reads_user;
BEGIN;
UPDATE t SET a = 7 + floor(random())::int;
RESET ROLE;
SELECT * FROM t;
ROLLBACK;
SET ROLE eq_reads_user;
UPDATE t SET a = 7 + floor(random())::int WHERE k > 4 RETURNING *;
DELETE FROM t WHERE k > 4 RETURNING *;
RESET ROLE;
SELECT * FROM t;
DROP TABLE t;
DROP ROLE eq_reads_user;
