-- how much may be sent to all shards; what moves to where it meets is not limited
CREATE SCHEMA sized;
SET search_path = sized;
SET citus.shard_count = 4;
CREATE TABLE big (k int, x int);
CREATE TABLE other (k int, x int);
CREATE TABLE small (k int, x int, t text);
SELECT create_distributed_table('big', 'k'), create_distributed_table('other', 'k'), create_distributed_table('small', 'k');
INSERT INTO big SELECT i, i % 5000 FROM generate_series(1, 20000) i;
INSERT INTO other SELECT i, i FROM generate_series(1, 20000) i;
INSERT INTO small SELECT i, i, md5(i::text) FROM generate_series(1, 100) i;
ANALYZE big, other, small;
SHOW citus.max_intermediate_result_size;
SET citus.max_intermediate_result_size = '1kB';
SELECT count(*), sum(length(t)) FROM big JOIN other USING (k) JOIN small ON small.x = big.x;
\set VERBOSITY sqlstate
SELECT count(*), sum(length(t)) FROM big JOIN other USING (k) JOIN small ON small.x = big.x;
\set VERBOSITY default
-- the session goes on
SELECT count(*) FROM small;
SELECT count(*) FROM big JOIN other ON big.x = other.x;
SET citus.max_intermediate_result_size = '1MB';
SELECT count(*), sum(length(t)) FROM big JOIN other USING (k) JOIN small ON small.x = big.x;
SET citus.max_intermediate_result_size = -1;
SELECT count(*), sum(length(t)) FROM big JOIN other USING (k) JOIN small ON small.x = big.x;
\set VERBOSITY sqlstate
SET citus.max_intermediate_result_size = -2;
SET client_min_messages = warning;
DROP SCHEMA sized CASCADE;
