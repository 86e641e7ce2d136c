-- Old and new rows in RETURNING, and what MERGE has learnt in later releases.
CREATE TABLE t(k int primary key, v int, g int generated always as (v*2) stored);
-- distribute: SELECT create_distributed_table('t','k')
CREATE TABLE u(k int, v int);
-- distribute: SELECT create_distributed_table('u','v', colocate_with=>'none')
CREATE FUNCTION add_one(int) RETURNS int LANGUAGE plpgsql VOLATILE AS 'begin return $1+1; end';
INSERT INTO t SELECT i,i FROM generate_series(1,10) i;
INSERT INTO u SELECT i,i FROM generate_series(6,15) i;
UPDATE t SET v = add_one(v) WHERE k < 4 RETURNING old.v, new.v, old, new, old.g, new.g, t.v;
UPDATE t SET k = k+100 WHERE k < 3 RETURNING old.k, new.k, k, old.ctid IS NOT NULL, old IS NULL;
DELETE FROM t WHERE add_one(k) = 5 RETURNING old.k, new.k, new, k, new IS NULL;
DELETE FROM t WHERE k = 5 RETURNING old.k, new.k, add_one(old.k), new;
INSERT INTO t VALUES (200, 1) RETURNING old, new, old.k, new.k, add_one(new.k)
INSERT INTO t VALUES (200, 1) ON CONFLICT (k) DO UPDATE SET v = 77 RETURNING old.v, new.v, add_one(old.v)
MERGE INTO t USING u ON t.k=u.k WHEN MATCHED AND u.v = 7 THEN DELETE WHEN MATCHED THEN UPDATE SET v = add_one(u.v) WHEN NOT MATCHED THEN INSERT (k,v) VALUES (u.k, add_one(u.v)) WHEN NOT MATCHED BY SOURCE AND t.k < 100 THEN DELETE WHEN NOT MATCHED BY SOURCE THEN UPDATE SET v=-1 RETURNING merge_action(), t.*, u.k, old.v, new.v, add_one(t.k)
SELECT * FROM t ;
SELECT * FROM t ;
CREATE VIEW vw AS SELECT k, v+1 AS v1, v FROM t WHERE k > 1000;
UPDATE vw SET v = add_one(v) RETURNING old.v1, new.v1, old, new;
MERGE INTO vw USING u ON vw.k = u.k + 1000 WHEN MATCHED AND u.k = 8 THEN DELETE WHEN NOT MATCHED BY SOURCE THEN UPDATE SET v = 0 WHEN MATCHED THEN UPDATE SET v = 5 WHEN NOT MATCHED THEN INSERT (k, v) VALUES (u.k+1000, 0) RETURNING merge_action(), vw.*, old.v1, new.v1;
CREATE VIEW vc AS SELECT k, v FROM t WHERE v < 100 WITH CHECK OPTION;
MERGE INTO vc USING u ON vc.k = u.k WHEN NOT MATCHED AND u.k = 9 THEN INSERT VALUES (u.k, 1000)
MERGE INTO vc USING u ON vc.k = u.k WHEN NOT MATCHED AND u.k = 9 THEN INSERT VALUES (u.k, 10) RETURNING *;
SELECT * FROM t ;
WITH m AS (MERGE INTO t USING u ON t.k=u.k WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT (k,v) VALUES (u.k, 1) RETURNING merge_action() a, t.k) SELECT a, count(*), (SELECT count(*) FROM t) FROM m GROUP BY 1;
SELECT count(*) FROM t;
