-- What pg_stat_progress_copy shows of a COPY while it runs.
ALTER SEQUENCE pg_catalog.pg_dist_shardid_seq RESTART 1250000;
CREATE SCHEMA cg;
SET search_path TO cg;
SET citus.shard_count TO 4;
SET client_min_messages TO warning;
CREATE TABLE d (k int, v text);
SELECT create_distributed_table('d', 'k');
-- called for every row, keeps what is shown at the last one
CREATE FUNCTION note_progress(k int) RETURNS bool VOLATILE LANGUAGE plpgsql AS $f$
BEGIN
    PERFORM pg_stat_clear_snapshot();
    PERFORM set_config('cg.shown', (
        SELECT format('%s of %s from %s: %s bytes of %s, %s rows and %s left out', command, relid::regclass, type, bytes_processed,
            bytes_total, tuples_processed, tuples_excluded)
        FROM pg_stat_progress_copy WHERE pid = pg_backend_pid()), false);
    RETURN k % 3 <> 0;
END $f$;
COPY d FROM PROGRAM 'seq 1 10 | sed "s/$/\tv/"' WHERE note_progress(k);
SHOW cg.shown;
COPY d FROM STDIN WHERE note_progress(k);
1	a
2	b
3	c
4	d
\.
-- with the end of the data up to 17, which psql sends
SELECT regexp_replace(current_setting('cg.shown'), '\d+ bytes', 'some bytes');
SELECT count(*) FROM pg_stat_progress_copy;
DROP SCHEMA cg CASCADE;
