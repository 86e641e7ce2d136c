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

my $c = CitusCluster->new(workers => 2);
$c->sql(q{
    CREATE TABLE t (k int PRIMARY KEY, v int);
    SELECT create_distributed_table('t', 'k', shard_count => 4);
    INSERT INTO t SELECT i, 0 FROM generate_series(1, 20) i});
my ($there, $elsewhere) = split /\n/, $c->sql(q{
    SELECT min(k) FROM t JOIN citus_shards s ON s.table_name = 't'::regclass
        AND s.shardid = get_shard_id_for_distribution_column('t', t.k)
    GROUP BY nodeport ORDER BY nodeport = } . $c->port('worker1') . ' DESC');

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
kill CONT => @stopped;
@stopped = ();
$session->query("SET statement_timeout = 0");
is($session->query("UPDATE t SET v = 1 WHERE k = $there RETURNING v"), '1', 'it is back');
is($session->query('SELECT sum(v) FROM t'), '2', 'for all');
$session->quit;
$c->check;
done_testing();
