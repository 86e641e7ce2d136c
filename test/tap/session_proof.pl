# Nodes prove to each other that they are of one cluster; nobody else can, not with what is seen in
# logs either.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use CitusCluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $c = CitusCluster->new(workers => 2, nodes => 0,
    conf => "log_statement = all\nlog_min_duration_statement = 0\ncitus.max_cached_conns_per_worker = 0\n");
my $read = "SELECT encode(secret, 'hex') FROM pg_dist_secret";
my $secret = $c->sql($read);
my $own = $c->sql_on('worker2', $read);
isnt($own, $secret, 'each server has a secret of its own at first');
$c->sql("SELECT citus_set_coordinator_host('localhost', " . $c->port('coordinator') . ')');
$c->add_node($_) for qw(worker1 worker2);
is($c->sql_on($_, $read), $secret, "$_ has taken on the cluster's") for qw(worker1 worker2);

$c->sql(q{
    CREATE ROLE app LOGIN;
    GRANT CREATE ON SCHEMA public TO app;
    SET ROLE app;
    CREATE TABLE t (k int PRIMARY KEY, v int);
    SELECT create_distributed_table('t', 'k');
    INSERT INTO t SELECT i, i FROM generate_series(1, 100) i});

sub as_app {
    my ($node, $sql) = @_;
    my ($out, $err) = ('', '');
    $c->node($node)->psql('citus', $sql, stdout => \$out, stderr => \$err,
        extra_params => ['-U', 'app'], on_error_stop => 1, timeout => 60);
    return $err ne '' ? $err : $out;
}
is(as_app($_, 'SELECT count(*), sum(v) FROM t'), '100|5050', "a plain user reads from $_")
    for $c->names;

# what a node sent once is of no use to anybody
my $log = slurp_file($c->node('worker1')->logfile);
my ($origin, $proof) = $log =~ /prove_session.*\n.*DETAIL:.*\$1 = '([^']+)', \$2 = '([0-9a-f]{64})'/;
ok(defined $proof, 'a proof is in the log') or diag($log);
like(as_app('worker1', "SELECT citus_internal.prove_session('$origin', '$proof')"),
    qr/FATAL:  session does not come from a node of the cluster/, 'and good for one session only');
like(as_app('worker1', "SELECT citus_internal.prove_session('citus_internal gpid=1', '')"),
    qr/FATAL:/, 'no second try for who has none');
like(as_app('worker1', "SELECT citus_internal.prove_session('psql', '$proof')"),
    qr/FATAL:/, 'nor for other names');

# a superuser needs none; a session that is handed on is a client's again
is($c->sql_on('worker1', q{SET client_min_messages TO error;
    SELECT citus_internal.prove_session('citus_internal gpid=10000000077', '');
    SELECT citus_backend_gpid();
    RESET ALL;
    SELECT current_setting('citus.session_origin')}), "\n10000000077\ncitus_internal gpid=10000000077",
    'a superuser is believed');
my $parallel = $c->node('worker1')->safe_psql('citus', 'SHOW server_version_num') >= 160000
    ? 'debug_parallel_query' : 'force_parallel_mode';
is($c->sql_on('worker1', qq{
    SELECT citus_internal.prove_session('citus_internal gpid=10000000077', '');
    SET $parallel TO on;
    SELECT current_setting('citus.session_origin')}), "\ncitus_internal gpid=10000000077",
    'and so are its parallel workers');
my $session = $c->node('worker1')->background_psql('citus', on_error_stop => 0);
$session->query("SELECT citus_internal.prove_session('citus_internal gpid=10000000077', '')");
$session->query('DISCARD ALL');
is($session->query("SELECT current_setting('citus.session_origin')"), '', 'DISCARD ALL ends it');
$session->quit;

# a node with another secret is no node, until it is brought up to date
$c->sql_on('worker1', "UPDATE pg_dist_secret SET secret = sha256('guess')");
like(as_app('coordinator', 'SELECT count(*) FROM t'),
    qr/ERROR:.*session does not come from a node of the cluster/s, 'a wrong secret is told');
is($c->sql('SELECT count(*) FROM t'), '100', 'superusers go on');
$c->sql("SELECT start_metadata_sync_to_node('localhost', " . $c->port('worker1') . ')');
is($c->sql_on('worker1', $read), $secret, 'a node that is brought up to date takes it on');
is(as_app('worker1', 'SELECT count(*) FROM t'), '100', 'and works');

# who leaves has to begin with one of its own
$c->sql("SELECT undistribute_table('t')");
$c->sql("SELECT citus_remove_node('localhost', " . $c->port('worker2') . ')');
my $left = $c->sql_on('worker2', $read);
ok($left ne $secret && $left ne $own && length $left == 64, 'a node that left has a new one');
$c->add_node('worker2');
is($c->sql_on('worker2', $read), $secret, 'and takes on the other when it is back');
is($c->sql('SELECT * FROM citus_internal.check_consistency()'), '', 'all is well');

# statements that show it were ours, on purpose
$c->stop($_) for $c->names;
for my $name ($c->names) {
    my $text = slurp_file($c->node($name)->logfile);
    unlike($text, qr/$_/, "no secret in the log of $name") for $secret, $own, $left;
}
done_testing();
