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
use File::Basename qw(dirname);
use lib dirname(__FILE__);
use TwoServers;

my ($file, $mode, $psql, $plain, $cluster) = @ARGV;

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

# Returns for each statement its answer.
sub run_on {
    my ($conninfo, $on_cluster, @statements) = @_;
    my @texts;
    for my $s (@statements) {
        my $sql = $s->{sql};
        if ($s->{distribute} && $mode eq 'reference') {
            $sql =~ s/\bcreate_distributed_table\s*\(\s*('(?:[^']|'')*')[^;]*/create_reference_table($1)/;
        }
        $sql .= ';' if $s->{distribute} && $sql !~ /;\s*$/;
        push @texts, $s->{distribute} && !$on_cluster ? undef : $sql;
    }
    return run_script($psql, $conninfo,
                      "SET client_min_messages = error;\nSET search_path = eq, public;", @texts);
}

# ----- comparing

sub differs_as_said {
    my ($reason, $x, $y) = @_;
    return 0 unless $reason;
    return 1 unless $reason =~ /^SQLSTATE/;
    return ($x->{sqlstate} eq '00000') == ($y->{sqlstate} eq '00000');
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
    $_->{differs} = 'plans are not rows' for grep { $_->{sql} =~ /^EXPLAIN\b/i } @statements;
    @statements = distribute_all(@setup, @statements);
}
my $database = "equivalence_$$";
admin($psql, $plain, "CREATE DATABASE $database") or die "the plain server does not answer\n";
my $plain_here = $plain =~ s/dbname=\S+/dbname=$database/r;
admin($psql, $_, 'CREATE SCHEMA eq') or die "no schema can be made\n" for $plain_here, $cluster;

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
admin($psql, $plain, "DROP DATABASE $database WITH (FORCE)");
admin($psql, $cluster, 'DROP SCHEMA eq CASCADE') or $wrong++;
printf "%d of %d statements differ\n", $wrong, scalar @statements;
exit($wrong ? 1 : 0);
