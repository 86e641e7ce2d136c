# History.pm: is what clients saw of lists, to which they appended, possible at an isolation level?
#
# A history is a list of transactions:
#     { id => 7, status => 'ok' | 'aborted' | 'unknown', begin => time, end => time,
#       ops => [ [ append => { key => value, ... } ], [ read => { key => [values], ... } ], ... ] }
# in which each value was appended once.  Each operation is one statement.  The lists at the end give
# the order in which appends to a key took effect.
#
#     History::problems($transactions, \%final, { key => node }, 'READ COMMITTED')
#
# gives a list of texts, empty when all is well.  What is looked for, after Adya, and Kingsbury and
# Alvaro (Elle):
#     at every level: lost, doubled and aborted appends; lists that are no beginning of the last one;
#         parts of a transaction's appends seen by a statement, on whatever nodes (fractured);
#         what was acknowledged before a transaction began and it did not see (stale);
#         own appends not seen; cycles of writes and reads (G0, G1c)
#     REPEATABLE READ and up: the same for the whole transaction (fractured; fuzzy), and per node cycles
#         without two reads in a row that were overtaken (G-SI: lost update, read skew)
#     SERIALIZABLE: per node any cycle
package History;
use strict;
use warnings;

sub problems {
    my ($transactions, $final, $node_of, $level) = @_;
    my @problems;
    my $h = { writer => {}, place => {}, final => $final, problems => \@problems };
    index_appends($h, $transactions);
    for my $t (grep { $_->{status} ne 'aborted' } @$transactions) {
        my @states = $level eq 'READ COMMITTED' ? () : ({});
        my %own;
        for my $op (@{ $t->{ops} }) {
            my ($kind, $lists) = @$op;
            if ($kind eq 'append') { push @{ $own{$_} }, $lists->{$_} for sort keys %$lists; next }
            my $others = check_read($h, $t, $lists, \%own) or next;
            check_whole($h, $t, $others);
            check_fresh($h, $t, $others, $transactions);
            next if $level eq 'READ COMMITTED';
            for my $key (keys %$others) {
                my $n = @{ $others->{$key} };
                push @problems, "fuzzy: $t->{id} saw key $key change"
                    if exists $states[0]{$key} && @{ $states[0]{$key} } != $n;
                $states[0]{$key} = $others->{$key};
            }
            check_whole($h, $t, $states[0]);
        }
    }
    return @problems if @problems;

    my %level_of_edges = edges($h, $transactions, $node_of);
    my @all = @{ $level_of_edges{all} };
    push @problems, cycle('a cycle of writes and reads', grep { $_->[2] ne 'rw' } @all);
    for my $node (sort keys %{ $level_of_edges{nodes} }) {
        my @edges = @{ $level_of_edges{nodes}{$node} };
        push @problems, cycle("a cycle against snapshots on $node", overtaken_once(@edges))
            if $level ne 'READ COMMITTED';
        push @problems, cycle("a cycle on $node", @edges) if $level eq 'SERIALIZABLE';
    }
    return @problems;
}

# writer: of each value; place: in the last list
sub index_appends {
    my ($h, $transactions) = @_;
    for my $t (@$transactions) {
        for my $op (grep { $_->[0] eq 'append' } @{ $t->{ops} }) {
            $h->{writer}{"$_ $op->[1]{$_}"} = $t for keys %{ $op->[1] };
        }
    }
    for my $key (sort keys %{ $h->{final} }) {
        my $i = 0;
        for my $value (@{ $h->{final}{$key} }) {
            my $t = $h->{writer}{"$key $value"};
            push @{ $h->{problems} }, "doubled: $value of key $key" if exists $h->{place}{"$key $value"};
            push @{ $h->{problems} }, "nobody has appended $value to key $key" if !$t;
            push @{ $h->{problems} }, "aborted: $value of key $key, by $t->{id}, is there"
                if $t && $t->{status} eq 'aborted';
            $h->{place}{"$key $value"} = $i++;
        }
    }
    for my $what (sort keys %{ $h->{writer} }) {
        my $t = $h->{writer}{$what};
        push @{ $h->{problems} }, "lost: append of $what by $t->{id}"
            if $t->{status} eq 'ok' && !exists $h->{place}{$what};
    }
    # of those whose end nobody was told, one append that is there means all
    my %there;
    push @{ $there{ $h->{writer}{$_}{id} } }, exists $h->{place}{$_} ? 1 : 0 for keys %{ $h->{writer} };
    for my $id (sort keys %there) {
        my $n = grep { $_ } @{ $there{$id} };
        push @{ $h->{problems} }, "half: $id" if $n && $n < @{ $there{$id} };
    }
}

# The lists without what the transaction appended itself; they begin like the last ones.
sub check_read {
    my ($h, $t, $lists, $own) = @_;
    my %others;
    for my $key (sort keys %$lists) {
        my @list = @{ $lists->{$key} };
        my @mine = @{ $own->{$key} // [] };
        my @end = @mine && @list >= @mine ? splice(@list, -@mine) : ();
        if ("@end" ne "@mine") {
            push @{ $h->{problems} }, "own: $t->{id} does not see its own append to key $key";
            return;
        }
        my @first = @{ $h->{final}{$key} }[0 .. $#list];
        if ("@list" ne join ' ', map { $_ // '' } @first) {
            my ($strange) = grep { !exists $h->{place}{"$key $_"} } @list;
            push @{ $h->{problems} }, defined $strange ? "aborted: $t->{id} read $strange of key $key"
                : "order: $t->{id} read key $key as @list, which is @first";
            return;
        }
        $others{$key} = \@list;
    }
    return \%others;
}

# Whoever is seen in one list is seen in all.
sub check_whole {
    my ($h, $t, $lists) = @_;
    my %seen;
    for my $key (sort keys %$lists) { $seen{ $h->{writer}{"$key $_"}{id} } = $key for @{ $lists->{$key} } }
    for my $key (sort keys %$lists) {
        my $final = $h->{final}{$key};
        for my $i (scalar @{ $lists->{$key} } .. $#$final) {
            my $writer = $h->{writer}{"$key $final->[$i]"};
            next if $writer == $t || !exists $seen{ $writer->{id} };
            push @{ $h->{problems} }, "fractured: $t->{id} saw $writer->{id} in key $seen{$writer->{id}},"
                . " not in key $key";
            return;
        }
    }
}

sub check_fresh {
    my ($h, $t, $lists) = @_;
    for my $key (sort keys %$lists) {
        my $next = $h->{final}{$key}[ @{ $lists->{$key} } ] // next;
        my $writer = $h->{writer}{"$key $next"};
        push @{ $h->{problems} }, "stale: $t->{id} did not see $next of key $key, which $writer->{id} had committed"
            if $writer != $t && $writer->{status} eq 'ok' && $writer->{end} < $t->{begin};
    }
}

# [from, to, kind] between transactions; all of them, and those of the keys of each node
sub edges {
    my ($h, $transactions, $node_of) = @_;
    my %edges = (all => [], nodes => {});
    my $add = sub {
        my ($from, $to, $kind, $key) = @_;
        return if !$from || !$to || $from == $to;
        push @$_, [$from->{id}, $to->{id}, $kind] for $edges{all}, \@{ $edges{nodes}{ $node_of->{$key} } };
    };
    for my $key (keys %{ $h->{final} }) {
        my @writers = map { $h->{writer}{"$key $_"} } @{ $h->{final}{$key} };
        $add->($writers[$_ - 1], $writers[$_], 'ww', $key) for 1 .. $#writers;
        for my $t (grep { $_->{status} ne 'aborted' } @$transactions) {
            for my $op (grep { $_->[0] eq 'read' && $_->[1]{$key} } @{ $t->{ops} }) {
                my $n = grep { $h->{writer}{"$key $_"} != $t } @{ $op->[1]{$key} };
                $add->($writers[$n - 1], $t, 'wr', $key) if $n > 0;
                $n++ while $n < @writers && $writers[$n] == $t;
                $add->($t, $writers[$n], 'rw', $key) if $n < @writers;
            }
        }
    }
    return %edges;
}

# edges of writes and reads, and those followed by one of an overtaken read
sub overtaken_once {
    my (@edges) = @_;
    my %overtaken;
    push @{ $overtaken{ $_->[0] } }, $_->[1] for grep { $_->[2] eq 'rw' } @edges;
    my @firm = grep { $_->[2] ne 'rw' } @edges;
    return @firm, map { my $e = $_; map { [$e->[0], $_, 'dependency, rw'] } @{ $overtaken{ $e->[1] } // [] } } @firm;
}

# A text about a cycle, if there is one.
sub cycle {
    my ($what, @edges) = @_;
    my (%next, %state, @stack);
    push @{ $next{ $_->[0] } }, $_->[1] for @edges;
    for my $start (sort keys %next) {
        next if $state{$start};
        my @work = [$start, 0];
        $state{$start} = 1;
        while (@work) {
            my $top = $work[-1];
            my $to = $next{ $top->[0] }[ $top->[1]++ ];
            if (!defined $to) { $state{ $top->[0] } = 2; pop @work; next }
            if (($state{$to} // 0) == 1) {
                my @path = map { $_->[0] } @work;
                shift @path while $path[0] ne $to;
                return "$what: " . join(' -> ', @path, $to);
            }
            if (!$state{$to}) { $state{$to} = 1; push @work, [$to, 0] }
        }
    }
    return;
}

1;
