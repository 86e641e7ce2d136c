-- The statements that make a table again; the same on all nodes.
CREATE SCHEMA events;
SET search_path TO events;
SET client_min_messages TO warning;
CREATE ROLE events_reader;
CREATE TYPE mood AS ENUM ('sad', 'it''s ok');
CREATE TYPE pair AS (a int, b text COLLATE "C");
CREATE DOMAIN positive AS int DEFAULT 3 CHECK (VALUE > 0) NOT NULL;
CREATE TYPE span AS RANGE (subtype = float8, subtype_diff = float8mi);
CREATE FUNCTION next_of(a positive, OUT b int) LANGUAGE sql IMMUTABLE AS 'SELECT a + 1';
CREATE FUNCTION add_up(int, int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + $2';
CREATE AGGREGATE total (int) (sfunc = add_up, stype = int, initcond = '0', parallel = safe);
CREATE TEXT SEARCH CONFIGURATION words (parser = default);
ALTER TEXT SEARCH CONFIGURATION words ADD MAPPING FOR word, asciiword WITH simple;

CREATE TABLE "Odd Name" (
    k int NOT NULL,
    gone pair,
    "Column" text COMPRESSION pglz COLLATE "C" DEFAULT 'it''s \',
    twice int GENERATED ALWAYS AS (k * 2) STORED,
    moods mood[] DEFAULT '{sad}',
    p positive,
    s span,
    f int DEFAULT next_of(4),
    w tsvector GENERATED ALWAYS AS (to_tsvector('words'::regconfig, 'a')) STORED,
    CONSTRAINT chk CHECK (k > 0) NO INHERIT,
    UNIQUE (k, twice) DEFERRABLE
) WITH (fillfactor = 70, toast.autovacuum_enabled = false);
ALTER TABLE "Odd Name" ADD CONSTRAINT later CHECK (k < 100) NOT VALID, DROP COLUMN gone;
CREATE UNIQUE INDEX part ON "Odd Name" (k, lower("Column")) INCLUDE (p) WHERE k > 5;
CREATE INDEX clustering ON "Odd Name" (k);
ALTER TABLE "Odd Name" REPLICA IDENTITY FULL, CLUSTER ON clustering;
CREATE STATISTICS st (dependencies) ON k, twice FROM "Odd Name";
ALTER STATISTICS st SET STATISTICS 77;
ALTER TABLE "Odd Name" ALTER k SET STATISTICS 50, ALTER "Column" SET STORAGE external,
    ALTER k SET (n_distinct = 7);
GRANT SELECT ON "Odd Name" TO events_reader WITH GRANT OPTION;
GRANT UPDATE (k) ON "Odd Name" TO events_reader;
ALTER TABLE "Odd Name" ENABLE ROW LEVEL SECURITY;
CREATE POLICY pol ON "Odd Name" AS RESTRICTIVE FOR UPDATE TO events_reader
    USING (k > 1) WITH CHECK (k <> 3);
COMMENT ON TABLE "Odd Name" IS 'it''s a \table';
COMMENT ON COLUMN "Odd Name".k IS 'the key';
SELECT create_distributed_table('"Odd Name"', 'k', colocate_with => 'none');

CREATE TABLE whole (k int, d date, v text, PRIMARY KEY (k, d)) PARTITION BY RANGE (d);
CREATE TABLE early PARTITION OF whole FOR VALUES FROM (MINVALUE) TO ('2020-01-01');
CREATE INDEX ON whole (v);
SELECT create_distributed_table('whole', 'k', colocate_with => 'none');

-- (what the owner may do differs between releases)
SELECT e FROM master_get_table_ddl_events('events."Odd Name"') e
WHERE e NOT LIKE 'GRANT % TO postgres';
SELECT master_get_table_ddl_events('events.whole');
SELECT md5(string_agg(e, ';' ORDER BY e)) AS here
FROM unnest(ARRAY['events."Odd Name"', 'events.whole', 'events.early']) t,
    master_get_table_ddl_events(t) e \gset
\c - - localhost :worker1_port
SELECT md5(string_agg(e, ';' ORDER BY e)) = :'here' AS same
FROM unnest(ARRAY['events."Odd Name"', 'events.whole', 'events.early']) t,
    master_get_table_ddl_events(t) e;
SELECT events.next_of(1);
SELECT ts_debug('events.words', 'a b') IS NOT NULL AS config LIMIT 1;
\c - - localhost :coordinator_port

SELECT master_get_table_ddl_events('events.missing');
SELECT master_get_table_ddl_events('pg_class_oid_index');
SELECT citus_internal.check_consistency();
SET client_min_messages TO warning;
DROP SCHEMA events CASCADE;
DROP ROLE events_reader;
