# Nodes that join, fail to join, leave and move; every node answers and takes writes.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use CitusCluster;
use Test::More;

my $c = CitusCluster->new(workers => 1);
$c->sql(q{
    CREATE SCHEMA app;
    CREATE TYPE app.color AS ENUM ('red', 'green');
    CREATE TABLE app.t (k int PRIMARY KEY, c app.color, v int DEFAULT 3);
    CREATE TABLE app.r (id int PRIMARY KEY, name text);
    CREATE INDEX ON app.t (v);
    SELECT create_distributed_table('app.t', 'k');
    SELECT create_reference_table('app.r');
    INSERT INTO app.t SELECT i, 'red' FROM generate_series(1, 50) i;
    INSERT INTO app.r VALUES (1, 'one'), (2, 'two')});

# A server without the extension, and nobody at all, are refused.
my $bare = $c->add_server('bare');
$c->fails("SELECT citus_add_node('localhost', " . $c->port('bare') . ')', qr/ERROR/,
          'a server without the extension is refused');
my $nobody = PostgreSQL::Test::Cluster::get_free_port();
$c->fails("SELECT citus_add_node('localhost', $nobody)", qr/ERROR/, 'a port without a server is refused');
is($c->sql('SELECT count(*) FROM pg_dist_node'), '2', 'neither has left a row');

# The same server joins once it has the extension, and knows everything.
$c->sql_on('bare', 'CREATE EXTENSION citus');
$c->add_node('bare');
is($c->sql('SELECT count(*) FROM citus_check_cluster_node_health() WHERE NOT result'), '0', 'all reach all');
is($c->sql_on('bare', 'SELECT count(*), min(c) FROM app.t'), '50|red', 'the new node answers');
is($c->sql_on('bare', 'SELECT name FROM app.r WHERE id = 2'), 'two', 'it has the reference table');
$c->sql_on('bare', q{INSERT INTO app.t VALUES (1000, 'green') RETURNING v});
$c->sql_on('worker1', q{INSERT INTO app.r VALUES (3, 'three')});
is($c->sql('SELECT c, v FROM app.t WHERE k = 1000'), 'green|3', 'it takes writes');
is($c->sql_on('bare', 'SELECT count(*) FROM app.r'), '3', 'reference rows reach it');
is($c->sql_on('bare', 'SELECT max(k) FROM app.t JOIN app.r ON id = v'), '1000', 'joins from it work');

# New shards go there, too.
$c->sql(q{CREATE TABLE app.n (k int);
          SELECT create_distributed_table('app.n', 'k', colocate_with => 'none')});
is($c->sql(q{SELECT count(DISTINCT nodeport) FROM citus_shards WHERE table_name = 'app.n'::regclass}), '2',
   'new tables use it');
$c->fails("SELECT citus_remove_node('localhost', " . $c->port('bare') . ')', qr/ERROR/,
          'a node with the only copy of a shard stays');
$c->sql('DROP TABLE app.n');
$c->sql("SELECT citus_remove_node('localhost', " . $c->port('bare') . ')');
is($c->sql('SELECT count(*) FROM pg_dist_node'), '2', 'it leaves');
is($c->sql('SELECT count(*) FROM app.t'), '51', 'the others go on');

# Names and settings outlive a restart of everything.
$c->restart($_) for 'coordinator', 'worker1';
is($c->sql('SELECT count(*), sum(v) FROM app.t'), '51|153', 'after a restart of all nodes');
is($c->sql_on('worker1', 'SELECT count(*) FROM app.t'), '51', 'from the worker as well');
$c->check;
done_testing();
