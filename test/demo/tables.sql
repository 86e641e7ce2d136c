CREATE TABLE sections (section text PRIMARY KEY, title text);
CREATE TABLE packages (
    package text PRIMARY KEY,
    version text NOT NULL,
    section text,
    size bigint,
    description text
);
CREATE TABLE dependencies (package text NOT NULL, needs text NOT NULL);
CREATE TABLE files (package text NOT NULL, path text NOT NULL);
CREATE INDEX ON files (path);

-- small and joined everywhere: a copy on each node
SELECT create_reference_table('sections');

-- by the name of the package: what belongs together lies together
SELECT create_distributed_table('packages', 'package');
SELECT create_distributed_table('dependencies', 'package', colocate_with => 'packages');
SELECT create_distributed_table('files', 'package', colocate_with => 'packages');

SELECT table_name, citus_table_type, distribution_column, shard_count FROM citus_tables ORDER BY table_name::text;
