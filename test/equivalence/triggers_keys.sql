-- BEFORE ROW triggers that give the distribution column its value: the row is where its key hashes to.
CREATE TABLE t (k int PRIMARY KEY, a int, b text);
CREATE TABLE nk (k int, a int, b text, UNIQUE (k, a));
CREATE TABLE s (k int, a int);
-- distribute: SELECT create_distributed_table('t', 'k')
-- distribute: SELECT create_distributed_table('nk', 'k')
-- distribute: SELECT create_distributed_table('s', 'k')
CREATE FUNCTION shift() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.a < 1000 THEN NEW.k := NEW.k + 100; END IF; RETURN NEW; END $$;
CREATE TRIGGER shift BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION shift();
CREATE TRIGGER shift BEFORE INSERT OR UPDATE ON nk FOR EACH ROW EXECUTE FUNCTION shift();
INSERT INTO t SELECT i, i, 'x' FROM generate_series(1, 10) i;
INSERT INTO t VALUES (11, 11), (12, 12) RETURNING *;
INSERT INTO t VALUES (13, 13) RETURNING *;
INSERT INTO s SELECT i, i FROM generate_series(1, 30) i;
INSERT INTO t SELECT k + 20, a FROM s WHERE k < 4 RETURNING *;
UPDATE t SET a = 2 WHERE k = 103 RETURNING *;
UPDATE t SET a = a + 1 WHERE k > 105 AND k < 109 RETURNING *;
UPDATE t SET b = 'u', a = a + 1 FROM s WHERE s.k + 100 = t.k AND s.a < 3 RETURNING t.*;
UPDATE t SET k = 500 WHERE k = 104 RETURNING *;
SELECT * FROM t ORDER BY k;
COPY t FROM STDIN;
31	31	c
32	32	c
1033	1033	c
\.
COPY t (k, a) FROM STDIN WITH (FORMAT csv);
34,34
35,35
\.
SELECT * FROM t ORDER BY k;
INSERT INTO t VALUES (31, 31, 'up'), (60, 60, 'up') ON CONFLICT (k) DO UPDATE SET b = excluded.b || t.b RETURNING *;
INSERT INTO t VALUES (31, 31, 'up') ON CONFLICT (k) DO UPDATE SET k = t.k + 1000, b = excluded.b || t.b RETURNING *;
INSERT INTO t VALUES (32, 32, 'up') ON CONFLICT (k) DO NOTHING RETURNING *;
INSERT INTO nk SELECT i, i, 'x' FROM generate_series(1, 10) i;
INSERT INTO nk VALUES (1, 1, 'x'), (2, 2, 'y') ON CONFLICT (k, a) DO UPDATE SET b = 'changed', a = nk.a RETURNING *;
SELECT * FROM nk ORDER BY k, a;
MERGE INTO t USING s ON t.k = s.k + 100 WHEN MATCHED AND s.k < 9 THEN UPDATE SET b = 'merged' WHEN NOT MATCHED AND s.k > 28 THEN INSERT VALUES (s.k, s.a, 'new');
MERGE INTO nk USING s ON nk.k = s.k + 100 AND nk.a = s.a WHEN MATCHED AND s.k < 4 THEN UPDATE SET b = 'merged' WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (s.k, s.a, 'new');
SELECT * FROM t ORDER BY k;
SELECT * FROM nk ORDER BY k, a;
CREATE FUNCTION givekey() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.k := coalesce(NEW.k, NEW.a * 2); RETURN NEW; END $$;
CREATE TRIGGER akey BEFORE INSERT ON nk FOR EACH ROW EXECUTE FUNCTION givekey();
INSERT INTO nk (a, b) VALUES (300, 'g'), (301, 'g') RETURNING *;
INSERT INTO nk (b, a) SELECT 'sel', a + 2000 FROM s WHERE k < 3 RETURNING *;
COPY nk (a, b) FROM STDIN;
400	copied
2401	copied
\.
COPY nk FROM STDIN;
\N	500	copied
\.
MERGE INTO nk USING s ON nk.k = s.k WHEN NOT MATCHED AND s.k < 3 THEN INSERT (a, b) VALUES (s.a + 3000, 'merge');
INSERT INTO nk (a) VALUES (300), (600) ON CONFLICT (k, a) DO UPDATE SET b = 'again' RETURNING *;
SELECT * FROM nk ORDER BY k, a;
CREATE FUNCTION nullkey() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.k := NULL; RETURN NEW; END $$;
CREATE TRIGGER znull BEFORE INSERT OR UPDATE ON nk FOR EACH ROW EXECUTE FUNCTION nullkey();
