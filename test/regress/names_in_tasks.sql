-- Operators, functions and types of users never stand in for the server's in what runs on shards,
-- whose owner's rights they would have.
CREATE TABLE names_shared (k int, v text);
CREATE TABLE names_spread (k int, v text);
SELECT create_reference_table('names_shared');
SELECT create_distributed_table('names_spread', 'k');
INSERT INTO names_shared SELECT i, i FROM generate_series(1, 20) i;
INSERT INTO names_spread SELECT i, i FROM generate_series(1, 20) i;
CREATE VIEW names_shared_view AS SELECT * FROM names_shared WHERE k < 5 AND v < '5'::text;
CREATE VIEW names_spread_view AS SELECT * FROM names_spread WHERE k < 5 AND v < '5'::text;
CREATE ROLE names_user LOGIN;
GRANT SELECT ON names_shared_view, names_spread_view TO names_user;
CREATE SCHEMA names_own AUTHORIZATION names_user;

\c - names_user
CREATE FUNCTION names_own.less(int, int) RETURNS bool LANGUAGE plpgsql AS
    $$ BEGIN RAISE NOTICE 'an operator runs as %', current_user; RETURN true; END $$;
CREATE OPERATOR names_own.< (LEFTARG = int, RIGHTARG = int, FUNCTION = names_own.less);
SET search_path = names_own, pg_catalog;
SELECT count(*) FROM public.names_shared_view;
SELECT count(*) FROM public.names_spread_view;
SELECT count(*) FROM public.names_shared_view WHERE k OPERATOR(pg_catalog.>) 2;
SHOW search_path;
RESET search_path;

-- temporary types come before all others
CREATE FUNCTION names_own.check_text(pg_catalog.text) RETURNS bool LANGUAGE plpgsql AS
    $$ BEGIN RAISE NOTICE 'a type runs as %', current_user; RETURN true; END $$;
CREATE DOMAIN pg_temp.text AS pg_catalog.text CHECK (names_own.check_text(VALUE));
SELECT count(*) FROM public.names_shared_view;
SELECT count(*) FROM public.names_spread_view;

\c - postgres
DROP VIEW names_shared_view, names_spread_view;
DROP TABLE names_shared, names_spread;
DROP SCHEMA names_own CASCADE;
DROP ROLE names_user;
SELECT * FROM citus_internal.check_consistency();
