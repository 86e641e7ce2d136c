-- ON CONFLICT DO UPDATE that moves rows or reads other shards.
CREATE TABLE t (k int PRIMARY KEY, v int, note text DEFAULT 'd', twice int GENERATED ALWAYS AS (v * 2) STORED);
CREATE TABLE s (a int, b int);
CREATE TABLE here (a int, b int);
CREATE TABLE two (k int, id int, v int, note text, UNIQUE (k, id));
CREATE TABLE n (k int, id int, v int, UNIQUE NULLS NOT DISTINCT (k, id));
-- distribute: SELECT create_distributed_table('t', 'k')
-- distribute: SELECT create_distributed_table('s', 'b')
-- distribute: SELECT create_distributed_table('two', 'k')
-- distribute: SELECT create_distributed_table('n', 'k')
INSERT INTO t SELECT i, i FROM generate_series(1, 20) i;
INSERT INTO s SELECT i, i * 2 FROM generate_series(1, 20) i;
INSERT INTO here SELECT i, i * 3 FROM generate_series(1, 20) i;
INSERT INTO two SELECT i, i % 3, i, 'Note ' || i FROM generate_series(1, 20) i;

-- the key gets another value
INSERT INTO t VALUES (1, 100, 'x') ON CONFLICT (k) DO UPDATE SET k = t.k + 100 RETURNING *;
INSERT INTO t VALUES (2, 100, 'x'), (40, 400, 'new'), (3, 100, 'y') ON CONFLICT (k) DO UPDATE SET k = excluded.k + 1000, v = excluded.v + t.v RETURNING k, v, note, twice, k + v;
INSERT INTO t (k, v) VALUES (4, 5) ON CONFLICT (k) DO UPDATE SET k = 5;
INSERT INTO t (k, v) VALUES (4, 5) ON CONFLICT (k) DO UPDATE SET (k, note) = (SELECT max(a) + 500, 'max' FROM s) RETURNING *;
INSERT INTO t AS x (k, v) VALUES (6, 5), (7, 6) ON CONFLICT (k) DO UPDATE SET k = x.k * 100 WHERE x.v > 6 RETURNING *;
SELECT * FROM t;

-- other shards are read
INSERT INTO t VALUES (8, 1, 'x') ON CONFLICT (k) DO UPDATE SET v = (SELECT sum(a) FROM s) RETURNING *;
INSERT INTO t VALUES (9, 1, 'x') ON CONFLICT (k) DO UPDATE SET v = 5 WHERE t.v IN (SELECT a FROM s) RETURNING *;
INSERT INTO t VALUES (10, 1, 'x') ON CONFLICT (k) DO UPDATE SET v = 5 WHERE t.v IN (SELECT b FROM here);
INSERT INTO t VALUES (12, 1, 'x') ON CONFLICT (k) DO UPDATE SET v = (SELECT max(b) FROM here WHERE a = excluded.v), note = excluded.note RETURNING *;
INSERT INTO t VALUES (13, 2, 'x') ON CONFLICT (k) DO UPDATE SET v = (SELECT count(*) FROM t u WHERE u.v < excluded.v + t.v) RETURNING *;
INSERT INTO t VALUES (14, 2, 'x') ON CONFLICT (k) DO UPDATE SET note = (excluded.v, t.v, (SELECT min(a) FROM s))::text RETURNING *;
WITH c AS (SELECT a, b FROM s WHERE a < 4) INSERT INTO t SELECT a + 14, b, 'cte' FROM c ON CONFLICT (k) DO UPDATE SET v = (SELECT sum(b) FROM c) + excluded.v RETURNING *;
INSERT INTO t SELECT k, v, 'z' FROM t ON CONFLICT (k) DO UPDATE SET k = excluded.k + 2000 WHERE t.k % 2 = 0;
INSERT INTO t SELECT a, b, 'from s' FROM s WHERE a > 10 ON CONFLICT (k) DO UPDATE SET note = t.note || (SELECT count(*) FROM s);
SELECT * FROM t;

-- the same row twice
INSERT INTO t VALUES (17, 1, 'x'), (17, 2, 'y') ON CONFLICT (k) DO UPDATE SET v = (SELECT max(a) FROM s);
INSERT INTO t VALUES (600, 1, 'x'), (600, 2, 'y') ON CONFLICT (k) DO UPDATE SET v = (SELECT max(a) FROM s);
INSERT INTO t SELECT 600 + i % 3, i FROM generate_series(1, 10) i ON CONFLICT (k) DO UPDATE SET k = excluded.k + 1;
INSERT INTO t VALUES (17, 1, 'x'), (17, 2, 'y') ON CONFLICT (k) DO UPDATE SET v = (SELECT max(a) FROM s) WHERE false;
-- differs: SQLSTATE, a key without a shard is found before the constraint
INSERT INTO t VALUES (NULL, 1, 'x') ON CONFLICT (k) DO UPDATE SET v = (SELECT max(a) FROM s);
SELECT count(*) FROM t WHERE k BETWEEN 590 AND 700;

-- indexes on expressions, partial ones, constraints by name, NULLs
CREATE UNIQUE INDEX two_note ON two (k, lower(note));
CREATE UNIQUE INDEX two_part ON two (k, v) WHERE v > 15;
INSERT INTO two VALUES (1, 77, 1, 'NOTE 1') ON CONFLICT (k, lower(note)) DO UPDATE SET k = 50, note = excluded.note RETURNING *;
INSERT INTO two VALUES (2, 77, 1, 'NOTE 3') ON CONFLICT (k, lower(note)) DO UPDATE SET k = 50, note = excluded.note RETURNING *;
INSERT INTO two VALUES (17, 77, 17, 'a'), (3, 78, 3, 'b') ON CONFLICT (k, v) WHERE v > 15 DO UPDATE SET k = 51, note = 'part' RETURNING *;
INSERT INTO two VALUES (4, 1, 44, 'a') ON CONFLICT ON CONSTRAINT two_k_id_key DO UPDATE SET k = 52, v = excluded.v RETURNING *;
INSERT INTO two VALUES (5, 2, 44, 'a') ON CONFLICT (id) DO UPDATE SET k = 52;
INSERT INTO two VALUES (6, NULL, 44, 'a'), (6, NULL, 45, 'b') ON CONFLICT (k, id) DO UPDATE SET k = 53 RETURNING *;
INSERT INTO n VALUES (1, NULL, 1) ON CONFLICT (k, id) DO UPDATE SET k = 2;
INSERT INTO n VALUES (1, NULL, 1) ON CONFLICT (k, id) DO UPDATE SET k = 2, v = excluded.v RETURNING *;
SELECT * FROM two;

-- in transactions, prepared, in functions
PREPARE p (int, int) AS INSERT INTO t (k, v) VALUES ($1, $2) ON CONFLICT (k) DO UPDATE SET k = $1 + 10000 RETURNING k, v;
BEGIN;
EXECUTE p (18, 1);
SAVEPOINT a;
EXECUTE p (19, 1);
ROLLBACK TO a;
EXECUTE p (18, 1);
EXECUTE p (18, 2);
EXECUTE p (18, 3);
ROLLBACK;
CREATE FUNCTION up(int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE r int;
BEGIN
    INSERT INTO t AS x (k, v) VALUES ($1, 0) ON CONFLICT (k) DO UPDATE SET k = x.k + 20000 RETURNING k INTO r;
    RETURN r;
END $$;
SELECT up(19), up(900);
SELECT up(19);
SELECT * FROM t WHERE k IN (19, 900, 20019);
CREATE TABLE p (k int, d int, v int, PRIMARY KEY (k, d)) PARTITION BY RANGE (d);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
CREATE TABLE p2 PARTITION OF p DEFAULT;
-- distribute: SELECT create_distributed_table('p', 'k')
INSERT INTO p VALUES (1, 1, 1), (2, 12, 2);
INSERT INTO p VALUES (1, 1, 10), (2, 12, 20), (3, 3, 30) ON CONFLICT (k, d) DO UPDATE SET v = (SELECT max(a) FROM s) + excluded.v RETURNING tableoid::regclass, *;
INSERT INTO p SELECT a % 4, a % 15, a FROM s WHERE a < 12 ON CONFLICT (k, d) DO UPDATE SET k = p.k + 100 RETURNING *;
SELECT * FROM p;

-- Through a view whose columns are expressions of the table's, and the key is among them.
CREATE TABLE vt (a int UNIQUE, b text);
-- distribute: SELECT create_distributed_table('vt', 'a')
CREATE VIEW vv AS SELECT b AS bb, a AS aa, vt::text AS cc FROM vt;
INSERT INTO vv (aa, bb) VALUES (1, 'x');
INSERT INTO vv (aa, bb) VALUES (1, 'y') ON CONFLICT (aa) DO UPDATE SET bb = 'Rejected: ' || excluded.*
WHERE excluded.aa > 0 AND excluded.bb <> '' AND excluded.cc IS NOT NULL;
SELECT * FROM vv;
INSERT INTO vv (aa, bb) VALUES (1, 'z'), (2, 'w') ON CONFLICT (aa) DO UPDATE SET aa = excluded.aa + 10, bb = vv.bb || excluded.bb;
SELECT * FROM vv;

-- ON CONFLICT DO UPDATE decides by a unique index.
CREATE TABLE ex (k int, r int4range, EXCLUDE (k WITH =));
-- distribute: SELECT create_distributed_table('ex', 'k')
INSERT INTO ex VALUES (1, '[1,5)');
INSERT INTO ex VALUES (1, '[3,9)') ON CONFLICT ON CONSTRAINT ex_k_excl DO UPDATE SET r = excluded.r;
INSERT INTO ex VALUES (1, '[3,9)') ON CONFLICT ON CONSTRAINT ex_k_excl DO NOTHING;
SELECT * FROM ex;

-- Constraints are asked about rows to insert before conflicts are looked for.
CREATE TABLE asked (k int PRIMARY KEY, a int NOT NULL, b int, g int GENERATED ALWAYS AS (a + b) STORED, CHECK (a < 90), CONSTRAINT sum CHECK (g < 10));
CREATE TABLE parts (k int, a int, b int, PRIMARY KEY (k, a)) PARTITION BY RANGE (a);
CREATE TABLE parts_low (k int NOT NULL, gone int, b int CHECK (b < 5), a int NOT NULL);
ALTER TABLE parts_low DROP COLUMN gone;
ALTER TABLE parts ATTACH PARTITION parts_low FOR VALUES FROM (0) TO (10);
-- distribute: SELECT create_distributed_table('asked', 'k')
-- distribute: SELECT create_distributed_table('parts', 'k')
INSERT INTO asked VALUES (1, 1, 1), (2, 2, 2);
INSERT INTO parts VALUES (1, 1, 1), (2, 2, 2);
INSERT INTO asked VALUES (1, 95, -95), (3, 7, 1) ON CONFLICT (k) DO UPDATE SET b = (SELECT max(s.b) / 100 FROM s WHERE s.a < excluded.a);
INSERT INTO asked VALUES (1, NULL, 1) ON CONFLICT (k) DO UPDATE SET a = (SELECT count(*) / 100 FROM s WHERE s.a < excluded.b);
INSERT INTO asked VALUES (1, 5, 5) ON CONFLICT (k) DO UPDATE SET a = (SELECT count(*) / 100 FROM s WHERE s.a < excluded.b);
INSERT INTO asked SELECT a, 5, a FROM s WHERE a < 8 ON CONFLICT (k) DO UPDATE SET a = (SELECT count(*) / 100 FROM s WHERE s.a < excluded.b) WHERE asked.k = 2;
INSERT INTO asked SELECT a, 5, 1 FROM s WHERE a < 4 ON CONFLICT (k) DO UPDATE SET a = (SELECT count(*) FROM s WHERE s.a < excluded.b + 3) RETURNING *;
INSERT INTO parts VALUES (1, 1, 7) ON CONFLICT (k, a) DO UPDATE SET b = (SELECT count(*) / 100 FROM s WHERE s.a < excluded.b);
INSERT INTO parts VALUES (1, 1, 4), (3, 12, 1) ON CONFLICT (k, a) DO UPDATE SET b = (SELECT count(*) / 100 FROM s WHERE s.a < excluded.b);
INSERT INTO parts VALUES (1, 1, 4), (3, 3, 1) ON CONFLICT (k, a) DO UPDATE SET b = (SELECT count(*) / 100 FROM s WHERE s.a < excluded.b) RETURNING *;
SELECT * FROM asked;
SELECT * FROM parts;
