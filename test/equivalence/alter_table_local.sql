-- only: distributed worker
-- Subcommands of ALTER TABLE on a table whose rows are on the coordinator and that all nodes know.
CREATE TABLE t (k int NOT NULL, a int, b text, c numeric, d timestamptz);
CREATE TABLE r (id int PRIMARY KEY, name text);
-- distribute: SET citus.shard_count TO 4
-- distribute: SELECT citus_add_local_table_to_metadata('t')
-- distribute: SELECT create_reference_table('r')
INSERT INTO t SELECT i, i % 10, 'v' || i, i / 2.0 FROM generate_series(1, 100) i;
INSERT INTO r SELECT i, 'r' || i FROM generate_series(0, 20) i;
-- worker
-- include: alter_table/subcommands.sql
