-- Values of all kinds of types as parameters, in results, in COPY; with other client encodings.
CREATE SCHEMA xt;
SET search_path TO xt;
SET client_min_messages TO warning;
SET citus.shard_count TO 4;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TABLE t (k int PRIMARY KEY, txt text, num numeric, ts timestamptz, arr int[], j jsonb,
	m mood, p pair, dom positive, reg regclass, ms mood[], b bytea, dbl float8);
SELECT create_distributed_table('t', 'k');
INSERT INTO t VALUES (1, 'tab	newline
back\slash', 1.50, '2024-01-02 03:04:05+00', '{1,NULL,3}', '{"a": [1, null]}', 'ok', '(1,"x, y")', 5,
	'pg_class', '{sad,happy}', '\x00ff', 0.1);
INSERT INTO t SELECT i, 'tab	' || i || E'\\N', i / 3.0, '2024-01-01Z'::timestamptz + i * interval '1 s',
	ARRAY[i, i], jsonb_build_object('i', i), (ARRAY['sad','ok','happy'])[i % 3 + 1]::mood, ROW(i, NULL)::pair,
	i, NULL, NULL, '\x5c', 'NaN' FROM generate_series(2, 300) i;
SET timezone TO 'UTC';
SELECT * FROM t WHERE k <= 3 ORDER BY k;
SELECT k, txt, num FROM t WHERE k = 2;
SELECT count(*), min(txt), min(ts), max(m) FROM t;
PREPARE by_mood(mood, pair) AS SELECT k FROM t WHERE m = $1 AND p = $2;
EXECUTE by_mood('ok', '(1,"x, y")');
PREPARE by_key(int, mood) AS SELECT k, m FROM t WHERE k = $1 AND m = $2;
EXECUTE by_key(1, 'ok');
EXECUTE by_key(1, 'sad');
UPDATE t SET m = 'happy', dom = 7 WHERE k = 2 RETURNING k, m, dom, p;
INSERT INTO t (k, m, p) VALUES (1000, 'sad', '(1,)') RETURNING k, m, p;
INSERT INTO t (k, m, p) VALUES (1001, 'ok', NULL) RETURNING k, m, p;
UPDATE t SET dom = -1 WHERE k = 3;

SET citus.enable_binary_protocol TO off;
SELECT k, num, arr, b, dbl FROM t WHERE k < 3 ORDER BY k;
RESET citus.enable_binary_protocol;

INSERT INTO t (k, txt) VALUES (500, U&'\00e9\00df');
SET client_encoding TO latin1;
SELECT length(txt), octet_length(txt) FROM t WHERE k = 500;
SELECT k FROM t WHERE txt = chr(233) || chr(223);
INSERT INTO t (k, txt) SELECT i, chr(233) FROM generate_series(2001, 2200) i;
SELECT count(*), max(octet_length(txt)) FROM t WHERE k > 2000;
RESET client_encoding;
DROP SCHEMA xt CASCADE;
