-- Partitions of partitions: metadata, nodes that join, undistribute, foreign keys, reference tables.
SET citus.shard_count TO 4;
CREATE TABLE ref (id int PRIMARY KEY);
SELECT create_reference_table('ref');
INSERT INTO ref SELECT generate_series(1, 10);
CREATE TABLE m (k int, r int REFERENCES ref, at date, PRIMARY KEY (k, r, at)) PARTITION BY LIST (r);
CREATE TABLE m_1 PARTITION OF m FOR VALUES IN (1) PARTITION BY RANGE (at);
CREATE TABLE m_1_23 PARTITION OF m_1 FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
CREATE TABLE m_2 PARTITION OF m FOR VALUES IN (2);
SELECT create_distributed_table('m_1', 'k');
SELECT create_distributed_table('m_1_23', 'k');
SELECT create_distributed_table('m', 'k');
CREATE TABLE m_1_24 PARTITION OF m_1 FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE m_3 PARTITION OF m FOR VALUES IN (3) PARTITION BY RANGE (at);
CREATE TABLE m_3_23 PARTITION OF m_3 DEFAULT;
INSERT INTO m SELECT i, 1 + i % 3, '2023-12-20'::date + i FROM generate_series(1, 30) i;
INSERT INTO m VALUES (1, 20, '2023-01-01');
INSERT INTO m_1_24 VALUES (1, 99, '2024-01-01');
SELECT logicalrelid, count(*) FROM pg_dist_shard WHERE logicalrelid::text ~ '^m' GROUP BY 1 ORDER BY 1;
SELECT DISTINCT result FROM run_command_on_placements('m_1',
    $$SELECT string_agg(regexp_replace(inhrelid::regclass::text, '_\d+$', ''), ' ' ORDER BY inhrelid::regclass::text)
      FROM pg_inherits WHERE inhparent = '%s'::regclass$$);
-- no partition on its own
SELECT undistribute_table('m_1');
SELECT undistribute_table('m_1_23');
\d m_1
-- from a worker, and a node that is filled anew
SELECT nodeport AS worker_port FROM pg_dist_node WHERE groupid > 0 ORDER BY groupid LIMIT 1 \gset
SELECT result FROM run_command_on_workers('SELECT count(*) FROM m_1') ORDER BY 1;
UPDATE pg_dist_node SET metadatasynced = false WHERE nodeport = :worker_port;
SELECT citus_activate_node('localhost', :worker_port) > 0 AS filled;
SELECT result FROM run_command_on_workers('SELECT count(*) FROM m_1') ORDER BY 1;
SELECT DISTINCT result FROM run_command_on_all_nodes($$
    SELECT string_agg(inhrelid::regclass || '<' || inhparent::regclass, ' ' ORDER BY inhrelid::regclass::text) FROM pg_inherits
    WHERE inhrelid::regclass::text ~ '^m_\d(_\d\d)?$'$$);
-- reference
CREATE TABLE pr (id int, v int) PARTITION BY RANGE (id);
CREATE TABLE pr_1 PARTITION OF pr FOR VALUES FROM (0) TO (10) PARTITION BY LIST (v);
CREATE TABLE pr_1_d PARTITION OF pr_1 DEFAULT;
INSERT INTO pr SELECT i, i % 3 FROM generate_series(1, 9) i;
CREATE INDEX ON pr (v);
SELECT create_reference_table('pr');
CREATE TABLE pr_2 PARTITION OF pr FOR VALUES FROM (10) TO (20);
INSERT INTO pr VALUES (10, 1), (11, 2);
DROP TABLE m;
SELECT citus_disable_node('localhost', :worker_port);
INSERT INTO pr VALUES (12, 1);
SELECT citus_activate_node('localhost', :worker_port) > 0 AS filled;
SELECT DISTINCT result FROM run_command_on_workers('SELECT count(*) || '' '' || sum(v) FROM pr');
UPDATE pr SET id = id + 10 WHERE id < 10 AND id > 5;
SELECT DISTINCT result FROM run_command_on_all_nodes('SELECT count(*) FROM pr_2');
SELECT undistribute_table('pr');
SELECT tableoid::regclass, count(*) FROM pr GROUP BY 1 ORDER BY 1;
-- managed local
SELECT citus_add_local_table_to_metadata('pr');
SELECT DISTINCT result FROM run_command_on_all_nodes('SELECT count(*) FROM pr_1');
DROP TABLE pr, ref;
SELECT * FROM citus_internal.check_consistency();
