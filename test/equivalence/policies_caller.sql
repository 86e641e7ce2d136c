-- Policies that ask for the current user mean who runs the statement, not the owner of the view it goes through.
-- only: distributed single
CREATE ROLE eq_caller_owner;
CREATE ROLE eq_caller_user;
GRANT CREATE, USAGE ON SCHEMA public TO eq_caller_owner;
CREATE TABLE q (k int PRIMARY KEY, v int, who text);
-- distribute: SELECT create_distributed_table('q', 'k')
INSERT INTO q SELECT i, i, (ARRAY['eq_caller_owner', 'eq_caller_user', 'x'])[1 + i % 3] FROM generate_series(1, 12) i;
ALTER TABLE q OWNER TO eq_caller_owner;
ALTER TABLE q ENABLE ROW LEVEL SECURITY;
ALTER TABLE q FORCE ROW LEVEL SECURITY;
CREATE POLICY mine ON q USING (who = current_user);
SET ROLE eq_caller_owner;
CREATE VIEW w AS SELECT * FROM q;
CREATE VIEW checked AS SELECT * FROM q WHERE v < 100 WITH CHECK OPTION;
GRANT ALL ON w, checked TO eq_caller_user;
SELECT * FROM w;
UPDATE w SET v = v + 1 WHERE k = 3 RETURNING *;
RESET ROLE;

SET ROLE eq_caller_user;
INSERT INTO w VALUES (21, 1, 'eq_caller_owner');
INSERT INTO w VALUES (21, 1, 'eq_caller_user');
INSERT INTO w VALUES (22, 1, 'eq_caller_user'), (23, 1, 'eq_caller_user') RETURNING *;
INSERT INTO w VALUES (24, 1, 'eq_caller_user'), (25, 1, 'eq_caller_owner');
INSERT INTO w SELECT i, i, 'eq_caller_user' FROM generate_series(31, 33) i;
INSERT INTO w SELECT i, i, 'eq_caller_owner' FROM generate_series(34, 35) i;
UPDATE w SET v = v + 1;
UPDATE w SET v = v + 1 WHERE k = 1 RETURNING *;
UPDATE w SET v = v + 1 WHERE k = 3 RETURNING *;
UPDATE w SET who = 'eq_caller_owner' WHERE k = 1;
UPDATE w SET v = 50, k = k + 100 WHERE k = 1 RETURNING k + v;
UPDATE checked SET v = 200 WHERE k = 4;
UPDATE checked SET v = 20 WHERE k = 4 RETURNING *;
DELETE FROM w WHERE k IN (6, 7) RETURNING *;
DELETE FROM checked WHERE v = 1;
INSERT INTO w VALUES (10, 60, 'eq_caller_user') ON CONFLICT DO NOTHING;
INSERT INTO w VALUES (10, 60, 'eq_caller_user') ON CONFLICT (k) DO UPDATE SET v = excluded.v RETURNING *;
INSERT INTO w VALUES (3, 60, 'eq_caller_user') ON CONFLICT (k) DO UPDATE SET v = excluded.v;
MERGE INTO w USING (VALUES (10, 5), (9, 5), (41, 5)) s (k, v) ON w.k = s.k
WHEN MATCHED THEN UPDATE SET v = s.v WHEN NOT MATCHED AND s.k > 40 THEN INSERT VALUES (s.k, s.v, 'eq_caller_user');
WITH d AS (DELETE FROM w WHERE k IN (2, 31) RETURNING k) SELECT count(*) FROM d;
PREPARE p (int) AS UPDATE w SET v = $1 WHERE v = 32 OR v = 77;
EXECUTE p (77);
RESET ROLE;
SET ROLE eq_caller_owner;
EXECUTE p (78);
RESET ROLE;
SELECT * FROM q;

-- the same, by a right
DROP POLICY mine ON q;
CREATE POLICY member ON q USING (pg_has_role(who, 'MEMBER')) WITH CHECK (true);
DELETE FROM q WHERE who = 'x';
SET ROLE eq_caller_user;
UPDATE w SET v = v + 1000 WHERE k > 8;
RESET ROLE;
SELECT * FROM q;
DROP VIEW w, checked;
DROP TABLE q;
REVOKE ALL ON SCHEMA public FROM eq_caller_owner;
DROP ROLE eq_caller_owner, eq_caller_user;
