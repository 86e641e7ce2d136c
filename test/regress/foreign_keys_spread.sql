-- Foreign keys between tables that become reference tables one after another, in every order.
SET client_min_messages TO warning;
SET citus.shard_replication_factor TO 1;
CREATE FUNCTION keys_of(t text) RETURNS TABLE (node int, def text) LANGUAGE sql AS $$
	SELECT (rank() OVER (ORDER BY n.groupid) - 1)::int, result FROM run_command_on_all_nodes(format(
		'SELECT string_agg(pg_get_constraintdef(oid), %L ORDER BY conname) FROM pg_constraint WHERE contype = %L AND conrelid = %L::regclass',
		'; ', 'f', t)) r JOIN pg_dist_node n USING (nodeid) ORDER BY 1 $$;

-- the one that refers first
CREATE TABLE r1 (id int PRIMARY KEY);
CREATE TABLE a1 (id int PRIMARY KEY, r int REFERENCES r1 DEFERRABLE INITIALLY DEFERRED, s int CONSTRAINT loose REFERENCES r1);
SELECT create_reference_table('a1');
SELECT create_reference_table('r1');
SELECT * FROM keys_of('a1');
BEGIN;
INSERT INTO a1 VALUES (1, 1);
SET CONSTRAINTS ALL IMMEDIATE;
ROLLBACK;
INSERT INTO a1 VALUES (1, 1);
INSERT INTO r1 VALUES (1);
INSERT INTO a1 VALUES (1, 1, 1);
INSERT INTO a1 VALUES (2, 1, 2);
DELETE FROM r1;
SELECT bool_or(success) FROM run_command_on_workers('INSERT INTO a1 VALUES (3, 3)');

-- a table of this node refers to one that is spread, with rows
CREATE TABLE r2 (id int PRIMARY KEY);
CREATE TABLE a2 (id int PRIMARY KEY, r int REFERENCES r2 ON DELETE CASCADE);
INSERT INTO r2 VALUES (1);
INSERT INTO a2 VALUES (1, 1);
SELECT citus_add_local_table_to_metadata('a2', cascade_via_foreign_keys => true);
SELECT create_reference_table('r2');
SELECT * FROM keys_of('a2');
INSERT INTO a2 VALUES (2, 2);
DELETE FROM r2;
SELECT count(*) FROM a2;

-- chains and partitions
CREATE TABLE r3 (id int PRIMARY KEY);
CREATE TABLE m3 (id int PRIMARY KEY, r int REFERENCES r3);
CREATE TABLE a3 (id int PRIMARY KEY, m int REFERENCES m3, r int REFERENCES r3);
SELECT create_reference_table('a3');
SELECT create_reference_table('r3');
SELECT create_reference_table('m3');
SELECT keys_of('a3') UNION ALL SELECT keys_of('m3') ORDER BY 1;
INSERT INTO m3 VALUES (1, 1);
INSERT INTO r3 VALUES (1);
INSERT INTO m3 VALUES (1, 1);
INSERT INTO a3 VALUES (1, 1, 2);
INSERT INTO a3 VALUES (1, 2, 1);
INSERT INTO a3 VALUES (1, 1, 1);

-- one that would have to stay at this node alone
CREATE TABLE d4 (id int PRIMARY KEY);
CREATE TABLE r4 (id int PRIMARY KEY, d int REFERENCES d4);
CREATE TABLE a4 (id int PRIMARY KEY, r int REFERENCES r4);
SELECT create_reference_table('a4');
SELECT create_distributed_table('d4', 'id');
INSERT INTO a4 VALUES (1, 1);
SELECT * FROM keys_of('a4');
SELECT create_reference_table('d4');
SELECT create_reference_table('r4');
SELECT keys_of('a4') UNION ALL SELECT keys_of('r4') ORDER BY 1;
-- an event trigger spreads whatever is made
CREATE FUNCTION spread() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM create_reference_table(objid) FROM pg_event_trigger_ddl_commands() WHERE command_tag = 'CREATE TABLE';
END $$;
CREATE EVENT TRIGGER spread ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION spread();
CREATE TABLE r5 (id int PRIMARY KEY);
CREATE TABLE a5 (id int PRIMARY KEY, r int REFERENCES r5);
DROP EVENT TRIGGER spread;
SELECT logicalrelid, repmodel FROM pg_dist_partition WHERE logicalrelid::text IN ('a5', 'r5') ORDER BY 1;
INSERT INTO a5 VALUES (1, 1);
SELECT * FROM keys_of('a5');
SELECT * FROM citus_internal.check_consistency();
DROP TABLE a1, r1, a2, r2, a3, m3, r3, a4, r4, d4, a5, r5;
DROP FUNCTION keys_of, spread;
