-- TABLESAMPLE whose size and seed are values of sub-queries, outer rows and volatile functions.
CREATE TABLE d (k int, v int);
CREATE TABLE d2 (k int, v int);
CREATE TABLE l (a int, p real);
CREATE TABLE r (a int, p real);
-- distribute: SET citus.shard_count = 5
-- distribute: SELECT create_distributed_table('d', 'k'), create_distributed_table('d2', 'k', colocate_with => 'none'), create_reference_table('r')
INSERT INTO d SELECT g, g FROM generate_series(1, 100) g;
INSERT INTO d2 SELECT g, g FROM generate_series(1, 100) g;
INSERT INTO l VALUES (1, 100);
INSERT INTO r VALUES (1, 100);

-- sub-queries
SELECT count(*) FROM d TABLESAMPLE bernoulli((SELECT p FROM l));
SELECT count(*) FROM d TABLESAMPLE bernoulli((SELECT p FROM r));
SELECT count(*) FROM d TABLESAMPLE bernoulli((SELECT max(v) FROM d2));
SELECT count(*) FROM d TABLESAMPLE bernoulli((SELECT max(v) FROM d2)) REPEATABLE ((SELECT a FROM l));
SELECT count(*) FROM d TABLESAMPLE system(100) REPEATABLE ((SELECT a FROM l));
SELECT count(*) FROM d TABLESAMPLE bernoulli((SELECT p FROM l)) JOIN l ON l.a=d.k;
SELECT count(*) FROM d TABLESAMPLE bernoulli((SELECT p FROM l)) JOIN d2 ON d2.v=d.v;
SELECT count(*) FROM (SELECT * FROM d TABLESAMPLE bernoulli((SELECT p FROM l)) LIMIT 50) s;
SELECT count(*) FROM r TABLESAMPLE bernoulli((SELECT p FROM l));
SELECT count(*) FROM l TABLESAMPLE bernoulli((SELECT max(v) FROM d));
SELECT count(*) FROM d TABLESAMPLE bernoulli(50+random()*0+50);
WITH c AS (SELECT max(v)::real m FROM d) SELECT count(*) FROM d TABLESAMPLE bernoulli((SELECT m FROM c));
SELECT a, (SELECT count(*) FROM d TABLESAMPLE bernoulli((SELECT l.p)) ) FROM l;
SELECT a, x.* FROM l, LATERAL (SELECT count(*) FROM d TABLESAMPLE bernoulli(l.p)) x;
SELECT a, x.* FROM l, LATERAL (SELECT count(*) FROM d TABLESAMPLE bernoulli(100) REPEATABLE (l.a)) x;
SELECT count(*) FROM d TABLESAMPLE bernoulli((SELECT p FROM l WHERE false));
UPDATE d SET v=v+0 FROM l TABLESAMPLE bernoulli((SELECT max(v) FROM d2)) WHERE l.a=d.k;
SELECT l.a, x.* FROM l, LATERAL (SELECT count(*) FROM d TABLESAMPLE bernoulli(l.p) JOIN d2 ON d2.v = d.v) x;
SELECT l.a, x.* FROM l, LATERAL (SELECT count(*) FROM d TABLESAMPLE bernoulli((SELECT max(l2.p)+l.a-1 FROM l l2)) JOIN d2 ON d2.v = d.v) x;
SELECT l.a, x.* FROM l, LATERAL (SELECT count(*) FROM d TABLESAMPLE bernoulli(l.p+random()*0) JOIN d2 ON d2.v = d.v) x;
SELECT l.a, x.* FROM l LEFT JOIN LATERAL (SELECT d.v FROM d TABLESAMPLE bernoulli((SELECT max(d2.v)+l.a-1 FROM d2 WHERE d2.k >= l.a)) WHERE d.k < 4) x ON true ORDER BY 1,2;
SELECT x.a, d.v FROM d x(a), LATERAL (SELECT v FROM d TABLESAMPLE bernoulli(x.a*0+100)) d WHERE x.a=d.v ORDER BY 1 LIMIT 3;
INSERT INTO d2 SELECT k, v FROM d TABLESAMPLE bernoulli((SELECT p FROM l)) WHERE k > 98 RETURNING k, v;
INSERT INTO d2 SELECT v, k FROM d TABLESAMPLE bernoulli((SELECT p FROM l)) WHERE k > 98;
DELETE FROM l USING d TABLESAMPLE bernoulli((SELECT max(v) FROM d2)) WHERE l.a=d.k+100000;
WITH c AS (SELECT max(v)::real m FROM d) DELETE FROM l USING d TABLESAMPLE bernoulli((SELECT m FROM c)) WHERE l.a=d.k+100000;
WITH c AS (SELECT max(v)::real m FROM d) UPDATE d x SET v=x.v FROM d TABLESAMPLE bernoulli((SELECT m FROM c)) WHERE x.k=d.k;
WITH c AS (SELECT max(v)::real m FROM d) UPDATE d x SET v=x.v FROM r TABLESAMPLE bernoulli((SELECT m FROM c)) WHERE x.k=r.a;
MERGE INTO d x USING (SELECT * FROM d2 TABLESAMPLE bernoulli((SELECT p+random()*0 FROM l))) y ON x.k=y.k WHEN MATCHED THEN UPDATE SET v=x.v;
SELECT v FROM d TABLESAMPLE bernoulli((SELECT p FROM l)) WHERE k<3 ORDER BY k FOR UPDATE;
SELECT d.v FROM d TABLESAMPLE bernoulli((SELECT p FROM l)), l WHERE k<3 ORDER BY k FOR UPDATE;
SELECT count(*) FROM d TABLESAMPLE bernoulli((SELECT p FROM l)) UNION ALL SELECT count(*) FROM d2 TABLESAMPLE system((SELECT 0));
SELECT count(*) FROM d WHERE EXISTS (SELECT 1 FROM d2 s TABLESAMPLE bernoulli((SELECT p FROM l)) WHERE s.v=d.v);
SELECT count(*) FROM d WHERE EXISTS (SELECT 1 FROM d2 s TABLESAMPLE bernoulli(d.v*0+100) WHERE s.v=d.v);
SELECT count(*) FROM d WHERE k = 5 AND v IN (SELECT k FROM d s TABLESAMPLE bernoulli((SELECT max(v) FROM d2)) WHERE s.k=5);
PREPARE sample (real) AS SELECT count(*) FROM d TABLESAMPLE bernoulli ($1);
EXECUTE sample (100);
EXECUTE sample (0);
EXECUTE sample (NULL);
SELECT x.p, s.n FROM (VALUES (0), (100), (0)) x (p), LATERAL (SELECT count(*) AS n FROM d TABLESAMPLE bernoulli ((SELECT max(x.p * l.a) FROM l))) s ORDER BY 1;
SELECT x.p, s.v FROM (VALUES (0), (100)) x (p) LEFT JOIN LATERAL (SELECT v FROM d TABLESAMPLE bernoulli ((SELECT x.p + 0 * min(d2.v) FROM d2 WHERE d2.v >= x.p)) WHERE k < 3) s ON true ORDER BY 1, 2;
SELECT x.p, (SELECT sum(y.n) FROM (SELECT count(*) AS n FROM d TABLESAMPLE bernoulli ((SELECT max(x.p * l.a) FROM l))) y) FROM (VALUES (0), (100), (0)) x (p) ORDER BY 1;
SELECT count(*) FROM d TABLESAMPLE bernoulli (nullif(random(), 2) * 0 + 101);
SELECT d.v FROM d;
SELECT d2.* FROM d2;
