-- Errors of shards name the user's relations, constraints and columns, wherever the shard is.
CREATE SCHEMA error_names;
SET search_path TO error_names;
\set VERBOSITY default
SET citus.next_shard_id TO 910000;
CREATE TABLE parent (k int PRIMARY KEY, n int NOT NULL, v text CHECK (v <> 'x'));
CREATE TABLE child (k int REFERENCES parent, x int UNIQUE DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE ref (id int PRIMARY KEY, v text);
SELECT create_distributed_table('parent', 'k', shard_count => 4);
ALTER TABLE child DROP CONSTRAINT child_x_key;
SELECT create_distributed_table('child', 'k', colocate_with => 'parent');
SELECT create_reference_table('ref');

-- what the client gets in fields of their own, as PL/pgSQL shows it
CREATE FUNCTION fields(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	message text; detail text; tab text; con text; col text;
BEGIN
	EXECUTE statement;
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, tab = TABLE_NAME,
		con = CONSTRAINT_NAME, col = COLUMN_NAME;
	RETURN format('%s: %s|%s|table %s|constraint %s|column %s', SQLSTATE, message, detail, tab, con, col);
END $$;

SELECT i, fields(format($$INSERT INTO parent VALUES (%s, 1, 'x')$$, i)) FROM generate_series(1, 4) i;
INSERT INTO parent SELECT i, 1, 'v' FROM generate_series(1, 10) i;
SELECT fields($$INSERT INTO parent VALUES (3, 1, 'again')$$);
SELECT fields($$INSERT INTO parent VALUES (11, NULL, 'none')$$);
SELECT fields($$UPDATE parent SET v = 'x' WHERE k = 4$$);
SELECT fields($$INSERT INTO child VALUES (77, 1)$$);
INSERT INTO child VALUES (5, 1);
SELECT fields($$DELETE FROM parent WHERE k = 5$$);
SELECT fields($$INSERT INTO ref VALUES (1, 'a'), (1, 'b')$$);

-- deferred until the transaction ends, where the copy on this node comes first
ALTER TABLE ref ADD COLUMN d int UNIQUE DEFERRABLE INITIALLY DEFERRED;
INSERT INTO ref (id, d) VALUES (101, 7);
INSERT INTO ref (id, d) VALUES (102, 7);
BEGIN;
UPDATE ref SET d = 8;
INSERT INTO ref (id, d) VALUES (103, 8);
COMMIT;
SELECT fields($$SET CONSTRAINTS ALL DEFERRED; INSERT INTO ref (id, d) VALUES (102, 7); SET CONSTRAINTS ALL IMMEDIATE$$);
DELETE FROM ref WHERE id > 100;

-- data that looks like the name of a shard stays as it is
INSERT INTO ref VALUES (2, '"parent_910000"');
ALTER TABLE ref ADD UNIQUE (v);
SELECT fields($$INSERT INTO ref VALUES (3, '"parent_910000"')$$);
SELECT fields($$SELECT v::int FROM ref WHERE v ~ 'parent_910000'$$);
SELECT fields($$SELECT ('parent_910000' || left(v, 0))::int FROM parent WHERE k = 1$$);

-- names that had to be shortened for the shards
CREATE TABLE a_table_with_a_name_that_is_as_long_as_a_name_can_ever_become_x
	(k int CONSTRAINT a_constraint_with_a_name_that_is_as_long_as_a_name_can_become_x PRIMARY KEY,
	 v int CONSTRAINT "a check with a quite long name: the value must never be negative" CHECK (v >= 0));
SELECT create_distributed_table('a_table_with_a_name_that_is_as_long_as_a_name_can_ever_become_x', 'k',
								colocate_with => 'none');
SELECT fields($$INSERT INTO a_table_with_a_name_that_is_as_long_as_a_name_can_ever_become_x
				VALUES (1, 1), (1, 1)$$);
SELECT fields($$INSERT INTO a_table_with_a_name_that_is_as_long_as_a_name_can_ever_become_x
				VALUES (1, -1)$$);

-- DDL
SELECT fields('ALTER TABLE parent ADD CONSTRAINT big CHECK (n > 5)');
SELECT fields('CREATE UNIQUE INDEX ones ON parent (k, n); CREATE UNIQUE INDEX ones ON parent (n, k)');

SELECT * FROM citus_internal.check_consistency();
DROP SCHEMA error_names CASCADE;
