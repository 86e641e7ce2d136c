-- Who may maintain a table, may do so on all nodes.
CREATE SCHEMA mp;
SET search_path TO mp;
SET citus.shard_count TO 4;
CREATE TABLE m (a int PRIMARY KEY);
SELECT create_distributed_table('m', 'a');
INSERT INTO m SELECT generate_series(1, 20);
CREATE ROLE mp_user LOGIN;
GRANT USAGE ON SCHEMA mp TO mp_user;
SET ROLE mp_user;
\set VERBOSITY sqlstate
REINDEX TABLE m;
REINDEX INDEX m_pkey;
CLUSTER m USING m_pkey;
\set VERBOSITY default
RESET ROLE;
-- before 17 that is the owner
DO $$
BEGIN
	IF current_setting('server_version_num')::int >= 170000 THEN
		GRANT MAINTAIN ON m TO mp_user;
	ELSE
		GRANT CREATE ON SCHEMA mp TO mp_user;
		ALTER TABLE m OWNER TO mp_user;
	END IF;
END $$;
SET ROLE mp_user;
REINDEX TABLE m;
REINDEX INDEX m_pkey;
CLUSTER m USING m_pkey;
REINDEX TABLE CONCURRENTLY m;
VACUUM m;
ANALYZE m;
RESET ROLE;
SELECT citus_internal.check_consistency();
SET client_min_messages TO warning;
DROP SCHEMA mp CASCADE;
DROP ROLE mp_user;
