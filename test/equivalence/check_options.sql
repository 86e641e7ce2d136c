-- Views that check the rows written through them, and views that hide rows.
CREATE TABLE t (k int PRIMARY KEY, v int, note text);
CREATE TABLE other (k int);
-- distribute: SELECT create_distributed_table('t', 'k')
-- distribute: SELECT create_distributed_table('other', 'k')
INSERT INTO t SELECT i, i * 10, 'n' || i FROM generate_series(1, 10) i;
INSERT INTO other VALUES (3), (4);
CREATE VIEW small AS SELECT k, v, note FROM t WHERE v < 60;
CREATE VIEW small_even AS SELECT * FROM small WHERE k % 2 = 0 WITH LOCAL CHECK OPTION;
CREATE VIEW small_deep AS SELECT * FROM small WHERE k % 2 = 0 WITH CASCADED CHECK OPTION;
CREATE VIEW listed AS SELECT * FROM t WHERE k IN (SELECT k FROM other) WITH CHECK OPTION;
INSERT INTO small_even VALUES (12, 1000, 'ok');
INSERT INTO small_even VALUES (13, 1, 'odd');
INSERT INTO small_deep VALUES (14, 1000, 'deep');
INSERT INTO small_deep VALUES (14, 10, 'deep') RETURNING *, v + 1;
INSERT INTO small_deep VALUES (16, 10, 'a'), (17, 10, 'b');
UPDATE small_deep SET v = 100 WHERE k = 14;
UPDATE small_deep SET v = v + 1 RETURNING k, v;
UPDATE small_deep SET v = NULL WHERE k = 2;
UPDATE listed SET note = 'x' RETURNING *;
UPDATE listed SET k = 50 WHERE k = 3;
UPDATE listed SET k = k + 1 WHERE k = 50;
INSERT INTO listed VALUES (60, 1, 'no');
INSERT INTO listed VALUES (4, 1, 'again') ON CONFLICT (k) DO UPDATE SET note = 'up' RETURNING *;
DELETE FROM small_deep WHERE k = 14;
SELECT * FROM t;
CREATE VIEW everything AS SELECT * FROM t WITH CASCADED CHECK OPTION;
INSERT INTO everything VALUES (70, 1, 'all');
INSERT INTO everything VALUES (70, 2, 'all') ON CONFLICT (k) DO UPDATE SET v = excluded.v RETURNING *;
UPDATE everything SET v = v + 1 WHERE k = 70;
DELETE FROM everything WHERE k = 70 RETURNING v;

-- in WITH: a statement that one shard could do whole, and others
WITH x AS (UPDATE small_deep SET v = 100 WHERE k = 6 RETURNING *) SELECT * FROM x;
WITH x AS (UPDATE small_deep SET k = 7 WHERE k = 6 RETURNING *) SELECT * FROM x;
WITH x AS (UPDATE small_deep SET v = 7 WHERE k = 4 RETURNING *) SELECT * FROM x;
WITH x AS (UPDATE small_deep SET v = 100 WHERE k = 4) SELECT 1;
WITH x AS (UPDATE small_deep SET v = 8 WHERE k = 4 RETURNING k), y AS (DELETE FROM t WHERE k = 9 RETURNING k) SELECT * FROM x UNION ALL SELECT * FROM y;
WITH x AS (UPDATE listed SET note = 'with' WHERE k = 3 RETURNING *) SELECT x.*, t.note FROM x JOIN t USING (k);
WITH x AS (INSERT INTO small_deep VALUES (80, 1000, 'no') RETURNING *) SELECT * FROM x;
WITH x AS (INSERT INTO small_deep VALUES (80, 10, 'yes') RETURNING *) SELECT * FROM x WHERE k = 80;
WITH x AS (INSERT INTO small_deep SELECT k + 78, v, 'of' FROM t WHERE k = 4 RETURNING *) SELECT * FROM x;
WITH x AS (INSERT INTO small_deep SELECT k + 77, v, 'of' FROM t WHERE k = 4) SELECT 1;
WITH x AS (INSERT INTO small_deep VALUES (80, 70, 'no') ON CONFLICT (k) DO UPDATE SET v = excluded.v RETURNING *) SELECT * FROM x;
WITH x AS (MERGE INTO small_deep s USING (VALUES (80)) n (k) ON s.k = n.k WHEN MATCHED THEN UPDATE SET v = 60) SELECT 1;
WITH x AS (MERGE INTO small_deep s USING (VALUES (80)) n (k) ON s.k = n.k AND s.k = 80 WHEN MATCHED THEN UPDATE SET v = 61 RETURNING s.k) SELECT * FROM x;
WITH x AS (MERGE INTO small_deep s USING (VALUES (80)) n (k) ON s.k = n.k AND s.k = 80 WHEN MATCHED THEN UPDATE SET v = 12 RETURNING s.k, v) SELECT * FROM x;
WITH x AS (MERGE INTO small_deep s USING (VALUES (87)) n (k) ON s.k = n.k WHEN NOT MATCHED THEN INSERT VALUES (n.k, 1, 'odd') RETURNING s.k, v) SELECT * FROM x;
WITH x AS (MERGE INTO small_deep s USING (VALUES (88)) n (k) ON s.k = n.k WHEN NOT MATCHED THEN INSERT VALUES (n.k, 1, 'even') RETURNING s.k, v) SELECT * FROM x;
PREPARE in_with (int, int) AS WITH x AS (UPDATE small_deep SET v = $2 WHERE k = $1 RETURNING *) SELECT * FROM x;
EXECUTE in_with (80, 13);
EXECUTE in_with (80, 60);
DEALLOCATE in_with;
DELETE FROM t WHERE k >= 80;

CREATE VIEW barrier WITH (security_barrier) AS SELECT * FROM t WHERE v < 60;
UPDATE barrier SET note = 'b' WHERE k > 2 RETURNING k;
UPDATE barrier SET note = 'b' WHERE random() >= 0 AND k > 2 RETURNING k;
DELETE FROM barrier WHERE k = 1 RETURNING *;
DELETE FROM barrier WHERE k = 10 RETURNING *;

-- triggers in place of writes
CREATE VIEW sums AS SELECT k % 2 AS odd, sum(v) AS total FROM t GROUP BY 1;
CREATE FUNCTION instead() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP = 'INSERT' THEN
		INSERT INTO t VALUES (new.odd + 1000, new.total, 'instead');
		RETURN new;
	ELSIF TG_OP = 'UPDATE' THEN
		UPDATE t SET v = v + new.total - old.total WHERE k = (SELECT min(k) FROM t WHERE k % 2 = old.odd);
		RETURN new;
	END IF;
	DELETE FROM t WHERE k % 2 = old.odd;
	RETURN old;
END $$;
CREATE TRIGGER instead INSTEAD OF INSERT OR UPDATE OR DELETE ON sums FOR EACH ROW EXECUTE FUNCTION instead();
INSERT INTO sums VALUES (0, 5) RETURNING *;
UPDATE sums SET total = total + 3 WHERE odd = 1 RETURNING *;
UPDATE sums SET total = o.k FROM other o WHERE o.k = sums.odd + 3;
DELETE FROM sums WHERE odd = 0 RETURNING *;
SELECT * FROM t;

-- conditions of views that read what shards do not have, and MERGE that keeps rows without a match
CREATE TABLE here (k int);
INSERT INTO here VALUES (4), (5), (6);
CREATE VIEW both_here WITH (security_barrier) AS SELECT * FROM t WHERE k IN (SELECT k FROM here);
UPDATE both_here SET v = v + 1 RETURNING k, v;
UPDATE both_here SET v = v + 1 WHERE random() < 2 AND k > 4 RETURNING k, v;
MERGE INTO both_here b USING (VALUES (5), (77)) s (k) ON b.k = s.k
	WHEN MATCHED AND b.tableoid > 0 AND b IS NOT NULL THEN UPDATE SET v = 0
	WHEN NOT MATCHED THEN INSERT VALUES (s.k, 1, 'merged');
CREATE VIEW some_here AS SELECT * FROM t WHERE EXISTS (SELECT FROM other);
MERGE INTO some_here b USING (SELECT k FROM here) s ON b.k = s.k
	WHEN MATCHED AND b.note LIKE 'n%' THEN UPDATE SET note = 'here';
SELECT * FROM t;

-- what a security barrier hides is shown to no function
CREATE TABLE seen (k int);
CREATE FUNCTION look(int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE COST 0.0001 AS $$
BEGIN
	IF $1 < 50 THEN RAISE EXCEPTION 'hidden %', $1; END IF;
	RETURN true;
END $$;
CREATE VIEW shown WITH (security_barrier) AS SELECT * FROM t WHERE k >= 50;
SELECT k FROM shown WHERE look(k);
SELECT count(*) FROM shown WHERE look(k);
SELECT count(*) FROM (SELECT k FROM shown) x WHERE look(k) AND k = 77;
SELECT s.k FROM shown s JOIN t USING (k) WHERE look(s.k);
UPDATE shown SET v = v WHERE look(k);
UPDATE shown SET v = v WHERE look(k) AND k = 77;
DELETE FROM shown WHERE look(k) AND k = 60;
