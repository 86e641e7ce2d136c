-- Rows get another key by somebody who has no rights on, or sees nothing of, what refers to them.
-- only: distributed single
CREATE ROLE eq_referenced_user;
CREATE ROLE eq_referenced_owner;
CREATE TABLE parent (k int PRIMARY KEY, v text);
CREATE TABLE follows (k int REFERENCES parent ON UPDATE CASCADE ON DELETE CASCADE, w text, who name DEFAULT 'nobody');
CREATE TABLE refuses (k int REFERENCES parent ON DELETE CASCADE, w text);
-- distribute: SELECT create_distributed_table('parent', 'k')
-- distribute: SELECT create_distributed_table('follows', 'k', colocate_with => 'parent')
-- distribute: SELECT create_distributed_table('refuses', 'k', colocate_with => 'parent')
INSERT INTO parent SELECT i, 'v' || i FROM generate_series(1, 12) i;
INSERT INTO follows SELECT i, 'w' || i FROM generate_series(1, 12) i;
INSERT INTO refuses VALUES (11, 'r');
GRANT SELECT, UPDATE ON parent TO eq_referenced_user, eq_referenced_owner;
ALTER TABLE follows OWNER TO eq_referenced_owner;

-- without any right on the others; whose rows were locked goes on with them
SET ROLE eq_referenced_user;
UPDATE parent SET k = 101 WHERE k = 1;
UPDATE parent SET k = 102 WHERE k = 2 RETURNING *;
UPDATE parent SET k = 103 WHERE k = 3;
UPDATE parent SET k = 104 WHERE k = 4;
UPDATE parent SET k = k + 100 WHERE k IN (5, 6, 7);
UPDATE parent SET k = 111 WHERE k = 11;
RESET ROLE;
SELECT * FROM parent;
SELECT * FROM follows;
SELECT * FROM refuses;

-- policies hide the rows from the user, not from the foreign key
GRANT ALL ON follows, refuses TO eq_referenced_user;
ALTER TABLE follows ENABLE ROW LEVEL SECURITY;
ALTER TABLE refuses ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON follows USING (who = current_user);
SET ROLE eq_referenced_user;
SELECT * FROM follows;
UPDATE parent SET k = 108 WHERE k = 8;
UPDATE parent SET k = 111 WHERE k = 11;
RESET ROLE;
SELECT * FROM follows;
SELECT * FROM refuses;

-- nobody's operators come in between
CREATE SCHEMA eq_referenced;
CREATE FUNCTION eq_referenced.never(int, int) RETURNS bool LANGUAGE sql AS 'SELECT false';
CREATE OPERATOR eq_referenced.= (LEFTARG = int, RIGHTARG = int, FUNCTION = eq_referenced.never);
BEGIN;
SELECT set_config('search_path', 'eq_referenced, pg_catalog, ' || current_setting('search_path'), true) <> '';
UPDATE parent SET k = 109 WHERE k OPERATOR(pg_catalog.=) 9;
COMMIT;
SELECT * FROM follows WHERE k > 100;

-- the owner himself is not shown them: one server does it, here it is an error
ALTER TABLE follows FORCE ROW LEVEL SECURITY;
-- differs: rows that policies hide from the owner are not moved
UPDATE parent SET k = 110 WHERE k = 10;
SELECT count(*) FROM follows WHERE w = 'w10';
DROP TABLE follows, refuses, parent;
DROP SCHEMA eq_referenced CASCADE;
DROP ROLE eq_referenced_user;
DROP ROLE eq_referenced_owner;
