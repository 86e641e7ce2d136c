# TLS between nodes without any configuration: CREATE EXTENSION turns it on, connections use it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use CitusCluster;
use Test::More;

my $c = CitusCluster->new(workers => 2, conninfo => 'default');
is($c->sql('SHOW citus.node_conninfo'), 'sslmode=require', 'TLS is the default');
is($c->sql_on($_, 'SHOW ssl'), 'on', "TLS is on on $_") for $c->names;
$c->sql(q{
    CREATE TABLE t (k int PRIMARY KEY);
    SELECT create_distributed_table('t', 'k');
    INSERT INTO t SELECT generate_series(1, 100)});
is($c->sql('SELECT count(*) FROM t'), '100', 'queries work');

# While a session holds its connections, the workers show how they came in.
my $session = $c->node('coordinator')->background_psql('citus');
$session->query('SELECT count(*) FROM t');
my $tls = 'SELECT count(*) > 0 AND bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
           WHERE application_name LIKE \'citus_internal%\'';
is($c->sql_on($_, $tls), 't', "connections to $_ are encrypted") for 'worker1', 'worker2';
$session->quit;

# Restarts keep the certificate.
$c->restart('worker1');
is($c->sql('SELECT count(*) FROM t'), '100', 'after a restart as well');
done_testing();
