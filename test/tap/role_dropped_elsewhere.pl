# A role is dropped in a database that does not know of the cluster.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use CitusCluster;
use Test::More;

my $c = CitusCluster->new(workers => 1);
my $w1 = $c->port('worker1');

$c->sql('CREATE ROLE short_lived');
$c->node($_)->safe_psql('postgres', 'DROP ROLE short_lived') for 'coordinator', 'worker1';
is($c->sql('SELECT * FROM citus_internal.check_consistency()'), '', 'nothing is missed');
$c->sql("SELECT citus_disable_node('localhost', $w1, true)");
$c->sql("SELECT citus_activate_node('localhost', $w1)");
is($c->sql('SELECT count(*) FROM pg_dist_object WHERE classid = 1260
            AND objid NOT IN (SELECT oid FROM pg_authid)'), '0', 'the node was filled without it');
$c->sql('CREATE ROLE short_lived');
is($c->sql_on('worker1', "SELECT count(*) FROM pg_roles WHERE rolname = 'short_lived'"), '1',
   'a role of this name can be made again');
$c->check;
done_testing();
