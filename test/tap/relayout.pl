# Tables get another distribution while all nodes read and write them: nobody fails, nothing is lost.  A node that
# dies near the end leaves the table as it was.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use CitusCluster;
use IPC::Run qw(start);
use Test::More;

my $c = CitusCluster->new(workers => 2, conf => "citus.recover_2pc_interval = 1s\n");
$c->sql(q{
    CREATE TABLE ref (id int PRIMARY KEY);
    CREATE TABLE t (k int PRIMARY KEY, r int REFERENCES ref, v int DEFAULT 0);
    CREATE INDEX ON t (v);
    SELECT create_reference_table('ref');
    SET citus.shard_count = 4;
    SELECT create_distributed_table('t', 'k');
    INSERT INTO ref SELECT generate_series(0, 9);
    INSERT INTO t SELECT i, i % 10 FROM generate_series(1, 100) i});

my $dir = $c->node('coordinator')->basedir;

sub begin_psql {
    my ($node, $name, $text) = @_;
    my $file = "$dir/$name.sql";
    open my $out, '>', $file or die $!;
    print $out $text;
    close $out;
    my %run = (err => '');
    $run{h} = start(['psql', '-X', '-q', '-f', $file, '-d', 'citus', '-h', $c->node($node)->host,
                     '-p', $c->port($node)],
                    '>', '/dev/null', '2>', \$run{err}, IPC::Run::timeout(60));
    return \%run;
}

# ----- in the middle of traffic

my ($rounds, $n) = (40, 0);
my @runs = map { $n++; begin_psql($_, "traffic$n", join '', map {
    my $k = 1 + ($_ * 7 + $n) % 100;
    "UPDATE t SET v = v + 1 WHERE k = $k;\nSELECT v FROM t WHERE k = $k;\nSELECT count(*) FROM t WHERE v > 3;\n"
} 1 .. $rounds) } $c->names;
$c->sql_on('worker1', 'ALTER TABLE t ALTER COLUMN k TYPE bigint');
$c->sql_on('worker2', 'ALTER TABLE t ALTER COLUMN k TYPE int USING k + 0');
$c->sql('ALTER TABLE t ALTER COLUMN k TYPE numeric');
$c->sql('ALTER TABLE t ALTER COLUMN k TYPE int');
$_->{h}->finish for @runs;
is(join('', map { $_->{err} } @runs), '', 'no statement fails while the distribution column changes');
is($c->sql('SELECT count(*), sum(v) FROM t'), '100|' . 3 * $rounds, 'and no update is lost');
$c->check('after traffic');

# ----- a node dies when everything but the foreign keys is in its new place

for (['worker1', 'ALTER TABLE t DROP COLUMN k'],
     ['coordinator', 'ALTER TABLE t ALTER COLUMN k TYPE bigint USING k * 2']) {
    my ($victim, $statement) = @$_;
    my $writer = $c->node('worker2')->background_psql('citus', on_error_stop => 0);
    $writer->query('BEGIN; INSERT INTO ref VALUES (99)');
    my $run = begin_psql('coordinator', 'ddl', "$statement;\n");
    my $on = $victim eq 'coordinator' ? 'worker1' : $victim;
    $c->wait_until($on, q{SELECT count(*) > 0 FROM pg_locks l WHERE NOT granted AND relation::regclass::text ~ 'ref_'},
                   "$statement waits for a writer of the referenced table");
    $c->kill9($victim);
    $writer->quit;
    $run->{h}->finish;
    like($run->{err}, qr/ERROR|server closed|terminat/, "it fails when $victim dies");
    $c->start($victim);
    $c->wait_until('coordinator', 'SELECT count(*) = 0 FROM pg_prepared_xacts', 'nothing is left prepared');
    is($c->sql('SELECT count(*), sum(k), sum(v) FROM t'), '100|5050|' . 3 * $rounds, 'the table is as it was');
    is($c->sql_on('worker2', 'SELECT count(*) FROM t WHERE k = 17'), '1', 'by key, too, from another node');
    $c->check("after $statement");
}
$c->sql("SELECT alter_distributed_table('t', shard_count => 6)");
is($c->sql_on('worker1', 'SELECT count(*), sum(k), sum(v) FROM t'), '100|5050|' . 3 * $rounds, 'then it works');
$c->check('at the end');
done_testing();
