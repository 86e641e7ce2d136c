-- A partition to whose rows a table of another node refers stays one.
CREATE SCHEMA detach;
SET search_path TO detach;
SET citus.shard_count TO 4;
CREATE TABLE far (a int, b text, PRIMARY KEY (a, b)) PARTITION BY RANGE (a);
CREATE TABLE low PARTITION OF far FOR VALUES FROM (0) TO (10);
CREATE TABLE mid PARTITION OF far FOR VALUES FROM (10) TO (20);
CREATE TABLE high PARTITION OF far FOR VALUES FROM (20) TO (30);
SELECT create_distributed_table('far', 'a');
INSERT INTO far SELECT i, 'x''' || i FROM generate_series(0, 29) i;
CREATE TABLE near (x bigint, y varchar, CONSTRAINT near_key FOREIGN KEY (x, y) REFERENCES far ON DELETE SET NULL);
INSERT INTO near VALUES (1, 'x''1'), (NULL, 'x'), (12, 'x''12');
CREATE ROLE detach_owner;
GRANT USAGE, CREATE ON SCHEMA detach TO detach_owner;
SELECT format('ALTER TABLE %I OWNER TO detach_owner', t) FROM unnest('{far,low,mid,high}'::text[]) t \gexec
\c - - localhost :worker1_port
SET search_path TO detach;
-- the name of a partition's constraint is that of the server's major
\set VERBOSITY sqlstate
ALTER TABLE far DETACH PARTITION low;
ALTER TABLE far DETACH PARTITION low CONCURRENTLY;
BEGIN;
DELETE FROM far WHERE a = 1;
ALTER TABLE far DETACH PARTITION low;
ROLLBACK;
DROP TABLE low;
TRUNCATE low;
ALTER TABLE far DETACH PARTITION high;
SET ROLE detach_owner;
ALTER TABLE far DETACH PARTITION mid;
RESET ROLE;
SELECT count(*) FROM far;
\c - - localhost :coordinator_port
SET search_path TO detach;
DELETE FROM near WHERE x = 1;
\c - - localhost :worker2_port
SET search_path TO detach;
ALTER TABLE far DETACH PARTITION low CONCURRENTLY;
DELETE FROM low WHERE a = 1;
\c - - localhost :coordinator_port
SET search_path TO detach;
INSERT INTO near VALUES (2, 'x''2');
SELECT * FROM near ORDER BY x;
SELECT count(*) FROM far;
SELECT count(*) FROM low;
\c - - localhost :worker1_port
SET search_path TO detach;
SET client_min_messages TO warning;
DROP TABLE mid CASCADE;
\c - - localhost :coordinator_port
SET client_min_messages TO warning;
SELECT conname FROM pg_constraint WHERE conrelid = 'detach.near'::regclass;
SELECT * FROM citus_internal.check_consistency();
DROP SCHEMA detach CASCADE;
DROP ROLE detach_owner;
