-- Rows without a value for a distribution column that is NOT NULL.
-- only: distributed single worker
CREATE TABLE t (k int PRIMARY KEY, v int);
CREATE TABLE u (k int NOT NULL, v int);
CREATE TABLE fired (k int NOT NULL, v int);
-- distribute: SELECT create_distributed_table('t', 'k')
-- distribute: SELECT create_distributed_table('u', 'k')
-- distribute: SELECT create_distributed_table('fired', 'k')
CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF new.v = 0 THEN RETURN NULL; END IF;
	IF new.v < 5 THEN new.k := 5; END IF;
	RETURN new;
END $$;
CREATE TRIGGER fill BEFORE INSERT ON fired FOR EACH ROW EXECUTE FUNCTION fill();
CREATE VIEW checked AS SELECT * FROM t WHERE v < 10 WITH CHECK OPTION;
-- worker
INSERT INTO t (v) SELECT k FROM u;
INSERT INTO t (v) SELECT k FROM u ON CONFLICT DO NOTHING;
INSERT INTO t (v) SELECT k FROM u ON CONFLICT (k) DO UPDATE SET v = (SELECT max(v) FROM u) RETURNING v + 1;
INSERT INTO t (v) VALUES (1);
INSERT INTO t (v) VALUES (1), (2);
INSERT INTO t (k, v) VALUES (NULL, 1);
INSERT INTO t (k, v) VALUES (1, 1), (NULL, 1);
INSERT INTO t VALUES (DEFAULT, 1);
INSERT INTO t DEFAULT VALUES;
INSERT INTO t (v) SELECT i FROM generate_series(1, 3) i;
INSERT INTO u VALUES (1, 1), (2, 2);
INSERT INTO t (v) SELECT v FROM u;
INSERT INTO t (v) SELECT v FROM u WHERE k > 2;
INSERT INTO t (v) SELECT v FROM u LIMIT 1;
INSERT INTO t (v) SELECT v FROM u ON CONFLICT DO NOTHING;
INSERT INTO t (v) SELECT v FROM u RETURNING *;
INSERT INTO t (v) SELECT v FROM u RETURNING v + 1, t;
INSERT INTO t (v) VALUES (1) ON CONFLICT (k) DO UPDATE SET v = 1;
INSERT INTO t (v) VALUES (1) ON CONFLICT (k) DO UPDATE SET v = (SELECT max(v) FROM u) RETURNING *;
INSERT INTO t (v) VALUES (1) ON CONFLICT (k) DO UPDATE SET k = 3;
INSERT INTO checked (v) VALUES (1);
WITH x AS (INSERT INTO t (v) VALUES (1) RETURNING *) SELECT * FROM x;
WITH x AS (SELECT 1 AS v) INSERT INTO t (v) SELECT v FROM x;
MERGE INTO t USING (VALUES (1)) s (x) ON t.k = s.x WHEN NOT MATCHED THEN INSERT (v) VALUES (1);
MERGE INTO t USING (VALUES (1)) s (x) ON t.k = s.x WHEN NOT MATCHED THEN INSERT (k, v) VALUES (NULL, 1);
MERGE INTO t USING u s ON t.k = s.k WHEN NOT MATCHED THEN INSERT (v) VALUES (1);
UPDATE u SET k = NULL;
PREPARE keyless (int) AS INSERT INTO u (v) VALUES ($1);
EXECUTE keyless (1);
PREPARE given (int) AS INSERT INTO u VALUES ($1, 1);
EXECUTE given (NULL);
EXECUTE given (3);
COPY t (v) FROM stdin;
1
\.
COPY t (v) FROM stdin;
\.
COPY t (k, v) FROM stdin;
\N	1
\.
COPY u (k, v) FROM stdin;
2	2
\N	1
\.
COPY u (k, v) FROM stdin WITH (FORMAT csv);
2,2
,1
\.
COPY u (k, v) FROM stdin WHERE k > 0;
2	20
\N	1
\.
SELECT * FROM t;
SELECT * FROM u;
-- triggers give values
INSERT INTO fired (v) VALUES (1);
INSERT INTO fired (v) VALUES (7);
INSERT INTO fired (v) VALUES (0);
INSERT INTO fired (v) SELECT v FROM u;
COPY fired (v) FROM stdin;
1
\.
COPY fired (v) FROM stdin;
1
8
\.
SELECT * FROM fired;
