-- Upserts and MERGE of tables with policies, where the rows are found first: rows that move, triggers,
-- conditions that read other shards.
-- only: distributed single worker
CREATE ROLE eq_upsert_user;
CREATE TABLE m (k int PRIMARY KEY, may bool);
CREATE TABLE p (k int PRIMARY KEY, owner text DEFAULT 'eq_upsert_user', v int, w int GENERATED ALWAYS AS (v * 2) STORED);
CREATE TABLE h (k int, v int);
-- distribute: SELECT create_reference_table('m')
-- distribute: SELECT create_distributed_table('p', 'k')
-- distribute: SELECT create_distributed_table('h', 'k')
INSERT INTO m SELECT i, i % 2 = 0 FROM generate_series(1, 700) i;
INSERT INTO p (k, v) SELECT i, i * 10 FROM generate_series(1, 12) i;
INSERT INTO h SELECT i, i * 10 FROM generate_series(1, 12) i;
UPDATE p SET owner = 'other' WHERE k IN (3, 11);
GRANT ALL ON p, h TO eq_upsert_user;
GRANT SELECT ON m TO eq_upsert_user;
ALTER TABLE p ENABLE ROW LEVEL SECURITY;
CREATE POLICY s ON p FOR SELECT USING (owner = current_user OR v > 100);
CREATE POLICY i ON p FOR INSERT WITH CHECK (v < 90);
CREATE POLICY u ON p FOR UPDATE USING (v < 60) WITH CHECK (w < 160);
CREATE POLICY d ON p FOR DELETE USING (v >= 60);
-- worker
SET ROLE eq_upsert_user;

-- the key moves
BEGIN;
INSERT INTO p (k, v) VALUES (1, 20) ON CONFLICT (k) DO UPDATE SET k = p.k + 100 RETURNING k, v, w;
INSERT INTO p (k, v) VALUES (2, 20), (20, 30) ON CONFLICT (k) DO UPDATE SET k = p.k + 100, v = excluded.v + 1 RETURNING *;
INSERT INTO p (k, v) VALUES (4, 20) ON CONFLICT (k) DO UPDATE SET k = p.k + 100 WHERE p.v = 0;
SELECT * FROM p ORDER BY k;
ROLLBACK;
-- what is proposed
INSERT INTO p (k, v) VALUES (1, 95) ON CONFLICT (k) DO UPDATE SET k = p.k + 100;
INSERT INTO p (k, v, owner) VALUES (1, 20, 'other') ON CONFLICT (k) DO UPDATE SET k = p.k + 100;
-- what is in the way: may not be seen, may not be updated
INSERT INTO p (k, v) VALUES (3, 20) ON CONFLICT (k) DO UPDATE SET k = p.k + 100;
INSERT INTO p (k, v) VALUES (6, 20) ON CONFLICT (k) DO UPDATE SET k = p.k + 100;

-- what becomes of it
INSERT INTO p (k, v) VALUES (1, 20) ON CONFLICT (k) DO UPDATE SET k = p.k + 100, v = 80;
INSERT INTO p (k, v) VALUES (1, 20) ON CONFLICT (k) DO UPDATE SET k = p.k + 100, v = 79, owner = 'other';
INSERT INTO p (k, v) VALUES (1, 20), (1, 30) ON CONFLICT (k) DO UPDATE SET k = 1;

-- the clause reads other shards
BEGIN;
INSERT INTO p (k, v) VALUES (1, 20), (21, 7) ON CONFLICT (k) DO UPDATE SET v = (SELECT max(h.v) FROM h WHERE h.v < 70) RETURNING *;
INSERT INTO p (k, v) VALUES (2, 20) ON CONFLICT (k) DO UPDATE SET k = 300 + (SELECT max(q.k) FROM p q) RETURNING *;

SELECT * FROM p ORDER BY k;
ROLLBACK;
INSERT INTO p (k, v) VALUES (1, 99) ON CONFLICT (k) DO UPDATE SET v = (SELECT max(h.v) FROM h WHERE h.v < 70);
INSERT INTO p (k, v) VALUES (1, 99) ON CONFLICT (k) DO UPDATE SET v = 1 WHERE p.v > (SELECT max(h.v) FROM h);
INSERT INTO p (k, v) VALUES (3, 20) ON CONFLICT (k) DO UPDATE SET v = (SELECT max(h.v) FROM h WHERE h.v < 70);
INSERT INTO p (k, v) VALUES (7, 20) ON CONFLICT (k) DO UPDATE SET v = (SELECT max(h.v) FROM h WHERE h.v < 70);
INSERT INTO p (k, v) VALUES (1, 20) ON CONFLICT (k) DO UPDATE SET v = (SELECT max(h.v) FROM h);

-- MERGE
BEGIN;
MERGE INTO p USING (VALUES (2), (4)) s(k) ON p.k = s.k WHEN MATCHED THEN UPDATE SET k = s.k + 500;
MERGE INTO p USING h ON p.v = h.v + 10 AND h.k < 3 WHEN MATCHED THEN UPDATE SET v = p.v + 1;
MERGE INTO p USING h ON p.v = h.v AND h.k BETWEEN 7 AND 8 WHEN MATCHED THEN DELETE;
MERGE INTO p USING h ON p.k = h.v WHEN NOT MATCHED AND h.v < 80 AND h.v > 20 THEN INSERT (k, v) VALUES (h.v + 1000, h.v);
SELECT * FROM p ORDER BY k;
ROLLBACK;
MERGE INTO p USING (VALUES (6)) s(k) ON p.k = s.k WHEN MATCHED THEN UPDATE SET k = s.k + 500;
MERGE INTO p USING (VALUES (4)) s(k) ON p.k = s.k WHEN MATCHED THEN UPDATE SET k = s.k + 500, v = 300;
MERGE INTO p USING h ON p.v = h.v AND h.k = 7 WHEN MATCHED THEN UPDATE SET v = 3 WHEN NOT MATCHED THEN INSERT (k, v) VALUES (h.k + 1000, 1);
MERGE INTO p USING h ON p.v = h.v AND h.k = 4 WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT (k, v) VALUES (h.k + 1000, 1);
MERGE INTO p USING h ON p.v = h.v AND h.k = 4 WHEN MATCHED THEN UPDATE SET v = 99 WHEN NOT MATCHED THEN DO NOTHING;
MERGE INTO p USING h ON p.v = h.v AND h.k = 4 WHEN MATCHED THEN UPDATE SET owner = 'nobody' WHEN NOT MATCHED THEN DO NOTHING;
MERGE INTO p USING (SELECT random() < 2 AS r, k FROM h WHERE k = 4) h ON p.v = h.k * 10 WHEN MATCHED THEN DO NOTHING WHEN NOT MATCHED AND h.r THEN INSERT (k, v) VALUES (h.k + 1000, 100);
MERGE INTO p USING (SELECT random() < 2 AS r, k FROM h WHERE k = 3) h ON p.v = h.k * 10 WHEN MATCHED THEN DO NOTHING WHEN NOT MATCHED AND h.r THEN INSERT (k, v) VALUES (h.k + 1000, 100);
-- a row that is not seen is not matched
BEGIN;
MERGE INTO p USING (SELECT random() < 2 AS r, k FROM h WHERE k IN (3, 4)) h ON p.v = h.k * 10 WHEN MATCHED THEN DO NOTHING WHEN NOT MATCHED AND h.r THEN INSERT (k, v) VALUES (h.k + 1000, 10);
SELECT * FROM p ORDER BY k;
ROLLBACK;

-- DELETE asks nothing of those who update; nor does UPDATE of those who read
BEGIN;
DELETE FROM p USING h WHERE p.v = h.v AND p.v + random() > 0 RETURNING p.k;
UPDATE p SET v = p.v + 1 FROM h WHERE p.v = h.v AND p.v + random() > 0 RETURNING p.k, p.v;
SELECT * FROM p ORDER BY k;
ROLLBACK;
RESET ROLE;

-- whole rows, volatile values, sub-queries
CREATE FUNCTION fits(p) RETURNS bool LANGUAGE sql AS 'SELECT $1.w < 100 AND $1.k < 600';
CREATE POLICY fits ON p AS RESTRICTIVE FOR UPDATE WITH CHECK (fits(p) AND EXISTS (SELECT 1 FROM m WHERE m.k = p.k AND m.may));
SET ROLE eq_upsert_user;
BEGIN;
INSERT INTO p (k, v) VALUES (2, 20) ON CONFLICT (k) DO UPDATE SET k = p.k + 100 RETURNING k, v, w;
MERGE INTO p USING (VALUES (4)) s(k) ON p.k = s.k WHEN MATCHED THEN UPDATE SET k = s.k + 500;
UPDATE p SET k = 402 + floor(random())::int * 2 WHERE k = 504 RETURNING k;
UPDATE p SET k = k + 2, v = v + floor(random())::int WHERE k = 402 RETURNING k;
SELECT * FROM p ORDER BY k;
ROLLBACK;
INSERT INTO p (k, v) VALUES (2, 20) ON CONFLICT (k) DO UPDATE SET k = p.k + 101;
INSERT INTO p (k, v) VALUES (2, 20) ON CONFLICT (k) DO UPDATE SET k = p.k + 602;
MERGE INTO p USING (VALUES (4)) s(k) ON p.k = s.k WHEN MATCHED THEN UPDATE SET k = s.k + 501;
UPDATE p SET k = k + 101 + floor(random())::int WHERE k = 2;
UPDATE p SET k = k + 101 WHERE k = 2;
UPDATE p SET k = k + 100, v = 50 WHERE k = 2;
RESET ROLE;
DROP POLICY fits ON p;
DROP FUNCTION fits;

-- rights on columns, or to DELETE alone
REVOKE ALL ON p FROM eq_upsert_user;
GRANT SELECT (k, v, owner), UPDATE (k, v), DELETE, INSERT (k, v, owner) ON p TO eq_upsert_user;
CREATE FUNCTION leaky(int) RETURNS bool LANGUAGE plpgsql COST 0.0001 AS 'BEGIN RAISE NOTICE ''%'', $1; RETURN true; END';
SET ROLE eq_upsert_user;
BEGIN;
DELETE FROM p WHERE leaky(v) AND k > 9 RETURNING k;
UPDATE p SET v = v + 1 WHERE leaky(v) AND k < 6 RETURNING k, v;
UPDATE p SET v = p.v + h.k FROM h WHERE h.v = p.v - 1 RETURNING p.k, p.v;
UPDATE p SET k = p.k + 20 FROM h WHERE h.v = p.v - 2 RETURNING p.k, p.v;
INSERT INTO p (k, v) VALUES (2, 20), (23, 7) ON CONFLICT (k) DO UPDATE SET k = p.k + 100 RETURNING k, v;
MERGE INTO p USING h ON p.v = h.v + 10 AND h.k < 3 WHEN MATCHED THEN UPDATE SET v = p.v + 1;
MERGE INTO p USING h ON p.v = h.v AND h.k BETWEEN 7 AND 8 WHEN MATCHED THEN DELETE;
RESET ROLE;
SELECT * FROM p ORDER BY k;
ROLLBACK;
SET ROLE eq_upsert_user;
UPDATE p SET owner = 'x' WHERE leaky(v);
MERGE INTO p USING h ON p.v = h.v + 10 AND h.k < 3 WHEN MATCHED THEN UPDATE SET owner = 'x';
INSERT INTO p (k, v) VALUES (2, 20), (23, 7) ON CONFLICT (k) DO UPDATE SET k = p.k + 100, owner = 'x';
RESET ROLE;
DROP FUNCTION leaky;
GRANT ALL ON p TO eq_upsert_user;

-- triggers
CREATE FUNCTION p_trigger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF tg_op = ''UPDATE'' THEN NEW.k := NEW.k + 1000; END IF; NEW.v := NEW.v + 5; RETURN NEW; END';
CREATE TRIGGER t BEFORE INSERT OR UPDATE ON p FOR EACH ROW EXECUTE FUNCTION p_trigger();
SET ROLE eq_upsert_user;
BEGIN;
INSERT INTO p (k, v) VALUES (1, 20), (30, 84) ON CONFLICT (k) DO UPDATE SET v = p.v + excluded.v RETURNING k, v, w;
UPDATE p SET v = v WHERE k = 2 RETURNING *;
UPDATE p SET k = k + 2 WHERE k = 4 RETURNING *;
MERGE INTO p USING (VALUES (5), (40)) s(k) ON p.k = s.k WHEN MATCHED THEN UPDATE SET v = 12 WHEN NOT MATCHED THEN INSERT (k, v) VALUES (s.k, 3);
SELECT * FROM p ORDER BY k;
ROLLBACK;
INSERT INTO p (k, v) VALUES (1, 85) ON CONFLICT (k) DO UPDATE SET v = 1;
INSERT INTO p (k, v) VALUES (1, 20) ON CONFLICT (k) DO UPDATE SET v = 75;
INSERT INTO p (k, v) VALUES (6, 20) ON CONFLICT (k) DO UPDATE SET v = 1;
UPDATE p SET v = 75 WHERE k = 2;
UPDATE p SET v = 75 WHERE k = 8;
MERGE INTO p USING (VALUES (5)) s(k) ON p.k = s.k WHEN MATCHED THEN UPDATE SET v = 75;
MERGE INTO p USING (VALUES (41)) s(k) ON p.k = s.k WHEN NOT MATCHED THEN INSERT (k, v) VALUES (s.k, 88);
RESET ROLE;
DROP TRIGGER t ON p;
DROP FUNCTION p_trigger;

-- policies that are forced on the owner
GRANT CREATE ON SCHEMA public TO eq_upsert_user;
ALTER TABLE p OWNER TO eq_upsert_user;
ALTER TABLE p FORCE ROW LEVEL SECURITY;
SET ROLE eq_upsert_user;
BEGIN;
INSERT INTO p (k, v) VALUES (2, 20), (20, 30) ON CONFLICT (k) DO UPDATE SET k = p.k + 100, v = excluded.v + 1 RETURNING *;
MERGE INTO p USING h ON p.v = h.v AND h.k BETWEEN 7 AND 8 WHEN MATCHED THEN DELETE;
SAVEPOINT a;
MERGE INTO p USING (VALUES (4)) s(k) ON p.k = s.k WHEN MATCHED THEN UPDATE SET k = s.k + 501;
ROLLBACK TO a;
SELECT * FROM p ORDER BY k;
UPDATE p SET k = k + 300 WHERE k = 1;
SELECT count(*) FROM p;
COMMIT;
SELECT * FROM p ORDER BY k;
INSERT INTO p (k, v) VALUES (3, 20) ON CONFLICT (k) DO UPDATE SET k = p.k + 100;
INSERT INTO p (k, v) VALUES (6, 20) ON CONFLICT (k) DO UPDATE SET k = p.k + 100;
INSERT INTO p (k, v) VALUES (5, 20) ON CONFLICT (k) DO UPDATE SET k = p.k + 100, v = 80;
DELETE FROM p WHERE k < 0;
SELECT count(*) FROM p;
RESET ROLE;
SELECT * FROM p ORDER BY k;
DROP TABLE p, m, h;
REVOKE CREATE ON SCHEMA public FROM eq_upsert_user;
DROP ROLE eq_upsert_user;
