# equivalence.pl FILE MODE PSQL PLAIN CLUSTER: run the statements of FILE on a plain server and on a
# cluster and compare, statement by statement, rows, command tag and SQLSTATE.
#
# Directives in FILE, each a comment line of its own:
#   -- distribute: STATEMENT    executed on the cluster only, and must succeed.  In mode
#                               "reference", create_distributed_table() is read as
#                               create_reference_table()
#   -- differs: REASON          the next statement is executed, but not compared
#   -- differs: SQLSTATE, REASON   it must fail here as there, whatever the code
#   -- only: MODE [MODE ...]    the file is for these modes (distributed, reference, single) only
#
# Mode "auto" is for files that know nothing of us: each table they create is distributed by its
# first column, or made a reference table, or left alone, whichever works first; EQUIVALENCE_SETUP
# names a file that runs before, uncompared.
#
# Rows are compared without regard to their order, unless the statement has an ORDER BY at its top.
use strict;
use warnings;

my ($file, $mode, $psql, $plain, $cluster) = @ARGV;
my ($field, $record) = ("\x1f", "\x1e");

sub read_file { my $f = shift; open my $h, '<', $f or die "$f: $!"; local $/; <$h> }

# ----- cutting a file into statements, as psql would

my $token = qr/
      --[^\n]*                                      # comments
    | \/\*.*?\*\/
    | (?<![\w])[eE]'(?:[^'\\]|\\.|'')*'             # strings
    | '(?:[^']|'')*'
    | "(?:[^"]|"")*"
    | (?<![\w\$])(\$(?:[A-Za-z_]\w*)?\$).*?\g{-1}   # dollar quotes
    /xs;

sub split_statements {
    my $text = shift;
    my (@statements, $differs);
    my $current = '';
    my $finish = sub {
        my $sql = $current;
        $current = '';
        return if $sql !~ /\S/;
        push @statements, { sql => $sql, differs => $differs };
        $differs = undef;
    };
    pos($text) = 0;
    while (pos($text) < length $text) {
        $text =~ /\G\s+/gc if $current eq '';
        last if pos($text) >= length $text;
        if ($text =~ /\G--\s*distribute:\s*([^\n]*)\n?/gc) {
            push @statements, { sql => $1, distribute => 1 };
        } elsif ($text =~ /\G--\s*differs:\s*([^\n]*)\n?/gc) {
            $differs = $1;
        } elsif ($current eq '' && $text =~ /\G--[^\n]*\n?/gc) {
            # a comment between statements
        } elsif ($current eq '' && $text =~ /\G(\\[^\n]*)\n?/gc) {
            push @statements, { sql => $1, meta => 1 };
        } elsif ($text =~ /\G$token/gc) {
            $current .= substr $text, $-[0], $+[0] - $-[0];
        } elsif ($text =~ /\G;/gc) {
            $current .= ';';
            my $body = $current =~ s/$token//gr;
            next if $body =~ /\bBEGIN\s+ATOMIC\b/i && $body !~ /\bEND\s*;\s*\z/i;
            # The data of a COPY follows its statement.
            if ($body =~ /^\s*COPY\b.*\bFROM\s+STDIN\b/is && $text =~ /\G\n(.*?^\\\.\n)/gcms) {
                $current .= "\n$1";
            }
            $finish->();
        } elsif ($text =~ /\G(\\g\w*[^\n]*)\n?/gc) {
            $current .= " $1";
            $finish->();
        } else {
            $text =~ /\G(\w+\s*|.)/gcs;
            $current .= $1;
        }
    }
    $current .= ';' if $current =~ /\S/;
    $finish->();
    return @statements;
}

sub top_level_order_by {
    my $sql = shift =~ s/$token/ /gr;
    1 while $sql =~ s/\([^()]*\)/ /g;
    return $sql =~ /\bORDER\s+BY\b/i ? 1 : 0;
}

# ----- running them

# Returns for each statement its output and SQLSTATE; undef where the session was already lost.
sub run_on {
    my ($conninfo, $on_cluster, @statements) = @_;
    my $script = "/tmp/citus-equivalence-$$.sql";
    open my $h, '>', $script or die "$script: $!";
    print $h "\\set VERBOSITY sqlstate\nSET client_min_messages = error;\n";
    print $h "SET search_path = eq, public;\n";
    for my $i (0 .. $#statements) {
        my $s = $statements[$i];
        next if $s->{distribute} && !$on_cluster;
        my $sql = $s->{sql};
        if ($s->{distribute} && $mode eq 'reference') {
            $sql =~ s/\bcreate_distributed_table\s*\(\s*('(?:[^']|'')*')[^;]*/create_reference_table($1)/;
        }
        $sql .= ';' if $s->{distribute} && $sql !~ /;\s*$/;
        print $h "\\echo $record$record$i\n$sql\n"
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
    my @results;
    while ($text =~ /$record$record(\d+)\n(.*?)$record$record\1 (\w+) (.*?)$record$record\n/gs) {
        $results[$1] = { output => $2, sqlstate => $3, message => $4 };
    }
    return \@results;
}

sub admin {
    my ($conninfo, @sql) = @_;
    local $ENV{PGOPTIONS} = '-c client_min_messages=error';
    system $psql, '-X', '-q', '-o', '/dev/null', '-d', $conninfo, '-v', 'ON_ERROR_STOP=1',
        map { ('-c', $_) } @sql;
    return $? == 0;
}

# ----- comparing

sub rows_of {
    my ($output, $ordered) = @_;
    my $tag = $output =~ s/(^|\n)((?:INSERT|UPDATE|DELETE|MERGE) [\d ]+)\n?\z/$1/ ? $2 : '';
    $output =~ s/\n\z//;
    # Lines rather than records: COPY TO STDOUT, EXPLAIN.
    my ($header, @rows) = split /$record/, $output;
    if (!@rows && defined $header && $header =~ /\n/) { ($header, @rows) = ('', split /\n/, $header) }
    @rows = sort @rows unless $ordered;
    return ($tag, $header // '', @rows);
}

# Sums of floats depend on the order of the additions: the last digits may differ.
sub same_field {
    my ($x, $y) = @_;
    return 1 if $x eq $y;
    my $float = qr/^-?\d+\.\d+(?:e[-+]\d+)?$/;
    return 0 unless $x =~ $float && $y =~ $float && length($x) > 14;
    return abs($x - $y) <= 1e-12 * abs($x);
}

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

sub differs_as_said {
    my ($reason, $x, $y) = @_;
    return 0 unless $reason;
    return 1 unless $reason =~ /^SQLSTATE/;
    return ($x->{sqlstate} eq '00000') == ($y->{sqlstate} eq '00000');
}

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

# For mode "auto": what is executed on the cluster after each CREATE TABLE.
sub distribute_all {
    my @all;
    for my $s (@_) {
        push @all, $s;
        next if $s->{meta};
        my $sql = $s->{sql} =~ s/$token/ /gr;
        my $name = $sql =~ /^CREATE\s+(?:UNLOGGED\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?([\w.]+)/i ? $1
                 : $sql =~ /^SELECT\b[^;]*?\bINTO\s+(?:TABLE\s+)?([\w.]+)/i ? $1 : next;
        next if $sql =~ /\bPARTITION\s+OF\b|\bINHERITS\b/i;
        push @all, { distribute => 1, may_fail => 1, sql => qq{
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
            END \$distribute\$;} =~ s/\s+/ /gr };
    }
    return @all;
}

my $text = read_file($file);
if ($text =~ /^--\s*only:\s*(.*)$/m && $1 !~ /\b$mode\b/) {
    print "not for this mode\n";
    exit 0;
}
my @statements = split_statements($text);
if ($mode eq 'auto') {
    my @setup = $ENV{EQUIVALENCE_SETUP} ? split_statements(read_file($ENV{EQUIVALENCE_SETUP})) : ();
    $_->{differs} = 'it only prepares' for @setup;
    @statements = distribute_all(@setup, @statements);
}
my $database = "equivalence_$$";
admin($plain, "CREATE DATABASE $database") or die "the plain server does not answer\n";
my $plain_here = $plain =~ s/dbname=\S+/dbname=$database/r;
admin($_, 'CREATE SCHEMA eq') or die "no schema can be made\n" for $plain_here, $cluster;

my $expected = run_on($plain_here, 0, @statements);
my $actual = run_on($cluster, 1, @statements);
my $wrong = 0;
for my $i (0 .. $#statements) {
    my $s = $statements[$i];
    my ($x, $y) = ($expected->[$i], $actual->[$i]);
    if ($s->{distribute}) {
        next if $s->{may_fail} || $y && $y->{sqlstate} eq '00000';
        print "$s->{sql}\n", show($mode, $y);
        $wrong++;
    } elsif (!$s->{meta} && !($x && $y && differs_as_said($s->{differs}, $x, $y))
             && !($x && $y && same(top_level_order_by($s->{sql}), $x, $y))) {
        # One word first, to count the kinds: lost, refused, accepted, another code, other rows.
        my $kind = !$y ? 'LOST' : $x->{sqlstate} eq $y->{sqlstate} ? 'ROWS'
            : $x->{sqlstate} eq '00000' ? 'REFUSED' : $y->{sqlstate} eq '00000' ? 'ACCEPTED' : 'CODE';
        print "$kind: $s->{sql}\n", show('plain', $x), show($mode, $y);
        $wrong++;
    }
}
admin($plain, "DROP DATABASE $database WITH (FORCE)");
admin($cluster, 'DROP SCHEMA eq CASCADE') or $wrong++;
printf "%d of %d statements differ\n", $wrong, scalar @statements;
exit($wrong ? 1 : 0);
