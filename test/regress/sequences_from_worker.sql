-- Values of sequences on workers: who may draw, where they come from, what is left alone.
ALTER SEQUENCE pg_catalog.pg_dist_shardid_seq RESTART 3600000;
SET client_min_messages TO warning;
CREATE SCHEMA sfw;
CREATE ROLE sfw_owner;
CREATE ROLE sfw_other;
GRANT ALL ON SCHEMA sfw TO sfw_owner, sfw_other;
SET search_path TO sfw;
SET citus.shard_count TO 4;
SET ROLE sfw_owner;
CREATE TABLE t (k int, s serial, i int GENERATED ALWAYS AS IDENTITY, v int);
SELECT create_distributed_table('t', 'k');
CREATE VIEW tv AS SELECT k, i, v FROM t;
GRANT INSERT ON tv TO sfw_other;
RESET ROLE;
\c - - localhost :worker1_port
SET search_path TO sfw;
-- the sequence's rights are asked for, but not for an identity column
SET ROLE sfw_other;
SELECT nextval('t_s_seq');
SELECT nextval('t_i_seq');
SELECT currval('t_s_seq');
SELECT setval('t_s_seq', 5);
INSERT INTO t (k) VALUES (1);
INSERT INTO tv (k) VALUES (1);
RESET ROLE;
GRANT INSERT, SELECT ON t TO sfw_other;
SET ROLE sfw_other;
INSERT INTO t (k) VALUES (2);
INSERT INTO t (k, s) VALUES (2, 0) RETURNING i;
RESET ROLE;
GRANT USAGE ON SEQUENCE t_s_seq TO sfw_other;
SET ROLE sfw_other;
INSERT INTO t (k) VALUES (3) RETURNING s, i;
SELECT citus_internal.next_value('t_i_seq');
SELECT * FROM citus_internal.draw_numbers('sfw.t_i_seq', 1, true);
RESET ROLE;
INSERT INTO tv (k) VALUES (4) RETURNING i;
-- two nodes by turns; a sequence that only this node has stays its own
\c - - localhost :worker2_port
SET search_path TO sfw;
INSERT INTO t (k) VALUES (5) RETURNING s, i;
CREATE SEQUENCE own;
SELECT nextval('own'), currval('own'), lastval();
SELECT setval('own', 10), nextval('own');
SELECT nextval('t_s_seq');
SELECT lastval(), currval('own');
-- until a known table uses it: all nodes go on from there
CREATE TABLE local (k int, n int DEFAULT nextval('own'));
INSERT INTO local (k) VALUES (1) RETURNING n;
ALTER TABLE t ADD COLUMN o bigint DEFAULT nextval('own');
SELECT count(*) = count(DISTINCT o), min(o) FROM t;
SELECT nextval('own') = max(o) + 1 FROM t;
INSERT INTO local (k) VALUES (1) RETURNING n > 12;
ALTER TABLE t DROP COLUMN o;
DROP TABLE local;
DROP SEQUENCE own;
\c - - localhost :coordinator_port
SET search_path TO sfw;
INSERT INTO t (k) VALUES (6) RETURNING s, i;
SELECT nextval('t_s_seq'), lastval();
\c - - localhost :worker1_port
SET search_path TO sfw;
SET client_min_messages TO warning;
-- many at once are taken in blocks; errors leave nothing behind
INSERT INTO t (k) SELECT generate_series(100, 3000);
SELECT count(*) = count(DISTINCT s), count(*) = count(DISTINCT i), max(s) < 6000 FROM t;
\c - - localhost :coordinator_port
SET search_path TO sfw;
SET client_min_messages TO warning;
CREATE SEQUENCE few MAXVALUE 10;
CREATE TABLE f (k int, n int DEFAULT nextval('few'));
SELECT create_distributed_table('f', 'k');
\c - - localhost :worker1_port
SET search_path TO sfw;
SET client_min_messages TO warning;
INSERT INTO f (k) SELECT generate_series(1, 9);
DO $$
DECLARE failures int := 0;
BEGIN
    FOR i IN 1 .. 30 LOOP
        BEGIN
            INSERT INTO f (k) VALUES (i);
        EXCEPTION WHEN sequence_generator_limit_exceeded THEN failures := failures + 1;
        END;
    END LOOP;
    RAISE WARNING '% failures, connections left over: %', failures,
        (SELECT result::int - 3 > 0 FROM run_command_on_coordinator($c$SELECT count(*) FROM pg_stat_activity
            WHERE application_name LIKE 'citus_internal%' AND query LIKE '%draw_numbers%'$c$));
END $$;
SELECT count(*), count(DISTINCT n) FROM f;
INSERT INTO f (k) VALUES (1);
-- what is not planned as a statement draws from the share of this node, or not at all
PREPARE p(bigint) AS SELECT $1 > (2::bigint ^ 47);
EXECUTE p(nextval('t_s_seq'));
\c - - localhost :coordinator_port
SET client_min_messages TO warning;
DROP SCHEMA sfw CASCADE;
DROP ROLE sfw_owner, sfw_other;
