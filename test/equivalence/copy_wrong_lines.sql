-- only: distributed single worker
-- COPY with several wrong lines, in different shards: the first of them is reported, as on one server.
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TABLE t (k int PRIMARY KEY, a varchar(5), d date, n int NOT NULL DEFAULT 1 CHECK (n < 100), p positive);
CREATE TABLE g (k int, a int, g int GENERATED ALWAYS AS (a * 2) STORED CHECK (g <> 8), s serial, c int CHECK (c < 100) NOT NULL);
CREATE TABLE parts (k int, b int, v text NOT NULL) PARTITION BY RANGE (b);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE TABLE parts_2 (v text NOT NULL, dropped int, b int CHECK (b <> 15), k int);
ALTER TABLE parts_2 DROP COLUMN dropped;
ALTER TABLE parts ATTACH PARTITION parts_2 FOR VALUES FROM (10) TO (20);
-- distribute: SET citus.shard_count TO 8
-- distribute: SELECT create_distributed_table('t', 'k')
-- distribute: SELECT create_distributed_table('g', 'k')
-- distribute: SELECT create_distributed_table('parts', 'k')
CREATE FUNCTION quoted(data text) RETURNS text LANGUAGE sql AS $f$ SELECT '''' || replace(data, '''', '''\''''') || '''' $f$;
CREATE FUNCTION try(target text, options text, data text) RETURNS text LANGUAGE plpgsql AS $f$
DECLARE
    code text; message text; place text; outcome text;
BEGIN
    BEGIN
        EXECUTE format('COPY %s FROM PROGRAM %L %s', target, 'printf ' || quoted(data), options);
        outcome := 'no error';
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
            place = PG_EXCEPTION_CONTEXT;
        outcome := format('%s %s, %s', code, message, substring(place FROM E'^(COPY.*?)(?:\nSQL statement|\nwhile|$)'));
    END;
    -- what a row is made of here, and not in its shard, has lost its line's text by then
    IF options ~ 'WHERE|DEFAULT|ON_ERROR' THEN
        outcome := substring(outcome FROM '^.* line \d+(?:, column \w+)?');
    END IF;
    RETURN outcome;
END $f$;
-- data: each line but the first is wrong in its own way; all rotations of them
CREATE FUNCTION try_all(target text, options text, lines text[]) RETURNS SETOF text LANGUAGE plpgsql AS $f$
DECLARE
    n int := cardinality(lines);
BEGIN
    FOR i IN 1 .. n LOOP
        RETURN NEXT try(target, options, (SELECT string_agg(lines[(i + j) % n + 1], '' ORDER BY j) FROM generate_series(0, n - 1) j));
        RETURN NEXT try(target, options, (SELECT string_agg(lines[(i - j + n) % n + 1], '' ORDER BY j) FROM generate_series(0, n - 1) j));
    END LOOP;
END $f$;
-- worker
SELECT * FROM try_all('t', '', ARRAY['1\tok\t2020-01-01\t1\t1\n', '2\ttoo long\t2020-01-01\t1\t1\n', '3\ta\tnever\t1\t1\n', '4\ta\t\\N\t\\N\t1\n', '5\ta\t\\N\t100\t1\n',
    '6\ta\t\\N\t1\t0\n', '7\ta\n', '8\ta\t\\N\t1\t1\t1\n', 'x\ta\t\\N\t1\t1\n', '\t\t\n']);
SELECT * FROM try_all('t', 'WITH (FORMAT csv)', ARRAY['1,ok,2020-01-01,1,1\n', '2,"too\nlong",2020-01-01,1,1\n', '3,"a\n\n",never,1,1\n', '4,a,,,1\n', '5,"\na",,100,1\n', '6,a,"",1,1\n', 'y,,,,\n']);
SELECT * FROM try_all('t (a, k)', 'WHERE k > 1', ARRAY['ok\t1\n', 'too long\t2\n', 'a\tx\n', 'a\t4\tx\n', 'a\n']);
SELECT * FROM try_all('g (k, a, c, s)', '', ARRAY['1\t1\t1\t1\n', '2\t4\t1\t1\n', '3\t2147483647\t1\t1\n', '4\t1\t100\t1\n', '5\t1\t\\N\t1\n', '6\tx\t1\t1\n']);
SELECT * FROM try_all('parts', '', ARRAY['1\t1\tv\n', '2\t21\tv\n', '3\t\\N\tv\n', '4\t1\t\\N\n', '5\t11\t\\N\n', '6\t15\tv\n', '7\t12\n']);
SELECT try('t', '', string_agg(format('%s\ta\t\\N\t1\t1\n', i % 40), '' ORDER BY i)) FROM generate_series(1, 41) i;
SELECT count(*) FROM t;
-- one wrong line far behind, another farther, and what is large
CREATE FUNCTION try_program(target text, program text) RETURNS text LANGUAGE plpgsql AS $f$
DECLARE
    message text; place text;
BEGIN
    EXECUTE format('COPY %s FROM PROGRAM %L', target, program);
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, place = PG_EXCEPTION_CONTEXT;
    RETURN format('%s, %s', message, substring(place FROM E'^(COPY.*?)(?:\nSQL statement|\nwhile|$)'));
END $f$;
SELECT try_program('t (k, a)', format('seq 1 %s | sed "s/$/\tabc/; %s,\$s/abc/abcdef/"', last, wrong))
FROM (VALUES (150000, 149990), (150000, 100000), (150000, 7), (100000, 99999)) v(last, wrong);
SELECT try_program('parts', 'seq 1 120000 | awk ''{ print $1 "\t" ($1 > 90000 ? 21 : 1) "\tv" }''');
SELECT count(*) FROM t;
