-- Rows of tables with policies get another key: those of UPDATE are asked, no others.
-- only: distributed single
CREATE ROLE eq_moves_user;
CREATE TABLE r (k int, owner text DEFAULT current_user, v int);
CREATE TABLE m (k int PRIMARY KEY, may bool);
-- distribute: SELECT create_distributed_table('r', 'k')
-- distribute: SELECT create_reference_table('m')
INSERT INTO m SELECT i, i % 2 = 0 FROM generate_series(1, 2000) i;
INSERT INTO r SELECT i, 'x', i * 10 FROM generate_series(1, 14) i;
GRANT SELECT, UPDATE ON r TO eq_moves_user;
GRANT SELECT ON m TO eq_moves_user;

-- who may update needs no right to delete or to insert
SET ROLE eq_moves_user;
UPDATE r SET k = k + 20 WHERE k > 12 RETURNING *;
DELETE FROM r WHERE k = 33;
RESET ROLE;

ALTER TABLE r ENABLE ROW LEVEL SECURITY;
CREATE POLICY see ON r FOR SELECT USING (v < 100);
CREATE POLICY ch ON r FOR UPDATE USING (v < 50) WITH CHECK (v < 80 AND k < 1000);
CREATE POLICY ins ON r FOR INSERT WITH CHECK (v < 10);
GRANT INSERT, DELETE ON r TO eq_moves_user;
SET ROLE eq_moves_user;
UPDATE r SET k = k + 100 WHERE k = 2 RETURNING *;
UPDATE r SET k = k + 100 WHERE k = 6 RETURNING *;
UPDATE r SET k = k + 2000 WHERE k = 3 RETURNING *;
UPDATE r SET k = k + 100, v = 90 WHERE k = 3 RETURNING *;
UPDATE r SET k = k + 100, v = v + 60 RETURNING *;
UPDATE r SET k = k + 200 RETURNING k, v, k + v;
UPDATE r SET k = r.k + m.k FROM m WHERE m.k = r.k - 200 AND m.may RETURNING r.k;
UPDATE r SET k = NULL WHERE k = 201 AND false;
SELECT * FROM r;
RESET ROLE;
SELECT * FROM r;

-- with sub-queries, restrictive policies, and what a reader must see of the row
CREATE POLICY even ON r AS RESTRICTIVE FOR UPDATE WITH CHECK (EXISTS (SELECT 1 FROM m WHERE m.k = r.k AND m.may));
SET ROLE eq_moves_user;
UPDATE r SET k = 300 WHERE k = 201 RETURNING *;
UPDATE r SET k = 301 WHERE k = 300;
UPDATE r SET k = k + 1, v = 10 WHERE v = 10;
UPDATE r SET k = 302, v = 120 WHERE k = 300;
SELECT * FROM r;
RESET ROLE;
CREATE VIEW rv AS SELECT * FROM r WHERE v < 60 WITH CHECK OPTION;
GRANT SELECT, UPDATE ON rv TO eq_moves_user;
ALTER TABLE r FORCE ROW LEVEL SECURITY;
SET ROLE eq_moves_user;
UPDATE rv SET k = k + 50 WHERE k = 300 RETURNING *;
UPDATE rv SET k = k + 50, v = 70 WHERE k = 350;
RESET ROLE;
SELECT * FROM r;
DROP VIEW rv;
DROP TABLE r, m;
DROP ROLE eq_moves_user;
