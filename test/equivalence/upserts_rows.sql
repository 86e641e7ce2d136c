-- ON CONFLICT DO UPDATE whose rows meet what became of the rows before; several deciding indexes; computed columns of EXCLUDED.
CREATE TABLE t (k int, id int, v int, UNIQUE (k), UNIQUE (k, id));
CREATE TABLE e (k int4range, r int4range, v int, UNIQUE (k, v), EXCLUDE USING gist (k WITH =, r WITH &&));
CREATE TABLE n (k int PRIMARY KEY, v int);
CREATE TABLE w (k int, id int, v int);
CREATE UNIQUE INDEX ON w (k, id);
CREATE UNIQUE INDEX ON w (id, k);
CREATE UNIQUE INDEX ON w (k, id) WHERE v > 5;
CREATE TABLE g (k int, a int, b int GENERATED ALWAYS AS (a * 2) STORED, PRIMARY KEY (k));
CREATE TABLE m (k int DEFAULT 1, s text, v int DEFAULT 5, PRIMARY KEY (k, s));
CREATE TABLE other (a int, b int);
CREATE TABLE c (k int PRIMARY KEY, v int);
CREATE TABLE q (k int, d int, v int, PRIMARY KEY (k, d)) PARTITION BY RANGE (d);
CREATE TABLE q1 PARTITION OF q FOR VALUES FROM (0) TO (10);
CREATE TABLE q2 PARTITION OF q FOR VALUES FROM (10) TO (20);
-- distribute: SELECT create_distributed_table('t', 'k')
-- distribute: SELECT create_distributed_table('e', 'k')
-- distribute: SELECT create_distributed_table('n', 'k')
-- distribute: SELECT create_distributed_table('w', 'k')
-- distribute: SELECT create_distributed_table('g', 'k')
-- distribute: SELECT create_distributed_table('m', 'k')
-- distribute: SELECT create_distributed_table('c', 'k')
-- distribute: SELECT create_distributed_table('other', 'b')
-- distribute: SELECT create_distributed_table('q', 'k')
-- worker
INSERT INTO t SELECT i, i FROM generate_series(1,10) i;
INSERT INTO n SELECT i, i FROM generate_series(1,10) i;
INSERT INTO w SELECT i, i, i FROM generate_series(1,10) i;
INSERT INTO t VALUES (1, 2), (20, 20) ON CONFLICT DO NOTHING RETURNING *;
INSERT INTO t SELECT i, i FROM generate_series(5,15) i ON CONFLICT DO NOTHING RETURNING *;
INSERT INTO t SELECT k+10, v FROM n ON CONFLICT DO NOTHING RETURNING *;
INSERT INTO e VALUES (int4range(1,1,'[]'), '[1,5)', 1), (int4range(2,2,'[]'), '[1,5)', 1) ON CONFLICT DO NOTHING;
INSERT INTO e VALUES (int4range(1,1,'[]'), '[3,5)', 1), (int4range(2,2,'[]'), '[7,9)', 1), (int4range(1,1,'[]'), '[3,4)', 9) ON CONFLICT DO NOTHING RETURNING *;
INSERT INTO e VALUES (int4range(1,1,'[]'), '[3,5)', 1) ON CONFLICT (k, v) DO UPDATE SET v = (SELECT max(v) FROM n) RETURNING *;
INSERT INTO e VALUES (int4range(1,1,'[]'), '[3,5)', 99) ON CONFLICT (k, v) DO UPDATE SET v = (SELECT max(v) FROM n) RETURNING *;
INSERT INTO w VALUES (1, 1, 9) ON CONFLICT (k, id) DO UPDATE SET v = (SELECT max(v) FROM n) + w.v RETURNING *;
INSERT INTO w VALUES (2, 2, 9), (30, 30, 30) ON CONFLICT (k, id) DO UPDATE SET k = excluded.k + 100 RETURNING *;
INSERT INTO w VALUES (3, 3, 9) ON CONFLICT (k, id) WHERE v > 5 DO UPDATE SET k = excluded.k + 100 RETURNING *;
INSERT INTO n VALUES (2,5),(2,6) ON CONFLICT (k) DO UPDATE SET v = excluded.v;
INSERT INTO n VALUES (2,5),(3,6) ON CONFLICT (k) DO UPDATE SET k = 77;
INSERT INTO n VALUES (2,5),(2,6) ON CONFLICT (k) DO UPDATE SET k = excluded.v;
INSERT INTO n VALUES (2,5),(2,6) ON CONFLICT (k) DO UPDATE SET k = n.k + 100;
INSERT INTO n VALUES (1,102),(102,6) ON CONFLICT (k) DO UPDATE SET k = excluded.v RETURNING *;
INSERT INTO n VALUES (102,6),(2,102) ON CONFLICT (k) DO UPDATE SET k = excluded.v RETURNING *;
INSERT INTO n VALUES (2, 3),(3, 30) ON CONFLICT (k) DO UPDATE SET k = excluded.v RETURNING *;
INSERT INTO n VALUES (3, 30),(2, 3) ON CONFLICT (k) DO UPDATE SET k = excluded.v RETURNING *;
INSERT INTO n VALUES (4, 40),(40, 3) ON CONFLICT (k) DO UPDATE SET k = excluded.v RETURNING *;
INSERT INTO n VALUES (50, 40),(5, 50) ON CONFLICT (k) DO UPDATE SET k = excluded.v RETURNING *;
INSERT INTO n VALUES (5, 60), (60, 40) ON CONFLICT (k) DO UPDATE SET k = excluded.v RETURNING *;
INSERT INTO n VALUES (6, 6), (6, 40) ON CONFLICT (k) DO UPDATE SET k = excluded.v RETURNING *;
SELECT * FROM n;
SELECT * FROM w;
SELECT * FROM e;
INSERT INTO g VALUES (1, 1), (2, 2);
INSERT INTO g VALUES (1, 5) ON CONFLICT (k) DO UPDATE SET a = excluded.b RETURNING *;
INSERT INTO g VALUES (1, 5) ON CONFLICT (k) DO UPDATE SET k = excluded.b RETURNING *;
INSERT INTO g VALUES (2, 5) ON CONFLICT (k) DO UPDATE SET a = excluded.b + (SELECT max(v) FROM n) RETURNING *;
INSERT INTO g VALUES (2, 5) ON CONFLICT (k) DO UPDATE SET a = (SELECT count(*) FROM n WHERE excluded IS NOT NULL) RETURNING *;
WITH x AS (SELECT random() r) INSERT INTO g SELECT 2, 5 FROM x ON CONFLICT (k) DO UPDATE SET k = 78 RETURNING k;
-- keys that change, filters, other tables, transactions, functions, prepared statements
INSERT INTO m SELECT i, 's' || i, i FROM generate_series(1, 30) i;
INSERT INTO other SELECT i, i * 7 FROM generate_series(1, 30) i;
INSERT INTO m AS x (k, s) VALUES (1, 's1'), (2, 's2'), (41, 's1') ON CONFLICT (k, s) DO UPDATE SET k = x.k + 40 WHERE x.v <> 2 RETURNING *;
INSERT INTO m (s) VALUES ('s1'), ('s2') ON CONFLICT (k, s) DO UPDATE SET k = m.k + 40, v = DEFAULT RETURNING *;
INSERT INTO m VALUES (3, 's3', 1), (43, 's3', 2) ON CONFLICT (k, s) DO UPDATE SET k = 43 WHERE m.v < 0;
INSERT INTO m VALUES (3, 's3', 1), (43, 's3', 2) ON CONFLICT (k, s) DO UPDATE SET k = 43 WHERE m.v > 0;
INSERT INTO m VALUES (3, 's3', 1), (44, 's3', 2) ON CONFLICT (k, s) DO UPDATE SET k = 44 WHERE m.v IN (SELECT a FROM other WHERE a < 5);
INSERT INTO m VALUES (4, 's4', 1), (5, 's5', 2) ON CONFLICT (k, s) DO UPDATE SET (k, v) = (SELECT b + 1000, excluded.v FROM other WHERE a = m.k) RETURNING *, (SELECT max(a) FROM other);
INSERT INTO m SELECT k, s, v + 1 FROM m WHERE k BETWEEN 6 AND 20 ON CONFLICT (k, s) DO UPDATE SET k = m.k + 2000, v = excluded.v;
INSERT INTO m SELECT k + 2000, s, v FROM m WHERE k BETWEEN 21 AND 25 UNION ALL SELECT k, s, v FROM m WHERE k BETWEEN 21 AND 25 ON CONFLICT (k, s) DO UPDATE SET k = m.k + 3000, s = upper(m.s) RETURNING k, s;
-- differs: SQLSTATE, a key without a shard is found before the constraint
INSERT INTO m VALUES (26, 's26') ON CONFLICT ON CONSTRAINT m_pkey DO UPDATE SET k = NULL;
INSERT INTO m VALUES (26, 's26') ON CONFLICT ON CONSTRAINT m_pkey DO UPDATE SET k = 1 / (m.k - 26);
WITH d AS (DELETE FROM m WHERE k = 27 RETURNING *) INSERT INTO m SELECT 28, 's28', v FROM d ON CONFLICT (k, s) DO UPDATE SET k = excluded.v + 4000 RETURNING *;
WITH i AS (INSERT INTO m VALUES (28, 's28'), (29, 's29') ON CONFLICT (k, s) DO UPDATE SET k = m.k + 5000 RETURNING k, s) SELECT * FROM i JOIN other ON a = k - 5000;
PREPARE up(int, text) AS INSERT INTO m VALUES ($1, $2) ON CONFLICT (k, s) DO UPDATE SET k = m.k + $1 RETURNING k;
BEGIN;
EXECUTE up(30, 's30');
EXECUTE up(30, 's30');
EXECUTE up(30, 's30');
SAVEPOINT a;
EXECUTE up(60, 's30');
ROLLBACK TO a;
EXECUTE up(60, 's30');
EXECUTE up(30, 's30');
EXECUTE up(30, 's30');
EXECUTE up(90, 's30');
EXECUTE up(30, 's30');
COMMIT;
DO $$ BEGIN FOR i IN 1..3 LOOP INSERT INTO m VALUES (1, 'loop', i) ON CONFLICT (k, s) DO UPDATE SET k = m.k + i, v = excluded.v; END LOOP; END $$;
SELECT * FROM m ORDER BY k, s;
INSERT INTO q SELECT i, i, i FROM generate_series(1, 15) i;
INSERT INTO q VALUES (1, 1, 7), (12, 12, 8) ON CONFLICT (k, d) DO UPDATE SET k = q.k + 50, v = excluded.v RETURNING tableoid::regclass, *;
INSERT INTO q VALUES (9, 9), (9, 9) ON CONFLICT (k, d) DO UPDATE SET k = q.k + 70 RETURNING *;
SELECT * FROM q;
CREATE VIEW mv AS SELECT k AS key, s AS name, v FROM m WHERE k < 100 WITH CHECK OPTION;
INSERT INTO mv VALUES (1, 's1', 3) ON CONFLICT (key, name) DO UPDATE SET key = excluded.v RETURNING *;
INSERT INTO mv VALUES (10, 's10', 300), (10, 's10', 4) ON CONFLICT (key, name) DO UPDATE SET key = excluded.v;

-- volatile common table expressions run once, however often the clause reads them
INSERT INTO c SELECT i, i FROM generate_series(1, 6) i;
WITH x AS (SELECT (random() * 0)::int + 100 AS r) INSERT INTO c VALUES (1, 0), (2, 0), (30, 0) ON CONFLICT (k) DO UPDATE SET k = c.k + (SELECT r FROM x) RETURNING *;
WITH x AS (SELECT (random() * 1000000)::int AS r) INSERT INTO c VALUES (3, 0), (4, 0), (5, 0) ON CONFLICT (k) DO UPDATE SET k = c.k + 100, v = (SELECT r FROM x);
SELECT count(DISTINCT v) FROM c WHERE k BETWEEN 103 AND 105;
WITH x AS (SELECT (random() * 1000000)::int AS r) INSERT INTO c VALUES (103, 0), (104, 0), (31, 0) ON CONFLICT (k) DO UPDATE SET v = (SELECT r FROM x) + (SELECT count(*) FROM c);
SELECT count(DISTINCT v) FROM c WHERE k BETWEEN 103 AND 104;
WITH x AS (SELECT (random() * 0)::int + 8 AS r), y AS (SELECT r + 1 AS s FROM x) INSERT INTO c SELECT r - 2, r FROM x ON CONFLICT (k) DO UPDATE SET k = 70 + (SELECT s FROM y), v = (SELECT min(v) FROM c) WHERE c.v < (SELECT r FROM x) RETURNING *;
WITH i AS (INSERT INTO n VALUES (900, 1) RETURNING k), x AS (SELECT (random() * 0)::int + 9 AS r) INSERT INTO c VALUES (79, 0) ON CONFLICT (k) DO UPDATE SET k = (SELECT k FROM i) + (SELECT r FROM x) RETURNING *;
SELECT k FROM c ORDER BY k;
