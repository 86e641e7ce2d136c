# Nodes that are disabled, come back, leave while they are down, join again; what they bring back is
# replaced by what the cluster has.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use CitusCluster;
use Test::More;

my $c = CitusCluster->new(workers => 2);
my ($host, $w1, $w2) = ("'localhost'", map { $c->port("worker$_") } 1, 2);

# Objects of many kinds, all shards on the first worker, a reference table on all.
$c->sql(qq{
    SELECT citus_set_node_property($host, $w2, 'shouldhaveshards', false);
    CREATE ROLE owner; CREATE ROLE reader;
    CREATE SCHEMA app AUTHORIZATION owner;
    CREATE TYPE app.color AS ENUM ('red', 'green');
    CREATE DOMAIN app.positive AS int CHECK (VALUE > 0);
    CREATE FUNCTION app.twice(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT \$1 * 2';
    CREATE TABLE app.kinds (id int PRIMARY KEY, label text UNIQUE);
    CREATE TABLE app.ref (id int PRIMARY KEY, kind int REFERENCES app.kinds, c app.color,
        p app.positive DEFAULT app.twice(2), gone int, t text,
        g int GENERATED ALWAYS AS (id * 2) STORED, a text[], n numeric, b bytea, ts timestamptz);
    ALTER TABLE app.ref DROP COLUMN gone;
    CREATE TABLE app.serial (k bigserial PRIMARY KEY, v int);
    CREATE TABLE app.parts (k int, d date, PRIMARY KEY (k, d)) PARTITION BY RANGE (d);
    CREATE TABLE app.parts1 PARTITION OF app.parts FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
    CREATE INDEX ON app.parts (d);
    COMMENT ON TABLE app.serial IS 'with a sequence';
    ALTER TABLE app.serial OWNER TO owner;
    GRANT SELECT ON app.serial TO reader;
    SELECT create_reference_table('app.kinds');
    SELECT create_reference_table('app.ref');
    SELECT create_distributed_table('app.serial', 'k', shard_count => 4);
    SELECT create_distributed_table('app.parts', 'k', shard_count => 4);
    CREATE VIEW app.v AS SELECT k, v FROM app.serial;
    INSERT INTO app.kinds VALUES (1, 'one'), (2, NULL);
    INSERT INTO app.ref (id, kind, c, p, t, a, n, b, ts) VALUES (1, 1, 'red', 7, E'tab\\tnew\\nline\\\\back', '{a,"b,c",NULL}', 1.50,
        '\\x00ff', '2020-01-01 00:00:00+02'), (2, NULL, NULL, 1, NULL, NULL, NULL, NULL, NULL);
    INSERT INTO app.ref (id) SELECT generate_series(10, 3000);
    INSERT INTO app.serial (v) SELECT generate_series(1, 20);
    INSERT INTO app.parts SELECT i, '2020-05-05' FROM generate_series(1, 20) i});
$c->sql_on('worker2', 'INSERT INTO app.serial (v) SELECT generate_series(21, 25)');
my $reference = 'SELECT md5(string_agg(r::text, chr(10) ORDER BY id)) FROM app.ref r';
$c->check('consistent at the start');

# Disabled and activated: rows written meanwhile, and DDL, are there afterwards.
$c->sql("SELECT citus_disable_node($host, $w2)");
is($c->sql("SELECT isactive FROM pg_dist_node WHERE nodeport = $w2"), 'f', 'disabled');
$c->sql(q{UPDATE app.ref SET t = 'changed' WHERE id = 2;
          ALTER TABLE app.ref ADD COLUMN later int DEFAULT 5;
          CREATE TABLE app.later (k int); SELECT create_distributed_table('app.later', 'k', shard_count => 2)});
$c->sql("SELECT citus_activate_node($host, $w2)");
is($c->sql_on('worker2', $reference), $c->sql($reference), 'the copy is a fresh one');
is($c->sql_on('worker2', 'SELECT count(*) FROM app.later'), '0', 'it knows what was made meanwhile');
$c->sql_on('worker2', 'INSERT INTO app.serial (v) VALUES (26)');
is($c->sql('SELECT count(DISTINCT k) FROM app.serial'), '26', 'its sequence went on');
$c->check('consistent after the return');

# Disabled while it is down.
$c->kill9('worker2');
$c->fails('UPDATE app.ref SET t = NULL', qr/ERROR/, 'writes of reference tables need all nodes');
$c->sql("SELECT citus_disable_node($host, $w2)");
$c->sql(q{UPDATE app.ref SET t = 'while down' WHERE id = 1});
$c->fails("SELECT citus_activate_node($host, $w2)", qr/could not reach|could not connect/, 'it is still down');
$c->start('worker2');
$c->sql("SELECT citus_activate_node($host, $w2)");
is($c->sql_on('worker2', $reference), $c->sql($reference), 'fresh again');
$c->check('consistent after the crash');

# Removed while it is down: on return it is known as one of ours.
$c->stop('worker2');
$c->sql("SELECT citus_remove_node($host, $w2)");
is($c->sql(q{SELECT count(*) FROM pg_dist_placement p WHERE NOT EXISTS
             (SELECT FROM pg_dist_node n WHERE n.groupid = p.groupid)}), '0', 'no placement is left');
$c->start('worker2');
$c->sql("SELECT citus_add_node($host, $w2)");
is($c->sql_on('worker2', $reference), $c->sql($reference), 'joined again');
$c->check('consistent after the second joining');

# Removed while it is up: it stands alone, and may join again.
$c->sql("SELECT citus_remove_node($host, $w2)");
is($c->sql_on('worker2', 'SELECT count(*) FROM pg_dist_node'), '0', 'it forgot the cluster');
is($c->sql_on('worker2', q{SELECT count(*) FROM pg_class WHERE relname LIKE 'ref%' AND relkind = 'r'
           AND relnamespace = 'app'::regnamespace}), '0', 'and has no shells or copies');
$c->sql("SELECT citus_add_node($host, $w2)");
is($c->sql_on('worker2', $reference), $c->sql($reference), 'joined for the third time');

# A joining that is rolled back leaves nothing.
$c->sql("SELECT citus_remove_node($host, $w2)");
$c->sql("BEGIN; SELECT citus_add_node($host, $w2); ROLLBACK");
is($c->sql('SELECT count(*) FROM pg_dist_node'), '2', 'no row here');
is($c->sql_on('worker2', 'SELECT count(*) FROM pg_dist_node'), '0', 'no row there');
is($c->sql_on('worker2', 'SELECT count(*) FROM pg_prepared_xacts'), '0', 'nothing prepared');
$c->check('consistent after a rollback');

# A failure in the middle of joining leaves nothing: the table is there already.
$c->sql_on('worker2', 'CREATE TABLE IF NOT EXISTS app.serial (k int)');
$c->fails("SELECT citus_add_node($host, $w2)", qr/already exists/, 'a table stands in the way');
is($c->sql('SELECT count(*) FROM pg_dist_node'), '2', 'no row');
is($c->sql_on('worker2', 'SELECT count(*) FROM pg_dist_node'), '0', 'none there');
$c->sql_on('worker2', 'DROP TABLE app.serial');

# First without service, then with.
$c->sql("SELECT citus_add_inactive_node($host, $w2)");
is($c->sql_on('worker2', 'SELECT count(*) FROM pg_dist_node'), '0', 'an inactive node is not told');
$c->sql("SELECT citus_activate_node($host, $w2)");
is($c->sql_on('worker2', $reference), $c->sql($reference), 'active');
# Metadata sent anew to nodes with shards: the shards stay, whether the shells are as they should be
# or not, and go with their shells as before.
my $rows = $c->sql('SELECT count(*), sum(v) FROM app.serial');
$c->sql('SELECT start_metadata_sync_to_all_nodes()');
is($c->sql('SELECT count(*), sum(v) FROM app.serial'), $rows, 'rows are untouched');
$c->check('consistent after metadata was sent anew');
$c->sql_on('worker1', 'SET citus.enable_ddl_propagation TO off; ALTER TABLE app.serial ALTER v SET DEFAULT 99');
$c->sql('SELECT start_metadata_sync_to_all_nodes()');
is($c->sql('SELECT count(*), sum(v) FROM app.serial'), $rows, 'nor by shells made anew');
$c->sql_on('worker1', 'INSERT INTO app.serial DEFAULT VALUES');
is($c->sql('SELECT count(*), sum(v) FROM app.serial WHERE v = 99'), '0|', 'the shell is as it was');
$c->sql('DELETE FROM app.serial WHERE v IS NULL');
$c->check('consistent after shells were made anew');
$c->sql('DROP TABLE app.later');
is($c->sql_on('worker1', q{SELECT count(*) FROM pg_class WHERE relname LIKE 'later%'}), '0', 'no shard is left behind');

# Without copies at first.
$c->sql("SELECT citus_remove_node($host, $w2)");
$c->sql("SET citus.replicate_reference_tables_on_activate TO off; SELECT citus_add_node($host, $w2)");
is($c->sql_on('worker2', $reference), $c->sql($reference), 'read from elsewhere');
$c->sql('SELECT replicate_reference_tables()');
is($c->sql(q{SELECT count(*) FROM citus_shards WHERE table_name = 'app.ref'::regclass}), '3', 'copied later');
$c->check('consistent after copying');

# Another address, which does not answer yet: the daemon brings the node up to date.
my $port = PostgreSQL::Test::Cluster::get_free_port();
$c->set('citus.metadata_sync_interval', '500ms');
$c->stop('worker2');
$c->node('worker2')->append_conf('postgresql.conf', "port = $port\n");
$c->node('worker2')->{_port} = $port;
$c->sql("SELECT citus_update_node((SELECT nodeid FROM pg_dist_node WHERE nodeport = $w2), $host, $port)");
is($c->sql("SELECT metadatasynced FROM pg_dist_node WHERE nodeport = $port"), 'f', 'it counts as out of sync');
$c->fails('ALTER TABLE app.serial ADD COLUMN no int', qr/out of sync/, 'no DDL meanwhile');
$c->start('worker2');
$c->wait_until('coordinator', "SELECT metadatasynced FROM pg_dist_node WHERE nodeport = $port", 'brought up to date');
is($c->sql_on('worker2', "SELECT nodeport FROM pg_dist_node WHERE groupid = (SELECT groupid FROM pg_dist_local_group)"),
   $port, 'it knows its own address');
$w2 = $port;
$c->sql(q{UPDATE app.ref SET t = 'moved' WHERE id = 1});
is($c->sql_on('worker2', $reference), $c->sql($reference), 'found at its new address');
is($c->sql_on('worker1', 'SELECT count(*) FROM citus_check_cluster_node_health() WHERE NOT result'), '0',
   'by everybody');
$c->check('consistent after the move');

# A member of another cluster, and a server with tables of its own.
my $other = CitusCluster->new(workers => 1);
$c->fails("SELECT citus_add_node($host, " . $other->port('worker1') . ')', qr/another cluster/, 'another worker');
$c->fails("SELECT citus_add_node($host, " . $other->port('coordinator') . ')', qr/another cluster/,
          'another coordinator');
my $alone = $c->add_server('alone');
$c->sql_on('alone', q{CREATE EXTENSION citus; CREATE TABLE t (k int); SELECT create_distributed_table('t', 'k')});
$c->fails("SELECT citus_add_node($host, " . $c->port('alone') . ')', qr/another cluster/,
          'a server that has distributed tables');
$c->sql_on('alone', q{DROP TABLE t; DROP EXTENSION citus});
$c->sql_on('alone', q{CREATE FUNCTION public.dummy() RETURNS int LANGUAGE sql AS 'SELECT 1'});
is($c->sql('SELECT count(*) FROM pg_dist_node'), '3', 'none has left a row');
$c->check('consistent at the end');
done_testing();
