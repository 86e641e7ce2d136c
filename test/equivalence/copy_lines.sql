-- only: distributed single
-- COPY data of every shape: the same rows, or the same error in the same line.
CREATE TABLE t (k int, a text, b text);
CREATE TABLE later (a text, k text NOT NULL, b int CHECK (b < 1000));
CREATE TABLE everywhere (a text, k text);
CREATE TABLE parts (day date, k bigint, v text, UNIQUE (day, k)) PARTITION BY RANGE (day);
CREATE TABLE parts_23 PARTITION OF parts FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
CREATE TABLE parts_24 PARTITION OF parts FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE DOMAIN some_text AS text NOT NULL CHECK (VALUE <> 'x');
CREATE DOMAIN no_null AS int CHECK (VALUE IS NOT NULL);
CREATE TABLE domains (k int, d some_text, n no_null, e int);
CREATE DOMAIN small_text AS text CHECK (length(VALUE) < 4);
CREATE DOMAIN some_int AS int NOT NULL;
CREATE DOMAIN some_text AS text CHECK (VALUE IS NOT NULL);
CREATE TABLE domains (k int PRIMARY KEY, i some_int, t some_text);
CREATE TABLE plain (k bigint PRIMARY KEY, gone int, i2 smallint, i4 int NOT NULL, v varchar(3), c char(3), n numeric(5, 2), f float8, d date,
    y boolean, a int[], s small_text, t text NOT NULL);
ALTER TABLE plain DROP COLUMN gone;
CREATE UNIQUE INDEX ON plain (k, lower(t));
CREATE TABLE results (n serial, tried text, result text);
-- distribute: SET citus.shard_count TO 4
-- distribute: SELECT create_distributed_table('t', 'k')
-- distribute: SELECT create_distributed_table('later', 'k')
-- distribute: SELECT create_distributed_table('plain', 'k')
-- distribute: SELECT create_distributed_table('domains', 'k')
-- distribute: SELECT create_distributed_table('parts', 'k')
-- distribute: SELECT create_reference_table('everywhere')
-- data: for printf(1)
CREATE FUNCTION quoted(data text) RETURNS text LANGUAGE sql AS $f$ SELECT '''' || replace(data, '''', '''\''''') || '''' $f$;
CREATE FUNCTION try(target text, options text, data text) RETURNS void LANGUAGE plpgsql AS $f$
DECLARE
    code text; message text; place text; outcome text;
BEGIN
    EXECUTE 'TRUNCATE ' || substring(target FROM '\w+');
    BEGIN
        EXECUTE format('COPY %s FROM PROGRAM %L %s', target,
                       'printf ' || quoted(data), options);
        EXECUTE 'SELECT string_agg(x::text, '' '' ORDER BY x::text) FROM '
            || substring(target FROM '\w+') || ' x' INTO outcome;
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
            place = PG_EXCEPTION_CONTEXT;
        outcome := format('%s %s, %s', code, message,
                          substring(place FROM E'^(COPY.*?)(?:\nSQL statement|\nwhile|$)'));
    END;
    INSERT INTO results (tried, result) VALUES (format('%s %s: %s', target, options, data), outcome);
END $f$;
-- text
SELECT try('t', '', x) FROM unnest(ARRAY[
    '', '1\ta\tb\n', '1\ta\tb', '1\ta\tb\n2\tc\td', '1\t\\N\tb\n', '-1\ta\tb\n 2 \t\t\n', '\\x31\ta\tb\n', '1\\062\ta\tb\n',
    '1\ta\\\nb\tc\n2\t\td\n', '1\ta\\\tb\tc\n', '1\ta\\\\\tb\n', '1\ta\tb\\\n', '1\ta\tb\\', '1\ta\tb\\.\n2\tc\td\n',
    '1\ta\tb\n\\.\n2\tc\td\n', '1\ta\tb\n\\.', '\\.\n', '1\ta\tb\n2\t\\.\tc\n',
    '1\ta\tb\r\n2\tc\td\r\n', '1\ta\tb\r2\tc\td\r', '1\ta\tb\n2\tc\td\r\n', '1\ta\tb\r\n2\tc\td\n', '1\ta\tb\r2\tc\td\n', '1\ta\tb\r',
    '1\ta\\\rb\tc\n', '1\ta\tb\r\n\\.\r\n', '1\ta\tb\r\n\\.\n',
    '1\ta\n', '1\n', '\n', '1\ta\tb\tc\n', '1\ta\tb\n\n2\tc\td\n', 'x\ta\tb\n', '1\ta\tb\nx\tc\td\te\n', '99999999999\ta\tb\n',
    '1\ta\tb\n2\t\000\td\n', '1\ta\tb\n2\t\377\td\n', '1\303\251\ta\tb\n', '\377\ta\tb\n', '1\t\\303\\251\t\303\251\n', '1\t\\377\tb\n']) x;
SELECT try('t (b, k, a)', '', x) FROM unnest(ARRAY['a\t1\tb\n', 'a\\\tb\t1\tb\n', 'a\n', 'a\tx\n', 'a\tx\tb\n', '\\N\t1\t\\N\n']) x;
SELECT try('t', 'WITH (DELIMITER '';'', NULL ''nil'', HEADER)', x) FROM unnest(ARRAY['', 'k;a;b\n', 'k\n1;nil;b\n', '1;a\\\nb;c\n2;;\n', 'h\n1;a\\;b;c', 'h\\.\n1;a;b\n']) x;
SELECT try('t', 'WITH (HEADER MATCH)', x) FROM unnest(ARRAY['', 'k\ta\tb\n1\t\t\n', 'k\ta\n1\t\t\n', 'k\tb\ta\n', 'k\ta\t\\N\n', 'k\ta\tb\r\n1\t\t\r\n']) x;
-- csv
SELECT try('t', 'WITH (FORMAT csv)', x) FROM unnest(ARRAY[
    '', '1,a,b\n', '1,a,b', '"1",a,b\n"2","c","d"\n', '1,,""\n', '1,"a,b","c""d"\n', '1,"a\nb",c\n2,d,"e\nf\n"\n', '1,a"b,c"d,e\n',
    '"1"2,a,b\n', '1,"a"b"c",d\n', '""""1"",a,b\n', '1,"a\nb\n', '1,a,b\n2,"c\n', '1,a,b\n2,"c,d\ne\nf",g,h\n', '1,"a\r\nb",c\r\n2,"d\ne",f\r\n', '1,"a\r\nb",c\n2,d\n',
    '1,a,b\r2,c,d\r', '1,a,b\n2,c,d\r\n', '1,a,b\r\n2,c,d\n', '1,a,b\r2,"c\nd",e\r3,f,g\nh', '\\.\n', '1,a,b\n\\.\n2,c,d\n', '1,a,b\n\\.x\n', '1,\\.,b\n', '1,a,b\n\\.', '1,\\N,b\n',
    '1,a\n', '\n', '1,a,b,c\n', 'x,a,b\n', '1,a,b\nx,"c\nd",e\n', '1,"a\nb",c\n2,d,e\nx,f,g\n', '"1\n",a,b\n', '1,\377,b\n', '1,a,b\n2,"c\nd",\377\n']) x;
SELECT try('later', 'WITH (FORMAT csv, HEADER)', x) FROM unnest(ARRAY['a,k,b\nx,y,1\n', '"a\nb",k,b\nx,y,1\n"x\nx",y,z\n', '"a\nb",k,b\nx,y,1000\n', 'a,k,b\n"x",""y"",1\n', 'a,k,b\n"x","y""z",1\n', 'a\n,"",\n', '\\.\n']) x;
SELECT try('later', 'WITH (FORMAT csv, QUOTE '''''''', ESCAPE ''\'', DELIMITER ''|'', NULL ''nil'', FORCE_NULL (a), FORCE_NOT_NULL (k))', x) FROM unnest(ARRAY[
    'nil|nil|nil\n', '''nil''|''nil''|1\n', '''a\\''b''|''k\\''l''|1\n', '''a\\\\''|''k''|1\n', 'a\\''b|k''|1\n', '''a\nb\\''''|k|1\n', '''a\\''|k|1\n', 'a|''''''k''''''|1\n']) x;
-- errors of the other side of the key
SELECT try('later', '', x) FROM unnest(ARRAY['a\tk\t1\nb\tl\t2\nc\tm\t1000\n', 'a\tk\t1\nb\tl\ty\n', 'a\tk\nb\tl\t1\n', 'a\tk\t\\N\nb\tl\t1.5\n']) x;
SELECT try('everywhere', '', x) FROM unnest(ARRAY['', 'a\tb\n', 'a\tb\nc\n', 'a\tb\n\\.\nc\n', 'a\tb\\\nc\nd\t\n', 'a\tb\tc\n', 'a\tb\r\nc\td\n', 'a\t\377\n']) x;
SELECT try('everywhere', 'WITH (FORMAT csv)', x) FROM unnest(ARRAY['a,b\n', '"a\nb",c\n"d\ne"\n', 'a,"b\n']) x;
SELECT try('parts', 'WITH (FORMAT csv)', x) FROM unnest(ARRAY[
    '2023-02-01,1,a\n2024-02-01,1,b\n', '2023-02-01,1,a\n2025-01-01,2,b\n', '2023-02-01,1,a\n2023-02-01,2,a\n2023-02-01,1,a\n']) x;
-- values and lines that need no parser, and the first that do
SELECT try('plain (k, i2, i4, t)', '', x) FROM unnest(ARRAY[
    '1\t32767\t2147483647\ta\n', '9223372036854775807\t-32768\t-2147483648\ta\n', '-9223372036854775808\t0\t-0\ta\n', '1\t32768\t1\ta\n', '1\t-32769\t1\ta\n',
    '1\t1\t2147483648\ta\n', '9223372036854775808\t1\t1\ta\n', '000000000000000000000001\t00007\t0000000008\ta\n', '+1\t+2\t+3\ta\n', ' 1\t2 \t 3 \ta\n',
    '1\t\t1\ta\n', '1\t-\t1\ta\n', '1\t--1\t1\ta\n', '1\t1.0\t1\ta\n', '1\t1x\t1\ta\n', '1\t\\N\t1\t\n', '1\t1\t\\N\ta\n', '1\t1\t1\t\\N\n', '1\t1\t1\n', '1\t1\t1\ta\tb\n',
    '1\t1\t1\ta\n2\t2\t2\tb\\tc\n3\t3\t3\td\n', '1\t1\t1\ta\n2\t2\t2\tb\n1\t3\t3\tc\n', '1\t1\t1\ta\n2\t2\t2\tb\\tc\n1\t3\t3\td\n', '2\t1\t1\ta\n1\t2\t2\tb\n1\t3\t3\tc\\\\\n',
    '1\t1\t1\ta\n2\t2\t2\tb\n\\.\n', '1\t1\t1\ta\n2\t2\t2\tb\n3\t3\t3\tc', '1\t1\t1\ta\n2\t2\t2\tb\n3\t3\t3\n', '1\t1\t1\ta\n\n']) x;
SELECT try('plain (k, i4, t, v, c, n, f, d, y, a, s)', 'WITH (FORMAT csv, DELIMITER '';'')', x) FROM unnest(ARRAY[
    '1;1;t;abc;ab;1.5;1e3;2020-02-29;yes;{1,2};abc\n', '1;1;t;;;;;;;;\n', '1;1;t;abcd;;;;;;;\n', '1;1;t;abc  ;abc  ;;;;;;\n', '1;1;t;;abcd;;;;;;\n', '1;1;t;\303\251\303\251\303\251;\303\251;;;;;;\n',
    '1;1;t;\303\251\303\251\303\251\303\251;;;;;;;\n', '1;1;t;;;1000;;;;;\n', '1;1;t;;;1.555;1e400;;;;\n', '1;1;t;;;;;2020-02-30;;;\n', '1;1;t;;;;;;maybe;;\n', '1;1;t;;;;;;;{1;\n', '1;1;t;;;;;;;;abcd\n',
    '1;1;t;abc;;;;;;;\n2;2;u;;;;;;;;\n1;3;v;;;;;;;;\n', '1;1;t;;;;;;;;\n2;2;"u";;;;;;;;\n1;3;v;;;;;;;;\n', '1;1;;;;;;;;;\n', '1;1;"";;;;;;;;\n', '1;1;t;;;;;;;;\n2;2;\\.;;;;;;;;\n\\.\n']) x;
SELECT try('domains', '', x) FROM unnest(ARRAY['1\ta\t1\t\\N\n', '1\ta\t1\t1\n2\t\\N\t1\t1\n', '1\ta\t\\N\t1\n', '1\tx\t1\t1\n', '1\t\t0\t\\N\n2\t\t1\t\\N\n']) x;
SELECT try('domains (k, d)', '', x) FROM unnest(ARRAY['1\ta\n', '1\t\\N\n']) x;
SELECT try('domains (k, e)', 'WITH (FORMAT csv)', x) FROM unnest(ARRAY['1,2\n', '1,\n']) x;
SELECT try('plain (k, i4, t)', 'WITH (NULL ''\.'')', E'1\\t2\\t\\\\.\\n');
SELECT try('plain (k, i4, t)', 'WITH (NULL ''1'', DELIMITER ''|'')', x) FROM unnest(ARRAY['2|2|11\n', '2|2|1\n', '2|1|2\n']) x;
SELECT try('plain (k, i4, v, t)', 'WITH (NULL ''ab\N'')', E'1\\t2\\tab\\\\N\\tx\\n2\\t3\\tabN\\ty\\n');
SELECT try('domains', '', x) FROM unnest(ARRAY['1\t1\ta\n', '1\t\\N\ta\n', '1\t1\t\\N\n', '1\t1\ta\n2\t\\N\n', '1\t1\ta\n2\tx\tb\tc\n']) x;
-- a line that cannot be read is told before a row that cannot be stored
SELECT try('domains', '', x) FROM unnest(ARRAY['1\t1\ta\n1\t1\ta\n1\t1\ta\tb\n', '1\t1\ta\n1\t1\ta\n1\tx\ta\n', '1\t1\ta\n1\t1\t\\a\n1\t1\n', '1\t1\ta\n1\t1\ta\n1\t1\t\\x62\n']) x;
SELECT try('plain (k, i4, t)', '', x) FROM unnest(ARRAY['1\t1\ta\n1\t1\ta\n1\t1\ta\tb\n', '1\t1\ta\n1\t1\tb\n1\t\\N\t\\x62\n', '1\t1\ta\n1\t1\t\\x61\n1\tx\tb\n', '1\tx\ta\tb\n', '1\t\\N\ta\n', 'x\t\\N\ta\n', '1\t\\N\t\\x62\n', '1\tx\n']) x;
-- encodings
SELECT try('later', 'WITH (ENCODING ''latin1'')', x) FROM unnest(ARRAY['\344\tk\t1\n', 'a\t\366\374\t1\n', 'a\tk\t1\nb\t\366\tx\n']) x;
SELECT try('later', 'WITH (ENCODING ''sjis'')', x) FROM unnest(ARRAY['\203\134\tk\t1\n', 'a\t\203\134\t1\n']) x;
SELECT try('later', 'WITH (ENCODING ''sql_ascii'')', x) FROM unnest(ARRAY['\303\251\tk\t1\n', '\303\tk\t1\n']) x;
SELECT n, tried, result FROM results ORDER BY n;
-- long lines and many lines
TRUNCATE t;
COPY t FROM PROGRAM 'awk ''BEGIN { for (i = 0; i < 20; i++) { printf "%d\t", i; for (j = 0; j < 200000; j++) printf "%d", j % 10; print "\tend" } }''';
SELECT k, length(a), md5(a), b FROM t ORDER BY k;
TRUNCATE t;
COPY t FROM PROGRAM 'awk ''BEGIN { for (i = 0; i < 100; i++) { printf "%d,\"", i; for (j = 0; j < 3000; j++) printf "%d \"\"\n", j % 10; print "\",end" } }''' WITH (FORMAT csv);
SELECT count(*), sum(k), sum(length(a)), count(DISTINCT md5(a)), min(b), max(b) FROM t;
TRUNCATE t;
COPY t FROM PROGRAM 'seq 1 100000 | awk ''{ print $1 "\t\\N\tvalue " $1 }''';
SELECT count(*), sum(k), count(a), count(DISTINCT b), min(b) FROM t;
TRUNCATE plain;
COPY plain (k, i4, v, t) FROM PROGRAM 'seq 1 50000 | awk ''{ print $1 "\t" $1 % 100 "\t" ($1 % 7 == 0 ? "\\N" : $1 % 1000) "\tvalue " ($1 == 30000 ? "a\\tb" : $1) }''';
SELECT count(*), sum(k), sum(i4), count(v), md5(string_agg(v, ',' ORDER BY k)), md5(string_agg(t, ',' ORDER BY k)) FROM plain;
SELECT k, i2, i4, v, t FROM plain WHERE k IN (29999, 30000, 30001) ORDER BY k;
COPY plain (k, i4, t) FROM PROGRAM '(seq 60000 90000; echo 70000) | awk ''{ print $1 "\t" $1 "\tx" }''';
SELECT count(*), sum(k) FROM plain;
COPY t FROM PROGRAM 'seq 1 100000 | awk ''{ print ($1 == 77777 ? "x" : $1) "\t\\N\tvalue " $1 }''';
COPY t FROM PROGRAM 'seq 1 100000; exit 3' WITH (FORMAT csv);
COPY t (k) FROM PROGRAM 'seq 1 100000; exit 3' WITH (FORMAT csv);
SELECT count(*) FROM t;
COPY t (k) FROM PROGRAM 'seq 1 100000; echo x' WITH (FORMAT csv);
SELECT count(*) FROM t;
