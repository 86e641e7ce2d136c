# run.pl: the test runner behind `make check`.
#
# Tests are taken from a queue by lanes.  A lane is a process with a cluster of its own (and a plain
# server for comparisons), which it starts when a test first needs it; so tests of different lanes
# cannot see each other, and tests of one lane run one after the other.  A lane whose test failed
# makes its cluster anew, so that a failure does not spread.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use File::Path qw(make_path remove_tree);
use List::Util qw(shuffle);
use POSIX qw(:sys_wait_h);
use Time::HiRes qw(time sleep);

my $top = abs_path(dirname(__FILE__) . "/../..");
my $pg_config = $ENV{PG_CONFIG} || 'pg_config';
my $version = `$pg_config --version` or die "run: $pg_config does not run\n";
my ($major) = $version =~ /PostgreSQL (\d+)/;
chomp(my $pgxs = dirname(dirname(`$pg_config --pgxs`)));

my ($accept, $jobs, $seconds, $slow, $shuffle, @settings, @wanted) = (0, 2, 0, 1);
while (defined(my $arg = shift)) {
    if    ($arg eq '--accept') { $accept = 1 }
    elsif ($arg eq '--jobs')   { $jobs = shift }
    elsif ($arg eq '--seconds') { $ENV{RANDOM_SECONDS} = $seconds = shift }
    elsif ($arg eq '--seed')   { $ENV{RANDOM_SEED} = shift }
    elsif ($arg eq '--set')    { push @settings, '--set', shift }    # NAME=VALUE, on all servers
    elsif ($arg eq '--shuffle') { $shuffle = shift }   # another order for each number
    elsif ($arg eq '--slow')   { $slow = shift }    # the servers need so many times as long
    else                       { push @wanted, $arg }
}

chomp(my $scratch_root = `bash -c '. $top/test/lib/common.sh; ensure_server_user; scratch_root'`);
my $scratch = "$scratch_root/$major-$$";
my $results = "$scratch/results";
$ENV{CITUS_BUILD_DIR} ||= "$top/build/$major";
$ENV{CITUS_BUILD_TARGET} = 'test-library';
# Nothing of the caller's environment reaches a test.
delete @ENV{grep { /^PG(?!_CONFIG$)|^CITUS_CLUSTER$/ } keys %ENV};
@ENV{qw(PGUSER PGTZ LC_ALL LANG)} = ('postgres', 'UTC', 'C.UTF-8', 'C.UTF-8');

my @kinds = qw(lint unit regress isolation concurrent equivalence postgres random docs tap);
my %deadline = (lint => 300, unit => 60, regress => 180, isolation => 180, concurrent => 180,
                equivalence => 300, postgres => 400, random => 300 + 2 * $seconds, docs => 180, tap => $ENV{TAP_SECONDS} // 400);
$_ *= $slow for values %deadline;
my %runner = (lint => \&run_lint, unit => \&run_unit, regress => \&run_regress,
              isolation => \&run_isolation, concurrent => \&run_concurrent, equivalence => \&run_equivalence, postgres => \&run_postgres, random => \&run_random,
              docs => \&run_docs, tap => \&run_tap);

umask 022;

# ----- the list of tests

sub read_file { my $f = shift; open my $h, '<', $f or return ''; local $/; my $t = <$h>; $t // '' }
sub write_file { my ($f, $t) = @_; open my $h, '>', $f or die "$f: $!"; print $h $t; close $h }
sub names { my ($glob, $suffix) = @_; map { basename($_, $suffix) } sort glob "$top/test/$glob" }

# The SQL of a page of the documentation, with its lines where they are in the page.
sub sql_of_page {
    my $page = shift;
    my ($sql, $inside) = ('', 0);
    # The README is the one at the top; that of docs lists the pages.
    my $file = $page eq 'README' ? "$top/README.md" : "$top/docs/$page.md";
    for my $line (split /\n/, read_file($file)) {
        if ($line =~ /^```/) { $inside = $line =~ /^```sql\s*$/; $line = '' }
        $sql .= ($inside ? $line : '') . "\n";
    }
    return $sql =~ /\S/ ? $sql : '';
}

# Has the file a part that is typed on a worker in mode "worker"?
sub goes_to_worker { read_file("$top/test/equivalence/$_[0].sql") =~ /^--\s*worker\s*$/m }

# The server's own suite: groups of its files, where its source is at hand (test/lib/build-postgres).
chomp(my $suite = `$pg_config --bindir`);
$suite .= '/../source/src/test/regress';
my %groups = map { my ($name, $may_differ, $files) = split /\t+/;
                   ($name => { may_differ => $may_differ, files => [split ' ', $files] }) }
    grep { /^\w/ } split /\n/, read_file("$top/test/postgres/groups");

my %tests = (
    lint => [grep { -x "$top/test/lint/$_" } names('lint/*', '')],
    unit => [map { read_file($_) =~ /^UNIT_TEST\((\w+)\)/mg } sort glob "$top/test/unit/*.c"],
    regress => [names('regress/*.sql', '.sql')],
    isolation => [names('isolation/specs/*.spec', '.spec')],
    concurrent => [names('concurrent/*.spec', '.spec'),
                   map { "postgres.$_" } grep { -e "$suite/../isolation/specs/$_.spec" }
                   grep { /^\w/ } split /\n/, read_file("$top/test/concurrent/postgres")],
    equivalence => [map { ($_, "$_.reference", "$_.single", goes_to_worker($_) ? "$_.worker" : ()) }
                    names('equivalence/*.sql', '.sql')],
    postgres => [-d $suite ? sort keys %groups : ()],
    random => [map { ($_, "$_.worker", "$_.single") } qw(select write policies)],
    docs => [grep { sql_of_page($_) ne '' } 'README',
             grep { $_ ne 'README' } names('../docs/*.md', '.md')],
    tap => [names('tap/*.pl', '.pl')]);

my @queue;
for my $want (@wanted ? @wanted : @kinds) {
    my ($kind, $name) = split m{/}, $want, 2;
    die "run: no kind of tests is called $kind\n" unless $tests{$kind};
    my @found = map { "$kind/$_" } defined $name && $name ne ''
        ? grep { $_ eq $name || /^\Q$name\E\.(reference|single|worker)$/ } @{ $tests{$kind} }
        : grep { !m{^tpcds_} } @{ $tests{$kind} };     # these take minutes: by name only
    die "run: there is no test $want\n" unless @found || !defined $name;
    push @queue, @found;
}
if (defined $shuffle) {
    srand $shuffle;
    @queue = shuffle @queue;
}

# ----- running programs

# Run a command with a deadline, its output into a file; returns its exit status, 255 if killed.
sub run_command {
    my ($seconds, $out, $in, @command) = @_;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        setpgrp;
        open STDIN, '<', $in // '/dev/null' or die "$in: $!";
        open STDOUT, '>', $out or die "$out: $!";
        open STDERR, '>&', \*STDOUT;
        exec @command or POSIX::_exit(127);
    }
    my $end = time + $seconds;
    my $nap = 0.002;
    while (waitpid($pid, WNOHANG) == 0) {
        if (time > $end) {
            kill KILL => -$pid;
            waitpid $pid, 0;
            open my $h, '>>', $out;
            print $h "\ntimed out after $seconds seconds\n";
            return 255;
        }
        sleep $nap;
        $nap *= 1.5 if $nap < 0.05;
    }
    return $? >> 8 || ($? & 127 ? 255 : 0);
}

sub cluster_tool {
    my @args = @_;
    my $out = "$scratch/tool-$$.out";
    run_command(600, $out, undef, "$top/test/lib/cluster", @args) == 0
        or die "cluster @args:\n" . read_file($out);
}

# ----- a lane's servers

my $installed;  # pg_config of the private installation
my $lane;       # number of this lane
my %servers;    # flavour => environment of its env file

sub servers_dir { "$scratch/$lane-$_[0]" }

# flavours: cluster (coordinator and two workers), single (a coordinator alone), plain
sub servers {
    my $flavour = shift;
    $servers{$flavour} ||= do {
        my $dir = servers_dir($flavour);
        cluster_tool('start', '--dir', $dir, '--installed', $installed,
                     @settings, $flavour eq 'plain' ? '--plain' : (),
                     $flavour eq 'single' ? ('--workers', 0, '--no-nodes') : ());
        +{ map { /^((?:CITUS_|PG)\w+)=(.*)/ ? ($1, $2) : () }
           split /\n/, `bash -c '. $dir/env; env'` };
    };
}

sub psql_command {
    my ($server, $node, @more) = @_;
    return ("$server->{CITUS_BIN}/psql", '-X', '-h', $server->{PGHOST},
            '-p', $server->{"CITUS_PORT_$node"}, '-d', $server->{PGDATABASE}, @more);
}

sub query {     # rows as text, or undef on error
    my ($server, $node, $sql) = @_;
    my $out = "$scratch/query-$$.out";
    my $status = run_command(60, $out, undef,
                             psql_command($server, $node, qw(-A -t -q -v ON_ERROR_STOP=1 -c), $sql));
    chomp(my $text = read_file($out));
    return ($status == 0, $text);
}

sub log_sizes {
    my $server = shift;
    return { map { $_ => -s "$server->{CITUS_CLUSTER}/$_/log" } split / /, $server->{CITUS_NODES} };
}

# Names of shards appear in messages: every test begins with the same number.
sub restart_shard_ids {
    my ($ok, $text) = query($_[0], 'coordinator', 'ALTER SEQUENCE pg_dist_shardid_seq RESTART');
    return $ok ? '' : "shard ids: $text\n";
}

# What must hold after every test that ran on a cluster; returns the complaints.
sub after_check {
    my ($server, $sizes) = @_;
    my $bad = '';
    for my $node (sort keys %$sizes) {
        open my $h, '<', "$server->{CITUS_CLUSTER}/$node/log" or next;
        seek $h, $sizes->{$node}, 0;
        while (<$h>) {
            $bad .= "log of $node: $_"
                if /PANIC|TRAP:|was terminated by signal|AddressSanitizer|^ {4}#[0-9] 0x/;
        }
    }
    my ($ok, $text) = query($server, 'coordinator', q{
        SELECT 'schema left behind: ' || nspname FROM pg_namespace
        WHERE nspname !~ '^(pg_|information_schema$|public$|citus|columnar)'
        UNION ALL
        SELECT 'left behind in public: ' || relname FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'S', 'f')
          AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e')
        UNION ALL
        SELECT 'role left behind: ' || rolname FROM pg_roles
        WHERE rolname !~ '^(pg_|postgres$)'});
    $bad .= "$text\n" if !$ok || $text ne '';
    ($ok, $text) = query($server, 'coordinator',
                         'SELECT * FROM citus_internal.check_consistency()');
    $bad .= "check_consistency: $text\n" if !$ok || $text ne '';
    return $bad;
}

# Compare an output with its expected file and its alternatives; the first difference is kept.
sub compare {
    my ($expected, $actual, $diff) = @_;
    if ($accept) {
        # An alternative is chosen by hand: only the main file is rewritten.
        write_file($expected, read_file($actual));
        return 1;
    }
    if (!-e $expected) {
        write_file($diff, "no expected output; what came:\n" . read_file($actual));
        return 0;
    }
    my ($stem, $suffix) = $expected =~ /^(.*)(\.out)$/;
    my $best;
    for my $candidate ($expected, grep { -e } map { "${stem}_$_$suffix" } 1 .. 4) {
        my $status = run_command(60, "$diff.try", undef, 'diff', '-U3', $candidate, $actual);
        if ($status == 0) { unlink "$diff.try"; return 1 }
        my $text = read_file("$diff.try");
        $best = $text if !defined $best || length $text < length $best;
    }
    unlink "$diff.try";
    write_file($diff, $best);
    return 0;
}

# ----- the kinds; each returns '' or what to tell about the failure

sub run_lint {
    my ($name, $out) = @_;
    chdir $top;
    local $ENV{PG_CONFIG} = $pg_config;
    return run_command($deadline{lint}, $out, undef, "test/lint/$name") == 0
        ? '' : read_file($out) || "failed without a word\n";
}

sub run_unit {
    my ($name, $out) = @_;
    my $server = servers('cluster');
    my $sizes = log_sizes($server);
    my $status = run_command($deadline{unit}, $out, undef, psql_command(
        $server, 'coordinator', qw(-q -v ON_ERROR_STOP=1 -v VERBOSITY=verbose),
        '-c', "CREATE FUNCTION pg_temp.citus_unit_run(text) RETURNS void
               AS 'citus_unit', 'citus_unit_run' LANGUAGE C STRICT",
        '-c', 'BEGIN', '-c', "SELECT pg_temp.citus_unit_run('$name')", '-c', 'ROLLBACK'));
    return read_file($out) . "status $status\n" if $status != 0;
    return after_check($server, $sizes);
}

sub run_regress {
    my ($name, $out) = @_;
    my $server = servers('cluster');
    my $sizes = log_sizes($server);
    my $bad = restart_shard_ids($server);
    local $ENV{PGAPPNAME} = 'citus_regress';
    my $status = run_command(
        $deadline{regress}, $out, "$top/test/regress/$name.sql",
        psql_command($server, 'coordinator', qw(-a -q -v VERBOSITY=terse -v ON_ERROR_STOP=0),
                     (map { ('-v', "${_}_port=" . $server->{"CITUS_PORT_$_"}) }
                      split / /, $server->{CITUS_NODES})));
    $bad .= "psql ended with status $status\n" if $status != 0;
    if (!compare("$top/test/regress/$name.out", $out, "$out.diff")) {
        $bad .= read_file("$out.diff");
    }
    return $bad . after_check($server, $sizes);
}

sub run_isolation {
    my ($name, $out) = @_;
    my $server = servers('cluster');
    my $sizes = log_sizes($server);
    my ($ok, $text) = query($server, 'coordinator', read_file("$top/test/isolation/blocked.sql"));
    return "test/isolation/blocked.sql: $text\n" unless $ok;
    my $bad = restart_shard_ids($server);
    my $status = run_command(
        $deadline{isolation}, $out, "$top/test/isolation/specs/$name.spec",
        "$pgxs/test/isolation/isolationtester",
        "host=$server->{PGHOST} port=$server->{PGPORT} dbname=$server->{PGDATABASE}");
    $bad .= "isolationtester ended with status $status\n" if $status != 0;
    if (!compare("$top/test/isolation/expected/$name.out", $out, "$out.diff")) {
        $bad .= read_file("$out.diff");
    }
    return $bad . after_check($server, $sizes);
}

# Specs that a plain server is the measure of.
sub run_concurrent {
    my ($name, $out) = @_;
    my ($server, $plain) = (servers('cluster'), servers('plain'));
    my $sizes = log_sizes($server);
    my ($spec, $mode) = $name =~ /^postgres\.(.*)/ ? ("$suite/../isolation/specs/$1", 'auto') : ("$top/test/concurrent/$name", 'own');
    local $ENV{CONCURRENT_DIFFERS} = "$top/test/concurrent/differs";
    my $status = run_command(
        $deadline{concurrent}, $out, undef, 'perl', "$top/test/lib/concurrent.pl",
        "$pgxs/test/isolation/isolationtester", $plain->{CITUS_BIN} . '/psql', "$spec.spec", $mode,
        "host=$plain->{PGHOST} port=$plain->{PGPORT} dbname=$plain->{PGDATABASE}",
        "host=$server->{PGHOST} port=$server->{PGPORT} dbname=$server->{PGDATABASE}");
    return ($status == 0 ? '' : read_file($out) . "status $status\n") . after_check($server, $sizes);
}

sub run_equivalence {
    my ($name, $out) = @_;
    my ($file, $mode) = $name =~ /^(.*?)(?:\.(reference|single|worker))?$/;
    $mode //= 'distributed';
    my $server = servers($mode eq 'single' ? 'single' : 'cluster');
    my $plain = servers('plain');
    my $sizes = log_sizes($server);
    my $status = run_command(
        $deadline{equivalence}, $out, undef, 'perl', "$top/test/lib/equivalence.pl",
        "$top/test/equivalence/$file.sql", $mode, $plain->{CITUS_BIN} . '/psql',
        "host=$plain->{PGHOST} port=$plain->{PGPORT} dbname=$plain->{PGDATABASE}",
        "host=$server->{PGHOST} port=$server->{PGPORT} dbname=$server->{PGDATABASE}");
    return ($status == 0 ? '' : read_file($out) . "status $status\n") . after_check($server, $sizes);
}

# A group of files of the server's own suite, in a database that is made anew afterwards.
sub run_postgres {
    my ($name, $out) = @_;
    my ($server, $plain) = (servers('cluster'), servers('plain'));
    my $sizes = log_sizes($server);
    local @ENV{qw(PG_ABS_SRCDIR PG_ABS_BUILDDIR PG_DLSUFFIX)} = ($suite, $scratch, '.so');
    chomp(local $ENV{PG_LIBDIR} = `$installed --pkglibdir`);
    local @ENV{map { "EQUIVALENCE_$_" } qw(SETUP DIFFERS LAYOUT)} =
        ("$suite/sql/test_setup.sql", map { "$top/test/postgres/$_" } qw(differs layout));
    my $status = run_command(
        $deadline{postgres}, $out, undef, 'perl', "$top/test/lib/equivalence.pl",
        join(',', map { "$suite/sql/$_.sql" } @{ $groups{$name}{files} }), 'auto', $plain->{CITUS_BIN} . '/psql',
        "host=$plain->{PGHOST} port=$plain->{PGPORT} dbname=$plain->{PGDATABASE}",
        "host=$server->{PGHOST} port=$server->{PGPORT} dbname=$server->{PGDATABASE}");
    my $text = read_file($out);
    my $bad = '';
    $bad .= "status $status\n" unless $text =~ /^\d+ of \d+ statements differ, \d+ as listed$/m;
    $bad .= "wrong: $_\n" for $text =~ /^((?:ROWS|ORDER|LOST|INTERNAL): .*)$/mg;
    my $others = () = $text =~ /^(?:REFUSED|ACCEPTED|CODE): /mg;
    $bad .= "$others statements are refused, accepted or fail otherwise\n" if $others > $groups{$name}{may_differ};
    $bad .= $text if $bad ne '';
    for my $node (sort keys %$sizes) {
        $bad .= "log of $node: $_\n" for grep { /PANIC|TRAP:|was terminated by signal/ }
            split /\n/, substr read_file("$server->{CITUS_CLUSTER}/$node/log"), $sizes->{$node};
    }
    cluster_tool('fresh', '--no-build', '--dir', servers_dir('cluster')) if $bad eq '';
    return $bad;
}

sub run_random {
    my ($name, $out) = @_;
    my ($mode, $place) = split /\./, "$name.coordinator";
    my $server = servers($place eq 'single' ? 'single' : 'cluster');
    my $plain = servers('plain');
    my $sizes = log_sizes($server);
    my $to = "host=$server->{PGHOST} dbname=$server->{PGDATABASE} port=";
    my $status = run_command(
        $deadline{random}, $out, undef, 'perl', "$top/test/lib/random.pl", $mode, $plain->{CITUS_BIN} . '/psql',
        "host=$plain->{PGHOST} port=$plain->{PGPORT} dbname=$plain->{PGDATABASE}",
        $to . $server->{PGPORT}, $place eq 'worker' ? $to . $server->{CITUS_PORT_worker1} : ());
    return ($status == 0 ? '' : read_file($out) . "status $status\n") . after_check($server, $sizes);
}

# What the documentation shows, in order and without an error; each page drops what it made.
sub run_docs {
    my ($name, $out) = @_;
    my $server = servers('cluster');
    my $sizes = log_sizes($server);
    write_file("$out.sql", sql_of_page($name));
    my $status = run_command($deadline{docs}, $out, undef, psql_command(
        $server, 'coordinator', qw(-a -q -v ON_ERROR_STOP=1 -f), "$out.sql"));
    # The end of the output tells which statement failed.
    my @lines = split /\n/, read_file($out);
    splice @lines, 0, @lines - 12 if @lines > 12;
    return ($status == 0 ? '' : join '', map { "$_\n" } @lines) . after_check($server, $sizes);
}

# PostgreSQL::Test starts servers itself, so it runs as the ordinary user, on a copy of the tests
# that this user can read.
sub run_tap {
    my ($name, $out) = @_;
    my $bin = dirname($installed);
    my $work = "$scratch/tap/$name";
    make_path($work);
    run_command(60, "$out.copy", undef, 'cp', '-r', "$top/test/tap", "$work/test");
    run_command(60, "$out.copy", undef, 'bash', '-c',
                ". $top/test/lib/common.sh; [ \$(id -u) != 0 ] || chown -R \$server_user $work");
    # 15 keeps everything in $TESTDIR/tmp_check, later majors are told.
    my %set = (TESTDATADIR => "$work/tmp_check", TESTLOGDIR => "$work/tmp_check/log", TESTDIR => $work,
               PG_REGRESS => "$pgxs/test/regress/pg_regress", PATH => "$bin:$ENV{PATH}",
               PERL5LIB => "$pgxs/test/perl:$work/test/lib", PG_TEST_TIMEOUT_DEFAULT => 60,
               share_contrib_dir => '', TMPDIR => '/tmp');
    my $status = run_command(
        $deadline{tap}, $out, undef, 'bash', '-c',
        ". $top/test/lib/common.sh; "
        . 'as_server env -u PGUSER "${@:2}" bash -c "cd $1 && exec perl test/$0.pl" '
        . '"$0" "$1"', $name, $work, map { "$_=$set{$_}" } sort keys %set);
    # Servers of a test that was killed.
    run_command(60, "$out.stop", undef, 'bash', '-c',
                "for f in $work/tmp_check/*/pgdata/postmaster.pid; do [ ! -e \$f ] || "
                . 'kill -9 $(head -n 1 $f) 2>/dev/null; done; true');
    my $bad = '';
    if ($status != 0) {
        # What the test ran is in its log; the end of it, without the noise of starts and stops.
        my @lines = grep { !/^(#|waiting for|server st|\s*$)/ } map { split /\n/, read_file($_) }
            glob "$work/tmp_check/log/regress_log_*";
        splice @lines, 0, @lines - 15 if @lines > 15;
        $bad = join '', map { "$_\n" } (grep { /^(not )?ok|^# +(Failed|at|got|expected|status)/ }
            split(/\n/, read_file($out))), "status $status; the end of the log:", @lines;
    }
    for my $log (glob "$work/tmp_check/log/*.log") {
        # A server that the test itself killed says so in its log; assertions are never meant.
        $bad .= basename($log) . ": $_\n" for grep { /TRAP:|PANIC/ } split /\n/, read_file($log);
    }
    run_command(60, "$out.copy", undef, 'cp', '-r', "$work/tmp_check/log", "$results/tap-$name-log")
        if $bad ne '';
    remove_tree($work);
    return $bad;
}

# ----- lanes

my $started = time;
make_path($results);
chmod 0755, $scratch_root, $scratch;

# Interrupted: leave no server behind.
my $main = $$;
my %lanes;
sub clean_up {
    return unless $$ == $main;
    kill TERM => keys %lanes;
    for my $dir (glob "$scratch/*-{cluster,single,plain}") {
        system "$top/test/lib/cluster", 'remove', '--dir', $dir if -e "$dir/env";
    }
    remove_tree($scratch) if !$_[0];
}
$SIG{INT} = $SIG{TERM} = sub { clean_up(1) if $$ == $main; POSIX::_exit(130) };
$| = 1;

my ($passed, @failed) = (0);
printf "%s, %d tests\n", $version =~ s/\s+$//r, scalar @queue;
print "postgres: skipped, the server's own suite is not in $suite\n"
    if !-d $suite && (!@wanted || grep { m{^postgres\b} } @wanted);
if (grep { !/^lint/ } @queue) {
    print "building\n";
    chomp($installed = `$top/test/lib/private-postgres $scratch/pg`);
    my $log = "$scratch/build.log";
    # Two runs from one checkout take turns with its objects.
    my $lock = "$ENV{CITUS_BUILD_DIR}/lock";
    make_path($ENV{CITUS_BUILD_DIR});
    my $status = run_command(3600, $log, undef, 'flock', $lock, 'make', '-s', '-C', $top, '-j2', 'test-library',
                             "INSTALL_TO=$installed");
    my $warnings = () = read_file($log) =~ /warning:/g;
    if ($status != 0) {
        print read_file($log), "the build failed\n0 passed, 1 failed\n";
        clean_up(0);
        exit 1;
    }
    # What is not compiled anew does not warn anew: on a fresh tree, as in CI, this is complete.
    if ($warnings) {
        push @failed, 'build/warnings';
        print "FAILED build/warnings: $warnings\n",
            map { "    $_\n" } grep { /warning:/ } split /\n/, read_file($log);
    } else { $passed++ }
}

# The queue is a pipe of numbers: a read of one record is atomic for records this small.
pipe my $queue_out, my $queue_in or die "pipe: $!";
pipe my $done_out, my $done_in or die "pipe: $!";
$jobs = @queue if $jobs > @queue;
for my $number (1 .. $jobs) {
    my $pid = fork // die "fork: $!";
    if ($pid) { $lanes{$pid} = 1; next }
    close $queue_in;
    close $done_out;
    $SIG{INT} = $SIG{TERM} = 'DEFAULT';
    $lane = $number;
    while (sysread $queue_out, my $record, 8) {
        my $test = $queue[$record];
        my ($kind, $name) = split m{/}, $test, 2;
        my $out = "$results/$kind-$name.out";
        my $begin = time;
        my $bad = eval { $runner{$kind}->($name, $out) } // "$@";
        if ($bad ne '') {
            write_file("$results/$kind-$name.bad", $bad);
            for my $flavour (keys %servers) {
                next if $flavour eq 'plain' && $kind !~ /^(concurrent|equivalence|random)$/;
                eval { cluster_tool('remove', '--dir', servers_dir($flavour)) };
                delete $servers{$flavour};
            }
        }
        syswrite $done_in, sprintf("%-7d %-7.2f %-3d\n", $record, time - $begin, $bad ne '');
    }
    POSIX::_exit(0);
}
close $queue_out;
close $done_in;
syswrite $queue_in, sprintf('%-8d', $_) for 0 .. $#queue;
close $queue_in;

my %seen;
while (my $line = <$done_out>) {
    my ($number, $seconds, $bad) = split ' ', $line;
    my $test = $queue[$number];
    $seen{$test} = 1;
    printf "%s %s (%.1f s)\n", $bad ? 'FAILED' : 'ok', $test, $seconds;
    if ($bad) {
        push @failed, $test;
        my @lines = split /\n/, read_file("$results/" . ($test =~ s{/}{-}r) . '.bad');
        my $limit = @wanted ? 400 : 60;
        splice @lines, $limit, @lines - $limit, '...' if @lines > $limit;
        print map { "    $_\n" } @lines;
    } else { $passed++ }
}
waitpid $_, 0 for keys %lanes;
%lanes = ();
push @failed, grep { !$seen{$_} } @queue;

if (@failed) {
    print "failed: @failed\n";
    # Outputs stay for a look; servers do not.
    remove_tree($_) for grep { -M > 0.5 } glob "$scratch_root/failed-*";
    my $keep = "$scratch_root/failed-$major-$$";
    rename $results, $keep and print "outputs are in $keep\n";
}
clean_up(0);
printf "%.0f seconds\n%d passed, %d failed\n", time - $started, $passed, scalar @failed;
exit(@failed ? 1 : 0);
