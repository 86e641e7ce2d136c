-- Many rows for the client: every type, NULLs, long values, parameters, errors in the middle, settings.
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TABLE r (k int, b bool, i2 int2, i8 int8, o oid, f4 float4, f8 float8, n numeric(12,3), t text, v varchar(40), c char(7),
                nm name, by bytea, u uuid, d date, tm time, tz timetz, ts timestamp, tsz timestamptz, iv interval, j json, jb jsonb);
-- distribute: SELECT create_distributed_table('r', 'k')
INSERT INTO r
SELECT i, i % 2 = 0, i % 300, i * 10000000019, 3000000000 + i, i * 0.37, CASE i % 50 WHEN 0 THEN 'NaN' WHEN 1 THEN '-Infinity' ELSE i / 7.0 END,
       i * 1.125, CASE WHEN i % 11 = 0 THEN NULL WHEN i % 13 = 0 THEN '' ELSE 'tëxt ' || repeat('x', i % 70) END, 'v' || i, 'c' || i % 100,
       'name' || i, decode(md5(i::text), 'hex'), md5(i::text)::uuid, date '2000-01-01' + i, time '10:00' + i * interval '1 second',
       timetz '10:00+02', timestamp '1999-12-31 23:00' + i * interval '1 minute', timestamptz '2020-05-05 00:00+00' + i * interval '1 hour',
       i * interval '1 hour 5 minutes', json_build_object('a', i), jsonb_build_array(i, NULL, 'x')
FROM generate_series(1, 7000) i;
INSERT INTO r (k, t) VALUES (8000, repeat('long', 30000)), (8001, repeat('é', 70000));
ANALYZE r;
SELECT * FROM r;
SELECT r FROM r WHERE k < 6000;
SELECT t, k, i8 FROM r WHERE k > 500;
SELECT k, ARRAY[k, i2], mood 'ok', k::positive FROM r;
SELECT k + 1, upper(t), now() = now(), 'constant', NULL FROM r WHERE n > 10;
SELECT FROM r;
SET datestyle TO 'German';
SET timezone TO 'Asia/Kolkata';
SET intervalstyle TO 'iso_8601';
SET bytea_output TO 'escape';
SET extra_float_digits TO -3;
SELECT f4, f8, by, d, tz, ts, tsz, iv FROM r;
RESET ALL;
SET client_encoding TO 'LATIN1';
SELECT k, v, t FROM r WHERE k < 7500;
RESET client_encoding;
SELECT k, 1 / (k - 6500) FROM r WHERE k > 1;
SELECT a.k, b.t FROM r a JOIN r b USING (k) WHERE a.i2 <> 7;
SELECT k, i2 FROM r UNION ALL SELECT k, i2 + 1 FROM r;
SELECT k, count(*), max(t) FROM r GROUP BY k;
SELECT k, row_number() OVER (PARTITION BY k ORDER BY n) FROM r;
PREPARE p (int, text) AS SELECT k, t, $2 FROM r WHERE k > $1 AND n > $1;
EXECUTE p (100, 'a');
EXECUTE p (200, NULL);
EXECUTE p (300, 'c');
BEGIN;
UPDATE r SET t = 'changed' WHERE k % 2 = 0;
SELECT k, t FROM r;
SAVEPOINT s;
SELECT k, 1 / (k - 6500) FROM r;
ROLLBACK TO s;
SELECT k, t FROM r;
DECLARE c CURSOR FOR SELECT k, i2 FROM r;
FETCH FORWARD ALL FROM c;
CLOSE c;
ROLLBACK;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT k, t FROM r;
SELECT k, i8 FROM r;
COMMIT;
CREATE FUNCTION rows_of(int) RETURNS SETOF r LANGUAGE sql AS 'SELECT * FROM r WHERE k > $1';
SELECT k, t FROM rows_of(10);
