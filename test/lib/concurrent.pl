# concurrent.pl: a spec of isolationtester on a plain server and on a cluster, and whether each of its
# permutations gives the same.
#
#   concurrent.pl ISOLATIONTESTER PSQL SPEC MODE PLAIN-CONNINFO CLUSTER-CONNINFO
#
# Mode "own": the spec's setup distributes tables itself; on the plain server the functions that it calls
# do nothing.  Its lines "# before: SQL" and "# after: SQL" are run once, around all permutations.  Mode "auto" is for specs that know nothing of us: tables are distributed by their first
# column as soon as a setup has created them, or copied to all nodes, or left alone, whichever works first.
#
#   CONCURRENT_DIFFERS   lines of a spec, a pattern of permutations (or "*") and the reason why these
#                        differ, separated by tabs
#
# Rows are compared without regard to their order, errors by their messages.  The last line is
# "N of M permutations differ, L as listed".
use strict;
use warnings;
use File::Basename qw(basename dirname);

my ($tester, $psql, $file, $mode, $plain, $cluster) = @ARGV;
die "usage: see the head of this file\n" unless $cluster;
my $spec = basename($file, '.spec');

sub read_file { my $f = shift; open my $h, '<', $f or die "$f: $!"; local $/; <$h> }

# ----- the list of what differs

my @listed;
my %layout;     # tables that are not to be distributed
for (split /\n/, $ENV{CONCURRENT_DIFFERS} ? read_file($ENV{CONCURRENT_DIFFERS}) : '') {
    my ($name, $pattern, $reason) = split /\t+/;
    next if /^#/ || !defined $reason || $name ne $spec;
    push @listed, $pattern eq '*' ? qr/./ : qr/$pattern/;
}

# ----- both servers

sub admin {
    my ($conninfo, $sql) = @_;
    local $ENV{PGOPTIONS} = '-c client_min_messages=error';
    open my $p, '|-', $psql, '-X', '-q', '-o', '/dev/null', '-v', 'ON_ERROR_STOP=1', '-d', $conninfo
        or die "$psql: $!";
    print $p $sql;
    close $p or die "$conninfo: a statement of the preparation failed\n";
}

admin($plain, $mode eq 'auto' ? '' : q{
    CREATE OR REPLACE FUNCTION create_distributed_table(text, text, colocate_with text DEFAULT 'default',
        shard_count int DEFAULT NULL) RETURNS void LANGUAGE sql AS '';
    CREATE OR REPLACE FUNCTION create_reference_table(text) RETURNS void LANGUAGE sql AS '';
});
admin($cluster, read_file(dirname(__FILE__) . '/../isolation/blocked.sql'));

# ----- tables of specs that know nothing of us

sub distribute_statement {
    my ($name) = @_;
    return '' if $layout{$name};
    return qq{
        DO \$distribute\$
        DECLARE key text;
        BEGIN
            SELECT attname INTO key FROM pg_attribute WHERE attrelid = '$name'::regclass
               AND attnum > 0 AND NOT attisdropped ORDER BY attnum LIMIT 1;
            PERFORM create_distributed_table('$name', key);
        EXCEPTION WHEN OTHERS THEN
            BEGIN
                PERFORM create_reference_table('$name');
            EXCEPTION WHEN OTHERS THEN NULL;
            END;
        END \$distribute\$;} =~ s/\s+/ /gr;
}

# Statements of a setup; what stands in quotes is left alone.
sub distribute_setup {
    my ($sql) = @_;
    my $text = '';
    my $statement = '';
    while ($sql =~ /\G(;|'(?:[^']|'')*'|(\$\w*\$).*?\2|--[^\n]*\n|[^;'\$-]+|.)/gcs) {
        $statement .= $1;
        next unless $1 eq ';';
        $text .= $statement;
        $text .= distribute_statement(lc $1)
            if $statement =~ /^\s*CREATE\s+(?:UNLOGGED\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?"?([\w.]+)/i
            && $statement !~ /\bPARTITION\s+OF\b|\bINHERITS\b/i;
        $statement = '';
    }
    my $last = $text . $statement;
    $last .= ';' . distribute_statement(lc $1)
        if $statement =~ /^\s*CREATE\s+TABLE\s+"?([\w.]+)/i && $statement !~ /\bPARTITION\s+OF\b|\bINHERITS\b/i;
    return $last;
}

sub distribute_all {
    my ($text) = @_;
    # tables that get children are left alone
    while ($text =~ /\bINHERITS\s*\(([^)]*)\)/gi) { $layout{lc $_} = 'local' for $1 =~ /(\w+)/g }
    # tables that are attached later become known by that
    $layout{lc $1} = 'local' while $text =~ /\bATTACH\s+PARTITION\s+(\w+)/gi;
    $text =~ s/^(\s*setup\s*\{)([^}]*)\}/$1 . distribute_setup($2) . '}'/gemi;
    return $text;
}

# ----- running

my $text = read_file($file);

# The permutations' names and what they gave, in order.
sub run_spec {
    my ($conninfo, $text) = @_;
    my $copy = "/tmp/citus-concurrent-$$.spec";
    open my $h, '>', $copy or die "$copy: $!";
    print $h $text;
    close $h;
    open my $p, '-|', "'$tester' '$conninfo' <'$copy' 2>&1" or die "$tester: $!";
    my $output = do { local $/; <$p> } // '';
    close $p;
    my $status = $?;
    unlink $copy;
    my ($head, @parts) = split /^starting permutation: /m, $output;
    my @result;
    for (@parts) {
        my ($name, $rest) = split /\n/, $_, 2;
        push @result, [$name, normal($rest)];
    }
    push @result, ['(the end)', "status $status\n" . (@parts ? '' : $head)] if $status != 0;
    return @result;
}

# Rows of tables in an order of their own, without the padding of columns.
sub normal {
    my ($output) = @_;
    my @lines = split /\n/, $output;
    my @result;
    while (defined(my $line = shift @lines)) {
        if (@lines && $lines[0] =~ /^-[-+]*$/) {
            my @rows;
            my $rule = shift @lines;
            push @rows, shift @lines while @lines && $lines[0] !~ /^\(\d+ rows?\)$/;
            push @result, map { join '|', map { s/^\s+|\s+$//gr } split /\|/, $_, -1 } $line, sort @rows;
            next;
        }
        push @result, $line;
    }
    return join '', map { "$_\n" } @result;
}

sub run_between {
    my ($conninfo, $text) = @_;
    my %sql = (before => '', after => '');
    $sql{$1} .= "$2\n" while $text =~ /^# (before|after): (.*)$/mg;
    admin($conninfo, $sql{before});
    my @result = run_spec($conninfo, $text);
    admin($conninfo, $sql{after});
    return @result;
}

my @expected = run_between($plain, $text);
my @actual = run_between($cluster, $mode eq 'auto' ? distribute_all($text) : $text);
my ($differ, $as_listed) = (0, 0);
for my $i (0 .. $#expected) {
    my ($x, $y) = ($expected[$i], $actual[$i] // ['', "nothing: isolationtester has ended\n"]);
    next if $x->[0] eq $y->[0] && $x->[1] eq $y->[1];
    $differ++;
    if (grep { $x->[0] =~ $_ } @listed) { $as_listed++; next }
    print "DIFFERS: $spec: $x->[0]\n  plain:\n", $x->[1] =~ s/^/    /gmr, "  here:\n", $y->[1] =~ s/^/    /gmr;
}
for (@actual[@expected .. $#actual]) {
    $differ++;
    print "MORE: $spec: $_->[0]\n", $_->[1] =~ s/^/    /gmr;
}
printf "%d of %d permutations differ, %d as listed\n", $differ, scalar @expected, $as_listed;
exit($differ == $as_listed ? 0 : 1);
