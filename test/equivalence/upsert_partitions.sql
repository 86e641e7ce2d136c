-- An upsert leaves a row in its partition, whatever shard it moves to.
CREATE TABLE p (k int, part int, v int, gone int, PRIMARY KEY (k, part)) PARTITION BY LIST (part);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
CREATE TABLE p2 (part int NOT NULL, v int, gone int, dropped int, k int NOT NULL, PRIMARY KEY (k, part));
ALTER TABLE p2 DROP COLUMN dropped;
ALTER TABLE p ATTACH PARTITION p2 FOR VALUES IN (2, 3);
CREATE TABLE p9 PARTITION OF p DEFAULT PARTITION BY RANGE (k);
CREATE TABLE p9a PARTITION OF p9 FOR VALUES FROM (MINVALUE) TO (100);
CREATE TABLE p9b PARTITION OF p9 FOR VALUES FROM (100) TO (MAXVALUE);
ALTER TABLE p DROP COLUMN gone;
-- distribute: SELECT create_distributed_table('p', 'k')
INSERT INTO p SELECT i, 1 + i % 4, i FROM generate_series(1, 16) i;

-- within one shard, and to another; the other partition is one of several kinds
INSERT INTO p VALUES (4, 1, 5) ON CONFLICT (k, part) DO UPDATE SET part = 2;
INSERT INTO p VALUES (4, 1, 5) ON CONFLICT (k, part) DO UPDATE SET part = 2, k = p.k + 50;
INSERT INTO p VALUES (4, 1, 5) ON CONFLICT (k, part) DO UPDATE SET part = 7, k = p.k + 50;
INSERT INTO p VALUES (3, 4, 5) ON CONFLICT (k, part) DO UPDATE SET part = 1, k = p.k + 50;
INSERT INTO p VALUES (3, 4, 5) ON CONFLICT (k, part) DO UPDATE SET k = p.k + 200;
SELECT * FROM p;

-- the distribution column alone, and another value of the same partition
INSERT INTO p VALUES (4, 1, 5) ON CONFLICT (k, part) DO UPDATE SET k = p.k + 50 RETURNING *;
INSERT INTO p VALUES (1, 2, 5) ON CONFLICT (k, part) DO UPDATE SET k = p.k + 50, part = 3 RETURNING *;
INSERT INTO p VALUES (3, 4, 5) ON CONFLICT (k, part) DO UPDATE SET k = p.k + 50, part = 8, v = excluded.v RETURNING *;
INSERT INTO p VALUES (8, 1, 0), (12, 1, 1), (90, 1, 9) ON CONFLICT (k, part) DO UPDATE SET k = p.k + 50, part = p.part + excluded.v;
INSERT INTO p VALUES (8, 1, 0), (12, 1, 0), (90, 1, 9) ON CONFLICT (k, part) DO UPDATE SET k = p.k + 50, part = p.part + excluded.v;
INSERT INTO p VALUES (16, 1, 0) ON CONFLICT (k, part) DO UPDATE SET k = p.k + 50, part = (SELECT 2) WHERE p.v = 17;
INSERT INTO p VALUES (16, 1, 0) ON CONFLICT (k, part) DO UPDATE SET k = p.k + 50, part = (SELECT count(*) FROM p q WHERE q.k < 0);
PREPARE u (int, int) AS INSERT INTO p VALUES ($1, 2, 0) ON CONFLICT (k, part) DO UPDATE SET k = p.k + 50, part = $2;
BEGIN;
EXECUTE u (5, 3);
SAVEPOINT a;
EXECUTE u (9, 1);
ROLLBACK TO a;
EXECUTE u (9, 2);
COMMIT;
SELECT * FROM p;

-- what a trigger makes of the row counts
CREATE FUNCTION part_of() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN new.part := new.v % 10; RETURN new; END $$;
CREATE TRIGGER t BEFORE UPDATE ON p FOR EACH ROW EXECUTE FUNCTION part_of();
INSERT INTO p VALUES (2, 3, 0) ON CONFLICT (k, part) DO UPDATE SET v = 11;
INSERT INTO p VALUES (2, 3, 0) ON CONFLICT (k, part) DO UPDATE SET v = 12 RETURNING *;
INSERT INTO p VALUES (6, 3, 0) ON CONFLICT (k, part) DO UPDATE SET v = 11, k = p.k + 50;
INSERT INTO p VALUES (6, 3, 0) ON CONFLICT (k, part) DO UPDATE SET v = 12, k = p.k + 50 RETURNING *;
-- a plain UPDATE goes on
UPDATE p SET v = 11 WHERE k = 56 RETURNING *;
SELECT * FROM p;
DROP TRIGGER t ON p;

-- by the name of a partition
INSERT INTO p1 (k, part, v) VALUES (8, 1, 5) ON CONFLICT (k, part) DO UPDATE SET part = 2;
INSERT INTO p1 (k, part, v) VALUES (8, 1, 5) ON CONFLICT (k, part) DO UPDATE SET part = 2, k = p1.k + 50;
INSERT INTO p1 (k, part, v) VALUES (8, 1, 5) ON CONFLICT (k, part) DO UPDATE SET part = (SELECT 2 FROM p9 LIMIT 1);
INSERT INTO p1 (k, part, v) VALUES (8, 1, 5) ON CONFLICT (k, part) DO UPDATE SET k = p1.k + 60, v = 8 RETURNING *;
INSERT INTO p2 (k, part, v) VALUES (5, 2, 5) ON CONFLICT (k, part) DO UPDATE SET k = 65, part = 3, v = (SELECT count(*) FROM p9) RETURNING k, part;
INSERT INTO p9 (k, part, v) VALUES (7, 4, 5) ON CONFLICT (k, part) DO UPDATE SET k = 170;
INSERT INTO p9a (k, part, v) VALUES (7, 4, 5) ON CONFLICT (k, part) DO UPDATE SET k = 170;
INSERT INTO p9a (k, part, v) VALUES (7, 4, 5) ON CONFLICT (k, part) DO UPDATE SET k = 71 RETURNING *;

-- with rights on columns only, and policies
CREATE ROLE eq_part_user;
GRANT SELECT, INSERT (k, part, v), UPDATE ON p TO eq_part_user;
SET ROLE eq_part_user;
INSERT INTO p (k, part, v) VALUES (2, 2, 0) ON CONFLICT (k, part) DO UPDATE SET part = 1;
INSERT INTO p (k, part, v) VALUES (2, 2, 0) ON CONFLICT (k, part) DO UPDATE SET part = 3, v = 70;
INSERT INTO p (k, part, v) VALUES (2, 3, 0), (62, 3, 0) ON CONFLICT (k, part) DO UPDATE SET part = (SELECT count(*) FROM p);
RESET ROLE;
ALTER TABLE p ENABLE ROW LEVEL SECURITY;
CREATE POLICY some ON p USING (v < 100) WITH CHECK (v < 90);
SET ROLE eq_part_user;
INSERT INTO p (k, part, v) VALUES (2, 3, 0) ON CONFLICT (k, part) DO UPDATE SET part = 1, v = 99;
INSERT INTO p (k, part, v) VALUES (2, 3, 0) ON CONFLICT (k, part) DO UPDATE SET part = 2, v = 99;
INSERT INTO p (k, part, v) VALUES (2, 3, 0) ON CONFLICT (k, part) DO UPDATE SET part = 2, v = 89;
RESET ROLE;
SELECT * FROM p;
DROP TABLE p;
DROP ROLE eq_part_user;
DROP FUNCTION part_of();
