# A node that dies, or whose coordinator dies, in the middle of the commit of its removal: recovery
# finishes that, though the node is not in the cluster any more.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use CitusCluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $sharedir = `$ENV{PG_CONFIG} --sharedir`;
chomp $sharedir;
plan skip_all => 'this server has no injection points'
    unless -e "$sharedir/extension/injection_points.control";

my $c = CitusCluster->new(workers => 2, conf => "citus.recover_2pc_interval = -1\n");
my $point = 'citus-txn-before-commit-prepared';
my $remove = "SELECT citus_remove_node('localhost', " . $c->port('worker2') . ')';
my $prepared = 'SELECT count(*) FROM pg_prepared_xacts';

$c->sql(q{
    CREATE EXTENSION injection_points;
    CREATE TABLE r (k int PRIMARY KEY);
    SELECT create_reference_table('r');
    INSERT INTO r VALUES (1)});

my $session;
sub remove_until_committed {
    $session = $c->node('coordinator')->background_psql('citus', on_error_stop => 0);
    $session->query("SELECT injection_points_attach('$point', 'wait')");
    $session->query_until(qr/go/, "\\echo go\n$remove;\n");
    ok($c->stands_at('coordinator', $point), "stopped at $point");
    $c->sql("SELECT injection_points_detach('$point')");
}

sub is_alone {
    is($c->sql_on('worker2', $prepared), '0', 'nothing is prepared any more');
    is($c->sql_on('worker2', 'SELECT count(*) FROM pg_dist_node'), '0', 'the node has left');
    is($c->sql('SELECT count(*) FROM citus_internal.departed_node'), '0', 'and is forgotten');
    is($c->sql('SELECT count(*) FROM pg_dist_transaction'), '0', 'with the records');
}

# the coordinator dies
remove_until_committed();
$c->kill9('coordinator');
eval { $session->quit };
$c->start('coordinator');
is($c->sql('SELECT count(*) FROM pg_dist_node'), '2', 'the removal is committed');
is($c->sql_on('worker2', $prepared), '1', 'and prepared on the node');
is($c->sql('SELECT recover_prepared_transactions()'), '2', 'recovery finishes it');
is_alone();
$c->add_node('worker2');
$c->check;

# the node dies, and joins again before anybody has looked
remove_until_committed();
$c->kill9('worker2');
$c->wake('coordinator', $point);
$session->query('SELECT 1');
like($session->{stderr}, qr/WARNING:  could not commit prepared transaction/, 'a warning says so');
$session->quit;
$c->sql('SELECT recover_prepared_transactions()');
$c->start('worker2');
is($c->sql_on('worker2', $prepared), '1', 'prepared on the node');
$c->add_node('worker2');
is($c->sql_on('worker2', $prepared), '0', 'finished before it joins');
is($c->sql_on('worker2', 'SELECT count(*) FROM r'), '1', 'and filled');
$c->check;

# the end of the cluster waits for it
$session = $c->node('coordinator')->background_psql('citus', on_error_stop => 0);
$session->query("SELECT injection_points_attach('$point', 'wait')");
$session->query_until(qr/go/, "\\echo go\nDROP EXTENSION citus CASCADE;\n");
ok($c->stands_at('coordinator', $point), "stopped at $point");
$c->sql("SELECT injection_points_detach('$point')");
$c->kill9('worker2');
$c->wake('coordinator', $point);
$session->query('SELECT 1');
like($session->{stderr}, qr/ERROR:  cannot drop extension citus before node .* has left/,
    'the extension is not dropped before the node has left');
$session->quit;
is($c->sql('SELECT count(*) FROM pg_dist_node'), '0', 'though the cluster is no more');
$c->fails('DROP EXTENSION citus', qr/before node .* has left/, 'nor when tried again');
$c->start('worker2');
$c->sql('DROP EXTENSION citus');
is($c->sql_on('worker2', $prepared), '0', 'but when it has');
is($c->sql_on('worker2', 'SELECT count(*) FROM pg_dist_node'), '0', 'it stands alone');
done_testing();
