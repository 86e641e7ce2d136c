-- Statements that stay prepared on other nodes are planned there once, where no value can change
-- the plan; where one can, the server decides as ever.
CREATE SCHEMA prepared_on_shards;
SET search_path = prepared_on_shards;

CREATE TABLE items (k int PRIMARY KEY, n int, v text);
CREATE TABLE entries (k int, at int, v text);
SELECT create_distributed_table('items', 'k', shard_count => 2),
       create_distributed_table('entries', 'k', colocate_with => 'items');
INSERT INTO items SELECT i, i % 7, 'item ' || i FROM generate_series(1, 20) i;
CREATE TABLE pairs (k int, at int, v text, PRIMARY KEY (k, at));
SELECT create_distributed_table('pairs', 'k', colocate_with => 'items');
INSERT INTO pairs SELECT 1, i, 'pair ' || i FROM generate_series(1, 3000) i;
ANALYZE pairs;

-- how often a statement of the session that runs this used a plan made for its values, and another;
-- said to be immutable, so that it runs where the rows are
CREATE FUNCTION plans(k int, pattern text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN (SELECT format('%s and %s', custom_plans, generic_plans) FROM pg_prepared_statements
            WHERE name LIKE 'citus%' AND statement ~ pattern);
END$$;

-- all in one transaction, for all of it uses the same connection
BEGIN;
SELECT v FROM items WHERE k = 1;
SELECT v FROM items WHERE k = 1;
SELECT v FROM items WHERE k = 1;
SELECT plans(k, '^SELECT v\s+FROM \S+\.items') FROM items WHERE k = 1;

-- a value may make a condition go away: for others the index finds more than one row
PREPARE maybe(int) AS SELECT v FROM pairs WHERE k = 1 AND ($1 IS NULL OR at = $1);
EXECUTE maybe(1);
EXECUTE maybe(2);
EXECUTE maybe(3);
SELECT plans(k, '^SELECT v\s+FROM \S+\.pairs') FROM items WHERE k = 1;

UPDATE items SET n = n + 1 WHERE k = 1;
UPDATE items SET n = n + 2 WHERE k = 1;
UPDATE items SET n = n + 3 WHERE k = 1;
SELECT plans(k, '^UPDATE \S+\.items') FROM items WHERE k = 1;

INSERT INTO entries VALUES (1, 1, 'one');
INSERT INTO entries VALUES (1, 2, 'two');
INSERT INTO entries VALUES (1, 3, 'three');
SELECT plans(k, '^INSERT INTO \S+\.entries') FROM items WHERE k = 1;

SELECT n FROM items WHERE k = 1 FOR UPDATE;
SELECT n FROM items WHERE k = 1 FOR UPDATE;
SELECT n FROM items WHERE k = 1 FOR UPDATE;
SELECT plans(k, '^SELECT n\s+FROM \S+\.items.*FOR UPDATE') FROM items WHERE k = 1;

-- no index at all, and a key that need not be there
SELECT count(*) FROM entries WHERE k = 1 AND at > 0;
SELECT count(*) FROM entries WHERE k = 1 AND at > 1;
SELECT count(*) FROM entries WHERE k = 1 AND at > 2;
SELECT plans(k, '^SELECT count.*entries') FROM items WHERE k = 1;
COMMIT;

-- the values are the ones given each time, also after the index has gone
SELECT v FROM items WHERE k = 1 AND n >= 0;
SELECT v FROM items WHERE k = 1 AND n >= 1000;
SELECT v FROM items WHERE k = 1 AND n >= 1;
ALTER TABLE items DROP CONSTRAINT items_pkey;
SELECT v FROM items WHERE k = 1 AND n >= 0;
SELECT v FROM items WHERE k = 1 AND n >= 1000;
SELECT v FROM items WHERE k = 1;
SELECT * FROM entries ORDER BY at;

SET client_min_messages = warning;
DROP SCHEMA prepared_on_shards CASCADE;
