# A node that hangs: its processes are stopped, its sockets stay open.  Whoever waits for it is let
# go by timeouts and cancel requests in bounded time, others do not notice, and it is as before when
# it goes on.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use CitusCluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $c = CitusCluster->new(workers => 2, conf => "citus.recover_2pc_interval = 1s\n");
$c->sql('SELECT citus_set_node_property($$localhost$$, ' . $c->port('coordinator') . ', $$shouldhaveshards$$, true)');
$c->sql(q{
    CREATE TABLE o (k int PRIMARY KEY, v int);
    SELECT create_distributed_table('o', 'k', shard_count => 3);
    INSERT INTO o SELECT i, 0 FROM generate_series(1, 20) i;
    SELECT citus_set_node_property('localhost', } . $c->port('coordinator') . q{, 'shouldhaveshards', false);
    CREATE TABLE t (k int PRIMARY KEY, v int);
    SELECT create_distributed_table('t', 'k', shard_count => 4, colocate_with => 'none');
    INSERT INTO t SELECT i, 0 FROM generate_series(1, 20) i});
my ($there, $elsewhere) = map { scalar $c->key_on('t', $_) } 'worker1', 'worker2';

my $session = $c->node('coordinator')->background_psql('citus', on_error_stop => 0);
$session->query('SELECT count(*) FROM t');

my ($postmaster) = slurp_file($c->node('worker1')->data_dir . '/postmaster.pid') =~ /^(\d+)/;
my @stopped = ($postmaster, grep { /^\d+$/ } split /\s+/, `pgrep -P $postmaster`);
kill STOP => @stopped;
END { kill CONT => @stopped if @stopped }

sub gives_up {
    my ($sql, $pattern, $what) = @_;
    my $start = time;
    $session->query("SET statement_timeout = '500ms'");
    $session->query($sql);
    my $err = $session->{stderr};
    $session->{stderr} = '';
    $session->query('ROLLBACK');
    $session->{stderr} = '';
    like($err, $pattern, $what);
    cmp_ok(time - $start, '<', 40, "$what: in bounded time");
}

gives_up('SELECT count(*) FROM t', qr/canceling statement due to statement timeout/, 'a read');
is($session->query("SELECT v FROM t WHERE k = $elsewhere"), '0', 'the session goes on');
is($c->sql("UPDATE t SET v = 1 WHERE k = $elsewhere RETURNING v"), '1', 'and so do others');

# The daemon goes on: recovery of another node, and a deadlock between nodes that answer.
$c->sql_on('worker2', q{CREATE TABLE mine (); BEGIN; DROP TABLE mine; PREPARE TRANSACTION 'citus_0_1_1_1'});
my ($here, $beyond) = map { scalar $c->key_on('o', $_) } 'coordinator', 'worker2';
my @rivals = map { $c->node('coordinator')->background_psql('citus', on_error_stop => 0) } 1, 2;
$rivals[0]->query("BEGIN; UPDATE o SET v = 1 WHERE k = $here");
$rivals[1]->query("BEGIN; UPDATE o SET v = 2 WHERE k = $beyond");
$_->{stderr} = '' for @rivals;
$rivals[0]->query_until(qr/go/, "\\echo go\nUPDATE o SET v = 1 WHERE k = $beyond;\n");
$rivals[1]->query_until(qr/go/, "\\echo go\nUPDATE o SET v = 2 WHERE k = $here;\n");
$_->query('ROLLBACK') for @rivals;
like("$rivals[0]{stderr}$rivals[1]{stderr}", qr/^[^\n]*ERROR:[^\n]*deadlock/m, 'a deadlock of others is found');
$_->quit for @rivals;
$c->wait_until('worker2', 'SELECT count(*) = 0 FROM pg_prepared_xacts', 'and another node is recovered');

kill CONT => @stopped;
@stopped = ();
$session->query("SET statement_timeout = 0");
is($session->query("UPDATE t SET v = 1 WHERE k = $there RETURNING v"), '1', 'it is back');
is($session->query('SELECT sum(v) FROM t'), '2', 'for all');
$session->quit;
$c->check;
done_testing();
