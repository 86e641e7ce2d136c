# The cluster gets a new secret while clients of all nodes open connections between nodes.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use CitusCluster;
use IPC::Run qw(start finish);
use PostgreSQL::Test::Utils;
use Test::More;

my $c = CitusCluster->new(workers => 2,
    conf => "citus.max_cached_conns_per_worker = 0\ncitus.node_connection_timeout = 2s\n");
$c->sql(q{
    CREATE ROLE app LOGIN;
    GRANT CREATE ON SCHEMA public TO app;
    SET ROLE app;
    CREATE TABLE t (k int PRIMARY KEY, v int);
    SELECT create_distributed_table('t', 'k', shard_count => 4);
    INSERT INTO t SELECT i, 0 FROM generate_series(1, 100) i});

# the next transaction of each opens its connections anew
my $script = PostgreSQL::Test::Utils::tempdir() . '/write.sql';
append_to_file($script, "\\set k random(1, 100)\nBEGIN;\nUPDATE t SET v = v + 1 WHERE k = :k;\nSELECT count(*) FROM t;\nEND;\n");
my @clients;
for my $node ($c->names) {
    my ($out, $err) = ('', '');
    my $run = start(['pgbench', '-n', '-c', '2', '-T', '300', '-U', 'app', '-f', $script, '-h', $c->node($node)->host,
                     '-p', $c->port($node), 'citus'], '>', \$out, '2>', \$err);
    push @clients, { run => $run, out => \$out, err => \$err, node => $node };
}
$c->wait_until('coordinator', 'SELECT sum(v) > 10 FROM t', 'clients are at work');
my $worked;
my $read = "SELECT encode(secret, 'hex'), second FROM pg_dist_secret";
my %seen = ($c->sql($read) => 1);
for my $round (1 .. 2) {
    $c->sql('CALL citus_internal.rotate_secret()');
    my $secret = $c->sql($read);
    ok(!$seen{$secret}++ && $secret =~ /^[0-9a-f]{64}\|$/, "there is a new secret, and no other ($round)");
    is($c->sql_on($_, $read), $secret, "$_ has it") for 'worker1', 'worker2';
    $worked = $c->sql('SELECT sum(v) FROM t');
}
$c->wait_until('coordinator', "SELECT sum(v) > $worked + 10 FROM t", 'they go on with the last one');
# each ends what it is at
$_->{run}->signal('ALRM') for @clients;
my $done = 0;
for (@clients) {
    ok(finish($_->{run}), "no client of $_->{node} fails") or diag(${ $_->{err} });
    $done += $1 if ${ $_->{out} } =~ /transactions actually processed: (\d+)/;
}
cmp_ok($done, '>', 20, 'they worked');
is($c->sql('SELECT sum(v) FROM t'), $done, 'and nothing is lost');

# half way, on all nodes alike: the old secret goes on, and the next call begins anew
my $before = $c->sql($read);
$c->stop('worker2', 'immediate');
my ($status, undef, $err) = $c->try_on('coordinator', 'CALL citus_internal.rotate_secret()');
ok($status != 0 && $err =~ /could not connect to node/, 'it fails while a node is down') or diag($err);
$c->start('worker2');
is($c->sql($read), $before, 'the old secret is as good as before');
like($c->sql_on('worker1', "SET ROLE app; SELECT count(*) FROM t"), qr/100/, 'on all nodes');
$c->sql('CALL citus_internal.rotate_secret()');
isnt($c->sql($read), $before, 'the next call succeeds');
$c->fails('BEGIN; CALL citus_internal.rotate_secret(); COMMIT', qr/invalid transaction termination/,
    'not in a transaction of others');
is($c->sql_on('worker2', $read), $c->sql($read), 'which changes nothing');
$c->fails('SET ROLE app; CALL citus_internal.rotate_secret()', qr/permission denied/, 'nor by anybody');
$c->check;
done_testing();
