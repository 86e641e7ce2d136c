-- Sub-queries of policies are answered by each shard, with the shards beside it, or refused.
SET citus.shard_count TO 4;
CREATE TABLE docs (tenant int, id int);
CREATE TABLE members (tenant int, who name);
CREATE TABLE other (tenant int, who name);
CREATE TABLE plain (tenant int);
CREATE TABLE ref (id int PRIMARY KEY);
CREATE TABLE ref2 (id int PRIMARY KEY);
SELECT create_distributed_table('docs', 'tenant');
SELECT create_distributed_table('members', 'tenant');
SELECT create_distributed_table('other', 'tenant', colocate_with => 'none');
SELECT create_reference_table('ref');
SELECT create_reference_table('ref2');
CREATE POLICY p ON docs USING (tenant IN (SELECT tenant FROM other));
CREATE POLICY p ON docs USING (tenant IN (SELECT tenant FROM plain));
CREATE POLICY p ON docs USING (tenant NOT IN (SELECT tenant FROM members));
DROP POLICY p ON docs;
CREATE POLICY p ON docs USING (id IN (SELECT tenant FROM members));
CREATE POLICY p ON docs WITH CHECK (id < (SELECT count(*) FROM members));
CREATE POLICY p ON ref USING (id IN (SELECT tenant FROM members));
CREATE POLICY p ON ref USING (id = (SELECT max(tenant) FROM members WHERE tenant = 1));
CREATE POLICY p ON docs USING (id IN (SELECT id FROM ref)) WITH CHECK (tenant IN (SELECT m.tenant FROM members m));
CREATE POLICY q ON docs AS RESTRICTIVE FOR DELETE USING (id < (SELECT max(id) FROM ref));
ALTER POLICY q ON docs USING (tenant < (SELECT max(tenant) FROM members));
CREATE POLICY r ON ref USING (id IN (SELECT id FROM ref2));
CREATE POLICY r ON ref2 USING (id > 0 OR EXISTS (SELECT 1 FROM ref WHERE ref.id = ref2.id));
COMMENT ON POLICY r ON ref IS 'both ways';
SELECT tablename, policyname, qual, with_check FROM pg_policies WHERE tablename ~ '^(docs|ref)' ORDER BY 1, 2;
SELECT DISTINCT regexp_replace(result, '_\d+', '_n', 'g') AS on_shards FROM run_command_on_shards('docs',
    $$SELECT string_agg(concat_ws(' / ', polname, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)), ', ' ORDER BY polname)
      FROM pg_policy WHERE polrelid = '%s'::regclass$$);
SELECT undistribute_table('members');
SELECT undistribute_table('ref2');
-- a node that is filled anew has them, too
SELECT nodeport AS worker_port FROM pg_dist_node WHERE groupid > 0 ORDER BY groupid LIMIT 1 \gset
SELECT citus_activate_node('localhost', :worker_port) > 0 AS filled;
DROP POLICY r ON ref2;
DROP POLICY r ON ref;
DROP POLICY p ON docs;
DROP POLICY q ON docs;
SELECT undistribute_table('members');
-- a table with such a policy
CREATE POLICY p ON members USING (tenant IN (SELECT tenant FROM other));
SELECT create_distributed_table('members', 'tenant');
SELECT create_distributed_table('members', 'tenant', colocate_with => 'other');
DROP TABLE docs, members, other, plain, ref, ref2;
SELECT * FROM citus_internal.check_consistency();
