-- UPDATE and DELETE by key, over many shards, with joins and subqueries.
CREATE TABLE t (k int PRIMARY KEY, g int, v int, s text);
CREATE TABLE u (k int, x int);
CREATE TABLE r (id int PRIMARY KEY, add int);
-- distribute: SELECT create_distributed_table('t', 'k')
-- distribute: SELECT create_distributed_table('u', 'k', colocate_with => 't')
-- distribute: SELECT create_reference_table('r')
INSERT INTO t SELECT i, i % 5, i, 's' || i FROM generate_series(1, 60) i;
INSERT INTO u SELECT i % 70, i FROM generate_series(1, 100) i;
INSERT INTO r SELECT i, i * 100 FROM generate_series(0, 4) i;

UPDATE t SET v = 100 WHERE k = 3;
UPDATE t SET v = v + 1, s = upper(s) WHERE k = 4 RETURNING *;
UPDATE t SET v = v + 1 WHERE k = 4000;
UPDATE t SET v = v * 2 WHERE g = 1;
UPDATE t SET v = DEFAULT WHERE k = 5 RETURNING k, v;
UPDATE t SET (v, s) = (1, 'both') WHERE k IN (6, 7, 8) RETURNING k, v, s;
UPDATE t SET (v, s) = (SELECT 9, 'sub') WHERE k = 9 RETURNING v, s;
UPDATE t SET v = 0;
UPDATE t SET v = k WHERE true RETURNING k;
UPDATE t SET v = t.v + u.x FROM u WHERE u.k = t.k AND u.x > 90;
UPDATE t SET v = v + r.add FROM r WHERE r.id = t.g AND t.k < 20;
UPDATE t SET s = 'joined' FROM u, r WHERE u.k = t.k AND r.id = t.g AND u.x = 17 RETURNING t.k, u.x, r.add;
UPDATE t SET s = 'in' WHERE k IN (SELECT k FROM u WHERE x < 10);
UPDATE t SET s = 'exists' WHERE EXISTS (SELECT FROM u WHERE u.k = t.k AND u.x = 33);
UPDATE t SET v = (SELECT max(x) FROM u WHERE u.k = t.k) WHERE k < 10 RETURNING k, v;
UPDATE t a SET s = 'alias' WHERE a.k = 11 RETURNING a.*;
UPDATE t SET v = 1 / (k - 12) WHERE k = 12;
UPDATE t SET nope = 1;
-- differs: SQLSTATE, a missing key has a code of its own
UPDATE t SET k = NULL WHERE k = 1;
SELECT * FROM t ORDER BY k;
UPDATE r SET add = add + 1 WHERE id > 1 RETURNING *;
UPDATE r SET add = (SELECT count(*) FROM t) WHERE id = 0;
SELECT * FROM r ORDER BY id;
DELETE FROM t WHERE k = 1;
DELETE FROM t WHERE k = 2 RETURNING *;
DELETE FROM t WHERE k = 2000;
DELETE FROM t WHERE v < 10 AND k > 50 RETURNING k;
DELETE FROM t USING u WHERE u.k = t.k AND u.x = 50;
DELETE FROM t USING r WHERE r.id = t.g AND r.add > 300 AND t.k < 20;
DELETE FROM t WHERE k IN (SELECT k FROM u WHERE x BETWEEN 20 AND 22) RETURNING k;
DELETE FROM t WHERE v = (SELECT max(v) FROM t) RETURNING k;
WITH doomed AS (SELECT k FROM t ORDER BY k LIMIT 3) DELETE FROM t USING doomed WHERE doomed.k = t.k RETURNING t.k;
WITH gone AS (DELETE FROM u WHERE x > 95 RETURNING *) SELECT count(*), sum(x) FROM gone;
WITH upd AS (UPDATE t SET v = -1 WHERE k < 30 RETURNING k) SELECT count(*) FROM upd;
DELETE FROM r WHERE id = 4 RETURNING *;
SELECT * FROM t ORDER BY k;
SELECT count(*), sum(x) FROM u;
DELETE FROM u;
SELECT count(*) FROM u;
TRUNCATE t;
SELECT count(*) FROM t;
