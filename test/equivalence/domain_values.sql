-- Values of a domain that it would not let in now: rows that are older than a constraint, and the NULL
-- of an outer join.  They are read as they are.
CREATE DOMAIN small AS int;
CREATE DOMAIN present AS int NOT NULL;
CREATE TABLE things (k int, v small, x int, p present);
CREATE TABLE others (k int, v small, p present);
-- distribute: SELECT create_distributed_table('things', 'k', shard_count => 4);
-- distribute: SELECT create_distributed_table('others', 'k', colocate_with => 'things');
INSERT INTO things SELECT i, i, i, i FROM generate_series(5, 15) i;
INSERT INTO others SELECT i, i, i FROM generate_series(5, 9) i;
ALTER DOMAIN small ADD CONSTRAINT up_to_ten CHECK (VALUE <= 10) NOT VALID;
ALTER DOMAIN small VALIDATE CONSTRAINT up_to_ten;

SELECT * FROM things ORDER BY k;
SELECT v FROM things WHERE k = 15;
SELECT DISTINCT v FROM things WHERE x > 11 ORDER BY v;
SELECT v FROM things ORDER BY v DESC LIMIT 1 FOR UPDATE;
SELECT v FROM things WHERE v > random() - 1 ORDER BY v DESC LIMIT 1 FOR UPDATE;
SELECT max(v), array_agg(v ORDER BY v) FROM things;
SELECT a.v, b.v FROM things a JOIN things b ON a.v = b.x ORDER BY 1;
SELECT a.v, b.v FROM things a FULL JOIN things b ON a.v = b.x + 5 ORDER BY 1, 2;
WITH s AS MATERIALIZED (SELECT v FROM things ORDER BY v DESC LIMIT 3)
SELECT s.v, t.v FROM s JOIN things t ON t.x = s.v ORDER BY 1;
SELECT t.k, o.p FROM things t LEFT JOIN others o USING (k) ORDER BY 1;
SELECT t.k, o.p FROM things t LEFT JOIN others o USING (p) ORDER BY 1;
SELECT t.k, (SELECT o.p FROM others o WHERE o.k = t.k) FROM things t ORDER BY 1;
WITH s AS MATERIALIZED (SELECT t.k, o.p FROM things t LEFT JOIN others o USING (k)) SELECT * FROM s ORDER BY 1;
SELECT k FROM things WHERE v = (SELECT v FROM things ORDER BY v DESC LIMIT 1);
SELECT k, v + (SELECT v FROM things WHERE k = 14) FROM things WHERE v > (SELECT v FROM things WHERE k = 12) ORDER BY k;
SELECT a.k, b.k FROM things a, LATERAL (SELECT k FROM things b WHERE b.v = a.v ORDER BY k LIMIT 1) b WHERE a.k > 13 ORDER BY 1;
DO $$ DECLARE d small; BEGIN SELECT v INTO d FROM things WHERE k = 9; UPDATE things SET x = 3 WHERE v = d; END $$;
SELECT k, x FROM things ORDER BY k;

-- a new value must keep them
UPDATE things SET v = 11 WHERE k = 5;
UPDATE things SET x = 10;
UPDATE things SET p = (SELECT o.p FROM others o WHERE o.k = 99) WHERE k = 5;
UPDATE things SET v = v - 10 WHERE v > 10 RETURNING k, v;
ALTER DOMAIN small VALIDATE CONSTRAINT up_to_ten;
SELECT * FROM things ORDER BY k;

-- The same inside of arrays, rows and ranges, which the server lets have constraints that are not valid.
CREATE DOMAIN tiny AS int;
CREATE DOMAIN label AS varchar(20) COLLATE "C";
CREATE DOMAIN spot AS box;
CREATE TYPE pair AS (a tiny, b label, c int);
CREATE TYPE outer_pair AS (p pair, list tiny[], t text);
CREATE TYPE spread AS RANGE (subtype = tiny, multirange_type_name = spreads);
CREATE TYPE words AS RANGE (subtype = label, collation = "C");
CREATE DOMAIN two AS pair;
CREATE DOMAIN list AS tiny[];
CREATE TABLE nests (k int, x int, ds tiny[], ls label[], ss spot[], p pair, o outer_pair, r spread, m spreads,
					w words, t two, ts two[], n list, ns list[], ps pair[], rs spread[]);
-- distribute: SELECT create_distributed_table('nests', 'k', shard_count => 4);
INSERT INTO nests SELECT i, i % 4, ARRAY[i, NULL, 3]::tiny[], ARRAY['a, "b" \', NULL, '', 'NULL', '{}']::label[],
	ARRAY['(1,2),(0,0)', NULL]::spot[], ROW(i, 'x "y" (z), \', i)::pair, ROW(ROW(i, '', NULL)::pair, ARRAY[[i, 1], [2, NULL]], NULL)::outer_pair,
	spread(i, i + 5, '[]'), spreads(spread(1, 3), spread(i + 10, NULL)), words('a "b" [c], \', 'z)', '(]'), ROW(i, 'w', 1)::pair,
	ARRAY[ROW(i, 'a,b', 1), NULL, ROW(NULL, NULL, NULL)]::two[], ARRAY[i, 2]::list, format('{"{%s,2}",NULL}', i)::list[],
	ARRAY[ROW(i, 'a"b', 1)::pair, NULL], ARRAY[spread(i, NULL), 'empty', NULL, '(,)']
	FROM generate_series(5, 15) i;
INSERT INTO nests SELECT i, i % 4 FROM generate_series(16, 18) i;
INSERT INTO nests (k, x, ds, r, m, w) VALUES (19, 1, '[3:4]={7,8}', 'empty', '{}', '(,"")'), (20, 2, '{}', '(,)', '{(,)}', '[,]');
ALTER DOMAIN tiny ADD CONSTRAINT up_to_ten CHECK (VALUE <= 2) NOT VALID;
ALTER DOMAIN label ADD CONSTRAINT no_comma CHECK (VALUE !~ '[,"a]') NOT VALID;
ALTER DOMAIN spot ADD CONSTRAINT none CHECK (area(VALUE) > 100) NOT VALID;
ALTER DOMAIN two ADD CONSTRAINT no_one CHECK ((VALUE).c > 1) NOT VALID;
ALTER DOMAIN list ADD CONSTRAINT one_only CHECK (cardinality(VALUE) < 2) NOT VALID;

SELECT * FROM nests ORDER BY k;
SELECT * FROM nests WHERE k = 7;
SELECT k, ds[2:], (p).b, (o).list[1:1], lower(r), upper(w), (ts[1]).c, pg_typeof(ds[1]), pg_typeof(ps[1].a) FROM nests ORDER BY k;
SELECT pg_typeof(ds), pg_typeof(p), pg_typeof(r), pg_typeof(m), pg_typeof(ns), ds = ds, p = p, r @> 7, m @> 2, ts = ts FROM nests ORDER BY k;
SELECT a.k, b.ds, b.p, b.r, b.o FROM nests a JOIN nests b ON a.x = b.x AND a.k = b.k + 4 ORDER BY 1;
WITH s AS MATERIALIZED (SELECT x, max(ds) AS ds, min(r) AS r, min(ps) AS ps FROM nests GROUP BY x) SELECT * FROM s ORDER BY x;
WITH s AS MATERIALIZED (SELECT * FROM nests ORDER BY k LIMIT 5) SELECT s.*, n.ds FROM s JOIN nests n ON n.x = s.x AND n.k > 14 ORDER BY s.k, n.k;
SELECT nests, ROW(k, p, ds) FROM nests ORDER BY k;
SELECT DISTINCT ds, w FROM nests ORDER BY ds, w;
SELECT x, array_agg(ds[1] ORDER BY k), array_agg(p ORDER BY k), array_agg(r ORDER BY k) FROM nests GROUP BY x ORDER BY x;
SELECT max(ds), min(ps), max(r), range_agg(r) FROM nests;
SELECT ns, n FROM nests ORDER BY n, k LIMIT 2 FOR UPDATE;
SELECT k FROM nests WHERE p = (SELECT max(p) FROM nests) ORDER BY k;

-- values of now are checked, inside of others, too
SELECT ARRAY[k]::tiny[] FROM nests ORDER BY k;
SELECT ROW(k, 'x', 1)::pair FROM nests ORDER BY k;
SELECT spread(k, k + 1) FROM nests ORDER BY k;
UPDATE nests SET ds[1] = 20 WHERE k = 5;
