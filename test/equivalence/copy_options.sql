-- COPY: what the options of all releases do, and which are refused.
CREATE TABLE t (k int, a text, b text);
CREATE TABLE g (k int, a int, g int GENERATED ALWAYS AS (a * 2) STORED, s serial, d int DEFAULT 7, c int NOT NULL CHECK (c < 100));
-- distribute: SELECT create_distributed_table('t', 'k')
-- distribute: SELECT create_distributed_table('g', 'k')
CREATE TABLE o (k int, a int, b text DEFAULT 'zz', c date);
-- distribute: SELECT create_distributed_table('o', 'k')
CREATE TABLE again (LIKE o);
-- distribute: SELECT create_distributed_table('again', 'k')
-- worker
COPY t FROM STDIN (format csv, format text);
\.
COPY t FROM STDIN (delimiter 'ab');
\.
COPY t FROM STDIN (delimiter E'\n');
\.
COPY t FROM STDIN (null E'a\nb');
\.
COPY t FROM STDIN (quote 'x');
\.
COPY t FROM STDIN (format csv, quote 'xx');
\.
COPY t FROM STDIN (format csv, quote ',');
\.
COPY t FROM STDIN (escape 'x');
\.
COPY t FROM STDIN (format binary, delimiter ',');
\.
COPY t FROM STDIN (format binary, header);
\.
COPY t FROM STDIN (format binary, null 'x');
\.
COPY t FROM STDIN (force_quote *);
\.
COPY t FROM STDIN (format csv, force_quote *);
\.
COPY t FROM STDIN (force_null (a));
\.
COPY t FROM STDIN (format csv, force_null (nope));
\.
COPY t (k, a) FROM STDIN (format csv, force_null (b));
\.
COPY t (k, a) FROM STDIN (format csv, force_not_null (b));
\.
COPY t FROM STDIN (encoding 'nope');
\.
COPY t FROM STDIN (nope 1);
\.
COPY t FROM STDIN (header maybe);
\.
COPY t FROM STDIN (format csv, null ',');
\.
COPY t FROM STDIN (format csv, null '"');
\.
COPY t FROM STDIN (delimiter 'a');
\.
\.
COPY t FROM STDIN (default '\D');
\.
COPY t FROM STDIN (on_error ignore);
\.
COPY t FROM STDIN (reject_limit 3);
\.
COPY t FROM STDIN (log_verbosity verbose);
\.
COPY t TO STDOUT (header match);
COPY t TO STDOUT (force_null (a), format csv);
COPY t TO STDOUT (force_not_null (a), format csv);
COPY t TO STDOUT (force_quote (a));
COPY t TO STDOUT (freeze);
COPY t TO STDOUT (default 'x');
COPY t TO STDOUT (on_error stop);
COPY t TO STDOUT (format csv, force_quote (nope));
COPY t (k) TO STDOUT (format csv, force_quote (a));
COPY t (k, k) TO STDOUT;
COPY t (nope) TO STDOUT;
COPY g (g) TO STDOUT;
COPY g (g) FROM STDIN;
\.
COPY t TO STDOUT WHERE k > 1;
COPY t (ctid) TO STDOUT;
COPY t (ctid) FROM STDIN;
\.
COPY t (k, k) FROM STDIN;
\.
COPY t FROM STDIN WHERE k;
\.
COPY t FROM STDIN WHERE count(*) > 1;
\.
COPY t FROM STDIN WHERE k IN (SELECT 1);
\.
COPY t FROM STDIN WHERE k IN (generate_series(1,2));
\.
COPY t FROM STDIN WHERE sum(k) OVER () > 1;
\.
COPY t FROM STDIN WHERE tableoid > 1;
\.
COPY t FROM STDIN WHERE nope > 1;
\.
COPY (SELECT * FROM t) FROM STDIN;
\.
COPY (SELECT 1 INTO x) TO STDOUT;
COPY (CREATE TABLE x (a int)) TO STDOUT;
COPY (INSERT INTO t VALUES (1,'a','b')) TO STDOUT;
COPY (INSERT INTO t VALUES (1,'a','b') RETURNING *) TO STDOUT;
COPY (UPDATE t SET a = 'x' RETURNING *) TO STDOUT;
COPY (DELETE FROM t RETURNING k, a) TO STDOUT (format csv, header, force_quote *);
COPY (WITH x AS (INSERT INTO t VALUES (2,'c','d') RETURNING *) SELECT * FROM x) TO STDOUT;
COPY (VALUES (1), (2)) TO STDOUT;
COPY (TABLE t) TO STDOUT;
select * from t;
COPY g (k, a, c) FROM STDIN;
1	2	3
\.
COPY g TO STDOUT (FORMAT csv, HEADER, FORCE_QUOTE (k));
COPY (SELECT g, k FROM g) TO STDOUT;
COPY t FROM STDIN WITH CSV HEADER QUOTE '$' FORCE NOT NULL a FORCE NULL b;
k,a,b
1,$a,a$,$$
2,,
\.
COPY t FROM STDIN (FORMAT csv, FORCE_NULL (a, b), NULL 'nil');
3,"nil",nil
4,nil,"x"
\.
COPY t TO STDOUT (FORMAT csv, HEADER, QUOTE '''', ESCAPE '\', DELIMITER '|', NULL 'nil', FORCE_QUOTE (b, a));
COPY t TO STDOUT (HEADER, DELIMITER ';', NULL '');
COPY t (b, k) TO STDOUT WITH CSV FORCE QUOTE b;
COPY t TO STDOUT (ENCODING 'latin1');
COPY t TO PROGRAM 'exit 3';
COPY t TO 'relative';
COPY t TO '/nonexistent/file';
COPY t FROM STDIN (FREEZE);
5	a	b
\.
BEGIN;
TRUNCATE t;
COPY t FROM STDIN (FREEZE);
5	a	b
\.
SELECT * FROM t;
ROLLBACK;
SELECT * FROM t;
-- of later releases: DEFAULT (16), ON_ERROR, LOG_VERBOSITY, FORCE_* for all columns (17), REJECT_LIMIT (18)
COPY o FROM STDIN (default '\D');
1	1	\D	2020-01-01
2	\D	\D	\N
\.
COPY o FROM STDIN (format csv, default '\D');
3,1,\D,2020-01-01
4,"\D","\D",
\.
COPY o FROM STDIN (default '\D', null '\D');
COPY o FROM STDIN (format binary, default 'x');
COPY o FROM STDIN (on_error ignore);
10	1	a	2020-01-01
x	1	a	2020-01-01
11	y	a	2020-01-01
12	1	a	notadate
13	1	a	2020-01-01
\.
COPY o FROM STDIN (on_error ignore, log_verbosity verbose);
10	1	a	2020-01-01
x	1	a	2020-01-01
11	y	a	2020-01-01
12	1	a	notadate
13	1	a	2020-01-01
\.
COPY o FROM STDIN (on_error ignore, log_verbosity silent);
x	1	a	2020-01-01
20	1	a	2020-01-01
\.
COPY o FROM STDIN (on_error ignore, reject_limit 2);
x	1	a	2020-01-01
20	1	a	2020-01-01
y	1	a	2020-01-01
21	1	a	2020-01-01
z	1	a	2020-01-01
22	1	a	2020-01-01
\.
COPY o FROM STDIN (on_error ignore, reject_limit 3);
x	1	a	2020-01-01
20	1	a	2020-01-01
y	1	a	2020-01-01
21	1	a	2020-01-01
z	1	a	2020-01-01
22	1	a	2020-01-01
\.
COPY o FROM STDIN (on_error ignore, reject_limit 0);
\.
COPY o FROM STDIN (reject_limit 1);
\.
COPY o FROM STDIN (on_error stop, reject_limit 1);
\.
COPY o FROM STDIN (on_error stop);
23	1	a	2020-01-01
x	1	a	2020-01-01
\.
COPY o FROM STDIN (on_error ignore, log_verbosity default) WHERE k > 24;
23	1	a	2020-01-01
24	1	a	2020-01-01
x	1	a	2020-01-01
25	1	a	2020-01-01
\.
COPY o FROM STDIN (on_error ignore, format csv, header match, log_verbosity verbose);
k,a,b,c
26,1,"a
b",2020-01-01
27,x,"a
b",2020-01-01
28,1,"a
b",x
29,,,
\.
COPY o FROM STDIN (on_error ignore);
30	1
\.
COPY o FROM STDIN (format csv, force_null *, force_not_null (a));
\.
COPY o FROM STDIN (format csv, force_null *);
31,"","",""
\.
COPY o (k, b) FROM STDIN (format csv, force_not_null *);
32,
\.
COPY o FROM STDIN (format csv, force_null *, force_not_null *);
\.
COPY o FROM STDIN (format csv, header 2);
k
l
33,,,
\.
COPY o FROM STDIN (header 1);
COPY o TO STDOUT (header 2);
COPY o FROM STDIN (log_verbosity verbose, format csv);
34,,,
\.
COPY o FROM STDIN (on_error ignore, format binary);
\.
COPY o TO STDOUT (on_error ignore);
COPY o TO STDOUT (reject_limit 1);
COPY o TO STDOUT (log_verbosity verbose);
COPY (MERGE INTO o USING (VALUES (30)) v(x) ON o.k = v.x WHEN NOT MATCHED THEN INSERT (k) VALUES (30) RETURNING o.k) TO STDOUT;
COPY (MERGE INTO o USING (VALUES (31)) v(x) ON o.k = v.x WHEN MATCHED THEN UPDATE SET b = 'm' RETURNING merge_action(), o.k, o.b) TO STDOUT;
COPY (UPDATE o SET b = 'u' WHERE k = 1 RETURNING old.b, new.b) TO STDOUT;
COPY o FROM STDIN (format csv);
40,1,a,
\.
41,2,b,
\.
SELECT * FROM o ORDER BY k, a;
-- what only the server's parser reads
COPY o TO PROGRAM 'cat > copy_options.binary' (FORMAT binary);
COPY again FROM PROGRAM 'cat copy_options.binary' (FORMAT binary) WHERE k <> 20;
COPY again (k, a) FROM PROGRAM 'cat copy_options.binary' (FORMAT binary);
COPY again FROM PROGRAM 'printf "not binary"' (FORMAT binary);
SELECT * FROM again;
