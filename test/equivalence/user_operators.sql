-- Operators, operator classes and casts of users are those of one server, in what runs on shards, too.
CREATE TYPE pair AS (a int, b int);
CREATE FUNCTION to_pair(int) RETURNS pair LANGUAGE sql IMMUTABLE AS 'SELECT ROW($1, $1)';
CREATE FUNCTION from_pair(pair) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1.a';
CREATE CAST (int AS pair) WITH FUNCTION to_pair(int) AS IMPLICIT;
CREATE CAST (pair AS int) WITH FUNCTION from_pair(pair) AS ASSIGNMENT;
CREATE FUNCTION second(pair) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1.b';
CREATE FUNCTION more(int, int) RETURNS bool LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $1 > $2';
CREATE FUNCTION less(int, int) RETURNS bool LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $1 < $2';
CREATE OPERATOR <<< (FUNCTION = less, LEFTARG = int, RIGHTARG = int, COMMUTATOR = >>>, RESTRICT = scalarltsel);
CREATE OPERATOR >>> (FUNCTION = more, LEFTARG = int, RIGHTARG = int, COMMUTATOR = <<<, RESTRICT = scalargtsel);
CREATE FUNCTION backwards(int, int) RETURNS int LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $2 - $1';
CREATE FUNCTION hash_far(int, int8) RETURNS int8 LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $1::int8 + $2';
CREATE TABLE t (k int, v int, p pair);
-- distribute: SELECT create_distributed_table('t', 'k', shard_count => 4);
INSERT INTO t SELECT i, i % 5, i FROM generate_series(1, 20) i;
INSERT INTO t VALUES (21, 1, (3, 4)::pair), ((5, 6)::pair, 1, 7);

SELECT k FROM t WHERE k >>> 18;
SELECT k FROM t WHERE v <<< 1 ORDER BY k;
SELECT second(k), p::int FROM t WHERE k < 4;
SELECT a.k, b.k FROM t a JOIN t b ON a.v >>> b.v AND a.k <<< 4 AND b.k <<< 4;
SELECT second(v), count(*) FROM t GROUP BY 1;
UPDATE t SET p = k WHERE v >>> 2 RETURNING k, p;
UPDATE t SET v = p WHERE k = 21 RETURNING *;
ALTER TABLE t ADD CONSTRAINT low CHECK (k <<< 100), ADD COLUMN q pair DEFAULT 7;
INSERT INTO t VALUES (100, 1, 1);
INSERT INTO t (k) VALUES (30) RETURNING *;
CREATE VIEW w AS SELECT k, second(v) AS s FROM t WHERE p::int >>> 15;
SELECT * FROM w;

-- of one operand
CREATE FUNCTION odd(int) RETURNS bool LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $1 % 2 = 1';
CREATE OPERATOR !!! (FUNCTION = odd, RIGHTARG = int);
ALTER TABLE t ADD CONSTRAINT odd CHECK (!!! k OR k < 100);
SELECT k FROM t WHERE !!! k;
INSERT INTO t (k) VALUES (32), (200);
DROP OPERATOR !!! (NONE, int);
DROP OPERATOR !!! (NONE, int) CASCADE;
SELECT !!! k FROM t;

-- classes: of indexes and of partitions
CREATE OPERATOR CLASS back FOR TYPE int USING btree AS
    OPERATOR 1 >, OPERATOR 2 >=, OPERATOR 3 =, OPERATOR 4 <=, OPERATOR 5 <, FUNCTION 1 backwards(int, int);
CREATE INDEX t_back ON t (v back);
CREATE UNIQUE INDEX t_unique ON t (k, v back);
SELECT k, v FROM t WHERE v > 3;
CREATE OPERATOR CLASS far FOR TYPE int USING hash AS OPERATOR 1 =, FUNCTION 2 hash_far(int, int8);
CREATE TABLE h (k int, v int) PARTITION BY HASH (v far);
CREATE TABLE h0 PARTITION OF h FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE h1 PARTITION OF h FOR VALUES WITH (MODULUS 2, REMAINDER 1);
-- distribute: SELECT create_distributed_table('h', 'k', shard_count => 4);
INSERT INTO h SELECT i, i FROM generate_series(1, 20) i;
SELECT tableoid::regclass, count(*), sum(v) FROM h GROUP BY 1;
CREATE TABLE e (k int, v int, EXCLUDE USING btree (k WITH =, v WITH =));
-- distribute: SELECT create_distributed_table('e', 'k', shard_count => 4);
INSERT INTO e VALUES (1, 1), (1, 2);
INSERT INTO e VALUES (1, 1);

ALTER OPERATOR CLASS back USING btree RENAME TO backward;
CREATE INDEX ON t (v backward);
DROP OPERATOR >>> (int, int);
DROP OPERATOR >>> (int, int) CASCADE;
SELECT * FROM w;
DROP OPERATOR CLASS backward USING btree;
DROP OPERATOR CLASS backward USING btree CASCADE;
DROP CAST (int AS pair);
DROP CAST (int AS pair) CASCADE;
SELECT second(k) FROM t;
SELECT p::int FROM t WHERE k = 1;
SELECT count(*) FROM t WHERE v <<< 2;
