-- Foreign keys between tables of all kinds, kept when they become known.
CREATE SCHEMA tfk;
SET search_path TO tfk;
SET citus.shard_count TO 4;
SET client_min_messages TO warning;

-- within a colocation group, to itself, and to a reference table
CREATE TABLE countries (code text PRIMARY KEY);
CREATE TABLE companies (id int PRIMARY KEY, country text REFERENCES countries);
CREATE TABLE people (
    company int REFERENCES companies ON DELETE CASCADE,
    id int,
    boss int,
    PRIMARY KEY (company, id),
    FOREIGN KEY (company, boss) REFERENCES people (company, id));
INSERT INTO countries VALUES ('de'), ('fr');
INSERT INTO companies VALUES (1, 'de'), (2, 'fr');
INSERT INTO people VALUES (1, 1, NULL), (1, 2, 1), (2, 1, NULL);
SELECT create_reference_table('countries');
-- what is linked to it came along
SELECT logicalrelid, repmodel, autoconverted FROM pg_dist_partition
WHERE logicalrelid::text IN ('countries', 'companies', 'people') ORDER BY 1;
SELECT count(*) FROM people;
SELECT create_distributed_table('companies', 'id');
SELECT create_distributed_table('people', 'company');
SELECT count(*) FROM companies JOIN people ON company = companies.id;
\set VERBOSITY sqlstate
INSERT INTO companies VALUES (3, 'xx');
INSERT INTO people VALUES (3, 1, NULL);
INSERT INTO people VALUES (1, 3, 99);
DELETE FROM countries WHERE code = 'de';
\set VERBOSITY terse
INSERT INTO people VALUES (1, 3, 2);
DELETE FROM companies WHERE id = 2;
SELECT company, id FROM people ORDER BY 1, 2;
\set VERBOSITY sqlstate
SELECT undistribute_table('people');
\set VERBOSITY terse
SELECT undistribute_table('people', true);
SELECT count(*) FROM pg_dist_partition WHERE logicalrelid::text IN ('countries', 'companies', 'people');
SELECT company, id FROM people ORDER BY 1, 2;
\set VERBOSITY sqlstate
INSERT INTO people VALUES (77, 1, NULL);
\set VERBOSITY terse

-- managed local tables linked to each other
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (id int REFERENCES parent);
\set VERBOSITY sqlstate
SELECT citus_add_local_table_to_metadata('child');
\set VERBOSITY terse
SELECT citus_add_local_table_to_metadata('child', cascade_via_foreign_keys => true);
INSERT INTO parent VALUES (1);
INSERT INTO child VALUES (1);
\set VERBOSITY sqlstate
INSERT INTO child VALUES (2);
\set VERBOSITY terse
SELECT undistribute_table('child', true);
SELECT count(*) FROM child;

-- managed only because of a foreign key: plain again without it
CREATE TABLE lookup (id int PRIMARY KEY);
INSERT INTO lookup VALUES (1), (2);
CREATE TABLE first (id int PRIMARY KEY, l int CONSTRAINT link REFERENCES lookup);
CREATE TABLE second (id int REFERENCES first);
INSERT INTO first VALUES (1, 1);
INSERT INTO second VALUES (1);
SELECT create_reference_table('lookup');
CREATE TABLE third (id int REFERENCES lookup);
CREATE VIEW known AS SELECT logicalrelid, autoconverted FROM pg_dist_partition
WHERE logicalrelid::text IN ('lookup', 'first', 'second', 'third') ORDER BY logicalrelid::text;
SELECT * FROM known;
BEGIN;
ALTER TABLE first DROP CONSTRAINT link;
SELECT * FROM known;
SELECT * FROM first JOIN second USING (id);
ROLLBACK;
SELECT * FROM known;
INSERT INTO third VALUES (2);
DROP TABLE lookup CASCADE;
SELECT * FROM known;
SELECT * FROM first JOIN second USING (id);
SELECT * FROM third;

-- a reference table comes to point to a plain one
CREATE TABLE linked_parent (id int PRIMARY KEY, v int);
INSERT INTO linked_parent VALUES (1, 1);
CREATE TABLE linked_other (id int PRIMARY KEY);
CREATE TABLE linked (id int PRIMARY KEY);
SELECT create_reference_table('linked');
INSERT INTO linked VALUES (1);
SET citus.enable_local_reference_table_foreign_keys TO off;
ALTER TABLE linked ADD FOREIGN KEY (id) REFERENCES linked_parent;
RESET citus.enable_local_reference_table_foreign_keys;
ALTER TABLE linked ADD FOREIGN KEY (id) REFERENCES linked_parent, ADD COLUMN o int REFERENCES linked_other;
SELECT logicalrelid, partmethod, repmodel FROM pg_dist_partition WHERE logicalrelid::text LIKE 'linked%' ORDER BY 1;
INSERT INTO linked VALUES (2);
DELETE FROM linked_parent;
INSERT INTO linked_parent VALUES (2);
INSERT INTO linked VALUES (2);
SELECT * FROM linked JOIN linked_parent USING (id) ORDER BY id;
-- a key that the copies on workers lack
ALTER TABLE linked ADD CONSTRAINT later FOREIGN KEY (o) REFERENCES linked_parent NOT VALID;
ALTER TABLE linked VALIDATE CONSTRAINT later;
ALTER TABLE linked ALTER CONSTRAINT later DEFERRABLE;
ALTER TABLE linked RENAME CONSTRAINT later TO last;
ALTER TABLE linked DROP CONSTRAINT last, DROP CONSTRAINT linked_id_fkey;
DELETE FROM linked_parent;
DROP TABLE linked, linked_parent, linked_other;

-- refused
CREATE TABLE plain_parent (id int PRIMARY KEY);
CREATE TABLE dist_parent (id int PRIMARY KEY, other int);
SELECT create_distributed_table('dist_parent', 'id');
\set VERBOSITY sqlstate
CREATE TABLE c1 (id int REFERENCES plain_parent);
SELECT create_distributed_table('c1', 'id');
CREATE TABLE c2 (id int, x int REFERENCES dist_parent);
SELECT create_distributed_table('c2', 'id');
SELECT create_reference_table('c2');
CREATE TABLE c3 (id bigint REFERENCES dist_parent);
SELECT create_distributed_table('c3', 'id');
CREATE TABLE c4 (id int REFERENCES dist_parent ON DELETE SET NULL);
SELECT create_distributed_table('c4', 'id');
CREATE TABLE c5 (id int REFERENCES dist_parent ON UPDATE CASCADE);
SELECT create_distributed_table('c5', 'id');
\set VERBOSITY terse

SELECT citus_internal.check_consistency();
DROP SCHEMA tfk CASCADE;
SELECT citus_internal.check_consistency();
