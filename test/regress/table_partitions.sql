-- Partitioned tables: distributed with their partitions, which can come and go.
CREATE SCHEMA tpart;
SET search_path TO tpart;
SET citus.shard_count TO 4;
SET client_min_messages TO warning;

CREATE TABLE events (k int NOT NULL, at date NOT NULL, v text, CONSTRAINT v_short CHECK (length(v) < 10),
    PRIMARY KEY (k, at)) PARTITION BY RANGE (at);
CREATE TABLE events_2020 PARTITION OF events FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE events_2021 PARTITION OF events FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
CREATE INDEX events_v ON events (v);
INSERT INTO events SELECT i, date '2020-06-01' + i, 'v' || i FROM generate_series(1, 400) i;
\set VERBOSITY sqlstate
SELECT create_distributed_table('events_2020', 'k');
\set VERBOSITY terse
SELECT create_distributed_table('events', 'k');
SELECT count(*) FROM events;
SELECT count(*) FROM events_2020;
SELECT count(*) FROM events_2021;
SELECT logicalrelid, partmethod FROM pg_dist_partition WHERE logicalrelid::text LIKE 'events%' ORDER BY 1;
SELECT count(DISTINCT colocationid) FROM pg_dist_partition WHERE logicalrelid::text LIKE 'events%';

-- a new one, made and attached
CREATE TABLE events_2022 PARTITION OF events FOR VALUES FROM ('2022-01-01') TO ('2023-01-01');
CREATE TABLE events_2023 (k int NOT NULL, at date NOT NULL, v text, CONSTRAINT v_short CHECK (length(v) < 10));
INSERT INTO events_2023 VALUES (1, '2023-05-05', 'attached');
ALTER TABLE events ATTACH PARTITION events_2023 FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
INSERT INTO events VALUES (1, '2022-02-02', 'new'), (2, '2023-03-03', 'new');
SELECT at, v FROM events WHERE at >= '2022-01-01' ORDER BY 1;
\set VERBOSITY sqlstate
INSERT INTO events VALUES (1, '2030-01-01', 'nowhere');
INSERT INTO events VALUES (1, '2022-02-02', 'twice');
INSERT INTO events_2023 VALUES (3, '2023-03-03', 'much too long');
\set VERBOSITY terse
SELECT count(*) FROM pg_dist_partition WHERE logicalrelid::text LIKE 'events%';

-- indexes and columns reach all of them
CREATE INDEX events_at ON events (at);
ALTER TABLE events ADD COLUMN n int DEFAULT 7;
SELECT sum(n) FROM events;
SELECT count(DISTINCT result) AS kinds, min(result) AS indexes
FROM run_command_on_shards('events_2022',
    $$SELECT count(*) FROM pg_index WHERE indrelid = '%s'::regclass$$);
ALTER INDEX events_2022_at_idx RENAME TO events_2022_when;
SELECT count(DISTINCT result) AS kinds, min(result) AS found
FROM run_command_on_shards('events_2022', $$SELECT count(*) FROM pg_index
    WHERE indrelid = '%s'::regclass AND indexrelid::regclass::text ~ 'events_2022_when_[0-9]+$'$$);

-- leaving
ALTER TABLE events DETACH PARTITION events_2020;
SELECT count(*) FROM events;
SELECT count(*) FROM events_2020;
DROP TABLE events_2021;
SELECT count(*) FROM events;
SELECT undistribute_table('events');
SELECT count(*) FROM events;
SELECT count(*) FROM events_2023;
SELECT count(*) FROM pg_dist_partition WHERE logicalrelid::text LIKE 'events%';
SELECT create_distributed_table('events', 'k');
SELECT count(*) FROM events;

-- a worker makes one, and attaches another: ids are the coordinator's
\c - - localhost :worker1_port
SET search_path TO tpart;
SET client_min_messages TO warning;
CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE events_2025 (k int NOT NULL, at date NOT NULL, v text, n int DEFAULT 7,
    CONSTRAINT v_short CHECK (length(v) < 10));
INSERT INTO events_2025 VALUES (1, '2025-05-05', 'attached');
ALTER TABLE events ATTACH PARTITION events_2025 FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
INSERT INTO events VALUES (1, '2024-04-04', 'worker');
\c - - localhost :coordinator_port
SET search_path TO tpart;
SET client_min_messages TO warning;
SELECT at, v FROM events WHERE at >= '2024-01-01' ORDER BY 1;
CREATE TABLE events_other PARTITION OF events DEFAULT;
SELECT count(*) = count(DISTINCT shardid) AS distinct_ids FROM pg_dist_shard;

SELECT citus_internal.check_consistency();
DROP SCHEMA tpart CASCADE;
SELECT citus_internal.check_consistency();
