-- Statements on tables reach every shard, under the shard's names.
CREATE SCHEMA tddl;
CREATE SCHEMA tddl2;
SET search_path TO tddl;
SET citus.shard_count TO 2;
SET client_min_messages TO warning;

-- what shards have, with the shards' ids cut out: once when all shards are alike
CREATE VIEW shapes AS SELECT t.name, r.result AS shape, count(*) > 0 AS here
FROM unnest(ARRAY['t', 'r']) t(name), LATERAL run_command_on_shards(to_regclass(t.name), $$
    SELECT string_agg(x, E'\n' ORDER BY x) FROM (
        SELECT regexp_replace(pg_get_indexdef(indexrelid), '_1[0-9]{5}', '_#', 'g')
        FROM pg_index WHERE indrelid = '%s'::regclass
        UNION ALL
        SELECT regexp_replace(conname || ' ' || pg_get_constraintdef(oid), '_1[0-9]{5}', '_#', 'g')
        FROM pg_constraint WHERE conrelid = '%s'::regclass AND contype <> 'n'
        UNION ALL
        SELECT attname || ' ' || format_type(atttypid, atttypmod) || ' ' || attnotnull
            || coalesce(' ' || pg_get_expr(d.adbin, d.adrelid), '')
        FROM pg_attribute a LEFT JOIN pg_attrdef d ON attrelid = adrelid AND attnum = adnum
        WHERE attrelid = '%s'::regclass AND attnum > 0 AND NOT attisdropped
        UNION ALL
        SELECT 'policy ' || polname || coalesce(' ' || pg_get_expr(polqual, polrelid), '')
        FROM pg_policy WHERE polrelid = '%s'::regclass
        UNION ALL
        SELECT 'statistics ' || regexp_replace(stxname, '_1[0-9]{5}', '_#')
        FROM pg_statistic_ext WHERE stxrelid = '%s'::regclass
    ) x(x) $$) r WHERE to_regclass(t.name) IS NOT NULL GROUP BY 1, 2;

CREATE TABLE r (id int PRIMARY KEY);
SELECT create_reference_table('r');
CREATE TABLE t (k int, v text);
SELECT create_distributed_table('t', 'k');
INSERT INTO r VALUES (1), (2);
INSERT INTO t SELECT i, i FROM generate_series(1, 10) i;

ALTER TABLE t ADD COLUMN a int DEFAULT 5, ADD COLUMN b int;
ALTER TABLE t ADD PRIMARY KEY (k);
ALTER TABLE t ADD UNIQUE (k, a);
ALTER TABLE t ADD CHECK (t.a > 0);
ALTER TABLE t ADD CONSTRAINT named CHECK (tddl.t.a < 1000);
ALTER TABLE t ADD FOREIGN KEY (b) REFERENCES r;
ALTER TABLE t ADD EXCLUDE USING btree (k WITH =);
CREATE INDEX ON t (v);
CREATE INDEX ON t (lower(v), (a + b));
CREATE UNIQUE INDEX by_k ON t (k) WHERE t.a > 1;
CREATE STATISTICS st ON a, k FROM t;
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
CREATE POLICY pol ON t USING (t.a > 0);
SELECT name, shape FROM shapes WHERE name = 't';

ALTER TABLE t ALTER COLUMN v TYPE varchar(20) USING t.v::varchar(20), ALTER COLUMN v SET DEFAULT 'x';
ALTER TABLE t ALTER COLUMN a SET NOT NULL, DROP COLUMN b;
ALTER TABLE t RENAME COLUMN v TO w;
ALTER TABLE t DROP CONSTRAINT t_k_a_key;
ALTER TABLE t VALIDATE CONSTRAINT named;
ALTER TABLE t REPLICA IDENTITY USING INDEX t_pkey;
ALTER INDEX by_k RENAME TO by_key;
DROP INDEX t_v_idx;
ALTER STATISTICS st RENAME TO st2;
ALTER POLICY pol ON t RENAME TO pol2;
ALTER POLICY pol2 ON t USING (t.a > 1);
ALTER TABLE t SET (fillfactor = 50);
COMMENT ON COLUMN t.a IS 'a';
SELECT name, shape FROM shapes WHERE name = 't';

-- renamed, and in another schema; the name may mean something else further down the path
CREATE TABLE tddl2.t (plain int);
SET search_path TO tddl, tddl2;
ALTER TABLE t RENAME TO moved;
SELECT to_regclass('tddl2.t') IS NOT NULL AS untouched, count(*) FROM moved;
ALTER TABLE moved SET SCHEMA tddl2;
SELECT count(*) FROM tddl2.moved;
INSERT INTO moved VALUES (100, 'x', 3) RETURNING *;
DROP POLICY pol2 ON moved;
DROP STATISTICS tddl.st2;
DROP INDEX by_key;
SELECT shard_name('moved', shardid) ~ '^tddl2.moved_[0-9]+$' FROM pg_dist_shard
WHERE logicalrelid = 'moved'::regclass LIMIT 1;
SELECT count(DISTINCT result) AS kinds, min(result) AS indexes
FROM run_command_on_shards('moved',
    $$SELECT count(*) FROM pg_index WHERE indrelid = '%s'::regclass$$);

-- names too long for a suffix
CREATE TABLE a_table_with_a_very_long_name_that_leaves_no_room_for_a_suffix (k int);
SELECT create_distributed_table('a_table_with_a_very_long_name_that_leaves_no_room_for_a_suffix', 'k');
CREATE INDEX an_index_with_a_very_long_name_that_leaves_no_room_for_a_suffix
    ON a_table_with_a_very_long_name_that_leaves_no_room_for_a_suffix (k);
INSERT INTO a_table_with_a_very_long_name_that_leaves_no_room_for_a_suffix VALUES (1), (2), (3);
ALTER TABLE a_table_with_a_very_long_name_that_leaves_no_room_for_a_suffix
    RENAME TO a_table_with_another_long_name_that_leaves_no_room_for_suffixes;
SELECT count(*) FROM a_table_with_another_long_name_that_leaves_no_room_for_suffixes;
DROP INDEX an_index_with_a_very_long_name_that_leaves_no_room_for_a_suffix;

SELECT citus_internal.check_consistency();
DROP SCHEMA tddl, tddl2 CASCADE;
SELECT citus_internal.check_consistency();
