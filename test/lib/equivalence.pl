# equivalence.pl FILE MODE PSQL PLAIN CLUSTER: run the statements of FILE on a plain server and on a
# cluster and compare, statement by statement, rows, command tag and SQLSTATE.
#
# Directives in FILE, each a comment line of its own:
#   -- distribute: STATEMENT    executed on the cluster only, and must succeed.  In mode
#                               "reference", create_distributed_table() is read as
#                               create_reference_table()
#   -- differs: REASON          the next statement is executed, but not compared
#   -- differs: SQLSTATE, REASON   it must fail here as there, whatever the code
#   -- worker                   in mode "worker", the rest is typed on a worker
#   -- only: MODE [MODE ...]    the file is for these modes (distributed, reference, single) only
#   -- include: FILE            the text of another file, named from the folder of this one
#   -- ties: REASON             rows are compared without their order throughout
#   -- nonempty: every query    a SELECT that finds nothing on the plain server fails
#
# Mode "auto" is for files that know nothing of us: each table they create is distributed by its
# first column, or made a reference table, or left alone, whichever works first.  FILE may be several,
# with commas between.  In the environment,
#   EQUIVALENCE_SETUP    a file that runs before, uncompared
#   EQUIVALENCE_DIFFERS  lines of a file's name, a pattern and a reason, separated by tabs: statements
#                        that match may give other rows, but as many; where the reason starts with
#                        "columns A, B: " only those columns may differ, with "state: " they need only
#                        succeed, or fail, alike; with "whole: " not even that
#   EQUIVALENCE_LAYOUT   lines of a table, or file.table, and "reference" or "local": it is not to be
#                        distributed
#   EQUIVALENCE_FRESH    a command that empties the cluster's database.  With it, a table in whose way
#                        its distribution stands (a NULL as its key, a unique index without it, children,
#                        a foreign key to it that shards cannot keep) is made a reference table, then left
#                        alone, and the file is run again; the statement that asked for it is shown as
#                        DEMOTED
#
# Rows are compared without regard to their order, unless the statement has an ORDER BY at its top.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__);
use TwoServers;

my ($file, $mode, $psql, $plain, $cluster) = @ARGV;
my @files = split /,/, $file;

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
        } elsif ($text =~ /\G--\s*worker\s*\n/gc) {
            push @statements, { sql => '-- worker', worker => 1, meta => 1 };
        } elsif ($text =~ /\G--\s*differs:\s*([^\n]*)\n?/gc) {
            $differs = $1;
        } elsif ($current eq '' && $text =~ /\G--[^\n]*\n?/gc) {
            # a comment between statements
        } elsif ($current eq '' && $text =~ /\G\\copy\b[^\n]*\bfrom\s+stdin[^\n]*\n.*?^\\\.\n/gcmsi
                 || $current eq '' && $text =~ /\G\\set\s+ECHO\b[^\n]*\n/gc) {
            # rows that psql would read from the file; what psql prints of it
        } elsif ($current eq '' && $text =~ /\G(\\[^\n]*)\n?/gc) {
            push @statements, { sql => $1, meta => 1 };
        } elsif ($text =~ /\G\\r\n/gc) {
            $current = '';
        } elsif ($text =~ /\G$token/gc) {
            $current .= substr $text, $-[0], $+[0] - $-[0];
        } elsif ($text =~ /\G;/gc) {
            $current .= ';';
            my $body = $current =~ s/$token//gr;
            next if $body =~ /\bBEGIN\s+ATOMIC\b/i && $body !~ /\bEND\s*;\s*\z/i;
            # The data of a COPY follows its statement.
            if ($body =~ /^\s*COPY\b.*\bFROM\s+STD(?:IN|OUT)\b/is
                && $text =~ /\G[ \t]*(?:--[^\n]*)?\n(.*?^\\\.\n)/gcms) {
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

my $before = "SET client_min_messages = error;\nSET search_path = eq, public;";

# What goes on with the script on a worker, which listens where the coordinator does.
sub to_worker {
    my $conninfo = shift;
    my ($answer) = @{run_script($psql, $conninfo, $before, 'SELECT nodeport FROM pg_dist_node '
        . "WHERE groupid <> 0 AND noderole = 'primary' ORDER BY nodeid LIMIT 1;")};
    my ($port) = $answer->{output} =~ /(\d+)\s*\z/ or die "there is no worker\n";
    $conninfo =~ s/\bport=\d+/port=$port/;
    return qq{\\c "$conninfo"\n$before};
}

# Returns for each statement its answer.
sub run_on {
    my ($conninfo, $on_cluster, @statements) = @_;
    my @texts;
    for my $s (@statements) {
        if ($s->{worker}) {
            push @texts, $on_cluster && $mode eq 'worker' ? to_worker($conninfo) : undef;
            next;
        }
        my $sql = $s->{sql};
        if ($s->{distribute} && $mode eq 'reference') {
            $sql =~ s/\bcreate_distributed_table\s*\(\s*('(?:[^']|'')*')[^;]*/create_reference_table($1)/;
        }
        $sql .= ';' if $s->{distribute} && $sql !~ /;\s*$/;
        push @texts, $s->{distribute} && !$on_cluster ? undef : $sql;
    }
    return run_script($psql, $conninfo, $before, @texts);
}

# ----- comparing

sub differs_as_said {
    my ($s, $x, $y) = @_;
    my $reason = $s->{differs};
    return 0 unless $reason;
    return same(0, map { without_columns($_, split /,\s*/, $1) } $x, $y) if $reason =~ /^columns ([\w, ]+): /;
    return 1 unless $reason =~ /^(SQLSTATE|COUNT),/;
    my $count = $1 eq 'COUNT';
    return 0 if ($x->{sqlstate} eq '00000') != ($y->{sqlstate} eq '00000');
    return !$count || $x->{sqlstate} ne '00000' || row_count($x) == row_count($y);
}

# ----- mode "auto"

my %parent;     # of partitions: the table they are made for
my %layout;     # tables that are not to be distributed: 'reference' or 'local'
for my $line (split /\n/, $ENV{EQUIVALENCE_LAYOUT} ? read_file($ENV{EQUIVALENCE_LAYOUT}) : '') {
    $layout{$1} = $2 if $line =~ /^([\w.]+)\s+(reference|local)\b/;
}

# Tables that get children are left alone from the beginning; so are those that are attached to a
# partitioned table later, and become known by that.
sub leave_parents_alone {
    for my $s (@_) {
        my $sql = $s->{sql} =~ s/$token/ /gr;
        $parent{lc $1} = lc $2 if $sql =~ /^CREATE\s+TABLE\s+([\w.]+)\s+PARTITION\s+OF\s+([\w.]+)/i && $1 ne $2;
        if ($sql =~ /^ALTER\s+TABLE\s+(?:ONLY\s+)?(?:\w+\.)?(\w+)\s+ATTACH\s+PARTITION\s+(?:\w+\.)?(\w+)/i) {
            $layout{lc $2} //= 'local';
            $parent{lc $2} //= lc $1 if lc $1 ne lc $2;
        }
        next unless $sql =~ /\bINHERITS\s*\(([^)]*)\)/i;
        $layout{lc $_} //= 'local' for $1 =~ /(\w+)/g;
    }
}

# What is executed on the cluster after each CREATE TABLE.
sub distribute_all {
    my @all;
    for my $s (@_) {
        push @all, $s;
        next if $s->{meta};
        my $sql = $s->{sql} =~ s/$token/ /gr;
        my $name = $sql =~ /^CREATE\s+(?:UNLOGGED\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?([\w.]+)/i ? $1
                 : $sql =~ /^SELECT\b[^;]*?\bINTO\s+(?:TABLE\s+)?([\w.]+)/i ? $1 : next;
        next if $sql =~ /\bPARTITION\s+OF\b|\bINHERITS\b/i;
        my $table = lc $name =~ s/.*\.//r;
        my $as = $layout{$table} // ($s->{file} && $layout{"$s->{file}.$table"}) // 'distributed';
        my @ways = grep { $as eq 'distributed' || $as eq 'reference' && /reference/ }
            "PERFORM create_distributed_table('$name', key);", "PERFORM create_reference_table('$name');";
        push @all, { distribute => 1, may_fail => 1, sql => qq{
            DO \$distribute\$
            DECLARE key text;
            BEGIN
                SELECT attname INTO key FROM pg_attribute WHERE attrelid = '$name'::regclass
                   AND attnum > 0 AND NOT attisdropped ORDER BY attnum LIMIT 1;
                @{[ $ways[0] // 'NULL;' ]}
            EXCEPTION WHEN OTHERS THEN
                BEGIN
                    @{[ $ways[1] // 'NULL;' ]}
                EXCEPTION WHEN OTHERS THEN NULL;
                END;
            END \$distribute\$;} =~ s/\s+/ /gr };
        # Nothing else notices that a foreign key keeps it local.
        my @referenced = grep { $_ ne $table } map { lc } $sql =~ /\bREFERENCES\s+(?:\w+\.)?(\w+)/gi;
        push @all, { distribute => 1, may_fail => 1, referenced => \@referenced,
                     sql => "SELECT 'kept local' WHERE NOT EXISTS "
                          . "(SELECT FROM pg_dist_partition WHERE logicalrelid = '$name'::regclass)"
                          . (@ways ? ';' : ' AND false;') } if @referenced;
    }
    return @all;
}

# The table of which a table is a partition, directly or not; itself when it is none.
sub root_of {
    my $name = shift;
    my %seen;
    $name = $parent{$name} while $parent{$name} && !$seen{$name}++;
    return $name;
}

# Makes a table less distributed, with the tables that it is a part of; false if nothing is left to do.
sub demote_table {
    my ($name, $demoted) = @_;
    $name = root_of($name);
    return 0 if ($layout{$name} // '') eq 'local' && !$demoted->{$name} || $demoted->{$name}++;
    $layout{$name} = $layout{$name} ? 'local' : 'reference';
    return 1;
}

# The tables that a statement cannot have the way they are: the last one that the error names, both
# sides of a foreign key, what a policy reads.
sub tables_in_the_way {
    my ($sql, $answer) = @_;
    return unless $answer->{sqlstate} =~ /^(22004|0A000|42P17|42P16|XX000)$/
        && $answer->{message} =~ /.*(?:distributed table|reference table|(?:column|foreign key) "\w+" of table|on table) "(\w+)"/;
    my @names = lc $1;
    push @names, lc $1 if $answer->{message} =~ /foreign key/ && $sql =~ /\bREFERENCES\s+(?:\w+\.)?(\w+)/i;
    push @names, map { lc } $sql =~ /\b(?:FROM|JOIN)\s+(?:\w+\.)?(\w+)/gi if $answer->{message} =~ /\bpolicy\b/;
    return @names;
}

sub demote {
    my ($statements, $expected, $actual) = @_;
    my (%demoted, $any);
    for my $i (0 .. $#$statements) {
        my ($s, $x, $y) = ($statements->[$i], $expected->[$i], $actual->[$i]);
        my @names;
        if ($s->{referenced}) {
            next unless $y && $y->{output} =~ /kept local\s*$/;
            @names = grep { !$layout{root_of($_)} } @{$s->{referenced}};
        } else {
            next if $s->{distribute} || $s->{meta} || !$x || !$y || $x->{sqlstate} eq $y->{sqlstate};
            @names = tables_in_the_way($s->{sql}, $y);
        }
        next unless grep { demote_table($_, \%demoted) } @names;
        print "DEMOTED: $s->{sql}\n", show($mode, $y);
        $any = 1;
    }
    return $any;
}

# Statements that a list says differ by nature.
sub mark_listed {
    my ($name, @statements) = @_;
    for my $line (split /\n/, $ENV{EQUIVALENCE_DIFFERS} ? read_file($ENV{EQUIVALENCE_DIFFERS}) : '') {
        my ($in, $pattern, $reason) = split /\t+/, $line;
        next if $line =~ /^#|^\s*$/ || $in ne '*' && $in ne $name;
        $reason = ($reason =~ /^state: / ? 'SQLSTATE' : 'COUNT') . ", $reason"
            unless $reason =~ /^(?:whole|columns [\w, ]+): /;
        for my $s (grep { $_->{sql} =~ /$pattern/is } @statements) {
            @$s{qw(differs entry)} = ($reason, "$in $pattern");
        }
    }
}

sub auto_statements {
    my @all;
    my @setup = $ENV{EQUIVALENCE_SETUP} ? split_statements(read_file($ENV{EQUIVALENCE_SETUP})) : ();
    $_->{setup} = 1 for @setup;
    for my $f (@files) {
        my @statements = split_statements(read_file($f));
        mark_listed($f =~ s{.*/|\.sql$}{}gr, @statements);
        $_->{differs} = 'SQLSTATE, plans are not rows'
            for grep { $_->{sql} =~ /^(?:\/\*.*?\*\/\s*)*EXPLAIN\b/is && ($_->{differs} // '') !~ /^whole: / } @statements;
        $_->{file} = $f =~ s{.*/|\.sql$}{}gr for @statements;
        push @all, @statements, map { { sql => $_, differs => 'between files' } } @files > 1
            ? ('ROLLBACK;', 'RESET SESSION AUTHORIZATION;', 'DEALLOCATE ALL;', 'RESET ALL;',
               'SET client_min_messages = error;', 'SET search_path = eq, public;') : ();
    }
    leave_parents_alone(@setup, @all);
    return (@setup, @all);
}

# The text of a file of ours with what it includes.
sub full_text {
    my $from = shift;
    my $text = read_file($from);
    $text =~ s/^--\s*include:\s*(\S+)\s*$/full_text(dirname($from) . "\/$1")/gme;
    return $text;
}

my $own_text = $mode eq 'auto' ? '' : full_text($file);
if ($own_text =~ /^--\s*only:\s*(.*)$/m && $1 !~ /\b$mode\b/) {
    print "not for this mode\n";
    exit 0;
}
my @source = $mode eq 'auto' ? auto_statements() : split_statements($own_text);
my $ties = $own_text =~ /^--\s*ties:/m;
my $nonempty = $own_text =~ /^--\s*nonempty:/m;
my @statements = $mode eq 'auto' ? distribute_all(@source) : @source;
# Other roles find the tables, too.
sub make_schema {
    my $server = shift;
    admin($psql, $server, $_) or die "no schema can be made\n"
        for 'CREATE SCHEMA eq', 'GRANT USAGE ON SCHEMA eq TO public';
}
sub prepare_cluster {
    make_schema($cluster);
}

my $database = "equivalence_$$";
admin($psql, $plain, "CREATE DATABASE $database") or die "the plain server does not answer\n";
my $plain_here = $plain =~ s/dbname=\S+/dbname=$database/r;
make_schema($plain_here);
prepare_cluster();

my $expected = run_on($plain_here, 0, @statements);
my $actual = run_on($cluster, 1, @statements);
for my $pass (1 .. ($ENV{EQUIVALENCE_FRESH} ? 6 : 0)) {
    last unless demote(\@statements, $expected, $actual);
    system($ENV{EQUIVALENCE_FRESH}) == 0 or die "the cluster's database was not made anew\n";
    prepare_cluster();
    @statements = distribute_all(@source);
    $actual = run_on($cluster, 1, @statements);
}
# The names of the databases differ.
my ($cluster_database) = $cluster =~ /dbname=(\S+)/;
$_ && $_->{output} =~ s/\b$database\b/$cluster_database/g for @$expected;
my ($wrong, $compared, $listed) = (0, 0, 0);
my %use;    # of the list's entries: statements that match, and that differ
for my $i (0 .. $#statements) {
    my $s = $statements[$i];
    my ($x, $y) = ($expected->[$i], $actual->[$i]);
    if ($s->{distribute}) {
        next if $s->{may_fail} || $y && $y->{sqlstate} eq '00000';
        print "$s->{sql}\n", show($mode, $y);
        $wrong++;
        next;
    }
    next if $s->{meta} || $s->{setup} || !$x && !$y;
    $compared++;
    if ($nonempty && $s->{sql} =~ /^(?:SELECT|WITH)\b/i && $x && $x->{output} !~ /\x1e./) {
        print "EMPTY: $s->{sql}\n";
        $wrong++;
    }
    $use{$s->{entry}}[0]++ if $s->{entry};
    if ($x && $y && differs_as_said($s, $x, $y)) {
        next if same(0, $x, $y);
        $listed++;
        next unless $s->{entry};
        $use{$s->{entry}}[1]++;
        print "LISTED: $s->{sql}\n", show('plain', $x), show($mode, $y);
    } elsif (!($x && $y && same(!$ties && top_level_order_by($s->{sql}), $x, $y))) {
        # One word first, to count the kinds: lost, another order, other rows, refused, accepted, another
        # code.
        my $kind = !$x || !$y ? 'LOST' : same(0, $x, $y) ? 'ORDER' : $x->{sqlstate} eq $y->{sqlstate} ? 'ROWS'
            : $y->{sqlstate} eq 'XX000' ? 'INTERNAL'
            : $x->{sqlstate} eq '00000' ? 'REFUSED' : $y->{sqlstate} eq '00000' ? 'ACCEPTED' : 'CODE';
        print "$kind: $s->{sql}\n", show('plain', $x), show($mode, $y);
        $wrong++;
    } elsif ($mode eq 'auto' && $x && $y && $x->{sqlstate} eq $y->{sqlstate}
             && $x->{sqlstate} ne '00000' && $x->{message} ne $y->{message}) {
        print "MESSAGE: $s->{sql}\n", show('plain', $x), show($mode, $y);
    }
}
admin($psql, $plain, "DROP DATABASE $database WITH (FORCE)");
admin($psql, $plain, q{DO $$ DECLARE r name; BEGIN
    FOR r IN SELECT rolname FROM pg_roles WHERE rolname ~ '^regress' LOOP EXECUTE format('DROP ROLE %I', r); END LOOP;
    END $$}) if $mode eq 'auto';
admin($psql, $cluster, 'DROP SCHEMA eq CASCADE') or $wrong++;
printf "ENTRY: %s: %d match, %d differ\n", $_, $use{$_}[0], $use{$_}[1] // 0 for sort keys %use;
printf "%d of %d statements differ, %d as listed\n", $wrong + $listed, $compared, $listed;
exit($wrong ? 1 : 0);
