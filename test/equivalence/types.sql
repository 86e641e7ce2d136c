-- Keys of many types, and values of many types there and back.
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TABLE by_text (k text PRIMARY KEY, v int);
CREATE TABLE by_bigint (k bigint PRIMARY KEY, v int);
CREATE TABLE by_smallint (k smallint PRIMARY KEY, v int);
CREATE TABLE by_uuid (k uuid PRIMARY KEY, v int);
CREATE TABLE by_date (k date PRIMARY KEY, v int);
CREATE TABLE by_timestamptz (k timestamptz PRIMARY KEY, v int);
CREATE TABLE by_numeric (k numeric PRIMARY KEY, v int);
CREATE TABLE by_bytea (k bytea PRIMARY KEY, v int);
CREATE TABLE by_float (k float8 PRIMARY KEY, v int);
CREATE TABLE by_bool (k bool PRIMARY KEY, v int);
CREATE TABLE by_inet (k inet PRIMARY KEY, v int);
CREATE TABLE by_char (k char(5) PRIMARY KEY, v int);
CREATE TABLE by_varchar (k varchar(20) PRIMARY KEY, v int);
CREATE TABLE by_enum (k mood PRIMARY KEY, v int);
CREATE TABLE by_array (k int[] PRIMARY KEY, v int);
CREATE TABLE by_interval (k interval PRIMARY KEY, v int);
CREATE TABLE by_domain (k positive PRIMARY KEY, v int);
-- distribute: SELECT create_distributed_table('by_text', 'k')
-- distribute: SELECT create_distributed_table('by_bigint', 'k')
-- distribute: SELECT create_distributed_table('by_smallint', 'k')
-- distribute: SELECT create_distributed_table('by_uuid', 'k')
-- distribute: SELECT create_distributed_table('by_date', 'k')
-- distribute: SELECT create_distributed_table('by_timestamptz', 'k')
-- distribute: SELECT create_distributed_table('by_numeric', 'k')
-- distribute: SELECT create_distributed_table('by_bytea', 'k')
-- distribute: SELECT create_distributed_table('by_float', 'k')
-- distribute: SELECT create_distributed_table('by_bool', 'k')
-- distribute: SELECT create_distributed_table('by_inet', 'k')
-- distribute: SELECT create_distributed_table('by_char', 'k')
-- distribute: SELECT create_distributed_table('by_varchar', 'k')
-- distribute: SELECT create_distributed_table('by_enum', 'k')
-- distribute: SELECT create_distributed_table('by_array', 'k')
-- distribute: SELECT create_distributed_table('by_interval', 'k')
-- distribute: SELECT create_distributed_table('by_domain', 'k')
INSERT INTO by_text VALUES ('', 1), ('a', 2), ('Ä ö', 3), (repeat('long', 1000), 4), (E'tab\tnew\nline\\', 5), ('quote''"', 6);
SELECT v, length(k) FROM by_text ORDER BY v;
SELECT v FROM by_text WHERE k = '';
SELECT v FROM by_text WHERE k = E'tab\tnew\nline\\';
SELECT v FROM by_text WHERE k = 'quote''"';
SELECT v FROM by_text WHERE k = repeat('long', 1000);
INSERT INTO by_bigint VALUES (0, 1), (-1, 2), (9223372036854775807, 3), (-9223372036854775808, 4), (42, 5);
SELECT * FROM by_bigint WHERE k = 42;
SELECT * FROM by_bigint WHERE k = 9223372036854775807;
SELECT * FROM by_bigint WHERE k = -9223372036854775808;
SELECT * FROM by_bigint WHERE k = 42::smallint;
SELECT * FROM by_bigint WHERE k = 42::numeric;
INSERT INTO by_bigint VALUES (9223372036854775808, 1);
INSERT INTO by_smallint VALUES (1, 1), (-32768, 2), (32767, 3);
SELECT * FROM by_smallint WHERE k = 1;
SELECT * FROM by_smallint WHERE k = 1::bigint;
SELECT * FROM by_smallint WHERE k = 100000;
INSERT INTO by_uuid VALUES ('00000000-0000-0000-0000-000000000000', 1), ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 2);
SELECT * FROM by_uuid WHERE k = 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11';
INSERT INTO by_date VALUES ('2024-02-29', 1), ('infinity', 2), ('0044-03-15 BC', 3);
SELECT * FROM by_date WHERE k = '2024-02-29';
SELECT * FROM by_date WHERE k = TIMESTAMP '2024-02-29 00:00';
SELECT * FROM by_date WHERE k > '2024-01-01';
INSERT INTO by_timestamptz VALUES ('2024-01-01 12:00+00', 1), ('-infinity', 2), ('2024-06-01 00:00:00.123456+02', 3);
SELECT * FROM by_timestamptz WHERE k = '2024-01-01 13:00+01';
SELECT * FROM by_timestamptz ORDER BY k;
INSERT INTO by_numeric VALUES (1.0, 1), (1.10, 2), ('NaN', 3), (1e30, 4), (-0.5, 5);
SELECT * FROM by_numeric WHERE k = 1;
SELECT * FROM by_numeric WHERE k = 1.1;
SELECT * FROM by_numeric WHERE k = 'NaN';
INSERT INTO by_bytea VALUES ('\x', 1), ('\x00ff', 2), ('\\backslash', 3);
SELECT * FROM by_bytea WHERE k = '\x00ff';
SELECT * FROM by_bytea ORDER BY k;
INSERT INTO by_float VALUES (0.1, 1), ('-0', 2), ('NaN', 3), ('Infinity', 4), (1e-300, 5);
SELECT * FROM by_float WHERE k = 0.1;
SELECT * FROM by_float WHERE k = 0;
SELECT * FROM by_float WHERE k = 'NaN';
SELECT * FROM by_float ORDER BY k;
INSERT INTO by_bool VALUES (true, 1), (false, 2);
SELECT * FROM by_bool WHERE k;
SELECT * FROM by_bool WHERE k = false;
INSERT INTO by_inet VALUES ('10.0.0.1', 1), ('::1', 2), ('10.0.0.0/8', 3);
SELECT * FROM by_inet WHERE k = '10.0.0.1/32';
SELECT * FROM by_inet WHERE k << '10.0.0.0/7' ORDER BY 1;
INSERT INTO by_char VALUES ('a', 1), ('bb   ', 2);
SELECT * FROM by_char WHERE k = 'a    ';
SELECT * FROM by_char WHERE k = 'bb';
INSERT INTO by_varchar VALUES ('x', 1), ('x ', 2);
SELECT * FROM by_varchar WHERE k = 'x';
SELECT * FROM by_varchar WHERE k = 'x ';
INSERT INTO by_enum VALUES ('sad', 1), ('happy', 2);
INSERT INTO by_enum VALUES ('angry', 3);
SELECT * FROM by_enum WHERE k = 'happy';
SELECT * FROM by_enum WHERE k > 'sad';
INSERT INTO by_array VALUES ('{}', 1), ('{1,2,NULL}', 2), ('{{1},{2}}', 3);
SELECT * FROM by_array WHERE k = '{1,2,NULL}';
INSERT INTO by_interval VALUES ('1 day', 1), ('1 month', 2);
SELECT * FROM by_interval WHERE k = '24 hours';
SELECT * FROM by_interval WHERE k = '30 days';
INSERT INTO by_domain VALUES (5, 1);
INSERT INTO by_domain VALUES (-5, 1);
SELECT * FROM by_domain WHERE k = 5;

CREATE TABLE many (
    k int PRIMARY KEY, c1 bool, c2 "char", c3 name, c4 numeric(20, 5), c5 float4, c6 money, c7 time, c8 timetz,
    c9 timestamp, c10 interval, c11 json, c12 jsonb, c13 xml, c14 point, c15 int4range, c16 tsvector, c17 bit(4),
    c18 varbit, c19 macaddr, c20 mood, c21 pair, c22 mood[], c23 pair[], c24 int4multirange, c25 positive, c26 text[],
    c27 cidr, c28 regclass, c29 jsonpath, c30 box);
-- distribute: SELECT create_distributed_table('many', 'k')
INSERT INTO many VALUES (
    1, true, 'x', 'name', 12345.67891, 1.5, '12.34', '12:34:56.789', '12:34:56+02', '2024-02-29 01:02:03',
    '1 year 2 mons 3 days 04:05:06', '{"a": [1, 2, {"b": null}]}', '{"b": 1, "a": 2}', '<x/>', '(1,2)', '[1,5)',
    'a fat cat', B'1010', B'101', '08:00:2b:01:02:03', 'ok', '(1,"a ""b"", c")', '{sad,happy}', '{"(1,x)","(2,)"}',
    '{[1,3),[5,7)}', 7, '{a,NULL,"b,c"}', '10.0.0.0/8', 'pg_class', '$.a[*]', '((0,0),(1,1))');
INSERT INTO many (k) VALUES (2);
INSERT INTO many SELECT 3, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16, c17, c18, c19, c20,
    c21, c22, c23, c24, c25, c26, c27, c28, c29, c30 FROM many WHERE k = 1;
SELECT * FROM many ORDER BY k;
SELECT many FROM many WHERE k = 3;
SELECT (c21).b, (c23)[2].a, c22[1] FROM many WHERE k = 1;
SELECT k FROM many WHERE c20 = 'ok' AND c21 = ROW(1, 'a "b", c')::pair ORDER BY k;
SELECT max(c20), min(c4), count(c21), sum(c6) FROM many;
SELECT c20, count(*) FROM many GROUP BY c20;
SELECT array_agg(c21 ORDER BY k) FROM many;
