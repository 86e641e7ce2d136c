-- References to whole rows and system columns, keys compared in odd ways, views as targets.
CREATE TABLE a (k int, gone int, v text, CONSTRAINT a_key PRIMARY KEY (k));
ALTER TABLE a DROP COLUMN gone;
CREATE TABLE b (k int, w int);
-- distribute: SELECT create_distributed_table('a', 'k')
-- distribute: SELECT create_distributed_table('b', 'k', colocate_with => 'a')
INSERT INTO a SELECT i, 'v' || i FROM generate_series(1, 20) i;
INSERT INTO b SELECT i, i * 10 FROM generate_series(1, 10) i;
ALTER TABLE a ADD extra int DEFAULT 7;

SELECT a FROM a ORDER BY k;
SELECT a FROM a WHERE k = 1;
SELECT b, a FROM a LEFT JOIN b USING (k) ORDER BY a.k;
SELECT count(a), count(b) FROM a LEFT JOIN b USING (k);
SELECT t.typname, b, a FROM a LEFT JOIN b USING (k) LEFT JOIN pg_type t ON t.oid = a.k + 12 ORDER BY a.k;
SELECT t.typname, count(b), count(a), count(*) FROM a FULL JOIN b ON a.k = b.k + 5 AND b.k = a.k LEFT JOIN pg_type t ON t.oid = b.w - 4 GROUP BY 1 ORDER BY 1;
SELECT b IS NULL, b IS NOT NULL FROM a LEFT JOIN b ON a.k = b.k WHERE a.k IN (3, 15) ORDER BY a.k;
SELECT row_to_json(a), (a).v, a.*::text FROM a WHERE k = 2;
SELECT a, count(*) FROM a GROUP BY a HAVING count(a) > 0 ORDER BY a LIMIT 3;
SELECT DISTINCT a FROM a ORDER BY a LIMIT 2;
SELECT array_agg(a ORDER BY k) FROM a WHERE k < 3;
SELECT tableoid::regclass::text LIKE '%a', count(*) FROM a GROUP BY 1;
SELECT tableoid = 'a'::regclass FROM a WHERE k = 1;
SELECT t = 'a'::regclass::oid, count(*) FROM (SELECT tableoid AS t FROM a) x GROUP BY 1;
SELECT tableoid = (SELECT 'a'::regclass), count(*) FROM a GROUP BY 1;
SELECT c.relname LIKE '%a', count(*) FROM a JOIN pg_class c ON c.oid = a.tableoid GROUP BY 1;
SELECT b.tableoid IS NULL, count(*) FROM a LEFT JOIN b USING (k) GROUP BY 1;
SELECT ctid IS NOT NULL, xmin IS NOT NULL FROM a WHERE k = 1;
SELECT j FROM (a JOIN b USING (k)) j WHERE k = 1;
SELECT j.* FROM (a JOIN b USING (k)) AS j (k1, v1, e1, w1) WHERE k1 = 1;
SELECT * FROM a x (kk, vv) WHERE kk = 2;
SELECT * FROM (SELECT a FROM a) s WHERE (s.a).k = 4;
SELECT b FROM b RIGHT JOIN a ON a.k = b.k AND a.k > 5 WHERE a.k IN (3, 7) ORDER BY a.k;
SELECT -k AS k FROM a ORDER BY a.k LIMIT 3;
SELECT -k AS k FROM a WHERE k = 4 ORDER BY a.k;

SELECT * FROM a WHERE k = 5::bigint;
SELECT * FROM a WHERE k = 5.0;
SELECT * FROM a WHERE k = 5.5;
SELECT * FROM a WHERE k = 99999999999;
SELECT * FROM a WHERE k = 1e30;
SELECT * FROM a WHERE k IN (1, 2.0, 3::bigint) ORDER BY k;
SELECT * FROM a WHERE k = ANY ('{1,2,NULL}') ORDER BY k;
SELECT * FROM a WHERE (k, v) IN ((1, 'v1'), (2, 'x'), (3, 'v3')) ORDER BY k;
SELECT * FROM a WHERE k = 1 OR (k = 2 AND v = 'v2') ORDER BY k;
SELECT * FROM a WHERE NOT k <> 6;
SELECT * FROM a WHERE k IS NULL;
SELECT a.k FROM a LEFT JOIN b ON a.k = b.k WHERE b.k IS NULL ORDER BY 1;
SELECT a.k FROM a LEFT JOIN b ON a.k = b.k WHERE b.k = 3 OR b.k IS NULL ORDER BY 1;
SELECT count(*) FROM a WHERE false;
SELECT count(*) FROM a WHERE k = 1 AND k = 2;
PREPARE p (bigint, text) AS SELECT * FROM a WHERE k = $1 AND v = $2;
EXECUTE p (1, 'v1');
EXECUTE p (99999999999, 'v1');
EXECUTE p (NULL, 'v1');
EXECUTE p (2, 'v2');
EXECUTE p (3, 'v3');
EXECUTE p (4, 'v4');
EXECUTE p (5, 'v5');
EXECUTE p (6, 'v6');

SET standard_conforming_strings TO off;
SET escape_string_warning TO off;
SELECT '\\x' AS b, k FROM a WHERE k = 1 AND v <> 'a\\b';
SELECT '\\x' AS b, count(*) FROM a WHERE v <> 'a\\b';
RESET standard_conforming_strings;
SET quote_all_identifiers TO on;
SELECT a FROM a WHERE k = 1;
RESET quote_all_identifiers;
SET intervalstyle TO sql_standard;
SELECT k, INTERVAL '-1 day 02:03:04', INTERVAL '1 year -2 days' FROM a WHERE k = 1;
RESET intervalstyle;

INSERT INTO a VALUES (100, 'x') ON CONFLICT ON CONSTRAINT a_key DO UPDATE SET v = 'no' RETURNING a;
INSERT INTO a VALUES (100, 'y') ON CONFLICT ON CONSTRAINT a_key DO UPDATE SET v = excluded.v || a.v RETURNING a, a.k;
UPDATE a SET v = 'z' WHERE k = 100 RETURNING a;
DELETE FROM a WHERE k = 100 RETURNING a;
CREATE VIEW va AS SELECT k, v FROM a WHERE k > 2;
CREATE VIEW vb WITH (security_barrier) AS SELECT k, v FROM a WHERE k > 5;
UPDATE va SET v = 'up' WHERE k = 3 RETURNING *;
UPDATE va SET v = 'no' WHERE k = 1 RETURNING *;
DELETE FROM va WHERE k = 20 RETURNING *;
INSERT INTO va VALUES (20, 'v20') RETURNING *;
UPDATE vb SET v = 'no' WHERE k = 3 RETURNING *;
UPDATE vb SET v = 'yes' WHERE k = 6 RETURNING *;
UPDATE vb SET v = v || '!';
DELETE FROM vb WHERE k = 4;
SELECT k, v FROM a ORDER BY k;

-- Values of composite types from elsewhere.
CREATE TYPE pair AS (x int, y text);
CREATE DOMAIN checked AS pair CHECK ((value).x < 100);
CREATE TABLE c (k int, v int, p pair, q checked);
CREATE TABLE s (k int, v int, p pair, q checked);
CREATE TABLE l (k int, p pair);
-- distribute: SELECT create_distributed_table('c', 'k', colocate_with => 'a')
-- distribute: SELECT create_distributed_table('s', 'k', colocate_with => 'a')
INSERT INTO c SELECT i, i % 4, ROW(i % 4, 'p' || i % 3)::pair, ROW(i % 5, 'q')::pair FROM generate_series(1, 20) i;
INSERT INTO s SELECT i, i % 4, CASE WHEN i <> 4 THEN ROW(i % 3, 'p' || i % 2)::pair END, ROW(i, 'q')::pair FROM generate_series(1, 12) i;
INSERT INTO l SELECT i, ROW(i, 'p' || i)::pair FROM generate_series(0, 2) i;
SELECT k FROM c WHERE p IN (SELECT p FROM s WHERE v = 1);
UPDATE c SET v = 5 WHERE p = ANY (SELECT p FROM s WHERE v = 1) RETURNING k, p;
UPDATE c SET v = 6 FROM s WHERE c.p = s.p AND s.v = 2 RETURNING c.k;
UPDATE c SET v = 7 WHERE (p, 1) IN (SELECT p, k FROM s) RETURNING k;
UPDATE c SET p = (SELECT p FROM s WHERE s.k > c.k ORDER BY p DESC LIMIT 1), q = (SELECT q FROM s WHERE s.v = c.v ORDER BY s.k LIMIT 1) WHERE k < 9 RETURNING k, p, (q).x;
UPDATE c SET v = (SELECT count(*) FROM s WHERE s.p IS NULL OR (s.q).x > c.k) RETURNING k, v;
DELETE FROM c WHERE q IN (SELECT q FROM s) AND k > 15 RETURNING k, q;
DELETE FROM c USING l WHERE l.p = c.p RETURNING c.k, l;
DELETE FROM c WHERE (SELECT count(l) FROM l WHERE (l.p).x > c.v) > 1 RETURNING k;
INSERT INTO s (k, p) SELECT max(k), p FROM c GROUP BY p RETURNING k, p;
MERGE INTO c USING (SELECT p, max(k) AS k FROM s GROUP BY p) m ON c.p = m.p WHEN MATCHED AND m.k > 3 THEN DELETE WHEN MATCHED THEN UPDATE SET v = 0 WHEN NOT MATCHED AND m.k IS NOT NULL THEN INSERT (k, p) VALUES (m.k, m.p);
SELECT * FROM c;
