-- COPY by roles: rights on columns, row-level security, files and programs.
CREATE ROLE eq_copy_user;
CREATE TABLE t (k int, a text, b text DEFAULT 'default');
-- distribute: SELECT create_distributed_table('t', 'k')
INSERT INTO t VALUES (1, 'a', 'b');
SET ROLE eq_copy_user;
COPY t TO STDOUT;
COPY t FROM STDIN;
1	a	b
\.
COPY t TO PROGRAM 'cat > /dev/null';
COPY t TO '/nonexistent/file';
COPY t FROM '/nonexistent/file';
COPY t FROM PROGRAM 'true';
RESET ROLE;
GRANT SELECT (k, a), INSERT (k, b) ON t TO eq_copy_user;
-- worker
SET ROLE eq_copy_user;
COPY t TO STDOUT;
COPY t (k) TO STDOUT;
COPY t (a, k) TO STDOUT;
COPY t (b) TO STDOUT;
COPY t FROM STDIN;
1	a	b
\.
COPY t (k, b) FROM STDIN;
10	b
\.
COPY t (k) FROM STDIN;
9
\.
COPY t (k, b) FROM STDIN WHERE k > 10;
10	b
11	b
\.
COPY t (k, b) FROM STDIN WHERE b = 'b';
12	b
\.
COPY t (k, b) FROM STDIN WHERE a IS NULL;
12	b
\.
COPY (SELECT k FROM t ORDER BY k) TO STDOUT;
COPY (SELECT b FROM t) TO STDOUT;
RESET ROLE;
SELECT * FROM t;
GRANT SELECT, INSERT ON t TO eq_copy_user;
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON t TO eq_copy_user USING (k > 10);
COPY (SELECT * FROM t ORDER BY k) TO STDOUT;
SET ROLE eq_copy_user;
COPY t TO STDOUT;
COPY t (k) TO STDOUT;
COPY t FROM STDIN;
1	a	b
\.
COPY t FROM STDIN WHERE k > 1;
1	a	b
\.
SET row_security = off;
COPY t TO STDOUT;
COPY t FROM STDIN;
1	a	b
\.
RESET ROLE;
RESET row_security;
COPY t FROM STDIN;
100	a	b
\.
ALTER TABLE t FORCE ROW LEVEL SECURITY;
COPY t FROM STDIN;
100	a	b
\.
BEGIN READ ONLY;
COPY t FROM STDIN;
\.
COPY (SELECT k FROM t) TO STDOUT;
COPY t TO STDOUT;
ROLLBACK;
SELECT * FROM t;
DROP TABLE t;
DROP ROLE eq_copy_user;
