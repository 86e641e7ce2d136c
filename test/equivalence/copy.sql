-- COPY in both directions.
CREATE TABLE t (k int PRIMARY KEY, v text DEFAULT 'def', n numeric, d date);
CREATE TABLE r (id int, v text);
-- distribute: SELECT create_distributed_table('t', 'k')
-- distribute: SELECT create_reference_table('r')
COPY t FROM STDIN;
1	one	1.5	2024-01-01
2	\N	\N	\N
3	tab\there	3	2024-03-03
4	back\\slash	4	2024-04-04
\.
SELECT * FROM t ORDER BY k;
COPY t (k, n) FROM STDIN;
5	5
6	6.66
\.
COPY t FROM STDIN WITH (FORMAT csv, HEADER, NULL 'nil');
k,v,n,d
7,"seven, with comma",7,nil
8,"quote "" inside",nil,2024-08-08
9,"",9,nil
\.
COPY t (d, k) FROM STDIN WITH (DELIMITER '|');
2025-01-01|10
2025-02-02|11
\.
SELECT * FROM t ORDER BY k;
COPY t FROM STDIN;
12	x	not a number	\N
\.
COPY t FROM STDIN;
12	x	1	\N
12	y	2	\N
\.
COPY t FROM STDIN;
1	duplicate	1	\N
\.
-- differs: SQLSTATE, a missing key has a code of its own
COPY t FROM STDIN;
\N	null key	1	\N
\.
COPY t FROM STDIN;
13	too	1	2024-01-01	many
\.
COPY t FROM STDIN;
13	few
\.
COPY t (k, nope) FROM STDIN;
1	2
\.
COPY t (k, v) FROM STDIN WHERE k > 100;
99	no
101	yes
\.
SELECT count(*) FROM t;
COPY r FROM STDIN;
1	a
2	b
\.
SELECT * FROM r ORDER BY id;
COPY t TO STDOUT;
COPY t (k, v) TO STDOUT WITH (FORMAT csv, FORCE_QUOTE *);
COPY (SELECT k, n FROM t WHERE n IS NOT NULL ORDER BY k) TO STDOUT WITH (DELIMITER ';', HEADER);
COPY (SELECT count(*) FROM t) TO STDOUT;
COPY r TO STDOUT;
COPY (DELETE FROM t WHERE k = 1 RETURNING k) TO STDOUT;
BEGIN;
COPY t (k, v) FROM STDIN;
200	in transaction
201	in transaction
\.
SELECT count(*) FROM t WHERE k >= 200;
UPDATE t SET n = 1 WHERE k = 200 RETURNING k;
ROLLBACK;
SELECT count(*) FROM t;
COPY t (k, v) FROM PROGRAM 'seq 300 304 | sed "s/$/,program/"' WITH (FORMAT csv);
SELECT count(*) FROM t WHERE v = 'program';
COPY t FROM STDIN;
\.
COPY t FROM '/nonexistent/file';
