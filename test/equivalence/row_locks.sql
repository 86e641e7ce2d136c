-- Row locks with LIMIT, with joins off the key, in sub-queries.
CREATE TABLE jobs (id int PRIMARY KEY, state text DEFAULT 'new', v int);
CREATE TABLE o (a int, v int);
CREATE TABLE l (a int);
CREATE TABLE p (k int, d int) PARTITION BY RANGE (d);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (1) TO (5);
CREATE TABLE p2 PARTITION OF p DEFAULT;
-- distribute: SELECT create_distributed_table('jobs', 'id')
-- distribute: SELECT create_distributed_table('o', 'a', colocate_with => 'none')
INSERT INTO jobs SELECT i, 'new', i % 7 FROM generate_series(1, 200) i;
-- distribute: SELECT 1
INSERT INTO o SELECT i, i % 7 FROM generate_series(1, 200) i;
INSERT INTO l VALUES (3), (4);
INSERT INTO p SELECT i, i FROM generate_series(1, 10) i;
SELECT id FROM jobs ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED;
SELECT id FROM jobs ORDER BY id LIMIT 2 OFFSET 3 FOR UPDATE;
SELECT id FROM jobs ORDER BY id LIMIT 0 FOR UPDATE;
SELECT id FROM jobs ORDER BY id LIMIT NULL OFFSET 198 FOR UPDATE;
SELECT id FROM jobs ORDER BY id LIMIT -1 FOR UPDATE;
SELECT id FROM jobs ORDER BY v DESC, id LIMIT 100 FOR UPDATE NOWAIT;
SELECT jobs.id, o.a FROM jobs, o WHERE jobs.v = o.v AND o.a < 5 ORDER BY 1, 2 LIMIT 3 FOR UPDATE OF jobs;
SELECT jobs.id, o.a FROM jobs, o WHERE jobs.v = o.v AND o.a < 5 AND jobs.id < 4 ORDER BY 1, 2 FOR UPDATE;
SELECT jobs.*, o FROM jobs, o WHERE jobs.v = o.v AND o.a < 5 AND jobs.id < 10 ORDER BY o.v, o.a, jobs.id LIMIT 3 FOR SHARE;
SELECT jobs.id FROM jobs JOIN l ON l.a = jobs.v ORDER BY id LIMIT 3 FOR NO KEY UPDATE OF jobs;
SELECT id FROM jobs WHERE v IN (SELECT v FROM o WHERE a < 3) ORDER BY id LIMIT 3 FOR KEY SHARE;
SELECT count(*), min(id) FROM (SELECT id FROM jobs ORDER BY id LIMIT 150 FOR UPDATE) x;
UPDATE jobs SET state = 'taken' WHERE id IN (SELECT id FROM jobs WHERE state = 'new' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING *;
WITH j AS (SELECT id FROM jobs WHERE state = 'new' ORDER BY id LIMIT 2 FOR UPDATE SKIP LOCKED) UPDATE jobs SET state = 'taken' FROM j WHERE j.id = jobs.id RETURNING jobs.*;
WITH j AS (SELECT id FROM jobs WHERE state = 'new' ORDER BY id LIMIT 2 FOR UPDATE SKIP LOCKED) DELETE FROM jobs USING j WHERE j.id = jobs.id RETURNING jobs.*;
DELETE FROM jobs WHERE id = (SELECT id FROM jobs WHERE state = 'new' ORDER BY v, id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING *;
PREPARE p (int) AS SELECT id FROM jobs WHERE v > $1 ORDER BY id LIMIT $1 FOR UPDATE;
EXECUTE p (2);
EXECUTE p (3);
EXECUTE p (NULL);
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM jobs ORDER BY id LIMIT 3 FOR UPDATE;
FETCH 2 FROM c;
UPDATE jobs SET v = 100 WHERE id = 7;
FETCH ALL FROM c;
COMMIT;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT id FROM jobs ORDER BY id LIMIT 2 FOR UPDATE;
UPDATE jobs SET v = v + 1 WHERE id IN (SELECT id FROM jobs ORDER BY id LIMIT 2 FOR UPDATE) RETURNING id;
COMMIT;
-- what only this node can compute
SELECT id, random() >= 0 FROM jobs ORDER BY id LIMIT 3 FOR UPDATE;
SELECT id FROM jobs WHERE random() >= 0 ORDER BY v, id LIMIT 3 OFFSET 1 FOR UPDATE;
SELECT jobs.id FROM jobs JOIN o ON jobs.id = o.a AND random() >= 0 ORDER BY 1 DESC LIMIT 2 FOR UPDATE OF jobs;
UPDATE jobs SET state = 'seen' WHERE id IN (SELECT id FROM jobs WHERE random() >= 0 ORDER BY id LIMIT 2 FOR UPDATE SKIP LOCKED) RETURNING id;
SELECT * FROM p ORDER BY k LIMIT 4 FOR UPDATE;
SELECT k, d FROM p ORDER BY k LIMIT 4 FOR UPDATE;
SELECT id, state, v FROM jobs;

-- more candidates than are kept in memory
SET work_mem = '64kB';
CREATE SEQUENCE numbers;
INSERT INTO jobs SELECT i, 'new', i % 7 FROM generate_series(1001, 6000) i;
SELECT count(*), min(id), max(id) FROM (SELECT id FROM jobs WHERE random() >= 0 ORDER BY id DESC LIMIT 4500 FOR UPDATE) x;
UPDATE jobs SET v = 10 + nextval('numbers') * 0 WHERE id > 1000 AND v + (random() * 0)::int BETWEEN 0 AND 6;
SELECT count(*), sum(v) FROM jobs WHERE id > 1000;
DELETE FROM jobs WHERE id > 2000 AND v + nextval('numbers') * 0 BETWEEN 0 AND 20;
SELECT count(*), sum(v) FROM jobs WHERE id > 1000;
RESET work_mem;
-- rows of a reference table beside others
CREATE TABLE kinds (kind int PRIMARY KEY, name text, gone int);
ALTER TABLE kinds DROP COLUMN gone;
-- distribute: SELECT create_reference_table('kinds')
INSERT INTO kinds SELECT i, 'kind ' || i FROM generate_series(0, 6) i;
-- worker
SELECT id, name FROM jobs JOIN kinds ON kind = v WHERE id = 1 FOR UPDATE;
SELECT id, name, kinds FROM jobs JOIN kinds ON kind = v WHERE id < 20 AND kind > 3 ORDER BY 1 FOR SHARE OF kinds;
SELECT id, name FROM jobs, kinds WHERE kind = v AND name LIKE '%3' ORDER BY id LIMIT 2 OFFSET 1 FOR UPDATE SKIP LOCKED;
SELECT id, name, o.a FROM jobs JOIN kinds ON kind = v LEFT JOIN o ON o.a = id AND o.a > 10 WHERE id < 15 ORDER BY 1 FOR NO KEY UPDATE OF jobs, kinds NOWAIT;
SELECT id, name FROM jobs JOIN (SELECT * FROM kinds WHERE kind = 2 FOR UPDATE) k ON kind = v WHERE id < 20 ORDER BY id;
SELECT name FROM kinds WHERE kind IN (SELECT v FROM jobs WHERE id < 4) ORDER BY 1 FOR KEY SHARE;
WITH q AS (SELECT id, name FROM jobs JOIN kinds ON kind = v ORDER BY id LIMIT 2 FOR UPDATE) UPDATE jobs SET state = name FROM q WHERE q.id = jobs.id RETURNING jobs.*;
UPDATE jobs SET state = name FROM (SELECT * FROM kinds WHERE kind = 4 FOR UPDATE) k WHERE kind = v AND id < 30 RETURNING id, state;
PREPARE k (int) AS SELECT id, name FROM jobs JOIN kinds ON kind = v WHERE id = $1 FOR UPDATE OF kinds;
EXECUTE k (20);
EXECUTE k (21);
BEGIN;
DECLARE c CURSOR FOR SELECT id, name FROM jobs JOIN kinds ON kind = v WHERE id IN (40, 41) ORDER BY id FOR UPDATE;
FETCH c;
UPDATE kinds SET name = 'current' WHERE CURRENT OF c RETURNING *;
UPDATE jobs SET state = 'current' WHERE CURRENT OF c RETURNING *;
COMMIT;
SELECT kind, name FROM kinds ORDER BY 1;
