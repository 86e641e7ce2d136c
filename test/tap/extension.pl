# The life of the extension: how the library is loaded, creating and dropping, what a session that
# was there before sees of it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use CitusCluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $c = CitusCluster->new(workers => 0, extension => 0);
my $node = $c->node('coordinator');

is($c->sql('SELECT count(*) FROM pg_class WHERE relname = \'pg_dist_node\''), '0',
   'a database without the extension is an ordinary one');
$c->fails('SET citus.no_such_setting = 1', qr/reserved prefix/, 'the prefix is reserved');
$c->fails('SET citus.version = 1', qr/cannot be changed/, 'the version cannot be set');
is($c->sql('SHOW citus.version'), '14.0', 'but shown');

# A session notices that the extension comes and goes.
my $session = $node->background_psql('citus');
is($session->query("SELECT count(*) FROM pg_class WHERE relname = 'pg_dist_node'"), '0', 'none');
$c->sql('CREATE EXTENSION citus');
is($session->query('SELECT count(*) FROM citus_tables'), '0', 'created');
$session->query(q{
    CREATE TABLE t (k int);
    SELECT create_distributed_table('t', 'k', shard_count => 2);
    INSERT INTO t SELECT generate_series(1, 10)});
is($session->query('SELECT count(*) FROM t'), '10', 'and used');

$c->fails('DROP EXTENSION citus', qr/table t depends on extension citus/,
          'not dropped while there are tables');
$c->sql('SET client_min_messages TO error; DROP EXTENSION citus CASCADE; CREATE EXTENSION citus');
is($session->query("SELECT count(*) FROM pg_class WHERE relname ~ '^t(_|\$)' AND relkind = 'r'"),
   '0', 'dropped with its tables');
$session->query(q{
    CREATE TABLE t (k int);
    SELECT create_distributed_table('t', 'k', shard_count => 2);
    INSERT INTO t SELECT generate_series(1, 20)});
is($session->query('SELECT count(*) FROM t'), '20', 'and used again');
$session->quit;

$c->sql('BEGIN; DROP TABLE t; DROP EXTENSION citus; ROLLBACK');
is($c->sql('SELECT count(*) FROM t'), '20', 'a drop that is rolled back has no effect');
$c->check;

# Loading.
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''\n");
$node->restart;
$c->fails("LOAD 'citus'", qr/must be loaded when the server starts/, 'not loaded later');
$c->fails('SELECT citus_version()', qr/must be loaded when the server starts/, 'nor by a call');
is($c->sql('SELECT count(*) >= 0 FROM t'), 't', 'the database can be used');
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'citus'\n"
                   . "max_prepared_transactions = 0\n");
$node->restart;
is($c->sql('SHOW max_prepared_transactions'), '0', 'a chosen setting is kept');
is($c->sql('SELECT count(*) FROM t'), '20', 'and back');
done_testing();
