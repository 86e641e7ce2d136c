-- Grants, ownership and row security hold on distributed tables as on plain ones.
CREATE ROLE pr_owner LOGIN;
CREATE ROLE pr_reader LOGIN;
CREATE SCHEMA pr AUTHORIZATION pr_owner;
SET client_min_messages TO warning;
SET ROLE pr_owner;
CREATE TABLE pr.t (k int PRIMARY KEY, who text, secret text);
SELECT create_distributed_table('pr.t', 'k');
INSERT INTO pr.t VALUES (1, 'pr_reader', 'a'), (2, 'pr_owner', 'b'), (3, 'pr_reader', 'c');
RESET ROLE;
\set VERBOSITY sqlstate
SET ROLE pr_reader;
SELECT * FROM pr.t;
RESET ROLE;
GRANT USAGE ON SCHEMA pr TO pr_reader;
SET ROLE pr_reader;
SELECT * FROM pr.t WHERE k = 1;
SELECT count(*) FROM pr.t;
RESET ROLE;
GRANT SELECT ON pr.t TO pr_reader;
SET ROLE pr_reader;
SELECT * FROM pr.t ORDER BY k;
INSERT INTO pr.t VALUES (4);
UPDATE pr.t SET secret = 'x' WHERE k = 1;
DELETE FROM pr.t;
DROP TABLE pr.t;
ALTER TABLE pr.t ADD COLUMN x int;
SELECT undistribute_table('pr.t');
RESET ROLE;
REVOKE SELECT ON pr.t FROM pr_reader;
GRANT SELECT (k, who) ON pr.t TO pr_reader;
SET ROLE pr_reader;
SELECT k, who FROM pr.t ORDER BY k;
SELECT secret FROM pr.t;
SELECT * FROM pr.t WHERE k = 1;
CREATE TABLE pr.mine (k int);
RESET ROLE;
GRANT SELECT ON pr.t TO pr_reader;
ALTER TABLE pr.t ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON pr.t USING (who = current_user);
SET ROLE pr_reader;
SELECT * FROM pr.t ORDER BY k;
SELECT count(*) FROM pr.t;
SELECT * FROM pr.t WHERE k = 2;
RESET ROLE;
CREATE TABLE pr.other (k int);
SET ROLE pr_reader;
SELECT create_distributed_table('pr.other', 'k');
RESET ROLE;
-- What an error quotes of a row that was written with the owner's rights is what the role may read.
CREATE TABLE pr.quoted (k int PRIMARY KEY, v int CHECK (v < 100), secret text DEFAULT 'hidden', UNIQUE (k, secret));
SELECT create_distributed_table('pr.quoted', 'k');
INSERT INTO pr.quoted SELECT i, i FROM generate_series(1, 10) i;
CREATE VIEW pr.shown AS SELECT k, v FROM pr.quoted WHERE v < 50 WITH CHECK OPTION;
GRANT SELECT (k, v), UPDATE (k, v), INSERT (k, v) ON pr.quoted TO pr_reader;
GRANT ALL ON pr.shown TO pr_reader;
CREATE FUNCTION pr.detail(sql text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	state text;
	detail text;
BEGIN
	EXECUTE sql;
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, detail = PG_EXCEPTION_DETAIL;
	RETURN state || ' ' || detail;
END $$;
CREATE TABLE pr.statements (n serial, sql text);
INSERT INTO pr.statements (sql) VALUES
	('INSERT INTO pr.quoted (k, v) VALUES (101, 200)'),
	('INSERT INTO pr.quoted (k, v) VALUES (101, 200), (102, 300)'),
	('INSERT INTO pr.quoted (k, v) SELECT i, 200 FROM generate_series(200, 2000) i'),
	('INSERT INTO pr.quoted (k, v) VALUES (1, 1)'),
	('INSERT INTO pr.quoted (k, v) SELECT 1, 1 FROM generate_series(1, 2000) i'),
	('INSERT INTO pr.quoted (k, v) VALUES (3, 1) ON CONFLICT (k) DO UPDATE SET k = 300, v = 400'),
	('UPDATE pr.quoted SET v = 200 + (random() * 0)::int WHERE k = 3'),
	('UPDATE pr.quoted SET k = k + 1000, v = 200 WHERE k = 3'),
	('UPDATE pr.quoted SET v = 200 WHERE k = 3'),
	('MERGE INTO pr.quoted q USING (VALUES (3, 400)) s (a, b) ON k = a WHEN MATCHED THEN UPDATE SET k = 1000, v = b'),
	('MERGE INTO pr.quoted q USING (VALUES (333, 400)) s (a, b) ON k = a WHEN NOT MATCHED THEN INSERT (k, v) VALUES (a, b)'),
	('INSERT INTO pr.shown VALUES (555, 60)'),
	('UPDATE pr.shown SET v = 200 WHERE k = 3'),
	($$COPY pr.quoted (k, v) FROM PROGRAM 'echo 1000,1000' WITH (FORMAT csv)$$);
GRANT pg_execute_server_program TO pr_reader;
GRANT SELECT ON pr.statements TO pr_reader;
SET ROLE pr_reader;
SELECT n, pr.detail(sql) FROM pr.statements ORDER BY n;
RESET ROLE;
GRANT SELECT ON pr.quoted TO pr_reader;
SET ROLE pr_reader;
SELECT n, pr.detail(sql) FROM pr.statements WHERE n IN (1, 4, 5, 6, 8, 11, 12, 14) ORDER BY n;
RESET ROLE;
-- ... also when it is said at the end of the transaction
CREATE TABLE pr.late (k int, secret int DEFAULT 42, v int, UNIQUE (k, v) DEFERRABLE INITIALLY DEFERRED,
	UNIQUE (k, secret) DEFERRABLE INITIALLY DEFERRED);
SELECT create_distributed_table('pr.late', 'k');
GRANT INSERT (k, v), SELECT (k, v) ON pr.late TO pr_reader;
INSERT INTO pr.late (k, v) VALUES (1, 1), (2, 2);
SET ROLE pr_reader;
BEGIN;
INSERT INTO pr.late (k, v) VALUES (1, 3);
SELECT pr.detail('SET CONSTRAINTS ALL IMMEDIATE');
COMMIT;
\set VERBOSITY default
\set SHOW_CONTEXT never
BEGIN;
INSERT INTO pr.late (k, v) VALUES (1, 3);
COMMIT;
BEGIN;
INSERT INTO pr.late (k, v) VALUES (1, 9), (3, 3), (4, 4), (5, 5);
COMMIT;
RESET ROLE;
ALTER TABLE pr.late DROP CONSTRAINT late_k_secret_key;
SET ROLE pr_reader;
BEGIN;
INSERT INTO pr.late (k, v) VALUES (1, 1);
SELECT pr.detail('SET CONSTRAINTS ALL IMMEDIATE');
COMMIT;
BEGIN;
INSERT INTO pr.late (k, v) VALUES (1, 1);
COMMIT;
RESET ROLE;
DROP SCHEMA pr CASCADE;
DROP ROLE pr_owner, pr_reader;
