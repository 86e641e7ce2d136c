-- Shards are read with the rights of a view's owner: policies that ask for the current user would be told a wrong name.
CREATE ROLE pc_owner;
CREATE ROLE pc_user;
CREATE TABLE pc (k int PRIMARY KEY, who text);
CREATE TABLE pc_plain (k int);
SELECT create_distributed_table('pc', 'k');
INSERT INTO pc VALUES (1, 'pc_owner'), (2, 'pc_user');
ALTER TABLE pc OWNER TO pc_owner;
ALTER TABLE pc ENABLE ROW LEVEL SECURITY;
ALTER TABLE pc FORCE ROW LEVEL SECURITY;
CREATE POLICY mine ON pc USING (who = current_user);
CREATE VIEW pc_view AS SELECT * FROM pc;
ALTER VIEW pc_view OWNER TO pc_owner;
CREATE VIEW pc_invoker WITH (security_invoker) AS SELECT * FROM pc;
GRANT SELECT ON pc, pc_view, pc_invoker TO pc_user;
GRANT ALL ON pc_plain TO pc_user;

SET ROLE pc_user;
SELECT * FROM pc_view;
SELECT * FROM pc_view WHERE k = 1;
SELECT count(*) FROM pc_plain WHERE EXISTS (SELECT 1 FROM pc_view v WHERE v.k = pc_plain.k);
INSERT INTO pc_plain SELECT k FROM pc_view;
WITH d AS (DELETE FROM pc_plain WHERE k IN (SELECT k FROM pc_view) RETURNING k) SELECT * FROM d;
SELECT * FROM pc_invoker;
SELECT * FROM pc;
SET ROLE pc_owner;
SELECT * FROM pc_view;
RESET ROLE;

-- other policies are for the view's owner
DROP POLICY mine ON pc;
CREATE POLICY first ON pc TO pc_owner USING (k = 1);
CREATE POLICY none ON pc TO pc_user USING (false);
SET ROLE pc_user;
SELECT * FROM pc_view;
RESET ROLE;
DROP TABLE pc, pc_plain CASCADE;
DROP ROLE pc_owner, pc_user;
