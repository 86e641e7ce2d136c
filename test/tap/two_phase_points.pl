# Nodes that die at the exact points of the commit protocol, with the stop points of servers built
# for it (17 and later).
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
$c->sql(q{
    CREATE EXTENSION injection_points;
    CREATE TABLE t (k int PRIMARY KEY, v int);
    SELECT create_distributed_table('t', 'k');
    INSERT INTO t SELECT i, 0 FROM generate_series(1, 100) i});

my $session;
my $version = $c->node('coordinator')->pg_version;

# A session whose transaction over both workers stops at the point.
sub commit_until {
    my ($point, $v) = @_;
    $session = $c->node('coordinator')->background_psql('citus', on_error_stop => 0);
    $session->query("SELECT injection_points_attach('$point', 'wait')");
    $session->query_until(qr/go/, "\\echo go\nUPDATE t SET v = $v;\n");
    ok($c->stands_at('coordinator', $point), "stopped at $point");
    # others pass
    $c->sql("SELECT injection_points_detach('$point')");
}

sub go_on {
    my ($point) = @_;
    $c->wake('coordinator', $point);
}

sub prepared {
    my ($node) = @_;
    return $c->sql_on($node, 'SELECT count(*) FROM pg_prepared_xacts');
}

# Recovery leaves alone what its session is still busy with.
commit_until('citus-txn-after-prepare', 1);
is(prepared($_), '1', "prepared on $_") for 'worker1', 'worker2';
is($c->sql('SELECT recover_prepared_transactions()'), '0', 'a transaction at work is left alone');
go_on('citus-txn-after-prepare');
ok($c->node('coordinator')->poll_query_until('citus', 'SELECT sum(v) = 100 FROM t'),
   'and commits');
$session->quit;

# The coordinator dies before it has committed: rolled back.
commit_until('citus-txn-after-prepare', 2);
$c->kill9('coordinator');
eval { $session->quit };
$c->start('coordinator');
is(prepared('worker1'), '1', 'still prepared');
is($c->sql('SELECT recover_prepared_transactions()'), '2', 'two are resolved');
is($c->sql('SELECT sum(v) FROM t'), '100', 'rolled back on both');

# The coordinator dies after it has committed: committed.
commit_until('citus-txn-before-commit-prepared', 3);
$c->kill9('coordinator');
eval { $session->quit };
$c->start('coordinator');
is($c->sql('SELECT recover_prepared_transactions()'), '2', 'two are resolved');
is($c->sql('SELECT sum(v) FROM t'), '300', 'committed on both');

# A worker dies between PREPARE and COMMIT PREPARED: the transaction is committed, with a warning;
# the daemon finishes it when the worker is back.
commit_until('citus-txn-before-commit-prepared', 4);
$c->kill9('worker1');
go_on('citus-txn-before-commit-prepared');
$session->query('SELECT 1');
like($session->{stderr}, qr/WARNING:  could not commit prepared transaction/, 'a warning says so');
$session->quit;
$c->start('worker1');
is(prepared('worker1'), '1', 'prepared on the worker that died');
$c->set('citus.recover_2pc_interval', '100ms');
$c->wait_until('worker1', 'SELECT count(*) = 0 FROM pg_prepared_xacts', 'the daemon finishes it');
is($c->sql('SELECT sum(v) FROM t'), '400', 'committed on both');
$c->set('citus.recover_2pc_interval', '-1');

# A worker dies before PREPARE: all is rolled back.
commit_until('citus-txn-before-prepare', 5);
$c->kill9('worker2');
go_on('citus-txn-before-prepare');
$session->query('SELECT 1');
like($session->{stderr}, qr/ERROR:  connection to node/, 'the transaction fails');
$session->quit;
$c->start('worker2');
$c->sql('SELECT recover_prepared_transactions()');
is($c->sql('SELECT sum(v) FROM t'), '400', 'nothing is changed');
is(prepared($_), '0', "nothing is prepared on $_") for $c->names;

$c->check;
done_testing();
