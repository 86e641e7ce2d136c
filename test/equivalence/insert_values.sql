-- VALUES whose expressions have other types than the columns they are for.
CREATE DOMAIN pos AS int CHECK (VALUE > 0);
CREATE TABLE a (k int PRIMARY KEY, v int, n numeric(6, 2), t varchar(5), c char(3), d date, p pos, r real, arr int[]);
CREATE TABLE b (k int, id int, name text);
-- distribute: SELECT create_distributed_table('a', 'k')
-- distribute: SELECT create_distributed_table('b', 'k')
INSERT INTO b SELECT i, i, 'n' || i FROM generate_series(1, 12) i;
INSERT INTO a (k, v) VALUES (1, (SELECT max(k) FROM b)), (2, (SELECT count(*) FROM b)) RETURNING k, v;
INSERT INTO a (k, v, n) VALUES (3, (SELECT sum(k) FROM b), (SELECT avg(k) FROM b)), (4, (SELECT count(*) FROM b), 1) RETURNING k, v, n;
INSERT INTO a (k, t, c) VALUES (5, (SELECT min(name) FROM b), (SELECT max(id) FROM b)), (6, (SELECT count(*) FROM b), 'x') RETURNING k, t, c, length(c);
INSERT INTO a (k, d, r) VALUES (7, (SELECT timestamp '2020-02-03 10:00' + max(id) * interval '1 day' FROM b), (SELECT count(*) FROM b)), (8, now(), 1.5) RETURNING k, r;
INSERT INTO a (k, p) VALUES (9, (SELECT count(*) FROM b)), (10, (SELECT max(id) FROM b)) RETURNING k, p;
INSERT INTO a (k, p) VALUES (11, (SELECT -count(*) FROM b)), (12, (SELECT max(id) FROM b)) RETURNING k, p;
INSERT INTO a (k, v) VALUES (13, (SELECT count(*) + 3000000000 FROM b)), (14, 1);
INSERT INTO a (k, arr) VALUES (15, (SELECT array_agg(count) FROM (SELECT count(*) FROM b) x)), (16, '{1}') RETURNING k, arr;
INSERT INTO a (k, t) VALUES (17, (SELECT string_agg(name, '') FROM b)), (18, 'x');
INSERT INTO a (k, n) VALUES (19, (SELECT 1e9 + count(*) FROM b)), (20, 1);
INSERT INTO a (k, v) VALUES ((SELECT 20 + count(*) FROM b WHERE k < 2), (SELECT count(*) FROM b)), ((SELECT 22 FROM b LIMIT 1), 2) ON CONFLICT (k) DO UPDATE SET v = excluded.v RETURNING k, v;
SELECT k, v, n, t, c, p, r, arr FROM a ORDER BY k;
