# Money moves between shards of all nodes while others add it all up, at each isolation level: no
# sum is ever wrong; also not while nodes are killed and come back.
#
#   BANK_READS=1000    reads of each reader (20)
#   BANK_KILLS=10      nodes killed (1)
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use CitusCluster;
use IPC::Run qw(start finish kill_kill);
use Test::More;

my $reads = $ENV{BANK_READS} // 20;
my $kills = $ENV{BANK_KILLS} // 1;
my $writers = 16;
my $total = 100_000;

my $c = CitusCluster->new(workers => 2, conf => "citus.recover_2pc_interval = 1s\n");
$c->sql(qq{
    SELECT citus_set_node_property('localhost', } . $c->port('coordinator') . qq{, 'shouldhaveshards', true);
    CREATE TABLE accounts (id int PRIMARY KEY, balance int);
    SELECT create_distributed_table('accounts', 'id', shard_count => 6);
    INSERT INTO accounts SELECT i, 100 FROM generate_series(1, $total / 100) i;
    CREATE TABLE purses (LIKE accounts INCLUDING ALL);
    SELECT create_distributed_table('purses', 'id');
    INSERT INTO purses SELECT i, 50 FROM generate_series(1, $total / 100) i;
    CREATE TABLE till (LIKE accounts INCLUDING ALL);
    INSERT INTO till SELECT i, 50 FROM generate_series(1, $total / 100) i;
    CREATE FUNCTION part_of(part int) RETURNS bigint STABLE LANGUAGE plpgsql
        AS 'BEGIN RETURN (SELECT sum(balance) FROM public.accounts WHERE id % 4 = part); END';
    CREATE FUNCTION in_purses() RETURNS bigint STABLE LANGUAGE sql AS 'SELECT sum(balance) FROM public.purses';
    CREATE FUNCTION in_till() RETURNS bigint STABLE LANGUAGE plpgsql
        AS 'BEGIN RETURN (SELECT sum(balance) FROM public.till); END';
    CREATE FUNCTION everything() RETURNS bigint STABLE LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT in_till() + in_purses()); END'});

my $dir = $c->node('coordinator')->basedir;
my @nodes = ('coordinator', 'worker1');     # to which clients are connected

sub script {
    my ($name, @lines) = @_;
    open my $file, '>', "$dir/$name.sql" or die $!;
    print $file map { "$_\n" } @lines;
    close $file;
    return "$dir/$name.sql";
}

sub psql {
    my ($node, $file) = @_;
    my %run = (out => '', err => '', node => $node);
    my $server = $c->node($node);
    $run{h} = start(['psql', '-X', '-q', '-A', '-t', '-f', $file, '-d', 'citus',
                     '-h', $server->host, '-p', $server->port], '>', \$run{out}, '2>', \$run{err});
    return \%run;
}

# Two rows of one transaction, in the order of their keys, so that there are no deadlocks.
sub start_writers {
    my @runs;
    for my $i (1 .. $writers) {
        my @lines;
        for (1 .. 3000) {
            my ($a, $b) = sort { $a <=> $b } map { 1 + int rand($total / 100) } 1, 2;
            my $money = int rand 50;
            my ($from, $to) = ('accounts', 'accounts');
            # till is a table of the coordinator's own
            ($from, $to) = ('till', 'purses') if $i % @nodes == 0 && rand() < 0.5;
            push @lines, 'BEGIN;', "UPDATE $from SET balance = balance - $money WHERE id = $a;",
                "UPDATE $to SET balance = balance + $money WHERE id = $b;", 'COMMIT;';
        }
        push @runs, psql($nodes[$i % @nodes], script("writer$i", @lines));
    }
    return @runs;
}

my $sum = 'SELECT sum(balance) FROM accounts;';
my $both = 'SELECT (SELECT sum(balance) FROM till) + (SELECT sum(balance) FROM purses);';
my %readers = (
    'one statement' => [$sum],
    'READ COMMITTED' => ['BEGIN;', $sum, $sum, 'COMMIT;'],
    'REPEATABLE READ' => ['BEGIN ISOLATION LEVEL REPEATABLE READ;', 'SELECT 1 WHERE false;', $sum,
                          'SELECT sum(b) FROM (SELECT balance b FROM accounts OFFSET 0) s;', 'COMMIT;'],
    'SERIALIZABLE' => ['BEGIN ISOLATION LEVEL SERIALIZABLE;', $sum, 'COMMIT;'],
    'two scans' => ['SELECT (SELECT sum(balance) FROM accounts WHERE id <= 300) +'
                    . ' (SELECT sum(balance) FROM accounts WHERE id > 300);'],
    # functions see what the statement sees
    'stable functions' => ['SELECT sum(part_of(i)) FROM generate_series(0, 3) i;',
                           'BEGIN ISOLATION LEVEL REPEATABLE READ;', 'SELECT sum(part_of(i)) FROM generate_series(0, 3) i;', 'COMMIT;'],
    'coordinator: stable functions and a local table' =>
        ['SELECT sum(balance) + in_purses() FROM till;', 'SELECT sum(balance) + in_till() FROM purses;', 'SELECT everything();'],
    'coordinator: a local table, too' =>
        [$both, 'BEGIN ISOLATION LEVEL REPEATABLE READ;', $both, $both, 'COMMIT;',
         'SELECT sum(a.b) FROM (SELECT id, balance b FROM till UNION ALL SELECT * FROM purses) a;'],
);

sub start_readers {
    my ($n, @first) = @_;
    my $i = 0;
    my @runs;
    for my $name (sort keys %readers) {
        my $node = $name =~ /^coordinator/ ? 'coordinator' : $nodes[$i++ % @nodes];
        my $run = psql($node, script("reader" . @runs, @first, map { @{ $readers{$name} } } 1 .. $n));
        $run->{name} = $name;
        push @runs, $run;
    }
    return @runs;
}

sub sums {
    my ($run) = @_;
    my @sums = $run->{out} =~ /^(-?\d+)$/mg;
    return (scalar @sums, scalar grep { $_ != $total } @sums);
}

# With the setting off the sums are wrong sooner or later: the test can tell.
my @writing = start_writers();
my $wrong = 0;
for (1 .. 20) {
    my @runs = start_readers(10, 'SET citus.cluster_snapshots = off;');
    for my $run (@runs) {
        finish $run->{h};
        $wrong += (sums($run))[1];
    }
    last if $wrong;
}
cmp_ok($wrong, '>', 0, 'wrong sums without cluster snapshots');

for my $run (start_readers($reads)) {
    finish $run->{h};
    my ($n, $bad) = sums($run);
    is($bad, 0, "$run->{name}: no wrong sum");
    cmp_ok($n, '>=', $reads, "$run->{name}: $n sums");
    is($run->{err}, '', "$run->{name}: no error");
}
ok((grep { $_->{h}->pumpable } @writing) > 0, 'the writers were at work all the time');

# Nodes die and come back.  What answers is right.
for my $kill (1 .. $kills) {
    my $victim = $kill % 2 ? 'worker2' : 'worker1';
    my @runs = start_readers($reads);
    $c->kill9($victim);
    $c->start($victim);
    for my $run (@runs) {
        finish $run->{h};
        my ($n, $bad) = sums($run);
        is($bad, 0, "$run->{name}: no wrong sum of $n while $victim was killed");
    }
}
kill_kill $_->{h} for @writing;
$c->wait_until('coordinator', "SELECT bool_and(result = '0') FROM run_command_on_all_nodes("
    . "'SELECT count(*) FROM pg_prepared_xacts')", 'nothing stays prepared');
is($c->sql('SELECT sum(balance) FROM accounts'), $total, 'no money is lost');
$c->check;
done_testing();
