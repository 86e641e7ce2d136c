# TwoServers: the same statements on two servers, and whether the answers are the same.  What
# equivalence.pl and random.pl share.
#
# An answer is { output, sqlstate, message }; undef where the session was already lost.
package TwoServers;
use strict;
use warnings;
use Exporter 'import';
our @EXPORT = qw(admin read_file row_count run_script same show without_columns);

my ($field, $record) = ("\x1f", "\x1e");

sub read_file { my $f = shift; open my $h, '<', $f or die "$f: $!"; local $/; <$h> }

# Statements without answers worth keeping; false if one failed.
sub admin {
    my ($psql, $conninfo, @sql) = @_;
    local $ENV{PGOPTIONS} = '-c client_min_messages=error';
    system $psql, '-X', '-q', '-o', '/dev/null', '-d', $conninfo, '-v', 'ON_ERROR_STOP=1',
        map { ('-c', $_) } @sql;
    return $? == 0;
}

# Run texts in one session of psql, after a text that prepares it: a reference to a list of answers.
# A text that is undef is left out.
sub run_script {
    my ($psql, $conninfo, $before, @texts) = @_;
    my $script = "/tmp/citus-two-servers-$$.sql";
    open my $h, '>', $script or die "$script: $!";
    print $h "\\set VERBOSITY sqlstate\n$before\n";
    for my $i (0 .. $#texts) {
        next unless defined $texts[$i];
        print $h "\\echo $record$record$i\n$texts[$i]\n"
            . "\\echo $record$record$i :SQLSTATE :LAST_ERROR_MESSAGE$record$record\n";
    }
    close $h;
    local $ENV{PGAPPNAME} = 'citus_equivalence';
    # Errors are compared by SQLSTATE; psql's texts of them say no more.
    open my $stderr, '>&', \*STDERR;
    open STDERR, '>', '/dev/null';
    open my $p, '-|', $psql, '-X', '-A', '-F', $field, '-R', $record, '-P', 'null=\N',
        '-P', 'footer=off', '-f', $script, '-d', $conninfo or die "$psql: $!";
    my $text = do { local $/; <$p> } // '';
    close $p;
    open STDERR, '>&', $stderr;
    unlink $script;
    my @answers;
    while ($text =~ /$record$record(\d+)\n(.*?)$record$record\1 (\w+) (.*?)$record$record\n/gs) {
        $answers[$1] = { output => $2, sqlstate => $3, message => $4 };
    }
    return \@answers;
}

sub rows_of {
    my ($output, $ordered) = @_;
    my $tag = $output =~ s/(^|\n)((?:INSERT|UPDATE|DELETE|MERGE) [\d ]+)\n?\z/$1/ ? $2 : '';
    $output =~ s/\n\z//;
    # Lines rather than records: COPY TO STDOUT, EXPLAIN.
    my ($header, @rows) = split /$record/, $output, -1;
    if (!@rows && defined $header && $header =~ /\n/) { ($header, @rows) = ('', split /\n/, $header) }
    @rows = sort @rows unless $ordered;
    return ($tag, $header // '', @rows);
}

# How many rows an answer has; a statement without rows has the number of its tag.
sub row_count {
    my $answer = shift;
    my ($tag, $header, @rows) = rows_of($answer->{output}, 1);
    return @rows || $tag !~ /(\d+)\s*\z/ ? scalar @rows : $1;
}

# An answer without the columns of some names.
sub without_columns {
    my ($answer, @names) = @_;
    my @records = split /$record/, $answer->{output}, -1;
    my @header = split /$field/, $records[0] // '', -1;
    return $answer if $answer->{sqlstate} ne '00000' || !@records;
    my @kept = grep { my $i = $_; !grep { $header[$i] eq $_ } @names } 0 .. $#header;
    my $tail = $records[-1] =~ s/(\n.*)\z//s ? $1 : '';
    my @rows = map { my @fields = split /$field/, $_, -1; join $field, @fields[@kept] } @records;
    return { %$answer, output => join($record, @rows) . $tail };
}

# Sums of floats depend on the order of the additions: the last digits may differ.
sub same_field {
    my ($x, $y) = @_;
    return 1 if $x eq $y;
    my $float = qr/^-?\d+\.\d+(?:e[-+]\d+)?$/;
    return 0 unless $x =~ $float && $y =~ $float && length($x) > 14;
    return abs($x - $y) <= 1e-12 * abs($x);
}

# Whether two answers are the same: rows in any order unless $ordered.
sub same {
    my ($ordered, $x, $y) = @_;
    return 0 if $x->{sqlstate} ne $y->{sqlstate};
    return 1 if $x->{sqlstate} ne '00000';
    my @x = rows_of($x->{output}, $ordered);
    my @y = rows_of($y->{output}, $ordered);
    return 0 if @x != @y;
    for my $i (0 .. $#x) {
        next if $x[$i] eq $y[$i];
        my @fx = split /$field/, $x[$i], -1;
        my @fy = split /$field/, $y[$i], -1;
        return 0 if @fx != @fy;
        same_field($fx[$_], $fy[$_]) or return 0 for 0 .. $#fx;
    }
    return 1;
}

# An answer for people.
sub show {
    my ($name, $r) = @_;
    return "  $name: the session was lost\n" unless $r;
    my $text = $r->{sqlstate} eq '00000' ? $r->{output} : "error $r->{sqlstate}: $r->{message}";
    $text =~ s/$record/\n/g;
    $text =~ s/$field/|/g;
    my @lines = split /\n/, $text;
    splice @lines, 20, @lines - 20, sprintf('... %d lines', scalar @lines) if @lines > 20;
    return "  $name:\n" . join '', map { "    $_\n" } @lines;
}

1;
