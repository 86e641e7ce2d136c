# Clients on all nodes append to lists and read them, several keys of several nodes in a transaction,
# at each isolation level; what they saw is checked for anomalies (lib/History.pm).  A worker is
# killed meanwhile.
#
#   HISTORY=1000           transactions of each client (25)
#   HISTORY_KILLS=20       workers killed at each level (1)
#   HISTORY_SEED=1         of the random numbers
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use CitusCluster;
use History;
use IPC::Run qw(start finish);
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $transactions = $ENV{HISTORY} // 25;
my $kills = $ENV{HISTORY_KILLS} // 1;
my $seed = $ENV{HISTORY_SEED} // time;
srand $seed;
note("HISTORY_SEED=$seed");

# ---- the checker finds what it should

sub history {
    my %final = %{ shift() };
    my ($level, @transactions) = @_;
    my $n = 0;
    my @history = map { { id => 't' . ++$n, status => 'ok', begin => 0, end => 10, %$_ } } @transactions;
    return join '; ', map { s/:.*//r }
        History::problems(\@history, \%final, { map { $_ => $_ < 10 ? 'a' : 'b' } keys %final }, $level);
}
sub append { return [append => {@_}] }
sub reads { return [read => {@_}] }
my $both = { ops => [append(1 => 1, 11 => 1)] };

is(history({ 1 => [1], 11 => [1] }, 'SERIALIZABLE', $both, { ops => [reads(1 => [1], 11 => [1])] }), '',
   'nothing is wrong');
is(history({ 1 => [1], 11 => [] }, 'READ COMMITTED', $both), 'lost; half', 'a lost append');
is(history({ 1 => [1, 1], 11 => [1] }, 'READ COMMITTED', $both), 'doubled', 'one that is there twice');
is(history({ 1 => [1], 11 => [1] }, 'READ COMMITTED', { %$both, status => 'aborted' }), 'aborted; aborted',
   'one that was undone');
is(history({ 1 => [], 11 => [] }, 'READ COMMITTED', { %$both, status => 'aborted' }, { ops => [reads(1 => [1])] }),
   'aborted', 'a dirty read');
is(history({ 1 => [1], 11 => [] }, 'READ COMMITTED', { %$both, status => 'unknown' }), 'half', 'half of a commit');
is(history({ 1 => [1], 11 => [1] }, 'READ COMMITTED', $both, { ops => [reads(1 => [1], 11 => [])] }),
   'fractured', 'half of a transaction seen by a statement');
is(history({ 1 => [1], 11 => [1] }, 'READ COMMITTED', $both, { ops => [reads(1 => [1]), reads(11 => [1])] }), '',
   'two statements of READ COMMITTED');
is(history({ 1 => [1], 11 => [1] }, 'REPEATABLE READ', $both, { ops => [reads(1 => []), reads(11 => [1])] }),
   'fractured', 'read skew');
is(history({ 1 => [1], 11 => [1] }, 'REPEATABLE READ', $both, { ops => [reads(1 => []), reads(1 => [1])] }),
   'fuzzy', 'a fuzzy read');
is(history({ 1 => [1], 11 => [1] }, 'READ COMMITTED', $both, { begin => 11, ops => [reads(1 => [])] }),
   'stale', 'a stale read');
is(history({ 1 => [1, 2] }, 'READ COMMITTED', { ops => [append(1 => 1)] }, { ops => [append(1 => 2), reads(1 => [1])] }),
   'own', 'an own append that is not seen');
is(history({ 1 => [1, 2] }, 'REPEATABLE READ', { ops => [append(1 => 1)] }, { ops => [reads(1 => []), append(1 => 2)] }),
   'a cycle against snapshots on a', 'a lost update');
is(history({ 1 => [1, 2], 11 => [2, 1] }, 'READ COMMITTED', { ops => [append(1 => 1), append(11 => 1)] },
           { ops => [append(1 => 2), append(11 => 2)] }), 'a cycle of writes and reads', 'writes in two orders');
my @skew = ({ ops => [reads(1 => []), append(2 => 1)] }, { ops => [reads(2 => []), append(1 => 2)] });
is(history({ 1 => [2], 2 => [1] }, 'REPEATABLE READ', @skew), '', 'write skew');
is(history({ 1 => [2], 2 => [1] }, 'SERIALIZABLE', @skew), 'a cycle on a', 'at SERIALIZABLE');

# ---- real ones

my $c = CitusCluster->new(workers => 2, conf => "citus.recover_2pc_interval = 1s\ndeadlock_timeout = 200ms\n");
$c->sql(q{
    SELECT citus_set_node_property('localhost', } . $c->port('coordinator') . q{, 'shouldhaveshards', true);
    CREATE TABLE lists (k int PRIMARY KEY, l int[] NOT NULL DEFAULT '{}');
    SELECT create_distributed_table('lists', 'k', shard_count => 6);
    CREATE TABLE copies (LIKE lists INCLUDING ALL);
    SELECT create_reference_table('copies')});
my %node_of = map { split /\|/ } split /\n/, $c->sql(q{
    SELECT k, nodeport FROM generate_series(1, 9) k JOIN citus_shards s ON s.table_name = 'lists'::regclass
        AND s.shardid = get_shard_id_for_distribution_column('lists', k)});
$node_of{$_} = 'all' for 101 .. 102;
my $dir = $c->node('coordinator')->basedir;
my $value = 0;

sub table_of { return $_[0] > 100 ? 'copies' : 'lists' }
sub some_keys { my ($n) = @_; my %k; $k{ 1 + int rand 9 } = 1 while keys %k < $n; return sort { $a <=> $b } keys %k }

sub statement {
    my ($kind) = @_;
    my $copies = rand() < 0.1;
    my @keys = $copies ? (101 + int rand 2) : some_keys(rand() < 0.5 ? 1 : 2 + int rand 2);
    my $table = $copies ? 'copies' : 'lists';
    my $in = join ', ', @keys;
    if ($kind eq 'read') {
        return "\\echo R\nSELECT k, l FROM $table WHERE k IN ($in);\n" if $copies || rand() < 0.7;
        return "\\echo R\nSELECT k, l FROM lists WHERE k IN ($in) UNION ALL SELECT k, l FROM copies;\n";
    }
    $value++;
    my $said = join ' ', map { "$_ $value" } @keys;
    return "\\echo A $said\nUPDATE $table SET l = l || $value WHERE k IN ($in);\n";
}

sub script {
    my ($level, $client) = @_;
    my $script = "\\pset fieldsep ' '\nSET lock_timeout = '15s';\n";
    for my $n (1 .. $transactions) {
        $script .= "\\echo T $client.$n\nSELECT 'now', extract(epoch FROM clock_timestamp());\n";
        $script .= "BEGIN ISOLATION LEVEL $level;\n";
        $script .= statement(rand() < 0.5 ? 'read' : 'append') for 1 .. 1 + int rand 4;
        $script .= "COMMIT;\nSELECT 'now', extract(epoch FROM clock_timestamp());\n";
    }
    return $script;
}

# What psql printed, as a list of transactions.
sub parse {
    my ($out) = @_;
    my (@history, $t);
    for (split /\n/, $out) {
        if (/^T (\S+)/) { push @history, $t = { id => $1, status => 'unknown', ops => [] } }
        elsif (/^now (\S+)/) { $t->{begin} = $1 if !defined $t->{begin}; $t->{end} = $1 }
        elsif (/^A (.*)/) { push @{ $t->{ops} }, [append => { split / /, $1 }] }
        elsif (/^R$/) { push @{ $t->{ops} }, [read => {}] }
        elsif (/^(\d+) \{(.*)\}$/) { $t->{ops}[-1][1]{$1} = [split /,/, $2] }
        elsif (/^COMMIT$/) { $t->{status} = 'ok' }
        elsif (/^ROLLBACK$/ || /^ERROR:  (?!08007|57P0)/) { $t->{status} = 'aborted' if $t->{status} ne 'ok' }
    }
    # what was read before an error is no less true, but its transaction never was
    return grep { defined $_->{begin} } @history;
}

for my $level ('READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE') {
    $c->sql(q{SET citus.multi_shard_modify_mode = 'sequential'; TRUNCATE lists, copies;
        INSERT INTO lists SELECT generate_series(1, 9); INSERT INTO copies SELECT generate_series(101, 102)});
    my @runs;
    for my $client (1 .. 6) {
        my $node = ('coordinator', 'worker1')[$client % 2];
        my $file = "$dir/client$client.sql";
        open my $h, '>', $file or die $!;
        print $h "\\set VERBOSITY sqlstate\n", script($level, $client);
        close $h;
        # into a file: whose pipe is full holds his locks
        my %run = (out => "$file.out");
        $run{h} = start(['psql', '-X', '-A', '-t', '-f', $file, '-d', 'citus', '-h', $c->node($node)->host,
                         '-p', $c->port($node)], '>', $run{out}, '2>&1');
        push @runs, \%run;
    }
    for my $kill (1 .. $kills) {
        # in the middle of it
        for (1 .. 6000) {
            my $done = () = slurp_file($runs[0]{out}) =~ /^T /mg;
            last if $done > $transactions * $kill / ($kills + 1);
            sleep 0.02;
        }
        $c->kill9('worker2');
        $c->start('worker2');
    }
    finish $_->{h} for @runs;
    $c->wait_until('coordinator', "SELECT bool_and(result = '0') FROM run_command_on_all_nodes("
        . "'SELECT count(*) FROM pg_prepared_xacts')", "$level: nothing stays prepared");
    my @history = map { parse(slurp_file($_->{out}) =~ s/^psql:[^ ]*: //mgr) } @runs;
    my %count = (ok => 0, aborted => 0, unknown => 0);
    $count{ $_->{status} }++ for @history;
    my %final = map { my ($k, $l) = /^(\d+)\|\{(.*)\}/; ($k => [split /,/, $l]) }
        split /\n/, $c->sql('SELECT * FROM lists UNION ALL SELECT * FROM copies');
    cmp_ok($count{ok}, '>', $transactions, "$level: $count{ok} committed, $count{aborted} not, $count{unknown} unknown");
    my @problems = History::problems(\@history, \%final, \%node_of, $level);
    is(join("\n", splice @problems, 0, 10), '', "$level: no anomaly");
}
$c->check;
done_testing();
