-- Rules are on all shells and on no shard; those that other nodes cannot have stay local.
CREATE TABLE t (k int PRIMARY KEY, v int);
CREATE TABLE seen (k int, op text);
CREATE TABLE plain (k int);
SELECT create_distributed_table('t', 'k', shard_count => 4);
SELECT create_distributed_table('seen', 'k');
CREATE VIEW rules_seen AS SELECT groupid > 0 AS worker, result FROM pg_dist_node
  JOIN run_command_on_all_nodes($$
    SELECT coalesce(string_agg(c.relname || '.' || rulename || ' ' || ev_enabled::text
                    || coalesce(' ' || obj_description(r.oid, 'pg_rewrite'), ''), ', '
                    ORDER BY rulename), '')
    FROM pg_rewrite r JOIN pg_class c ON c.oid = ev_class
    WHERE relname ~ '^(t|seen)(_\d+)?$'$$) answer USING (nodeid);
CREATE RULE a AS ON INSERT TO t DO ALSO INSERT INTO seen VALUES (new.k, 'i');
CREATE RULE b AS ON UPDATE TO t DO ALSO INSERT INTO plain VALUES (new.k);
ALTER TABLE t ENABLE ALWAYS RULE a;
COMMENT ON RULE a ON t IS 'remembers';
SELECT * FROM rules_seen ORDER BY 1, 2;
ALTER TABLE t DISABLE RULE b;
ALTER RULE b ON t RENAME TO c;
DROP RULE c ON t;
CREATE RULE r AS ON SELECT TO t DO INSTEAD SELECT * FROM seen;
-- from a worker
SELECT nodeport AS worker_port FROM pg_dist_node WHERE groupid > 0 ORDER BY groupid LIMIT 1 \gset
\set coordinator_port :PORT
\c - - localhost :worker_port
INSERT INTO t VALUES (1, 1);
\c - - localhost :coordinator_port
SELECT citus_activate_node('localhost', :worker_port) > 0 AS filled;
SELECT * FROM rules_seen ORDER BY 1, 2;
-- only the owner makes rules
CREATE ROLE rules_user;
GRANT ALL ON SCHEMA public TO rules_user;
GRANT SELECT, INSERT ON t TO rules_user;
SET ROLE rules_user;
CREATE RULE z AS ON DELETE TO t DO INSTEAD NOTHING;
INSERT INTO t VALUES (7, 7);
RESET ROLE;
SELECT * FROM seen ORDER BY k;
SELECT undistribute_table('t');
SELECT rulename FROM pg_rules WHERE tablename = 't';
SELECT * FROM rules_seen ORDER BY 1, 2;
DROP VIEW rules_seen;
DROP TABLE t, seen, plain;
REVOKE ALL ON SCHEMA public FROM rules_user;
DROP ROLE rules_user;
SELECT * FROM citus_internal.check_consistency();
