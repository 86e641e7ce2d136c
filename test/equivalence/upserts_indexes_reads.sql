-- ON CONFLICT that several partial indexes decide, with a clause that reads the target, and under policies.
CREATE ROLE eq_indexes_user;
CREATE TABLE d (k int, id int, a int, b int, t text DEFAULT '');
CREATE UNIQUE INDEX ON d (k, id) WHERE a > 0;
CREATE UNIQUE INDEX ON d (k, id) WHERE b > 0;
CREATE TABLE other (a int, b int);
-- distribute: SELECT create_distributed_table('d', 'k')
-- distribute: SELECT create_distributed_table('other', 'b')
INSERT INTO other SELECT i, i FROM generate_series(1,20) i;
INSERT INTO d SELECT i, i, i % 2, 1 - i % 2 FROM generate_series(1, 40) i;
INSERT INTO d SELECT i, i, 1 - i % 2, i % 2 FROM generate_series(1, 20) i;
-- worker
-- the clause reads the target
INSERT INTO d VALUES (1, 1, 1, 1) ON CONFLICT (k, id) WHERE a > 0 AND b > 0 DO UPDATE SET t = (SELECT max(q.k) FROM d q) RETURNING *;
INSERT INTO d VALUES (2, 2, 1, 1), (3, 3, 1, 0), (4, 4, 0, 1), (45, 45, 1, 1) ON CONFLICT (k, id) WHERE a > 0 AND b > 0 DO UPDATE SET t = (SELECT max(q.k) FROM d q) RETURNING *;
INSERT INTO d VALUES (5, 5, 1, 1), (6, 6, 1, 1) ON CONFLICT (k, id) WHERE a > 0 AND b > 0 DO UPDATE SET k = (SELECT max(q.k) + 1 FROM d q WHERE q.k % 2 = excluded.k % 2), t = 'm' RETURNING *;
INSERT INTO d VALUES (7, 7, 1, 1), (8, 8, 1, 1) ON CONFLICT (k, id) WHERE a > 0 AND b > 0 DO UPDATE SET t = 'w' WHERE d.a < (SELECT count(*) FROM d q WHERE q.a = excluded.a and q.k > d.k) RETURNING *;
INSERT INTO d VALUES (9, 9, 1, 1), (9, 9, 1, 1) ON CONFLICT (k, id) WHERE a > 0 AND b > 0 DO UPDATE SET t = (SELECT max(q.k) FROM d q) RETURNING *;
INSERT INTO d VALUES (50, 50, 1, 1), (50, 50, 1, 1) ON CONFLICT (k, id) WHERE a > 0 AND b > 0 DO UPDATE SET t = (SELECT max(q.k) FROM d q) RETURNING *;
INSERT INTO d VALUES (50, 50, 1, 0), (50, 50, 0, 1) ON CONFLICT (k, id) WHERE a > 0 AND b > 0 DO UPDATE SET t = (SELECT max(q.k) FROM d q) RETURNING *;
INSERT INTO d VALUES (60, 60, 0, 0), (60, 60, 0, 0) ON CONFLICT (k, id) WHERE a > 0 AND b > 0 DO UPDATE SET t = (SELECT max(q.k) FROM d q) RETURNING *;
INSERT INTO d VALUES (61, 61, NULL, 1), (61, 61, NULL, 0), (61, NULL, 1, 1), (61, NULL, 1, 1) ON CONFLICT (k, id) WHERE a > 0 AND b > 0 DO UPDATE SET t = (SELECT max(q.k) FROM d q) RETURNING *;
-- a row in the way by two indexes, twice the same one by different indexes
INSERT INTO d VALUES (30, 30, 0, 1), (30, 30, 1, 0) ON CONFLICT (k, id) WHERE a > 0 AND b > 0 DO UPDATE SET t = (SELECT max(q.k) FROM d q) RETURNING *;
SELECT * FROM d;
ALTER TABLE d ENABLE ROW LEVEL SECURITY;
GRANT ALL ON d, other TO eq_indexes_user;
CREATE POLICY s ON d FOR SELECT USING (k < 1000);
CREATE POLICY i ON d FOR INSERT WITH CHECK (k < 100);
CREATE POLICY u ON d FOR UPDATE USING (k <> 11) WITH CHECK (k < 500);
SET ROLE eq_indexes_user;
INSERT INTO d VALUES (1, 1, 1, 1) ON CONFLICT (k, id) WHERE a > 0 AND b > 0 DO UPDATE SET t = 'plain' RETURNING *;
INSERT INTO d VALUES (1, 1, 1, 1) ON CONFLICT (k, id) WHERE a > 0 AND b > 0 DO UPDATE SET k = d.k + 100 RETURNING *;
INSERT INTO d VALUES (1, 1, 1, 1) ON CONFLICT (k, id) WHERE a > 0 AND b > 0 DO UPDATE SET k = d.k + 100 RETURNING *;
INSERT INTO d VALUES (11, 11, 1, 1) ON CONFLICT (k, id) WHERE a > 0 AND b > 0 DO UPDATE SET k = d.k + 100 RETURNING *;
INSERT INTO d VALUES (12, 12, 1, 1) ON CONFLICT (k, id) WHERE a > 0 AND b > 0 DO UPDATE SET k = d.k + 600 RETURNING *;
INSERT INTO d VALUES (112, 12, 1, 1) ON CONFLICT (k, id) WHERE a > 0 AND b > 0 DO UPDATE SET k = d.k + 600 RETURNING *;
INSERT INTO d VALUES (12, 12, 1, 1), (13, 13, 1, 1), (70, 70, 1, 0), (71, 71, 0, 1), (71, 71, 0, 0) ON CONFLICT (k, id) WHERE a > 0 AND b > 0 DO UPDATE SET k = d.k + 200, t = excluded.t || d.t || 'x' WHERE d.a = 0 RETURNING *;
INSERT INTO d VALUES (14, 14, 1, 1) ON CONFLICT (k, id) WHERE a > 0 AND b > 0 DO UPDATE SET t = (SELECT max(q.k) FROM d q) RETURNING *;
INSERT INTO d VALUES (15, 15, 1, 1) ON CONFLICT (k, id) WHERE a > 0 AND b > 0 DO UPDATE SET t = (SELECT max(q.b) FROM other q), k = (SELECT max(q.b) FROM other q) + 100 RETURNING *;
RESET ROLE;
CREATE POLICY s2 ON d AS RESTRICTIVE FOR SELECT USING (k <> 17);
SET ROLE eq_indexes_user;
INSERT INTO d VALUES (17, 17, 1, 1) ON CONFLICT (k, id) WHERE a > 0 AND b > 0 DO UPDATE SET k = d.k + 100;
INSERT INTO d VALUES (16, 16, 1, 1), (16, 16, 1, 1) ON CONFLICT (k, id) WHERE a > 0 AND b > 0 DO UPDATE SET k = d.k + 100 RETURNING *;
INSERT INTO d VALUES (16, 16, 1, 1), (16, 16, 1, 1) ON CONFLICT (k, id) WHERE a > 0 AND b > 0 DO UPDATE SET k = d.k + 100 WHERE d.a = 1 RETURNING *;
INSERT INTO d VALUES (16, 16, 1, 1), (16, 16, 1, 1) ON CONFLICT (k, id) WHERE a > 0 AND b > 0 DO UPDATE SET t = 'a' RETURNING *;
RESET ROLE;
SELECT * FROM d;
DROP TABLE d, other;
DROP ROLE eq_indexes_user;
