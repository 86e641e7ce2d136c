-- MERGE whose source is one row, or the same on every shard.
CREATE TABLE jobs (id int PRIMARY KEY, v int);
CREATE TABLE r (id int PRIMARY KEY, v int);
-- distribute: SELECT create_distributed_table('jobs', 'id')
CREATE TABLE loose (id int, v int);
-- distribute: SELECT create_distributed_table('loose', 'id')
-- distribute: SELECT create_reference_table('r')
-- worker
INSERT INTO jobs SELECT i, i FROM generate_series(1, 8) i;
INSERT INTO r SELECT i, i FROM generate_series(1, 8) i;
MERGE INTO jobs USING (VALUES (3, 33)) s (id, v) ON jobs.id = s.id WHEN MATCHED THEN UPDATE SET v = s.v WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.v);
MERGE INTO jobs USING (VALUES (30, 33)) s (id, v) ON jobs.id = s.id WHEN MATCHED THEN UPDATE SET v = s.v WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.v);
MERGE INTO jobs USING (VALUES (31, 33)) s (id, v) ON jobs.id = s.id WHEN MATCHED THEN UPDATE SET v = s.v WHEN NOT MATCHED THEN INSERT VALUES (s.id + 1, s.v);
MERGE INTO jobs USING (VALUES (31, NULL)) s (id, v) ON jobs.id = s.v WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.v);
MERGE INTO jobs USING (SELECT 5 AS id, 50 AS v) s ON jobs.id = s.id AND s.v < 10 WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.v);
MERGE INTO jobs USING (SELECT 6 AS id, 50 AS v) s ON jobs.id = s.id AND jobs.v > 10 WHEN MATCHED THEN DELETE WHEN NOT MATCHED AND s.v = 50 THEN INSERT VALUES (106, s.v) WHEN NOT MATCHED THEN DO NOTHING;
MERGE INTO jobs USING (VALUES (7, 2), (8, 3)) s (id, v) ON jobs.id = s.id WHEN MATCHED THEN UPDATE SET v = s.v WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.v);
MERGE INTO jobs USING r ON jobs.id = r.id AND r.id = 4 WHEN MATCHED THEN UPDATE SET v = 8 WHEN NOT MATCHED THEN INSERT VALUES (r.id + 100, 7);
MERGE INTO jobs USING r ON jobs.id = r.id + 50 AND jobs.id = 54 WHEN MATCHED THEN UPDATE SET v = 8 WHEN NOT MATCHED THEN INSERT VALUES (r.id + 50, 7);
MERGE INTO jobs USING r ON jobs.id = 7 WHEN MATCHED AND r.id = 2 THEN UPDATE SET v = 800 WHEN NOT MATCHED THEN INSERT VALUES (7, 7);
MERGE INTO jobs USING r ON jobs.id = 900 AND r.id = 2 WHEN MATCHED THEN UPDATE SET v = 800 WHEN NOT MATCHED AND r.id = 2 THEN INSERT VALUES (900, 7);
PREPARE p(int, int) AS MERGE INTO jobs USING (SELECT $1 AS id, $2 AS v) s ON jobs.id = s.id WHEN MATCHED THEN UPDATE SET v = s.v + jobs.v WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.v);
EXECUTE p(70, 1);
EXECUTE p(70, 2);
EXECUTE p(71, 3);
EXECUTE p(8, 4);
EXECUTE p(72, 5);
EXECUTE p(72, 6);
EXECUTE p(73, 7);
EXECUTE p(NULL, 7);
MERGE INTO jobs USING (VALUES (NULL::int, 33)) s (id, v) ON jobs.id = s.id WHEN MATCHED THEN UPDATE SET v = s.v WHEN NOT MATCHED AND s.id > 0 THEN INSERT VALUES (s.id, s.v);
MERGE INTO loose USING (SELECT 1 AS id, 50 AS v) s ON loose.id = s.id WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.v);
PREPARE q(int, int) AS MERGE INTO loose USING (SELECT $1 AS id, $2 AS v) s ON loose.id = s.id WHEN MATCHED THEN UPDATE SET v = s.v + loose.v WHEN NOT MATCHED AND s.id IS NOT NULL THEN INSERT VALUES (s.id, s.v);
MERGE INTO loose USING (VALUES (NULL::int, 33)) s (id, v) ON loose.id = s.id WHEN NOT MATCHED AND s.v < 10 THEN INSERT VALUES (s.id, s.v);
EXECUTE q(1, 1);
EXECUTE q(2, 2);
EXECUTE q(NULL, 2);
EXECUTE q(2, 2);
EXECUTE q(2, 3);
EXECUTE q(NULL, 2);
EXECUTE q(3, 3);
SELECT * FROM loose ORDER BY id;
UPDATE jobs SET v = s.v, id = s.id FROM (VALUES (8, 44)) s (id, v) WHERE s.id = jobs.id;
UPDATE jobs SET v = s.v FROM (VALUES (8, 45)) s (id, v) LEFT JOIN (VALUES (1)) x (y) ON x.y = 2 WHERE s.id = jobs.id AND x.y IS NULL;
DELETE FROM jobs USING (VALUES (73, 45)) s (id, v) WHERE s.id = jobs.id RETURNING *;
UPDATE jobs SET v = (SELECT max(r.v) FROM r WHERE r.id = s.v) FROM (VALUES (72, 5)) s (id, v) WHERE s.id = jobs.id RETURNING *;
SELECT * FROM jobs ORDER BY id;
