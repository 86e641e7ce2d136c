-- Distribution columns compared with what a sub-query gives: computed first, where it is the same everywhere.
CREATE TABLE d (k int, v int, t text, PRIMARY KEY (k));
CREATE TABLE b (k bigint, v int);
CREATE TABLE s (k text COLLATE "C", v int);
CREATE TABLE p (k int, part int, v int) PARTITION BY LIST (part);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2, 3);
CREATE TABLE empty_one (k int, v int);
CREATE TABLE r (x int PRIMARY KEY, n text, big bigint);
CREATE TABLE l (x int, n text, big bigint);
-- distribute: SELECT create_distributed_table('d', 'k'), create_distributed_table('p', 'k')
-- distribute: SELECT create_distributed_table('b', 'k'), create_distributed_table('s', 'k'), create_distributed_table('empty_one', 'k')
CREATE TABLE big (k int, v int, t text);
CREATE TABLE big_names (k text COLLATE "C", v int);
-- distribute: SELECT create_distributed_table('big', 'k'), create_distributed_table('big_names', 'k')
-- distribute: SELECT create_reference_table('r')
INSERT INTO d SELECT i, i % 7, 'n' || i FROM generate_series(1, 200) i;
INSERT INTO b SELECT k, v FROM d;
INSERT INTO s SELECT t, v FROM d;
INSERT INTO p SELECT k, 1 + k % 3, v FROM d;
INSERT INTO r SELECT i, 'n' || i % 50, i * 2 FROM generate_series(1, 60) i;
INSERT INTO r VALUES (1000, 'far', NULL);
INSERT INTO l SELECT * FROM r;
-- large enough, and without an index, for a SELECT to compute values first
INSERT INTO big SELECT k, v, t FROM d;
INSERT INTO big SELECT 100 + i % 5000, i % 7, 'n' || i FROM generate_series(1, 101000) i;
INSERT INTO big_names SELECT t, v FROM big;
ANALYZE;

-- one value
SELECT * FROM d WHERE k = (SELECT x FROM r WHERE n = 'n17');
SELECT * FROM d WHERE k = (SELECT x FROM l WHERE n = 'n17');
SELECT * FROM d WHERE (SELECT max(x) FROM r WHERE n = 'n7') = k;
SELECT * FROM b WHERE k = (SELECT x FROM r WHERE n = 'n17');
SELECT * FROM d WHERE k = (SELECT big FROM r WHERE n = 'n17');
SELECT * FROM d WHERE k = (SELECT sum(big) FROM r WHERE x < 4);
SELECT * FROM d WHERE k = (SELECT avg(big) FROM r WHERE x < 4);
SELECT * FROM s WHERE k = (SELECT n FROM r WHERE x = 13);
SELECT * FROM s WHERE k = (SELECT n::varchar FROM r WHERE x = 13);
SELECT * FROM s WHERE k = (SELECT n FROM r WHERE x = 13) COLLATE "C" OR k = 'n2' ORDER BY k;
SELECT * FROM d WHERE k = (SELECT big FROM r WHERE n = 'far');
SELECT * FROM d WHERE k = (SELECT x FROM r WHERE n = 'nowhere');
SELECT count(*), sum(v) FROM d WHERE k = (SELECT x FROM r WHERE n = 'nowhere');
SELECT count(*), sum(v) FROM d WHERE k = (SELECT x FROM r WHERE n = 'n17');
SELECT v, count(*) FROM d WHERE k = (SELECT x FROM r WHERE n = 'n17') GROUP BY ROLLUP (v) ORDER BY 1;
SELECT d.k, b.v FROM d JOIN b ON b.k = d.k WHERE d.k = (SELECT x FROM r WHERE n = 'n17');
SELECT d.k, p.part FROM d JOIN p USING (k) WHERE k = (SELECT x FROM r WHERE n = 'n17');
SELECT d.k, p.part FROM d LEFT JOIN p ON p.k = d.k AND p.k = (SELECT x FROM r WHERE n = 'n17') WHERE d.k < 20 ORDER BY 1;
SELECT d.k, p.part FROM d FULL JOIN p ON p.k = d.k WHERE p.k = (SELECT x FROM r WHERE n = 'n17');
SELECT d.k, p.part FROM d JOIN p ON p.k = d.k AND p.k = (SELECT x FROM r WHERE n = 'n17');
SELECT * FROM (SELECT k AS q, count(*) FROM d GROUP BY k) g WHERE q = (SELECT x FROM r WHERE n = 'n17');
SELECT * FROM (SELECT k, v FROM d UNION ALL SELECT k, v FROM p) g WHERE k = (SELECT x FROM r WHERE n = 'n17');
SELECT * FROM (SELECT * FROM d ORDER BY k LIMIT 15) g WHERE k = (SELECT x FROM r WHERE n = 'n13');
SELECT (SELECT v FROM d WHERE k = (SELECT x FROM r WHERE n = 'n17')), x FROM r WHERE x < 3 ORDER BY x;
SELECT k, v FROM d WHERE k = (SELECT x FROM r WHERE n = 'n17') OR k = 3 ORDER BY k;
SELECT k, v FROM d WHERE k = (SELECT x FROM r WHERE n = 'n17') AND v = (SELECT x FROM l WHERE n = 'n53' OR x = 3);
SELECT k FROM d WHERE k = (SELECT x FROM r WHERE n = 'n17') AND k = 17;
SELECT k FROM d WHERE k = (SELECT x FROM r WHERE n = 'n17') AND k = 18;
SELECT k FROM d WHERE k = (SELECT x FROM r WHERE n = 'n17') AND k = (SELECT x FROM r WHERE n = 'n18');
SELECT k FROM d WHERE NOT k = (SELECT x FROM r WHERE n = 'n17') AND k < 4 ORDER BY k;
SELECT k FROM d WHERE k = (SELECT x FROM r WHERE r.n = d.t) AND v = 1 ORDER BY k LIMIT 3;
SELECT k, (SELECT k FROM p WHERE p.k = (SELECT x FROM r WHERE n = 'n17') AND p.v = d.v) FROM d WHERE k < 12 ORDER BY k;
WITH one AS (SELECT * FROM d WHERE k = (SELECT x FROM r WHERE n = 'n17')) SELECT count(*) FROM one, one AS two;
WITH names AS (SELECT x FROM r WHERE n = 'n17') SELECT * FROM d WHERE k = (SELECT x FROM names);
SELECT * FROM d WHERE k = (WITH names AS (SELECT x FROM r WHERE n = 'n17') SELECT x FROM names);
SELECT * FROM d WHERE k = (SELECT x FROM r WHERE n = 'n17' UNION SELECT x FROM r WHERE x = 17);
SELECT * FROM p WHERE k = (SELECT x FROM r WHERE n = 'n17') AND part = 3;
SELECT k FROM d WHERE k = (SELECT x FROM r WHERE n = 'n17') FOR UPDATE;
SELECT k FROM d WHERE k = (SELECT x FROM r ORDER BY x LIMIT 1);
SELECT k FROM d WHERE k = (SELECT x FROM r ORDER BY x OFFSET 3 LIMIT 1);

-- lists
SELECT k, v FROM d WHERE k IN (SELECT x FROM r WHERE n = 'n7') ORDER BY k;
SELECT k, v FROM d WHERE k IN (SELECT x FROM l WHERE n = 'n7') ORDER BY k;
SELECT k, v FROM d WHERE k IN (SELECT big FROM r WHERE n = 'n7' OR n = 'far') ORDER BY k;
SELECT k, v FROM d WHERE k NOT IN (SELECT x FROM r WHERE n = 'n7') AND k < 10 ORDER BY k;
SELECT k, v FROM s WHERE k IN (SELECT n FROM r WHERE x = 7 OR x = 57) ORDER BY k;
SELECT count(*) FROM d WHERE k IN (SELECT x FROM r WHERE n = 'nowhere');
SELECT count(*) FROM d WHERE k IN (SELECT x FROM r);
SELECT k, v FROM d WHERE k = ANY (SELECT x FROM r WHERE n = 'n7') AND v IN (SELECT x FROM r WHERE x < 9) ORDER BY k;
SELECT k FROM d WHERE (k, v) IN (SELECT x, 3 FROM r WHERE n = 'n17');

-- the same where they are computed first
SELECT * FROM big d WHERE k = (SELECT x FROM r WHERE n = 'n17');
SELECT * FROM big d WHERE k = (SELECT x FROM l WHERE n = 'n17');
SELECT * FROM big d WHERE (SELECT max(x) FROM r WHERE n = 'n7') = k;
SELECT * FROM big b WHERE k = (SELECT x FROM r WHERE n = 'n17');
SELECT * FROM big d WHERE k = (SELECT big FROM r WHERE n = 'n17');
SELECT * FROM big d WHERE k = (SELECT sum(big) FROM r WHERE x < 4);
SELECT * FROM big d WHERE k = (SELECT avg(big) FROM r WHERE x < 4);
SELECT * FROM big_names s WHERE k = (SELECT n FROM r WHERE x = 13);
SELECT * FROM big_names s WHERE k = (SELECT n::varchar FROM r WHERE x = 13);
SELECT * FROM big_names s WHERE k = (SELECT n FROM r WHERE x = 13) COLLATE "C" OR k = 'n2' ORDER BY k;
SELECT * FROM big d WHERE k = (SELECT big FROM r WHERE n = 'far');
SELECT * FROM big d WHERE k = (SELECT x FROM r WHERE n = 'nowhere');
SELECT count(*), sum(v) FROM big d WHERE k = (SELECT x FROM r WHERE n = 'nowhere');
SELECT count(*), sum(v) FROM big d WHERE k = (SELECT x FROM r WHERE n = 'n17');
SELECT v, count(*) FROM big d WHERE k = (SELECT x FROM r WHERE n = 'n17') GROUP BY ROLLUP (v) ORDER BY 1;
SELECT d.k, b.v FROM big d JOIN b ON b.k = d.k WHERE d.k = (SELECT x FROM r WHERE n = 'n17');
SELECT d.k, p.part FROM big d JOIN p USING (k) WHERE k = (SELECT x FROM r WHERE n = 'n17');
SELECT d.k, p.part FROM big d LEFT JOIN p ON p.k = d.k AND p.k = (SELECT x FROM r WHERE n = 'n17') WHERE d.k < 20 ORDER BY 1;
SELECT d.k, p.part FROM big d FULL JOIN p ON p.k = d.k WHERE p.k = (SELECT x FROM r WHERE n = 'n17');
SELECT d.k, p.part FROM big d JOIN p ON p.k = d.k AND p.k = (SELECT x FROM r WHERE n = 'n17');
SELECT * FROM (SELECT k AS q, count(*) FROM big d GROUP BY k) g WHERE q = (SELECT x FROM r WHERE n = 'n17');
SELECT * FROM (SELECT k, v FROM big d UNION ALL SELECT k, v FROM p) g WHERE k = (SELECT x FROM r WHERE n = 'n17');
SELECT * FROM (SELECT * FROM big d ORDER BY k LIMIT 15) g WHERE k = (SELECT x FROM r WHERE n = 'n13');
SELECT (SELECT v FROM big d WHERE k = (SELECT x FROM r WHERE n = 'n17')), x FROM r WHERE x < 3 ORDER BY x;
SELECT k, v FROM big d WHERE k = (SELECT x FROM r WHERE n = 'n17') OR k = 3 ORDER BY k;
SELECT k, v FROM big d WHERE k = (SELECT x FROM r WHERE n = 'n17') AND v = (SELECT x FROM l WHERE n = 'n53' OR x = 3);
SELECT k FROM big d WHERE k = (SELECT x FROM r WHERE n = 'n17') AND k = 17;
SELECT k FROM big d WHERE k = (SELECT x FROM r WHERE n = 'n17') AND k = 18;
SELECT k FROM big d WHERE k = (SELECT x FROM r WHERE n = 'n17') AND k = (SELECT x FROM r WHERE n = 'n18');
SELECT k FROM big d WHERE k = (SELECT x FROM r WHERE r.n = d.t) AND v = 1 ORDER BY k LIMIT 3;
SELECT k, (SELECT k FROM p WHERE p.k = (SELECT x FROM r WHERE n = 'n17') AND p.v = d.v) FROM big d WHERE k < 12 ORDER BY k;
WITH one AS (SELECT * FROM big d WHERE k = (SELECT x FROM r WHERE n = 'n17')) SELECT count(*) FROM one, one AS two;
WITH names AS (SELECT x FROM r WHERE n = 'n17') SELECT * FROM big d WHERE k = (SELECT x FROM names);
SELECT * FROM big d WHERE k = (WITH names AS (SELECT x FROM r WHERE n = 'n17') SELECT x FROM names);
SELECT * FROM big d WHERE k = (SELECT x FROM r WHERE n = 'n17' UNION SELECT x FROM r WHERE x = 17);
SELECT k FROM big d WHERE k = (SELECT x FROM r ORDER BY x LIMIT 1);
SELECT k FROM big d WHERE k = (SELECT x FROM r ORDER BY x OFFSET 3 LIMIT 1);
SELECT k, v FROM big d WHERE k IN (SELECT x FROM r WHERE n = 'n7') ORDER BY k;
SELECT k, v FROM big d WHERE k IN (SELECT x FROM l WHERE n = 'n7') ORDER BY k;
SELECT k, v FROM big d WHERE k IN (SELECT big FROM r WHERE n = 'n7' OR n = 'far') ORDER BY k;
SELECT k, v FROM big_names s WHERE k IN (SELECT n FROM r WHERE x = 7 OR x = 57) ORDER BY k;
SELECT count(*) FROM big d WHERE k IN (SELECT x FROM r WHERE n = 'nowhere');
SELECT count(*) FROM big d WHERE k IN (SELECT x FROM r);
SELECT k, v FROM big d WHERE k = ANY (SELECT x FROM r WHERE n = 'n7') AND v IN (SELECT x FROM r WHERE x < 9) ORDER BY k;
SELECT k FROM big d WHERE (k, v) IN (SELECT x, 3 FROM r WHERE n = 'n17');

-- errors are raised when a row asks
SELECT * FROM d WHERE k = (SELECT x FROM r WHERE n = 'n7');
SELECT * FROM empty_one WHERE k = (SELECT x FROM r WHERE n = 'n7');
SELECT * FROM big WHERE k = (SELECT x FROM r WHERE n = 'n7');
SELECT * FROM big WHERE k = (SELECT x FROM r WHERE n = 'n7') AND v > 1000;
SELECT count(*) FROM big WHERE v > 1000 AND k = (SELECT x FROM r WHERE n = 'n7');
SELECT count(*) FROM empty_one WHERE k = (SELECT x FROM l WHERE n = 'n7');
SELECT * FROM empty_one WHERE k = (SELECT 1 / (x - 17) FROM r WHERE n = 'n17');
SELECT * FROM d WHERE k = (SELECT 1 / (x - 17) FROM r WHERE n = 'n17');
SELECT * FROM empty_one WHERE k = (SELECT n::int FROM r WHERE n = 'n17');
UPDATE d SET v = 1 WHERE k = (SELECT x FROM r WHERE n = 'n7');
UPDATE empty_one SET v = 1 WHERE k = (SELECT x FROM r WHERE n = 'n7');
DELETE FROM empty_one WHERE k = (SELECT x FROM l WHERE n = 'n7');
DELETE FROM d WHERE k = (SELECT x FROM l WHERE n = 'n7');
UPDATE empty_one SET v = 1 WHERE k = (SELECT 1 / (x - 17) FROM r WHERE n = 'n17');

-- writes
UPDATE d SET v = v + 100 WHERE k = (SELECT x FROM r WHERE n = 'n17') RETURNING *;
UPDATE d SET v = v + 100 WHERE k = (SELECT x FROM l WHERE n = 'n18') RETURNING *;
UPDATE d SET v = v + 100 WHERE k IN (SELECT x FROM r WHERE n = 'n3') AND t <> 'n3' RETURNING k, v;
UPDATE d SET v = (SELECT max(x) FROM r) WHERE k IN (SELECT x FROM l WHERE n IN ('n4', 'n5')) RETURNING k, v;
UPDATE d SET k = 5000 WHERE k = (SELECT x FROM r WHERE n = 'n20') RETURNING *;
UPDATE d SET t = p.part::text FROM p WHERE p.k = d.k AND d.k = (SELECT x FROM r WHERE n = 'n21') RETURNING d.*;
UPDATE d SET t = l.n FROM l WHERE l.x = d.k AND d.k = (SELECT x FROM r WHERE n = 'n21') RETURNING d.*;
UPDATE s SET v = -1 WHERE k = (SELECT n FROM r WHERE x = 13) RETURNING *;
UPDATE b SET v = -1 WHERE k = (SELECT x FROM l WHERE n = 'n17') RETURNING *;
UPDATE b SET v = -1 WHERE k = (SELECT sum(big) FROM l WHERE x < 3) RETURNING *;
UPDATE d SET v = -2 WHERE k = (SELECT x FROM r WHERE n = 'nowhere') RETURNING *;
UPDATE d SET v = -2 WHERE k = (SELECT big FROM l WHERE n = 'far') RETURNING *;
UPDATE d SET v = -3 WHERE k = (SELECT max(k) FROM p) RETURNING *;
UPDATE d SET v = -4 WHERE k = (SELECT x FROM r WHERE n = 'n17') AND v = (SELECT max(v) FROM b) RETURNING *;
UPDATE d SET v = -4 WHERE k = 17 AND k = (SELECT x FROM r WHERE n = 'n17') RETURNING *;
UPDATE p SET v = -5 WHERE k = (SELECT x FROM r WHERE n = 'n17') OR k = (SELECT x FROM l WHERE n = 'n18') RETURNING *;
DELETE FROM d WHERE k = (SELECT x FROM r WHERE n = 'n30') RETURNING *;
DELETE FROM d USING p WHERE p.k = d.k AND p.k = (SELECT x FROM l WHERE n = 'n31') RETURNING d.k, p.part;
DELETE FROM p WHERE k IN (SELECT x FROM r WHERE n = 'n6') RETURNING *;
DELETE FROM p WHERE k NOT IN (SELECT x FROM r WHERE n = 'n6') AND k > 197 RETURNING k;
SELECT sum(v), count(*), max(k) FROM d;
SELECT sum(v), count(*), max(k) FROM p;

-- the value of this transaction, and of each execution
BEGIN;
UPDATE r SET x = 2017 WHERE n = 'n17';
INSERT INTO d VALUES (2017, 1, 'new');
SELECT * FROM d WHERE k = (SELECT x FROM r WHERE n = 'n17');
UPDATE d SET v = 2 WHERE k = (SELECT x FROM r WHERE n = 'n17') RETURNING *;
ROLLBACK;
SELECT k FROM d WHERE k = (SELECT x FROM r WHERE n = 'n17');
PREPARE one (text) AS SELECT k, v FROM big WHERE k = (SELECT x FROM r WHERE n = $1);
EXECUTE one ('n17');
EXECUTE one ('n18');
EXECUTE one ('n7');
EXECUTE one ('nowhere');
EXECUTE one ('n19');
EXECUTE one ('n22');
EXECUTE one ('n23');
EXECUTE one ('n24');
PREPARE change (text) AS UPDATE d SET v = v + 1 WHERE k = (SELECT x FROM r WHERE n = $1) RETURNING k, v;
EXECUTE change ('n17');
EXECUTE change ('n18');
EXECUTE change ('nowhere');
EXECUTE change ('n7');
EXECUTE change ('n19');
EXECUTE change ('n22');
EXECUTE change ('n23');
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT k FROM big WHERE k IN (SELECT x FROM r WHERE n = 'n8') ORDER BY k;
FETCH ALL FROM c;
FETCH BACKWARD ALL FROM c;
COMMIT;
DO $$
DECLARE
	name text;
	found_k int;
BEGIN
	FOREACH name IN ARRAY ARRAY['n25', 'n26', 'nowhere'] LOOP
		SELECT k INTO found_k FROM d WHERE k = (SELECT x FROM r WHERE n = name);
		UPDATE d SET v = 900 WHERE k = (SELECT x FROM l WHERE n = name);
		INSERT INTO l VALUES (found_k, 'seen');
	END LOOP;
END $$;
SELECT * FROM l WHERE n = 'seen' ORDER BY x;
SELECT * FROM d WHERE v = 900 ORDER BY k;

-- volatile ones are asked for each row
CREATE SEQUENCE calls;
SELECT count(*) FROM d WHERE k = (SELECT 1000000 + nextval('calls') + x FROM r WHERE n = 'n17');
CREATE VIEW big_named AS SELECT * FROM big WHERE k = (SELECT x FROM r WHERE n = 'n17');
SELECT * FROM big_named;
CREATE VIEW named AS SELECT d.* FROM d WHERE k = (SELECT x FROM r WHERE n = 'n17');
SELECT * FROM named;
UPDATE named SET v = 77 RETURNING *;
DELETE FROM named RETURNING k;
