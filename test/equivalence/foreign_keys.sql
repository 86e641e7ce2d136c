-- What foreign keys do, and ask for, when rows that they refer to go or change.
-- only: distributed worker single
CREATE TABLE p (k int, i int, v text, PRIMARY KEY (k, i));
CREATE TABLE sets_null (k int, i int, w text, FOREIGN KEY (k, i) REFERENCES p ON DELETE SET NULL (i));
CREATE TABLE sets_default (k int, i int DEFAULT 7, w text, FOREIGN KEY (k, i) REFERENCES p ON DELETE SET DEFAULT (i));
-- distribute: SELECT create_distributed_table('p', 'k')
-- distribute: SELECT create_distributed_table('sets_null', 'k', colocate_with => 'p')
-- distribute: SELECT create_distributed_table('sets_default', 'k', colocate_with => 'p')
-- worker

-- columns that ON DELETE names, without the distribution column
INSERT INTO p SELECT k, i, k || '.' || i FROM generate_series(1, 4) k, generate_series(1, 8) i;
INSERT INTO sets_null SELECT k, i, v FROM p;
INSERT INTO sets_default SELECT k, i, v FROM p;
DELETE FROM p WHERE i = 3;
DELETE FROM p WHERE k = 2 AND i = 4 RETURNING *;
SELECT * FROM sets_null ORDER BY w;
SELECT * FROM sets_default ORDER BY w;
DELETE FROM p WHERE i = 7;
DELETE FROM p WHERE k = 4 AND i = 7;
SELECT * FROM p ORDER BY k, i;
DROP TABLE sets_null, sets_default, p;
