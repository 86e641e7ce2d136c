# Writers of a reference table do not notice that nodes leave and join, and every copy gets every
# write.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use CitusCluster;
use IPC::Run qw(start finish);
use Test::More;

my $c = CitusCluster->new(workers => 2);
my ($host, $w2) = ("'localhost'", $c->port('worker2'));
$c->sql(qq{
    SELECT citus_set_node_property($host, $w2, 'shouldhaveshards', false);
    CREATE TABLE ref (id int PRIMARY KEY, v int);
    SELECT create_reference_table('ref');
    INSERT INTO ref SELECT i, 0 FROM generate_series(1, 50) i;
    CREATE TABLE t (k int, v int);
    SELECT create_distributed_table('t', 'k', shard_count => 4)});

my $script = $c->node('coordinator')->basedir . '/writers.sql';
PostgreSQL::Test::Utils::append_to_file($script, q{
\set i random(1, 50)
UPDATE ref SET v = v + 1 WHERE id = :i;
INSERT INTO t VALUES (:i, 1);
});

my @writers;
for my $node ('coordinator', 'worker1') {
    my ($out, $err) = ('', '');
    my $run = start(['pgbench', '-n', '-c', '2', '-T', '12', '-f', $script, '-h', $c->node($node)->host,
                     '-p', $c->port($node), 'citus'], '>', \$out, '2>', \$err);
    push @writers, { run => $run, out => \$out, err => \$err, node => $node };
}
for my $round (1 .. 3) {
    $c->sql("SELECT citus_remove_node($host, $w2)");
    $c->sql("SELECT pg_sleep(0.3)");
    $c->sql("SELECT citus_add_node($host, $w2)");
    $c->sql("SELECT pg_sleep(0.3)");
    $c->sql("SELECT citus_disable_node($host, $w2)");
    $c->sql("SELECT pg_sleep(0.3)");
    $c->sql("SELECT citus_activate_node($host, $w2)");
}
my $transactions = 0;
for my $writer (@writers) {
    finish $writer->{run};
    unlike(${ $writer->{err} }, qr/ERROR|aborted/, "no error on $writer->{node}");
    my ($done) = ${ $writer->{out} } =~ /actually processed: (\d+)/;
    cmp_ok($done // 0, '>', 0, "$writer->{node} has written");
    $transactions += $done // 0;
}
is($c->sql_on($_, 'SELECT sum(v) FROM ref'), $transactions, "nothing is lost on $_")
    for 'coordinator', 'worker1', 'worker2';
is($c->sql('SELECT count(*) FROM t'), $transactions, 'nor of the distributed table');
$c->check;
done_testing();
