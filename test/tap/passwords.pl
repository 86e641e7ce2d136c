# Nodes that ask a role for its password: from pg_dist_authinfo, from a password file; wrong ones;
# changed ones; and no password in a log, a view or a message.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use CitusCluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $c = CitusCluster->new(workers => 2, conf => "log_statement = all\nlog_min_messages = debug1\n"
    . "password_encryption = 'scram-sha-256'\ncitus.max_cached_conns_per_worker = 0\n");
# what is typed is in the log of the server where it is typed
$c->sql("ALTER SYSTEM SET log_statement = 'none'");
$c->sql("ALTER SYSTEM SET log_min_error_statement = 'panic'");
$c->sql("ALTER SYSTEM SET log_min_messages = 'warning'");
for my $name ($c->names) {
    my $file = $c->node($name)->data_dir . '/pg_hba.conf';
    my $rules = slurp_file($file);
    open my $hba, '>', $file or die;
    print $hba "local all all trust\nhost all app,other all scram-sha-256\n", $rules;
    close $hba;
    $c->node($name)->reload;
}

my @said;
# the answer of a statement typed by a role, or its error
sub as_role {
    my ($role, $node, $sql) = @_;
    my ($out, $err) = ('', '');
    $c->node($node)->psql('citus', $sql, stdout => \$out, stderr => \$err,
        extra_params => ['-U', $role], on_error_stop => 1, timeout => 60);
    push @said, $out, $err;
    return $err =~ /ERROR/ ? $err : $out;
}
sub authinfo {
    my ($password) = @_;
    for my $name ($c->names) {
        $c->sql_on($name, "SET log_statement TO none; DELETE FROM pg_dist_authinfo;
            INSERT INTO pg_dist_authinfo VALUES (0, 'app', 'password=$password')");
    }
}

$c->sql(q{
    CREATE ROLE app LOGIN CREATEROLE PASSWORD 'hush-1';
    GRANT ALL ON SCHEMA public TO app;
    SET ROLE app;
    CREATE TABLE t (k int PRIMARY KEY);
    RESET ROLE});
like(as_role('app', 'coordinator', q{SELECT create_distributed_table('t', 'k')}),
    qr/ERROR:  could not connect to node .*\n.*no password supplied/s, 'a password is asked for');
authinfo('hush-1');
is(as_role('app', 'coordinator', q{SELECT create_distributed_table('t', 'k')}), '',
    'and taken from pg_dist_authinfo');
is(as_role('app', 'coordinator', q{INSERT INTO t SELECT generate_series(1, 20); SELECT count(*) FROM t}),
    '20', 'for writes and reads');
is(as_role('app', 'worker1', 'SELECT count(*) FROM t'), '20', 'of other nodes, too');

authinfo('hush-2');
my $wrong = as_role('app', 'coordinator', 'SELECT count(*) FROM t');
like($wrong, qr/ERROR:  could not connect to node .*\n.*password authentication failed for user "app"/s,
    'a wrong password is told of');
authinfo('hush-1');

# by the role itself: other nodes get what is stored
is(as_role('app', 'coordinator', q{ALTER ROLE app PASSWORD 'hush-2'}), '', 'changed');
like(as_role('app', 'coordinator', 'SELECT count(*) FROM t'), qr/authentication failed/,
    'the old one does not do any more');
authinfo('hush-2');
is(as_role('app', 'worker1', 'SELECT count(*) FROM t'), '20', 'the new one does');
is(as_role('app', 'coordinator', q{
    CREATE ROLE other LOGIN PASSWORD 'hush-3';
    ALTER ROLE other PASSWORD 'hush-4' CONNECTION LIMIT 7 VALID UNTIL '2100-01-01';
    SELECT rolconnlimit FROM pg_roles WHERE rolname = 'other'}), '7', 'with other attributes');
my %stored;
$stored{$c->sql_on($_, q{SELECT string_agg(rolname || rolpassword || rolconnlimit, ' ' ORDER BY rolname)
    FROM pg_authid WHERE rolname IN ('app', 'other')})}++ for $c->names;
is(scalar keys %stored, 1, 'all nodes have stored the same');
like((keys %stored)[0], qr/^appSCRAM-SHA-256.* otherSCRAM-SHA-256.*7$/, 'verifiers');
is(as_role('app', 'coordinator', q{BEGIN; ALTER ROLE app PASSWORD 'hush-9'; ROLLBACK;
    SELECT count(*) FROM t}), '20', 'a change that is rolled back has no effect');
push @said, ($c->try_on('coordinator', q{SET citus.log_remote_commands TO on; ALTER ROLE app CONNECTION LIMIT 50}))[1, 2];
$c->sql_on('worker1', q{SET log_statement TO none; SELECT citus_version()});

# a password file, for whoever has no authinfo
$c->sql_on($_, 'DELETE FROM pg_dist_authinfo') for $c->names;
like(as_role('app', 'coordinator', 'SELECT count(*) FROM t'), qr/no password supplied/, 'none again');
my $file = $c->node('coordinator')->basedir . '/passwords';
append_to_file($file, "*:*:*:app:hush-2\n");
chmod 0600, $file;
{
    local $ENV{PGPASSFILE} = $file;
    $c->restart($_) for $c->names;
}
is(as_role('app', 'coordinator', 'SELECT count(*) FROM t'), '20', 'from the file');
is(as_role('app', 'worker2', 'SELECT count(*) FROM t'), '20', 'on every node');

# nobody sees it
like(as_role('app', 'coordinator', 'SELECT * FROM pg_dist_authinfo'), qr/permission denied/,
    'pg_dist_authinfo is for superusers');
for my $row (q{(0, 'nobody', 'password=hush-5')}, q{(0, 'app', 'password=hush-5 host=x')},
             q{(NULL, 'app', 'password=hush-5')}) {
    my (undef, undef, $err) = $c->try_on('coordinator', "INSERT INTO pg_dist_authinfo VALUES $row");
    push @said, $err;
    like($err, qr/ERROR:  (new row for relation "pg_dist_authinfo" violates check|columns of relation)/,
        'a bad row is refused');
}
unlike(join("\n", @said), qr/hush-|SCRAM-SHA/, 'no message shows a password');
unlike(slurp_file($c->node($_)->logfile), qr/hush-/, "nor does the log of $_")
    for $c->names;
unlike(slurp_file($c->node($_)->logfile), qr/LOG: [^\n]*: ALTER ROLE[^\n]*SCRAM-SHA/, "nor what is stored, on $_")
    for $c->names;
$c->check;
done_testing();
