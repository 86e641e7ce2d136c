# Random lock graphs: sessions of all nodes lock rows of random shards, of a reference table, of
# tables of their own node, whole tables and advisory locks, in any order.  A model of the locks says
# at any time who waits for whom.  Whoever fails with 40P01 was a member of a cycle of the model when
# it was chosen; no cycle stays; who is in none goes on.
#
#   GRAPH_ROUNDS=100   rounds (6)
#   GRAPH_SEED=7
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use CitusCluster;
use Test::More;
use Time::HiRes qw(time sleep);

my $rounds = $ENV{GRAPH_ROUNDS} // 6;
my $seed = $ENV{GRAPH_SEED} // int(rand(1_000_000));
srand $seed;
diag "seed $seed";

my $c = CitusCluster->new(workers => 2, conf => "deadlock_timeout = 200ms\n");
$c->sql(q{
    CREATE TABLE t (k int PRIMARY KEY, v int);
    SELECT create_distributed_table('t', 'k', shard_count => 6);
    INSERT INTO t SELECT i, 0 FROM generate_series(1, 8) i;
    CREATE TABLE r (k int PRIMARY KEY, v int);
    SELECT create_reference_table('r');
    INSERT INTO r SELECT i, 0 FROM generate_series(1, 3) i;
    CREATE TABLE w1 (k int PRIMARY KEY);
    CREATE TABLE w2 (k int PRIMARY KEY);
    SELECT create_distributed_table('w1', 'k', shard_count => 2), create_distributed_table('w2', 'k')});
for my $node ($c->names) {
    $c->sql_on($node, 'CREATE TABLE own (k int PRIMARY KEY, v int); INSERT INTO own VALUES (1, 0), (2, 0)');
}

# every lock is exclusive, so that the model is one owner and a set of those who wait
my @shared = ((map { ["row $_", "UPDATE t SET v = v + 1 WHERE k = $_"] } 1 .. 5),
              (map { ["reference $_", "UPDATE r SET v = v + 1 WHERE k = $_"] } 1 .. 2),
              (map { ["table $_", "LOCK TABLE $_ IN SHARE ROW EXCLUSIVE MODE"] } 'w1', 'w2'),
              (map { ["advisory $_", "SELECT pg_advisory_xact_lock($_)"] } 1 .. 2));
sub locks_of {
    my ($node) = @_;
    return @shared, map { ["own $node $_", "UPDATE own SET v = v + 1 WHERE k = $_"] } 1, 2;
}

my @nodes = $c->names;
my @sessions = map {
    my $node = $nodes[ $_ % @nodes ];
    { name => "$_ on $node", locks => [ locks_of($node) ],
      psql => $c->node($node)->background_psql('citus', on_error_stop => 0) }
} 0 .. 5;

sub send_to {
    my ($s, $sql) = @_;
    $s->{psql}{stdin} .= "$sql;\n\\echo result=:SQLSTATE\n";
    $s->{psql}{run}->pump_nb;
}

# the SQLSTATE of what was sent, or undef while it runs
sub result_of {
    my ($s) = @_;
    $s->{psql}{run}->pump_nb;
    return undef unless $s->{psql}{stdout} =~ s/\A.*?result=(\w{5})\n//s;
    return $1;
}

sub finish {
    my ($s) = @_;
    my $end = time + 60;
    while (time < $end) {
        my $state = result_of($s);
        return $state if defined $state;
        sleep 0.005;
    }
    return 'none';
}

my %owner;      # lock -> session
my $victims = 0;

# is the session in a cycle of the model?
sub in_cycle {
    my ($s) = @_;
    my $at = $s;
    for (0 .. @sessions) {
        return 0 unless defined $at->{wants};
        $at = $owner{ $at->{wants} } or return 0;
        return 1 if $at == $s;
    }
    return 0;
}

sub release {
    my ($s) = @_;
    delete $owner{$_} for grep { $owner{$_} == $s } keys %owner;
    $s->{wants} = undef;
}

# What has ended: who fails has to be in a cycle, and rolls back; who got a lock owns it.
sub settle {
    my ($problems, $counts) = @_;
    my %state;
    for my $s (grep { defined $_->{wants} } @sessions) {
        my $state = result_of($s);
        $state{ $s->{name} } = $state if defined $state;
    }
    # a lock that had an owner was given away because the owner failed, which may be heard of later
    for my $s (@sessions) {
        my $other = $owner{ $s->{wants} // '' };
        next if ($state{ $s->{name} } // '') ne '00000' || !$other || defined $state{ $other->{name} };
        if (defined $other->{wants}) { $state{ $other->{name} } = finish($other) }
        else { push @$problems, "$s->{name} got $s->{wants}, which $other->{name} has" }
    }
    my @failed = grep { ($state{ $_->{name} } // '00000') ne '00000' } @sessions;
    my @got = grep { ($state{ $_->{name} } // '') eq '00000' } @sessions;
    for my $s (@failed) {
        my $state = $state{ $s->{name} };
        if ($state ne '40P01') { push @$problems, "$s->{name} failed with $state for $s->{wants}" }
        elsif (!in_cycle($s)) { push @$problems, "$s->{name} was in no cycle when it wanted $s->{wants}" }
        $counts->{victims}++;
    }
    for my $s (@failed) {
        send_to($s, 'ROLLBACK');
        my $end = finish($s);
        push @$problems, "$s->{name}: ROLLBACK gave $end" if $end ne '00000';
        release($s);
        $s->{over} = 1;
    }
    for my $s (@got) {
        my $other = $owner{ $s->{wants} };
        push @$problems, "$s->{name} got $s->{wants}, which $other->{name} has" if $other && $other != $s;
        $owner{ $s->{wants} } = $s;
        $s->{wants} = undef;
    }
}

for my $round (1 .. $rounds) {
    my (@problems, %counts);
    %owner = ();
    for my $s (@sessions) {
        $s->{wants} = undef;
        $s->{over} = 0;
        send_to($s, 'BEGIN');
        finish($s);
    }
    # some take what is free, then all go for more
    for my $step (1 .. 30) {
        my @ready = grep { !defined $_->{wants} && !$_->{over} } @sessions;
        last unless @ready;
        my $s = $ready[ rand @ready ];
        my ($name, $sql) = @{ $s->{locks}[ rand @{ $s->{locks} } ] };
        next if $owner{$name} && $owner{$name} == $s;
        # several that wait for one lock get it in an order that the model does not know
        next if grep { defined $_->{wants} && $_->{wants} eq $name } @sessions;
        $s->{wants} = $name;
        send_to($s, $sql);
        my $until = time + ($owner{$name} ? 0.02 : 20);
        while (defined $s->{wants} && time < $until) {
            settle(\@problems, \%counts);
            sleep 0.005;
        }
        push @problems, "$s->{name} waits for $name, which nobody has" if defined $s->{wants} && !$owner{$name};
    }
    # all cycles end, each in some seconds
    my $end = time + 40;
    while (time < $end && grep { in_cycle($_) } @sessions) {
        settle(\@problems, \%counts);
        sleep 0.01;
    }
    push @problems, map { "$_->{name} is in a cycle for $_->{wants}" } grep { in_cycle($_) } @sessions;
    # those that are left commit, the ones that wait for nothing first
    while (grep { !$_->{over} } @sessions) {
        my $until = time + 20;
        while (time < $until && grep { defined $_->{wants} && !$owner{ $_->{wants} } } @sessions) {
            settle(\@problems, \%counts);
            sleep 0.005;
        }
        my ($s) = grep { !$_->{over} && !defined $_->{wants} } @sessions;
        last unless $s;
        send_to($s, 'COMMIT');
        my $state = finish($s);
        push @problems, "$s->{name}: COMMIT gave $state" if $state ne '00000';
        release($s);
        $s->{over} = 1;
    }
    push @problems, map { "$_->{name} still waits for $_->{wants}" } grep { !$_->{over} } @sessions;
    is(join('; ', @problems), '', "round $round: " . ($counts{victims} // 0) . ' victims, and no innocent one');
    $victims += $counts{victims} // 0;
    last if grep { !$_->{over} } @sessions;
}
diag "$victims victims";
eval { $_->{psql}->quit } for @sessions;
$c->check;
done_testing();
