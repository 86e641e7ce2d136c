-- Values of a domain that it would not let in now: rows that are older than a constraint, and the NULL
-- of an outer join.  They are read as they are.
CREATE DOMAIN small AS int;
CREATE DOMAIN present AS int NOT NULL;
CREATE TABLE things (k int, v small, x int, p present);
CREATE TABLE others (k int, v small, p present);
-- distribute: SELECT create_distributed_table('things', 'k', shard_count => 4);
-- distribute: SELECT create_distributed_table('others', 'k', colocate_with => 'things');
INSERT INTO things SELECT i, i, i, i FROM generate_series(5, 15) i;
INSERT INTO others SELECT i, i, i FROM generate_series(5, 9) i;
ALTER DOMAIN small ADD CONSTRAINT up_to_ten CHECK (VALUE <= 10) NOT VALID;
ALTER DOMAIN small VALIDATE CONSTRAINT up_to_ten;

SELECT * FROM things ORDER BY k;
SELECT v FROM things WHERE k = 15;
SELECT DISTINCT v FROM things WHERE x > 11 ORDER BY v;
SELECT v FROM things ORDER BY v DESC LIMIT 1 FOR UPDATE;
SELECT max(v), array_agg(v ORDER BY v) FROM things;
SELECT a.v, b.v FROM things a JOIN things b ON a.v = b.x ORDER BY 1;
SELECT a.v, b.v FROM things a FULL JOIN things b ON a.v = b.x + 5 ORDER BY 1, 2;
WITH s AS MATERIALIZED (SELECT v FROM things ORDER BY v DESC LIMIT 3)
SELECT s.v, t.v FROM s JOIN things t ON t.x = s.v ORDER BY 1;
SELECT t.k, o.p FROM things t LEFT JOIN others o USING (k) ORDER BY 1;
SELECT t.k, o.p FROM things t LEFT JOIN others o USING (p) ORDER BY 1;
SELECT t.k, (SELECT o.p FROM others o WHERE o.k = t.k) FROM things t ORDER BY 1;
WITH s AS MATERIALIZED (SELECT t.k, o.p FROM things t LEFT JOIN others o USING (k)) SELECT * FROM s ORDER BY 1;

-- a new value must keep them
UPDATE things SET v = 11 WHERE k = 5;
UPDATE things SET x = 10;
UPDATE things SET p = (SELECT o.p FROM others o WHERE o.k = 99) WHERE k = 5;
UPDATE things SET v = v - 10 WHERE v > 10 RETURNING k, v;
ALTER DOMAIN small VALIDATE CONSTRAINT up_to_ten;
SELECT * FROM things ORDER BY k;
