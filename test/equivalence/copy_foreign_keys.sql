-- only: distributed
-- COPY of rows that a foreign key refuses: it is asked when all of the input has been read.
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE t (k int, ref int REFERENCES p, v int, w int CHECK (w < 100));
CREATE TABLE u (k int PRIMARY KEY, ref int REFERENCES p, v int);
-- distribute: SET citus.shard_count TO 4
-- distribute: SELECT create_reference_table('p')
-- distribute: SELECT create_distributed_table('t', 'k'), create_distributed_table('u', 'k')
INSERT INTO p VALUES (1);
COPY t FROM STDIN;
1	99	1	1
2	1	1	1
\.
COPY t FROM STDIN;
1	99	1	1
2	1	x	1
\.
COPY t FROM STDIN;
1	99	1	1
3	1	1	1
x	1	1	1
\.
COPY t FROM STDIN;
1	99	1	1
2	1	1	1000
\.
COPY t FROM STDIN;
1	99	1	1
2	1	1	1
2	1
\.
COPY u FROM STDIN;
1	99	1
2	1	1
2	1	1
\.
COPY u FROM STDIN;
7	99	1
x	1	1
\.
-- in many parts
COPY t FROM PROGRAM $$seq 60000 | awk '{print $1 "\t" ($1 == 1 ? 99 : 1) "\t1\t1"}'$$;
COPY t FROM PROGRAM $$seq 60000 | awk '{print $1 "\t" ($1 == 1 ? 99 : 1) "\t" ($1 == 59999 ? "x" : 1) "\t1"}'$$;
COPY t FROM PROGRAM $$seq 60000 | awk '{print $1 "\t" ($1 == 1 ? 99 : 1) "\t1\t" ($1 == 59999 ? 1000 : 1)}'$$;
COPY t FROM PROGRAM $$seq 60000 | awk '{print ($1 == 59999 ? "x" : $1) "\t" ($1 == 1 ? 99 : 1) "\t1\t1"}'$$;
COPY t FROM PROGRAM $$seq 60000 | awk '{print $1 "\t" ($1 < 30000 ? 99 : 1) "\t" ($1 > 59990 ? "x" : 1) "\t1"}'$$;
COPY t FROM PROGRAM $$seq 60000 | awk '{print $1 "\t" ($1 == 1 ? 99 : 1) "\t1" ($1 == 59999 ? "" : "\t1")}'$$;
COPY u FROM PROGRAM $$seq 60000 | awk '{print ($1 == 59999 ? 59998 : $1) "\t1\t" ($1 == 60000 ? "x" : 1)}'$$;
COPY t FROM PROGRAM $$seq 60000 | awk '{print $1 "\t1\t1\t1"}'$$;
SELECT count(*) FROM t;
SELECT count(*) FROM u;
BEGIN;
SAVEPOINT s;
COPY t FROM PROGRAM $$seq 60000 | awk '{print $1 "\t" ($1 == 1 ? 99 : 1) "\t" ($1 == 59999 ? "x" : 1) "\t1"}'$$;
ROLLBACK TO s;
INSERT INTO t VALUES (1, 1, 1, 1);
COMMIT;
SELECT count(*) FROM t;
