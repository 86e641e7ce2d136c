-- Upserts of more rows than one statement for a shard can carry: a row is written once all the same.
DO $$ BEGIN
    EXECUTE 'CREATE TABLE t (k int PRIMARY KEY, v int, ' || (SELECT string_agg('c' || i || ' int', ', ') FROM generate_series(1, 60) i) || ')';
    EXECUTE 'CREATE TABLE w AS SELECT ' || (SELECT string_agg(i || ' AS c' || i, ', ') FROM generate_series(1, 60) i);
END $$;
CREATE TABLE pad (k int PRIMARY KEY, v text);
CREATE VIEW tv AS SELECT * FROM t;
-- distribute: SELECT create_distributed_table('t', 'k', shard_count => 1)
-- distribute: SELECT create_distributed_table('pad', 'k', shard_count => 1)
INSERT INTO t SELECT i, 1, w.* FROM w, generate_series(1, 700) i ON CONFLICT (k) DO UPDATE SET v = t.v + excluded.v;
SELECT count(*), sum(v) FROM t;
INSERT INTO t SELECT i, 1, w.* FROM w, generate_series(1, 1300) i ON CONFLICT (k) DO UPDATE SET v = t.v + excluded.v WHERE t.k % 3 = 0;
SELECT count(*), sum(v) FROM t;
-- the second time is in another statement than the first
INSERT INTO t SELECT i, 1, w.* FROM w, (SELECT i FROM generate_series(1, 1300) i UNION ALL SELECT 3) s ON CONFLICT (k) DO UPDATE SET v = t.v + excluded.v;
INSERT INTO t SELECT i, 1, w.* FROM w, (SELECT i FROM generate_series(5001, 6300) i UNION ALL SELECT 5001) s ON CONFLICT (k) DO UPDATE SET v = t.v + excluded.v RETURNING k;
INSERT INTO tv SELECT i, 1, w.* FROM w, (SELECT i FROM generate_series(5001, 6300) i UNION ALL SELECT 5001) s ON CONFLICT (k) DO UPDATE SET v = tv.v + excluded.v;
SELECT count(*), sum(v) FROM t;
INSERT INTO t SELECT i, 1, w.* FROM w, (SELECT i FROM generate_series(5001, 6300) i UNION ALL SELECT 5001) s ON CONFLICT (k) DO NOTHING;
SELECT count(*), sum(v) FROM t;
INSERT INTO pad SELECT i % 18, repeat('x', 1000000) || i FROM generate_series(1, 20) i ON CONFLICT (k) DO UPDATE SET v = excluded.v;
SELECT count(*) FROM pad;
BEGIN;
INSERT INTO t SELECT i, 1, w.* FROM w, generate_series(8001, 9300) i ON CONFLICT (k) DO UPDATE SET v = t.v + excluded.v;
INSERT INTO t SELECT i, 1, w.* FROM w, generate_series(8001, 9300) i ON CONFLICT (k) DO UPDATE SET v = t.v + excluded.v;
SAVEPOINT a;
INSERT INTO t SELECT i, 1, w.* FROM w, generate_series(8001, 9300) i ON CONFLICT (k) DO UPDATE SET v = t.v + excluded.v;
ROLLBACK TO a;
INSERT INTO t SELECT i, 1, w.* FROM w, generate_series(8001, 9300) i ON CONFLICT (k) DO UPDATE SET v = t.v + excluded.v;
SELECT count(*), sum(v) FROM t;
COMMIT;
