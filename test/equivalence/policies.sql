-- Policies with sub-queries.
CREATE ROLE eq_policy_user;
CREATE TABLE docs (tenant int, id int, body text, PRIMARY KEY (tenant, id));
CREATE TABLE members (tenant int, who name, PRIMARY KEY (tenant, who));
CREATE TABLE open_ids (id int PRIMARY KEY);
INSERT INTO docs SELECT i % 5, i, 'doc ' || i FROM generate_series(1, 40) i;
INSERT INTO members VALUES (1, 'eq_policy_user'), (3, 'eq_policy_user'), (2, 'someone');
INSERT INTO open_ids VALUES (5), (12), (17);
GRANT ALL ON docs TO eq_policy_user;
GRANT SELECT ON members, open_ids TO eq_policy_user;
-- distribute: SELECT create_distributed_table('members', 'tenant')
-- distribute: SELECT create_reference_table('open_ids')
CREATE POLICY before ON docs FOR SELECT USING (id IN (SELECT o.id FROM open_ids o));
-- distribute: SELECT create_distributed_table('docs', 'tenant', colocate_with => 'members')
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON docs USING (EXISTS (SELECT 1 FROM members m WHERE m.tenant = docs.tenant AND m.who = current_user));
SET ROLE eq_policy_user;
SELECT * FROM docs ORDER BY id;
SELECT count(*) FROM docs WHERE tenant = 1;
SELECT count(*) FROM docs WHERE tenant = 2;
UPDATE docs SET body = upper(body) WHERE id < 20 RETURNING id, body;
DELETE FROM docs WHERE id BETWEEN 30 AND 35;
INSERT INTO docs VALUES (3, 100, 'new');
INSERT INTO docs VALUES (2, 101, 'new');
INSERT INTO docs SELECT 1, 200 + i, 'x' FROM generate_series(1, 3) i;
INSERT INTO docs SELECT i, 300 + i, 'x' FROM generate_series(1, 3) i;
SELECT d.id, m.who FROM docs d JOIN members m USING (tenant) ORDER BY 1, 2;
SELECT tenant, count(*) FROM docs GROUP BY tenant ORDER BY tenant;
SELECT max(id) FROM docs WHERE id > (SELECT avg(id) FROM docs);
RESET ROLE;
INSERT INTO members VALUES (4, 'eq_policy_user');
SET ROLE eq_policy_user;
SELECT tenant, count(*) FROM docs GROUP BY tenant ORDER BY tenant;
RESET ROLE;
BEGIN;
DELETE FROM members WHERE tenant = 1;
SET LOCAL ROLE eq_policy_user;
SELECT tenant, count(*) FROM docs GROUP BY tenant ORDER BY tenant;
ROLLBACK;
ALTER POLICY mine ON docs USING (tenant IN (WITH x AS (SELECT members.tenant FROM members WHERE who = current_user) SELECT x.tenant FROM x WHERE x.tenant > 1));
SET ROLE eq_policy_user;
SELECT tenant, count(*) FROM docs GROUP BY tenant ORDER BY tenant;
RESET ROLE;
ALTER POLICY mine ON docs RENAME TO ours;
ALTER TABLE members RENAME COLUMN who TO person;
SET ROLE eq_policy_user;
SELECT count(*) FROM docs;
RESET ROLE;
DROP TABLE members;
DROP POLICY ours ON docs;
SET ROLE eq_policy_user;
SELECT id FROM docs ORDER BY id;
RESET ROLE;

-- joined off the key, as the second table of the statement
CREATE TABLE tags (id int, doc int);
-- distribute: SELECT create_distributed_table('tags', 'id')
INSERT INTO tags SELECT i, i FROM generate_series(1, 20) i;
GRANT SELECT ON tags TO eq_policy_user;
SET ROLE eq_policy_user;
WITH q AS MATERIALIZED (SELECT * FROM tags) SELECT count(*) FROM q, docs;
SELECT t.id, d.id FROM tags t JOIN docs d ON d.id = t.doc;
SELECT t.id, d.id FROM tags t LEFT JOIN docs d ON d.id = t.doc + 1;
RESET ROLE;
DROP TABLE tags;
DROP TABLE docs, members, open_ids;
DROP ROLE eq_policy_user;
