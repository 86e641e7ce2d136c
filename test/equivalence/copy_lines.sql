-- only: distributed single
-- COPY data of every shape: the same rows, or the same error in the same line.
CREATE TABLE t (k int, a text, b text);
CREATE TABLE later (a text, k text NOT NULL, b int CHECK (b < 1000));
CREATE TABLE everywhere (a text, k text);
CREATE TABLE parts (day date, k bigint, v text, UNIQUE (day, k)) PARTITION BY RANGE (day);
CREATE TABLE parts_23 PARTITION OF parts FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
CREATE TABLE parts_24 PARTITION OF parts FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE results (n serial, tried text, result text);
-- distribute: SET citus.shard_count TO 4
-- distribute: SELECT create_distributed_table('t', 'k')
-- distribute: SELECT create_distributed_table('later', 'k')
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
COPY t FROM PROGRAM 'seq 1 100000 | awk ''{ print ($1 == 77777 ? "x" : $1) "\t\\N\tvalue " $1 }''';
COPY t FROM PROGRAM 'seq 1 100000; exit 3' WITH (FORMAT csv);
COPY t (k) FROM PROGRAM 'seq 1 100000; exit 3' WITH (FORMAT csv);
SELECT count(*) FROM t;
COPY t (k) FROM PROGRAM 'seq 1 100000; echo x' WITH (FORMAT csv);
SELECT count(*) FROM t;
