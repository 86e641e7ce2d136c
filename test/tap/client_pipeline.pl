# A client in pipeline mode: what it sends up to a Sync is one transaction, as on a single server.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use CitusCluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $c = CitusCluster->new(workers => 1);
$c->sql(q{
    CREATE TABLE t (k int PRIMARY KEY, v int);
    SELECT create_distributed_table('t', 'k');
    INSERT INTO t VALUES (1, 1)});

# One run of a script by pgbench, which knows pipelines; true if it succeeded.
sub run_script {
    my ($text) = @_;
    my $file = $c->node('coordinator')->basedir . '/script.sql';
    append_to_file($file, '');
    open my $handle, '>', $file or die;
    print $handle $text;
    close $handle;
    local $ENV{PGHOST} = $c->node('coordinator')->host;
    local $ENV{PGPORT} = $c->port('coordinator');
    my $result = IPC::Run::run(['pgbench', '-n', '-M', 'extended', '-t', 1, '-f', $file, 'citus'],
                               '>', \my $out, '2>', \my $err);
    return $result && $err !~ /abort/;
}

ok(!run_script("\\startpipeline\nINSERT INTO t VALUES (2, 2);\nINSERT INTO t VALUES (1, 1);\n"
               . "\\endpipeline\n"), 'the second statement fails');
is($c->sql('SELECT count(*) FROM t'), '1', 'the first is undone, too');
ok(run_script("\\startpipeline\nINSERT INTO t VALUES (2, 2);\nUPDATE t SET v = 3 WHERE k = 1;\n"
              . "\\endpipeline\nINSERT INTO t VALUES (3, 3);\n"), 'a pipeline succeeds');
is($c->sql('SELECT sum(v) FROM t'), '8', 'with all its statements');
$c->check;
done_testing();
