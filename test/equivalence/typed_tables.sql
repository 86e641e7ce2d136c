-- Tables whose columns are those of a type.
CREATE TYPE comp AS (x int, y text);
CREATE TABLE made OF comp;
CREATE TABLE bound (x int, y text);
CREATE TABLE other (x int, z text);
-- distribute: SET citus.shard_count TO 4
-- distribute: SELECT create_distributed_table('made', 'x')
-- distribute: SELECT create_distributed_table('bound', 'x')
-- distribute: SELECT create_reference_table('other')
INSERT INTO made VALUES (1, 'one'), (2, 'two');
INSERT INTO bound SELECT i, 'b' || i FROM generate_series(1, 20) i;
-- worker
ALTER TABLE other OF comp;
ALTER TABLE bound OF nope;
ALTER TABLE bound OF comp;
SELECT relname, reloftype::regtype FROM pg_class WHERE relname IN ('made', 'bound') ORDER BY 1;
ALTER TABLE bound ADD COLUMN z int;
ALTER TABLE bound RENAME COLUMN y TO z;
ALTER TYPE comp ADD ATTRIBUTE z int;
ALTER TYPE comp ADD ATTRIBUTE z int CASCADE, ADD ATTRIBUTE d date CASCADE;
UPDATE bound SET z = x * 2;
INSERT INTO made VALUES (3, 'three', 3, '2020-01-01');
SELECT * FROM made ORDER BY x;
SELECT sum(z), count(d) FROM bound;
ALTER TYPE comp ALTER ATTRIBUTE z TYPE bigint CASCADE;
SELECT sum(z), pg_typeof(min(z)) FROM bound;
ALTER TYPE comp RENAME ATTRIBUTE z TO zz;
ALTER TYPE comp RENAME ATTRIBUTE z TO zz CASCADE;
SELECT sum(zz) FROM bound;
ALTER TYPE comp DROP ATTRIBUTE d CASCADE;
ALTER TYPE comp DROP ATTRIBUTE nope CASCADE;
SELECT * FROM bound WHERE x < 4 ORDER BY x;
ALTER TABLE made NOT OF;
ALTER TABLE made NOT OF;
ALTER TABLE made ADD COLUMN own int DEFAULT 5;
ALTER TYPE comp ADD ATTRIBUTE last int CASCADE;
SELECT * FROM made ORDER BY x;
SELECT * FROM bound WHERE x < 4 ORDER BY x;
INSERT INTO bound VALUES (100, 'h', 1, 2) RETURNING *;
DROP TYPE comp;
DROP TABLE made, bound, other;
DROP TYPE comp;
