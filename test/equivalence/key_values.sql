-- Values of a distribution column that are equal without being alike, and those at the edges of a type: zeros with
-- signs, NaN, scales, padding, empty and odd bounds, time zones, composites of nulls.
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TYPE comp AS (a int, b text);
CREATE DOMAIN dom AS int CHECK (VALUE > 0);
CREATE TABLE k_numeric (k numeric, v int);
CREATE TABLE k_float8 (k float8, v int);
CREATE TABLE k_float4 (k float4, v int);
CREATE TABLE k_text (k text, v int);
CREATE TABLE k_varchar_5 (k varchar(5), v int);
CREATE TABLE k_char_5 (k char(5), v int);
CREATE TABLE k_uuid (k uuid, v int);
CREATE TABLE k_date (k date, v int);
CREATE TABLE k_timestamptz (k timestamptz, v int);
CREATE TABLE k_interval (k interval, v int);
CREATE TABLE k_bool (k bool, v int);
CREATE TABLE k_bytea (k bytea, v int);
CREATE TABLE k_inet (k inet, v int);
CREATE TABLE k_jsonb (k jsonb, v int);
CREATE TABLE k_int4range (k int4range, v int);
CREATE TABLE k_ints (k int[], v int);
CREATE TABLE k_texts (k text[], v int);
CREATE TABLE k_mood (k mood, v int);
CREATE TABLE k_moods (k mood[], v int);
CREATE TABLE k_comp (k comp, v int);
CREATE TABLE k_dom (k dom, v int);
CREATE TABLE k_time (k time, v int);
CREATE TABLE k_timetz (k timetz, v int);
CREATE TABLE k_macaddr (k macaddr, v int);
CREATE TABLE k_pg_lsn (k pg_lsn, v int);
CREATE TABLE k_int8 (k int8, v int);
CREATE TABLE k_int2 (k int2, v int);
CREATE TABLE k_xid8 (k xid8, v int);
-- distribute: SELECT create_distributed_table('k_numeric', 'k')
-- distribute: SELECT create_distributed_table('k_float8', 'k')
-- distribute: SELECT create_distributed_table('k_float4', 'k')
-- distribute: SELECT create_distributed_table('k_text', 'k')
-- distribute: SELECT create_distributed_table('k_varchar_5', 'k')
-- distribute: SELECT create_distributed_table('k_char_5', 'k')
-- distribute: SELECT create_distributed_table('k_uuid', 'k')
-- distribute: SELECT create_distributed_table('k_date', 'k')
-- distribute: SELECT create_distributed_table('k_timestamptz', 'k')
-- distribute: SELECT create_distributed_table('k_interval', 'k')
-- distribute: SELECT create_distributed_table('k_bool', 'k')
-- distribute: SELECT create_distributed_table('k_bytea', 'k')
-- distribute: SELECT create_distributed_table('k_inet', 'k')
-- distribute: SELECT create_distributed_table('k_jsonb', 'k')
-- distribute: SELECT create_distributed_table('k_int4range', 'k')
-- distribute: SELECT create_distributed_table('k_ints', 'k')
-- distribute: SELECT create_distributed_table('k_texts', 'k')
-- distribute: SELECT create_distributed_table('k_mood', 'k')
-- distribute: SELECT create_distributed_table('k_moods', 'k')
-- distribute: SELECT create_distributed_table('k_comp', 'k')
-- distribute: SELECT create_distributed_table('k_dom', 'k')
-- distribute: SELECT create_distributed_table('k_time', 'k')
-- distribute: SELECT create_distributed_table('k_timetz', 'k')
-- distribute: SELECT create_distributed_table('k_macaddr', 'k')
-- distribute: SELECT create_distributed_table('k_pg_lsn', 'k')
-- distribute: SELECT create_distributed_table('k_int8', 'k')
-- distribute: SELECT create_distributed_table('k_int2', 'k')
-- distribute: SELECT create_distributed_table('k_xid8', 'k')
-- numeric
INSERT INTO k_numeric VALUES (1.0, 0), (1.00, 1), (0, 2), (-0, 3), ('NaN', 4), ('Infinity', 5), (123456789012345678901234567890.12345, 6);
SELECT k, count(*), sum(v) FROM k_numeric GROUP BY k ORDER BY k, 3;
SELECT v FROM k_numeric WHERE k = 1.0::numeric ORDER BY v;
SELECT v FROM k_numeric WHERE k = 1.00::numeric ORDER BY v;
SELECT v FROM k_numeric WHERE k = 0::numeric ORDER BY v;
SELECT v FROM k_numeric WHERE k = -0::numeric ORDER BY v;
SELECT v FROM k_numeric WHERE k = 'NaN'::numeric ORDER BY v;
SELECT v FROM k_numeric WHERE k = 'Infinity'::numeric ORDER BY v;
SELECT v FROM k_numeric WHERE k = 123456789012345678901234567890.12345::numeric ORDER BY v;
SELECT a.v, b.v FROM k_numeric a JOIN k_numeric b USING (k) ORDER BY 1, 2;
SELECT count(*) FROM k_numeric WHERE k IS NULL OR k IN (123456789012345678901234567890.12345::numeric, 1.0::numeric);
INSERT INTO k_numeric SELECT k, v + 100 FROM k_numeric;
UPDATE k_numeric SET k = 1.0::numeric WHERE v = 106 RETURNING v;
WITH gone AS (DELETE FROM k_numeric WHERE k = 1.0::numeric RETURNING v) SELECT count(*), sum(v) FROM gone;
-- float8
INSERT INTO k_float8 VALUES (0.0, 0), ('-0', 1), ('NaN', 2), ('Infinity', 3), (1e300, 4), (0.1, 5);
SELECT k, count(*), sum(v) FROM k_float8 GROUP BY k ORDER BY k, 3;
SELECT v FROM k_float8 WHERE k = 0.0::float8 ORDER BY v;
SELECT v FROM k_float8 WHERE k = '-0'::float8 ORDER BY v;
SELECT v FROM k_float8 WHERE k = 'NaN'::float8 ORDER BY v;
SELECT v FROM k_float8 WHERE k = 'Infinity'::float8 ORDER BY v;
SELECT v FROM k_float8 WHERE k = 1e300::float8 ORDER BY v;
SELECT v FROM k_float8 WHERE k = 0.1::float8 ORDER BY v;
SELECT a.v, b.v FROM k_float8 a JOIN k_float8 b USING (k) ORDER BY 1, 2;
SELECT count(*) FROM k_float8 WHERE k IS NULL OR k IN (0.1::float8, 0.0::float8);
INSERT INTO k_float8 SELECT k, v + 100 FROM k_float8;
UPDATE k_float8 SET k = 0.0::float8 WHERE v = 105 RETURNING v;
WITH gone AS (DELETE FROM k_float8 WHERE k = 0.0::float8 RETURNING v) SELECT count(*), sum(v) FROM gone;
-- float4
INSERT INTO k_float4 VALUES (0.0, 0), ('-0', 1), ('NaN', 2), (1.5, 3);
SELECT k, count(*), sum(v) FROM k_float4 GROUP BY k ORDER BY k, 3;
SELECT v FROM k_float4 WHERE k = 0.0::float4 ORDER BY v;
SELECT v FROM k_float4 WHERE k = '-0'::float4 ORDER BY v;
SELECT v FROM k_float4 WHERE k = 'NaN'::float4 ORDER BY v;
SELECT v FROM k_float4 WHERE k = 1.5::float4 ORDER BY v;
SELECT a.v, b.v FROM k_float4 a JOIN k_float4 b USING (k) ORDER BY 1, 2;
SELECT count(*) FROM k_float4 WHERE k IS NULL OR k IN (1.5::float4, 0.0::float4);
INSERT INTO k_float4 SELECT k, v + 100 FROM k_float4;
UPDATE k_float4 SET k = 0.0::float4 WHERE v = 103 RETURNING v;
WITH gone AS (DELETE FROM k_float4 WHERE k = 0.0::float4 RETURNING v) SELECT count(*), sum(v) FROM gone;
-- text
INSERT INTO k_text VALUES ('', 0), ('a', 1), ('A', 2), (E'\u00e9', 3), (repeat('x',5000), 4);
SELECT k, count(*), sum(v) FROM k_text GROUP BY k ORDER BY k, 3;
SELECT v FROM k_text WHERE k = ''::text ORDER BY v;
SELECT v FROM k_text WHERE k = 'a'::text ORDER BY v;
SELECT v FROM k_text WHERE k = 'A'::text ORDER BY v;
SELECT v FROM k_text WHERE k = E'\u00e9'::text ORDER BY v;
SELECT v FROM k_text WHERE k = repeat('x',5000)::text ORDER BY v;
SELECT a.v, b.v FROM k_text a JOIN k_text b USING (k) ORDER BY 1, 2;
SELECT count(*) FROM k_text WHERE k IS NULL OR k IN (repeat('x',5000)::text, ''::text);
INSERT INTO k_text SELECT k, v + 100 FROM k_text;
UPDATE k_text SET k = ''::text WHERE v = 104 RETURNING v;
WITH gone AS (DELETE FROM k_text WHERE k = ''::text RETURNING v) SELECT count(*), sum(v) FROM gone;
-- varchar(5)
INSERT INTO k_varchar_5 VALUES ('ab', 0), ('ab   ', 1), ('', 2);
SELECT k, count(*), sum(v) FROM k_varchar_5 GROUP BY k ORDER BY k, 3;
SELECT v FROM k_varchar_5 WHERE k = 'ab'::varchar(5) ORDER BY v;
SELECT v FROM k_varchar_5 WHERE k = 'ab   '::varchar(5) ORDER BY v;
SELECT v FROM k_varchar_5 WHERE k = ''::varchar(5) ORDER BY v;
SELECT a.v, b.v FROM k_varchar_5 a JOIN k_varchar_5 b USING (k) ORDER BY 1, 2;
SELECT count(*) FROM k_varchar_5 WHERE k IS NULL OR k IN (''::varchar(5), 'ab'::varchar(5));
INSERT INTO k_varchar_5 SELECT k, v + 100 FROM k_varchar_5;
UPDATE k_varchar_5 SET k = 'ab'::varchar(5) WHERE v = 102 RETURNING v;
WITH gone AS (DELETE FROM k_varchar_5 WHERE k = 'ab'::varchar(5) RETURNING v) SELECT count(*), sum(v) FROM gone;
-- char(5)
INSERT INTO k_char_5 VALUES ('ab', 0), ('ab   ', 1), ('', 2);
SELECT k, count(*), sum(v) FROM k_char_5 GROUP BY k ORDER BY k, 3;
SELECT v FROM k_char_5 WHERE k = 'ab'::char(5) ORDER BY v;
SELECT v FROM k_char_5 WHERE k = 'ab   '::char(5) ORDER BY v;
SELECT v FROM k_char_5 WHERE k = ''::char(5) ORDER BY v;
SELECT a.v, b.v FROM k_char_5 a JOIN k_char_5 b USING (k) ORDER BY 1, 2;
SELECT count(*) FROM k_char_5 WHERE k IS NULL OR k IN (''::char(5), 'ab'::char(5));
INSERT INTO k_char_5 SELECT k, v + 100 FROM k_char_5;
UPDATE k_char_5 SET k = 'ab'::char(5) WHERE v = 102 RETURNING v;
WITH gone AS (DELETE FROM k_char_5 WHERE k = 'ab'::char(5) RETURNING v) SELECT count(*), sum(v) FROM gone;
-- uuid
INSERT INTO k_uuid VALUES ('00000000-0000-0000-0000-000000000001', 0), ('ffffffff-ffff-ffff-ffff-ffffffffffff', 1);
SELECT k, count(*), sum(v) FROM k_uuid GROUP BY k ORDER BY k, 3;
SELECT v FROM k_uuid WHERE k = '00000000-0000-0000-0000-000000000001'::uuid ORDER BY v;
SELECT v FROM k_uuid WHERE k = 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid ORDER BY v;
SELECT a.v, b.v FROM k_uuid a JOIN k_uuid b USING (k) ORDER BY 1, 2;
SELECT count(*) FROM k_uuid WHERE k IS NULL OR k IN ('ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid, '00000000-0000-0000-0000-000000000001'::uuid);
INSERT INTO k_uuid SELECT k, v + 100 FROM k_uuid;
UPDATE k_uuid SET k = '00000000-0000-0000-0000-000000000001'::uuid WHERE v = 101 RETURNING v;
WITH gone AS (DELETE FROM k_uuid WHERE k = '00000000-0000-0000-0000-000000000001'::uuid RETURNING v) SELECT count(*), sum(v) FROM gone;
-- date
INSERT INTO k_date VALUES ('2024-01-01', 0), ('infinity', 1), ('-infinity', 2), ('0044-03-15 BC', 3);
SELECT k, count(*), sum(v) FROM k_date GROUP BY k ORDER BY k, 3;
SELECT v FROM k_date WHERE k = '2024-01-01'::date ORDER BY v;
SELECT v FROM k_date WHERE k = 'infinity'::date ORDER BY v;
SELECT v FROM k_date WHERE k = '-infinity'::date ORDER BY v;
SELECT v FROM k_date WHERE k = '0044-03-15 BC'::date ORDER BY v;
SELECT a.v, b.v FROM k_date a JOIN k_date b USING (k) ORDER BY 1, 2;
SELECT count(*) FROM k_date WHERE k IS NULL OR k IN ('0044-03-15 BC'::date, '2024-01-01'::date);
INSERT INTO k_date SELECT k, v + 100 FROM k_date;
UPDATE k_date SET k = '2024-01-01'::date WHERE v = 103 RETURNING v;
WITH gone AS (DELETE FROM k_date WHERE k = '2024-01-01'::date RETURNING v) SELECT count(*), sum(v) FROM gone;
-- timestamptz
INSERT INTO k_timestamptz VALUES ('2024-01-01 00:00+02', 0), ('2023-12-31 22:00+00', 1), ('infinity', 2);
SELECT k, count(*), sum(v) FROM k_timestamptz GROUP BY k ORDER BY k, 3;
SELECT v FROM k_timestamptz WHERE k = '2024-01-01 00:00+02'::timestamptz ORDER BY v;
SELECT v FROM k_timestamptz WHERE k = '2023-12-31 22:00+00'::timestamptz ORDER BY v;
SELECT v FROM k_timestamptz WHERE k = 'infinity'::timestamptz ORDER BY v;
SELECT a.v, b.v FROM k_timestamptz a JOIN k_timestamptz b USING (k) ORDER BY 1, 2;
SELECT count(*) FROM k_timestamptz WHERE k IS NULL OR k IN ('infinity'::timestamptz, '2024-01-01 00:00+02'::timestamptz);
INSERT INTO k_timestamptz SELECT k, v + 100 FROM k_timestamptz;
UPDATE k_timestamptz SET k = '2024-01-01 00:00+02'::timestamptz WHERE v = 102 RETURNING v;
WITH gone AS (DELETE FROM k_timestamptz WHERE k = '2024-01-01 00:00+02'::timestamptz RETURNING v) SELECT count(*), sum(v) FROM gone;
-- interval
INSERT INTO k_interval VALUES ('1 mon', 0), ('30 days', 1), ('720 hours', 2), ('-1 day', 3);
SELECT k, count(*), sum(v) FROM k_interval GROUP BY k ORDER BY k, 3;
SELECT v FROM k_interval WHERE k = '1 mon'::interval ORDER BY v;
SELECT v FROM k_interval WHERE k = '30 days'::interval ORDER BY v;
SELECT v FROM k_interval WHERE k = '720 hours'::interval ORDER BY v;
SELECT v FROM k_interval WHERE k = '-1 day'::interval ORDER BY v;
SELECT a.v, b.v FROM k_interval a JOIN k_interval b USING (k) ORDER BY 1, 2;
SELECT count(*) FROM k_interval WHERE k IS NULL OR k IN ('-1 day'::interval, '1 mon'::interval);
INSERT INTO k_interval SELECT k, v + 100 FROM k_interval;
UPDATE k_interval SET k = '1 mon'::interval WHERE v = 103 RETURNING v;
WITH gone AS (DELETE FROM k_interval WHERE k = '1 mon'::interval RETURNING v) SELECT count(*), sum(v) FROM gone;
-- bool
INSERT INTO k_bool VALUES (true, 0), (false, 1);
SELECT k, count(*), sum(v) FROM k_bool GROUP BY k ORDER BY k, 3;
SELECT v FROM k_bool WHERE k = true::bool ORDER BY v;
SELECT v FROM k_bool WHERE k = false::bool ORDER BY v;
SELECT a.v, b.v FROM k_bool a JOIN k_bool b USING (k) ORDER BY 1, 2;
SELECT count(*) FROM k_bool WHERE k IS NULL OR k IN (false::bool, true::bool);
INSERT INTO k_bool SELECT k, v + 100 FROM k_bool;
UPDATE k_bool SET k = true::bool WHERE v = 101 RETURNING v;
WITH gone AS (DELETE FROM k_bool WHERE k = true::bool RETURNING v) SELECT count(*), sum(v) FROM gone;
-- bytea
INSERT INTO k_bytea VALUES ('\x00ff', 0), ('', 1);
SELECT k, count(*), sum(v) FROM k_bytea GROUP BY k ORDER BY k, 3;
SELECT v FROM k_bytea WHERE k = '\x00ff'::bytea ORDER BY v;
SELECT v FROM k_bytea WHERE k = ''::bytea ORDER BY v;
SELECT a.v, b.v FROM k_bytea a JOIN k_bytea b USING (k) ORDER BY 1, 2;
SELECT count(*) FROM k_bytea WHERE k IS NULL OR k IN (''::bytea, '\x00ff'::bytea);
INSERT INTO k_bytea SELECT k, v + 100 FROM k_bytea;
UPDATE k_bytea SET k = '\x00ff'::bytea WHERE v = 101 RETURNING v;
WITH gone AS (DELETE FROM k_bytea WHERE k = '\x00ff'::bytea RETURNING v) SELECT count(*), sum(v) FROM gone;
-- inet
INSERT INTO k_inet VALUES ('10.0.0.1', 0), ('10.0.0.1/32', 1), ('::1', 2);
SELECT k, count(*), sum(v) FROM k_inet GROUP BY k ORDER BY k, 3;
SELECT v FROM k_inet WHERE k = '10.0.0.1'::inet ORDER BY v;
SELECT v FROM k_inet WHERE k = '10.0.0.1/32'::inet ORDER BY v;
SELECT v FROM k_inet WHERE k = '::1'::inet ORDER BY v;
SELECT a.v, b.v FROM k_inet a JOIN k_inet b USING (k) ORDER BY 1, 2;
SELECT count(*) FROM k_inet WHERE k IS NULL OR k IN ('::1'::inet, '10.0.0.1'::inet);
INSERT INTO k_inet SELECT k, v + 100 FROM k_inet;
UPDATE k_inet SET k = '10.0.0.1'::inet WHERE v = 102 RETURNING v;
WITH gone AS (DELETE FROM k_inet WHERE k = '10.0.0.1'::inet RETURNING v) SELECT count(*), sum(v) FROM gone;
-- jsonb
INSERT INTO k_jsonb VALUES ('{"a":1.0}', 0), ('{"a":1.00}', 1), ('null', 2), ('[]', 3);
SELECT k, count(*), sum(v) FROM k_jsonb GROUP BY k ORDER BY k, 3;
SELECT v FROM k_jsonb WHERE k = '{"a":1.0}'::jsonb ORDER BY v;
SELECT v FROM k_jsonb WHERE k = '{"a":1.00}'::jsonb ORDER BY v;
SELECT v FROM k_jsonb WHERE k = 'null'::jsonb ORDER BY v;
SELECT v FROM k_jsonb WHERE k = '[]'::jsonb ORDER BY v;
SELECT a.v, b.v FROM k_jsonb a JOIN k_jsonb b USING (k) ORDER BY 1, 2;
SELECT count(*) FROM k_jsonb WHERE k IS NULL OR k IN ('[]'::jsonb, '{"a":1.0}'::jsonb);
INSERT INTO k_jsonb SELECT k, v + 100 FROM k_jsonb;
UPDATE k_jsonb SET k = '{"a":1.0}'::jsonb WHERE v = 103 RETURNING v;
WITH gone AS (DELETE FROM k_jsonb WHERE k = '{"a":1.0}'::jsonb RETURNING v) SELECT count(*), sum(v) FROM gone;
-- int4range
INSERT INTO k_int4range VALUES ('[1,3)', 0), ('[1,2]', 1), ('empty', 2);
SELECT k, count(*), sum(v) FROM k_int4range GROUP BY k ORDER BY k, 3;
SELECT v FROM k_int4range WHERE k = '[1,3)'::int4range ORDER BY v;
SELECT v FROM k_int4range WHERE k = '[1,2]'::int4range ORDER BY v;
SELECT v FROM k_int4range WHERE k = 'empty'::int4range ORDER BY v;
SELECT a.v, b.v FROM k_int4range a JOIN k_int4range b USING (k) ORDER BY 1, 2;
SELECT count(*) FROM k_int4range WHERE k IS NULL OR k IN ('empty'::int4range, '[1,3)'::int4range);
INSERT INTO k_int4range SELECT k, v + 100 FROM k_int4range;
UPDATE k_int4range SET k = '[1,3)'::int4range WHERE v = 102 RETURNING v;
WITH gone AS (DELETE FROM k_int4range WHERE k = '[1,3)'::int4range RETURNING v) SELECT count(*), sum(v) FROM gone;
-- int[]
INSERT INTO k_ints VALUES ('{1,2}', 0), ('{}', 1), ('[0:1]={1,2}', 2), ('{NULL}', 3);
SELECT k, count(*), sum(v) FROM k_ints GROUP BY k ORDER BY k, 3;
SELECT v FROM k_ints WHERE k = '{1,2}'::int[] ORDER BY v;
SELECT v FROM k_ints WHERE k = '{}'::int[] ORDER BY v;
SELECT v FROM k_ints WHERE k = '[0:1]={1,2}'::int[] ORDER BY v;
SELECT v FROM k_ints WHERE k = '{NULL}'::int[] ORDER BY v;
SELECT a.v, b.v FROM k_ints a JOIN k_ints b USING (k) ORDER BY 1, 2;
SELECT count(*) FROM k_ints WHERE k IS NULL OR k IN ('{NULL}'::int[], '{1,2}'::int[]);
INSERT INTO k_ints SELECT k, v + 100 FROM k_ints;
UPDATE k_ints SET k = '{1,2}'::int[] WHERE v = 103 RETURNING v;
WITH gone AS (DELETE FROM k_ints WHERE k = '{1,2}'::int[] RETURNING v) SELECT count(*), sum(v) FROM gone;
-- text[]
INSERT INTO k_texts VALUES ('{a,b}', 0), ('{}', 1);
SELECT k, count(*), sum(v) FROM k_texts GROUP BY k ORDER BY k, 3;
SELECT v FROM k_texts WHERE k = '{a,b}'::text[] ORDER BY v;
SELECT v FROM k_texts WHERE k = '{}'::text[] ORDER BY v;
SELECT a.v, b.v FROM k_texts a JOIN k_texts b USING (k) ORDER BY 1, 2;
SELECT count(*) FROM k_texts WHERE k IS NULL OR k IN ('{}'::text[], '{a,b}'::text[]);
INSERT INTO k_texts SELECT k, v + 100 FROM k_texts;
UPDATE k_texts SET k = '{a,b}'::text[] WHERE v = 101 RETURNING v;
WITH gone AS (DELETE FROM k_texts WHERE k = '{a,b}'::text[] RETURNING v) SELECT count(*), sum(v) FROM gone;
-- mood
INSERT INTO k_mood VALUES ('sad', 0), ('ok', 1);
SELECT k, count(*), sum(v) FROM k_mood GROUP BY k ORDER BY k, 3;
SELECT v FROM k_mood WHERE k = 'sad'::mood ORDER BY v;
SELECT v FROM k_mood WHERE k = 'ok'::mood ORDER BY v;
SELECT a.v, b.v FROM k_mood a JOIN k_mood b USING (k) ORDER BY 1, 2;
SELECT count(*) FROM k_mood WHERE k IS NULL OR k IN ('ok'::mood, 'sad'::mood);
INSERT INTO k_mood SELECT k, v + 100 FROM k_mood;
UPDATE k_mood SET k = 'sad'::mood WHERE v = 101 RETURNING v;
WITH gone AS (DELETE FROM k_mood WHERE k = 'sad'::mood RETURNING v) SELECT count(*), sum(v) FROM gone;
-- mood[]
INSERT INTO k_moods VALUES ('{sad,ok}', 0);
SELECT k, count(*), sum(v) FROM k_moods GROUP BY k ORDER BY k, 3;
SELECT v FROM k_moods WHERE k = '{sad,ok}'::mood[] ORDER BY v;
SELECT a.v, b.v FROM k_moods a JOIN k_moods b USING (k) ORDER BY 1, 2;
SELECT count(*) FROM k_moods WHERE k IS NULL OR k IN ('{sad,ok}'::mood[], '{sad,ok}'::mood[]);
INSERT INTO k_moods SELECT k, v + 100 FROM k_moods;
UPDATE k_moods SET k = '{sad,ok}'::mood[] WHERE v = 100 RETURNING v;
WITH gone AS (DELETE FROM k_moods WHERE k = '{sad,ok}'::mood[] RETURNING v) SELECT count(*), sum(v) FROM gone;
-- comp
INSERT INTO k_comp VALUES ('(1,a)', 0), ('(,)', 1), ('(1,)', 2);
SELECT k, count(*), sum(v) FROM k_comp GROUP BY k ORDER BY k, 3;
SELECT v FROM k_comp WHERE k = '(1,a)'::comp ORDER BY v;
SELECT v FROM k_comp WHERE k = '(,)'::comp ORDER BY v;
SELECT v FROM k_comp WHERE k = '(1,)'::comp ORDER BY v;
SELECT a.v, b.v FROM k_comp a JOIN k_comp b USING (k) ORDER BY 1, 2;
SELECT count(*) FROM k_comp WHERE k IS NULL OR k IN ('(1,)'::comp, '(1,a)'::comp);
INSERT INTO k_comp SELECT k, v + 100 FROM k_comp;
UPDATE k_comp SET k = '(1,a)'::comp WHERE v = 102 RETURNING v;
WITH gone AS (DELETE FROM k_comp WHERE k = '(1,a)'::comp RETURNING v) SELECT count(*), sum(v) FROM gone;
-- dom
INSERT INTO k_dom VALUES (1, 0), (2, 1);
SELECT k, count(*), sum(v) FROM k_dom GROUP BY k ORDER BY k, 3;
SELECT v FROM k_dom WHERE k = 1::dom ORDER BY v;
SELECT v FROM k_dom WHERE k = 2::dom ORDER BY v;
SELECT a.v, b.v FROM k_dom a JOIN k_dom b USING (k) ORDER BY 1, 2;
SELECT count(*) FROM k_dom WHERE k IS NULL OR k IN (2::dom, 1::dom);
INSERT INTO k_dom SELECT k, v + 100 FROM k_dom;
UPDATE k_dom SET k = 1::dom WHERE v = 101 RETURNING v;
WITH gone AS (DELETE FROM k_dom WHERE k = 1::dom RETURNING v) SELECT count(*), sum(v) FROM gone;
-- time
INSERT INTO k_time VALUES ('24:00', 0), ('00:00', 1);
SELECT k, count(*), sum(v) FROM k_time GROUP BY k ORDER BY k, 3;
SELECT v FROM k_time WHERE k = '24:00'::time ORDER BY v;
SELECT v FROM k_time WHERE k = '00:00'::time ORDER BY v;
SELECT a.v, b.v FROM k_time a JOIN k_time b USING (k) ORDER BY 1, 2;
SELECT count(*) FROM k_time WHERE k IS NULL OR k IN ('00:00'::time, '24:00'::time);
INSERT INTO k_time SELECT k, v + 100 FROM k_time;
UPDATE k_time SET k = '24:00'::time WHERE v = 101 RETURNING v;
WITH gone AS (DELETE FROM k_time WHERE k = '24:00'::time RETURNING v) SELECT count(*), sum(v) FROM gone;
-- timetz
INSERT INTO k_timetz VALUES ('10:00+02', 0), ('08:00+00', 1);
SELECT k, count(*), sum(v) FROM k_timetz GROUP BY k ORDER BY k, 3;
SELECT v FROM k_timetz WHERE k = '10:00+02'::timetz ORDER BY v;
SELECT v FROM k_timetz WHERE k = '08:00+00'::timetz ORDER BY v;
SELECT a.v, b.v FROM k_timetz a JOIN k_timetz b USING (k) ORDER BY 1, 2;
SELECT count(*) FROM k_timetz WHERE k IS NULL OR k IN ('08:00+00'::timetz, '10:00+02'::timetz);
INSERT INTO k_timetz SELECT k, v + 100 FROM k_timetz;
UPDATE k_timetz SET k = '10:00+02'::timetz WHERE v = 101 RETURNING v;
WITH gone AS (DELETE FROM k_timetz WHERE k = '10:00+02'::timetz RETURNING v) SELECT count(*), sum(v) FROM gone;
-- macaddr
INSERT INTO k_macaddr VALUES ('08:00:2b:01:02:03', 0);
SELECT k, count(*), sum(v) FROM k_macaddr GROUP BY k ORDER BY k, 3;
SELECT v FROM k_macaddr WHERE k = '08:00:2b:01:02:03'::macaddr ORDER BY v;
SELECT a.v, b.v FROM k_macaddr a JOIN k_macaddr b USING (k) ORDER BY 1, 2;
SELECT count(*) FROM k_macaddr WHERE k IS NULL OR k IN ('08:00:2b:01:02:03'::macaddr, '08:00:2b:01:02:03'::macaddr);
INSERT INTO k_macaddr SELECT k, v + 100 FROM k_macaddr;
UPDATE k_macaddr SET k = '08:00:2b:01:02:03'::macaddr WHERE v = 100 RETURNING v;
WITH gone AS (DELETE FROM k_macaddr WHERE k = '08:00:2b:01:02:03'::macaddr RETURNING v) SELECT count(*), sum(v) FROM gone;
-- pg_lsn
INSERT INTO k_pg_lsn VALUES ('0/1', 0);
SELECT k, count(*), sum(v) FROM k_pg_lsn GROUP BY k ORDER BY k, 3;
SELECT v FROM k_pg_lsn WHERE k = '0/1'::pg_lsn ORDER BY v;
SELECT a.v, b.v FROM k_pg_lsn a JOIN k_pg_lsn b USING (k) ORDER BY 1, 2;
SELECT count(*) FROM k_pg_lsn WHERE k IS NULL OR k IN ('0/1'::pg_lsn, '0/1'::pg_lsn);
INSERT INTO k_pg_lsn SELECT k, v + 100 FROM k_pg_lsn;
UPDATE k_pg_lsn SET k = '0/1'::pg_lsn WHERE v = 100 RETURNING v;
WITH gone AS (DELETE FROM k_pg_lsn WHERE k = '0/1'::pg_lsn RETURNING v) SELECT count(*), sum(v) FROM gone;
-- int8
INSERT INTO k_int8 VALUES (9223372036854775807, 0), (-9223372036854775808, 1), (0, 2);
SELECT k, count(*), sum(v) FROM k_int8 GROUP BY k ORDER BY k, 3;
SELECT v FROM k_int8 WHERE k = 9223372036854775807::int8 ORDER BY v;
SELECT v FROM k_int8 WHERE k = -9223372036854775808::int8 ORDER BY v;
SELECT v FROM k_int8 WHERE k = 0::int8 ORDER BY v;
SELECT a.v, b.v FROM k_int8 a JOIN k_int8 b USING (k) ORDER BY 1, 2;
SELECT count(*) FROM k_int8 WHERE k IS NULL OR k IN (0::int8, 9223372036854775807::int8);
INSERT INTO k_int8 SELECT k, v + 100 FROM k_int8;
UPDATE k_int8 SET k = 9223372036854775807::int8 WHERE v = 102 RETURNING v;
WITH gone AS (DELETE FROM k_int8 WHERE k = 9223372036854775807::int8 RETURNING v) SELECT count(*), sum(v) FROM gone;
-- int2
INSERT INTO k_int2 VALUES (-32768, 0), (5, 1);
SELECT k, count(*), sum(v) FROM k_int2 GROUP BY k ORDER BY k, 3;
SELECT v FROM k_int2 WHERE k = -32768::int2 ORDER BY v;
SELECT v FROM k_int2 WHERE k = 5::int2 ORDER BY v;
SELECT a.v, b.v FROM k_int2 a JOIN k_int2 b USING (k) ORDER BY 1, 2;
SELECT count(*) FROM k_int2 WHERE k IS NULL OR k IN (5::int2, -32768::int2);
INSERT INTO k_int2 SELECT k, v + 100 FROM k_int2;
UPDATE k_int2 SET k = -32768::int2 WHERE v = 101 RETURNING v;
WITH gone AS (DELETE FROM k_int2 WHERE k = -32768::int2 RETURNING v) SELECT count(*), sum(v) FROM gone;
-- xid8
INSERT INTO k_xid8 VALUES ('5', 0);
SELECT k, count(*), sum(v) FROM k_xid8 GROUP BY k ORDER BY k, 3;
SELECT v FROM k_xid8 WHERE k = '5'::xid8 ORDER BY v;
SELECT a.v, b.v FROM k_xid8 a JOIN k_xid8 b USING (k) ORDER BY 1, 2;
SELECT count(*) FROM k_xid8 WHERE k IS NULL OR k IN ('5'::xid8, '5'::xid8);
INSERT INTO k_xid8 SELECT k, v + 100 FROM k_xid8;
UPDATE k_xid8 SET k = '5'::xid8 WHERE v = 100 RETURNING v;
WITH gone AS (DELETE FROM k_xid8 WHERE k = '5'::xid8 RETURNING v) SELECT count(*), sum(v) FROM gone;
