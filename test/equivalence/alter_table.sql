-- Every subcommand of ALTER TABLE, alone and combined, on rows that are there already.
CREATE TABLE t (k int NOT NULL, a int, b text, c numeric, d timestamptz);
CREATE TABLE r (id int PRIMARY KEY, name text);
-- distribute: SET citus.shard_count TO 4
-- distribute: SELECT create_distributed_table('t', 'k')
-- distribute: SELECT create_reference_table('r')
INSERT INTO t SELECT i, i % 10, 'v' || i, i / 2.0 FROM generate_series(1, 100) i;
INSERT INTO r SELECT i, 'r' || i FROM generate_series(0, 20) i;
-- worker
-- include: alter_table/subcommands.sql
