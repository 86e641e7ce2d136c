# random.pl MODE PSQL PLAIN CLUSTER [FROM]: random statements on a plain server and on a cluster.
#
# MODE is "select", "write", or "policies": writes of a role that has rights on columns and is subject
# to policies.  The tables are made on CLUSTER; the statements run on FROM, another
# node of it, if given.  A wrong row or command tag, a statement that fails on one side only, an
# internal error or a lost session is a failure; so is what check_consistency() finds after writes, and a statement
# that did not reach the plain server.
#
#   RANDOM_SEED=N       the first seed (1)
#   RANDOM_SEEDS=N      how many of them
#   RANDOM_SECONDS=N    as many seeds as this time allows instead
#
# Half of the seeds have settings of their own, in all sessions.
#
# Every failure is shown with its seed, and, for the first few, made shorter: a SELECT loses parts of
# its text, a sequence of writes loses statements, as long as the failure stays.
use strict;
use warnings;
use File::Basename qw(dirname);
use Time::HiRes qw(time sleep);
use lib dirname(__FILE__), dirname(__FILE__) . '/../random';
use TwoServers;
use RandomSelect qw(settings statement tables_are);
use RandomWrite qw(sequence server_is);

my ($mode, $psql, $plain, $cluster, $from) = @ARGV;
my $here = dirname(__FILE__) . '/../random';
my $local = !defined $from;
$from //= $cluster;
my $first_seed = $ENV{RANDOM_SEED} || 1;
my $seconds = $ENV{RANDOM_SECONDS} || 0;
my $seeds = $ENV{RANDOM_SEEDS} || ($seconds ? 1e9 : $mode eq 'select' ? 12 : 10);
my $begin = time;
my $shrinking_ends;

# How often a table is chosen.  A plain table is known to its node only.
my @read = (('d1') x 5, ('d2') x 4, ('d3') x 2, ('dt') x 2, 'dp', 's1', 'v1', 'v2', ('r') x 3, $local ? ('l') : ());
my @written = (qw(d1 d1 d1 d2 d2 d3 dt dp s1 r u1 u1 u2 u2 ur c1 v1), $local ? ('l') : ());
my @all = do { my %seen; grep { !$seen{$_}++ } @written };

my $always = "SET client_min_messages = error;\nSET search_path = rnd;\nSET statement_timeout = '20s';\n";
my $before = $always;
my @schema = grep { !/^--(?! distribute:)/ } split /\n/, read_file("$here/tables.sql");
my $role = $mode eq 'policies' ? "RESET ROLE;\nSET ROLE rnd_user;\n" : '';
push @schema, grep { !/^--/ } split /\n/, read_file("$here/policies.sql") if $role;
my $rows = join "\n", 'TRUNCATE ' . join(', ', grep { !/^v/ } @all) . ';',
    grep { $local || !/INTO l / } split /\n/, read_file("$here/rows.sql");
my $database = "random_$$";
my $plain_here = $plain =~ s/dbname=\S+/dbname=$database/r;
$ENV{PGAPPNAME} = 'citus_random';

# ----- one comparison

# '' or the kind of the difference.  Errors are compared by their class.
sub difference {
    my ($statement, $x, $y) = @_;
    return '' if !$x || $x->{sqlstate} eq '57014';
    return 'LOST' if !$y;
    return 'INTERNAL' if $y->{sqlstate} =~ /^XX/ && $x->{sqlstate} !~ /^XX/;
    my ($fine, $fine_too) = map { $_->{sqlstate} eq '00000' } $x, $y;
    # of several rows one may be against a policy, another one against a constraint
    return '' if $role && 2 == grep { $_->{sqlstate} =~ /^(42501|23...|21000)$/ } $x, $y;
    return 'REFUSED' if $fine && !$fine_too;
    return 'ACCEPTED' if !$fine && $fine_too;
    return substr($x->{sqlstate}, 0, 2) eq substr($y->{sqlstate}, 0, 2) ? '' : 'CODE' if !$fine;
    return same($statement->{ordered}, $x, $y) ? '' : 'ROWS';
}

# Statements that do not depend on each other: those after a lost session run in a new one.
sub run_independent {
    my ($conninfo, @texts) = @_;
    my @answers;
    my $next = 0;
    while ($next < @texts) {
        my $some = run_script($psql, $conninfo, $before, (undef) x $next, @texts[$next .. $#texts]);
        my $last = $next;
        for my $i ($next .. $#texts) {
            $answers[$i] = $some->[$i];
            $last = $i if $some->[$i];
        }
        my @missing = grep { defined $texts[$_] && !$answers[$_] } $next .. $#texts;
        last unless @missing;
        $next = $missing[0] + 1;
        wait_for($conninfo) or last;
    }
    return \@answers;
}

sub wait_for {
    my $conninfo = shift;
    for (1 .. 300) {
        return 1 if system("$psql -X -q -d '$conninfo' -c 'SELECT 1' >/dev/null 2>&1") == 0;
        sleep 0.1;
    }
    return 0;
}

# the end of COPY's data stands alone on its line
sub texts_of { map { $_->{sql} =~ /^\\\.\z/m ? $_->{sql} : "$_->{sql};" } @_ }

sub compare_independent {
    my @statements = @_;
    my @texts = texts_of(@statements);
    my $expected = run_independent($plain_here, @texts);
    # What took plain PostgreSQL too long is not asked.
    $texts[$_] = undef for grep { !$expected->[$_] || $expected->[$_]{sqlstate} eq '57014' } 0 .. $#texts;
    my $actual = run_independent($from, @texts);
    return [map { defined $texts[$_]
                  ? [difference($statements[$_], $expected->[$_], $actual->[$_]), $expected->[$_], $actual->[$_]]
                  : ['', undef, undef] } 0 .. $#texts];
}

# Writes depend on each other: the index of the first difference, undef if there is none.
sub compare_sequence {
    my @statements = @_;
    for my $conninfo ($plain_here, $cluster) {
        my $answers = run_script($psql, $conninfo, $before, $rows);
        die "rows.sql: $answers->[0]{message}\n" unless $answers->[0] && $answers->[0]{sqlstate} eq '00000';
    }
    my @asked = (@statements, $role ? { sql => 'RESET ROLE', ordered => 0 } : (),
                 map { { sql => "SELECT * FROM $_", ordered => 0 } } @all);
    my @texts = texts_of(@asked);
    my $expected = run_script($psql, $plain_here, $before . $role, @texts);
    my $actual = run_script($psql, $from, $before . $role, @texts);
    for my $i (0 .. $#asked) {
        # what was not asked at all is a fault of the text before it
        my $kind = $expected->[$i] ? difference($asked[$i], $expected->[$i], $actual->[$i]) : 'UNASKED';
        next if $kind eq '';
        wait_for($from) if $kind eq 'LOST';
        return ($i, $kind, $asked[$i], $expected->[$i], $actual->[$i]);
    }
    return ();
}

# ----- making failures shorter

sub may_shrink {
    $shrinking_ends //= time + ($seconds ? 240 : 60);
    return time < $shrinking_ends;
}

# Texts that lack one balanced piece of this one.
sub shorter_texts {
    my $sql = shift;
    my @tokens = $sql =~ /('(?:[^']|'')*'|[\w.]+|::|<=|>=|<>|\|\||\s+|.)/gs;
    # An answer must stay determined: what is sorted by, and windows, stay as they are.
    my $sorted = sub { join '|', ($_[0] =~ /(ORDER BY [^()]*|OVER \([^()]*\))/g), $_[0] =~ /(LIMIT|OFFSET|FETCH)/g };
    my $kept = $sorted->($sql);
    my %seen;
    my @texts;
    for my $length (1 .. 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 64, 80, 100, 130, 160, 200) {
        for my $at (0 .. @tokens - $length) {
            my $depth = 0;
            my $balanced = 1;
            for my $token (@tokens[$at .. $at + $length - 1]) {
                $depth += $token eq '(' ? 1 : $token eq ')' ? -1 : 0;
                if ($depth < 0) { $balanced = 0; last }
            }
            next unless $balanced && $depth == 0;
            my $text = join('', @tokens[0 .. $at - 1], @tokens[$at + $length .. $#tokens]) =~ s/ +/ /gr;
            next if $seen{$text}++ || $text eq $sql;
            my $now = $sorted->($text);
            next if $now ne $kept && $now =~ /LIMIT|OFFSET|FETCH|OVER/;
            push @texts, $text;
        }
    }
    return @texts;
}

sub shrink_statement {
    my ($statement, $kind) = @_;
    return $statement if $statement->{sql} =~ /^DEALLOCATE/;
    while (may_shrink()) {
        my @shorter = map { { sql => $_, ordered => 0 } } shorter_texts($statement->{sql});
        last unless @shorter;
        # Most of them are no statements: the plain server says so quickly.
        my $expected = run_independent($plain_here, texts_of(@shorter));
        @shorter = map { $shorter[$_] } grep { $expected->[$_] && $expected->[$_]{sqlstate} eq '00000' } 0 .. $#shorter;
        @shorter = sort { length $a->{sql} <=> length $b->{sql} } @shorter;
        my $found;
        while (!$found && @shorter && may_shrink()) {
            my @some = splice @shorter, 0, 40;
            my $answers = compare_independent(@some);
            ($found) = map { $some[$_] } grep { $answers->[$_][0] eq $kind } 0 .. $#some;
        }
        last unless $found;
        $statement = $found;
    }
    return $statement;
}

sub shrink_sequence {
    my ($kind, @statements) = @_;
    my $size = int(@statements / 2) || 1;
    while ($size >= 1 && may_shrink()) {
        my $removed = 0;
        for (my $at = $#statements - $size + 1; $at >= 0 && may_shrink(); $at -= $size) {
            my @fewer = @statements;
            splice @fewer, $at, $size;
            my (undef, $other) = compare_sequence(@fewer);
            next unless defined $other && $other eq $kind;
            @statements = @fewer;
            $removed = 1;
        }
        $size = $removed && $size == 1 ? 1 : int($size / 2);
    }
    return @statements;
}

# ----- the seeds

my ($wrong, $asked) = (0, 0);

sub report {
    my ($kind, $seed, $statement, $x, $y) = @_;
    print "$kind (seed $seed): $statement->{sql};\n", $before =~ s/^\Q$always\E//r, show('plain', $x), show('cluster', $y);
    $wrong++;
}

sub run_selects {
    my $seed = shift;
    my @statements = map { statement() } 1 .. 50;
    my $answers = compare_independent(@statements);
    $asked += @statements;
    for my $i (0 .. $#statements) {
        my ($kind, $x, $y) = @{ $answers->[$i] };
        next if $kind eq '';
        report($kind, $seed, $statements[$i], $x, $y);
        my $short = shrink_statement($statements[$i], $kind);
        print "  shorter: $short->{sql};\n" if $short->{sql} ne $statements[$i]{sql};
    }
}

sub run_writes {
    my $seed = shift;
    my @statements = sequence(40, @written);
    # locks of candidates need the right to read a whole table
    @statements = grep { $_->{sql} !~ / FOR (NO KEY |KEY )?(UPDATE|SHARE)/ } @statements if $role;
    $asked += @statements;
    my ($at, $kind, $statement, $x, $y) = compare_sequence(@statements);
    if (defined $at) {
        report($kind, $seed, $statement, $x, $y);
        splice @statements, $at + 1 if $at < @statements;
        my @short = shrink_sequence($kind, @statements);
        print "  sequence:\n", map { "    $_->{sql};\n" } @short;
        # What differs after fewer statements.
        (undef, $kind, $statement, $x, $y) = compare_sequence(@short);
        print "  after it: $statement->{sql};\n", show('plain', $x), show('cluster', $y) if defined $kind;
    }
    open my $p, '-|', $psql, '-X', '-A', '-t', '-d', $cluster, '-c',
        'SELECT * FROM citus_internal.check_consistency()' or die "$psql: $!";
    my $complaints = do { local $/; <$p> } // '';
    close $p or $complaints .= "check_consistency() itself failed\n";
    if ($complaints ne '') {
        print "INCONSISTENT after seed $seed:\n$complaints";
        $wrong++;
    }
}

server_is(`$psql -X -A -t -d '$plain' -c 'SHOW server_version_num'` + 0);
admin($psql, $plain, "CREATE DATABASE $database") or die "the plain server does not answer\n";
admin($psql, $_, 'DROP SCHEMA IF EXISTS rnd CASCADE', 'CREATE SCHEMA rnd') or die "no schema can be made\n" for $plain_here, $cluster;
for my $conninfo ($plain_here, $cluster) {
    my @sql = map { s/^-- distribute: // ? $conninfo eq $cluster ? "$_;" : () : $_ } my @copy = @schema;
    my $answers = run_script($psql, $conninfo, $before, @sql, $rows);
    for my $i (0 .. @sql) {
        die "the tables cannot be made: $sql[$i] ", show('', $answers->[$i])
            unless $answers->[$i] && $answers->[$i]{sqlstate} eq '00000';
    }
}
my $seed = $first_seed;
for (; $seed < $first_seed + $seeds && (!$seconds || time < $begin + $seconds); $seed++) {
    srand($seed);
    tables_are(@read);
    $before = $always . settings();
    $mode eq 'select' ? run_selects($seed) : run_writes($seed);
    last if $wrong >= 20;
}
admin($psql, $plain, "DROP DATABASE $database WITH (FORCE)");
admin($psql, $cluster, 'DROP SCHEMA rnd CASCADE', $role ? 'DROP ROLE rnd_user' : ()) or $wrong++;
printf "seeds %d to %d: %d statements, %d failures\n", $first_seed, $seed - 1, $asked, $wrong;
exit($wrong ? 1 : 0);
