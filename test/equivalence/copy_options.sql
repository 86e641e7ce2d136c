-- COPY: what the options of all releases do, and which are refused.
CREATE TABLE t (k int, a text, b text);
CREATE TABLE g (k int, a int, g int GENERATED ALWAYS AS (a * 2) STORED, s serial, d int DEFAULT 7, c int NOT NULL CHECK (c < 100));
-- distribute: SELECT create_distributed_table('t', 'k')
-- distribute: SELECT create_distributed_table('g', 'k')
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
