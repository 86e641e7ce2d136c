-- Row counts of statements with RETURNING, as PL/pgSQL sees them.
CREATE TABLE t (k int PRIMARY KEY, v int);
-- distribute: SELECT create_distributed_table('t', 'k')
INSERT INTO t SELECT i, i FROM generate_series(1, 20) i;
CREATE TABLE counts (what text, n int);
DO $$
DECLARE n int; m int;
BEGIN
	INSERT INTO t VALUES (100, 1) RETURNING k INTO m;
	GET DIAGNOSTICS n = ROW_COUNT;
	INSERT INTO counts VALUES ('insert', n);
	UPDATE t SET v = 0 WHERE k = 100 RETURNING k INTO m;
	GET DIAGNOSTICS n = ROW_COUNT;
	INSERT INTO counts VALUES ('update', n);
	FOR m IN UPDATE t SET v = v + 1 WHERE k < 12 RETURNING k LOOP
		NULL;
	END LOOP;
	DELETE FROM t WHERE k > 15;
	GET DIAGNOSTICS n = ROW_COUNT;
	INSERT INTO counts VALUES ('delete', n);
END $$;
DO $$ BEGIN INSERT INTO t SELECT i, i FROM generate_series(200, 205) i RETURNING k; END $$;
SELECT * FROM counts;
SELECT count(*), sum(v) FROM t;
