# DROP TABLE does not wait for nodes that are down: they are left behind, brought up to date when
# they answer again, and lose their shards then.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use CitusCluster;
use Test::More;

my $c = CitusCluster->new(workers => 2, conf => "citus.metadata_sync_interval = 1s\n"
    . "citus.defer_shard_delete_interval = -1\n");
my $leftovers = q{SELECT count(*) FROM pg_class WHERE relname ~ '^(t|child|r|mine)_\d+$'};
my $seen = "SET citus.override_table_visibility TO off; $leftovers";

$c->sql(q{
    CREATE ROLE someone LOGIN;
    GRANT ALL ON SCHEMA public TO someone;
    CREATE TABLE t (k int PRIMARY KEY, s serial);
    CREATE TABLE child (k int REFERENCES t, v int);
    CREATE TABLE r (k int PRIMARY KEY);
    CREATE TABLE stays (k int PRIMARY KEY, v int REFERENCES r);
    SET citus.shard_count TO 6;
    SELECT create_reference_table('r');
    SELECT create_distributed_table('t', 'k');
    SELECT create_distributed_table('child', 'k');
    SELECT create_distributed_table('stays', 'k');
    INSERT INTO r SELECT generate_series(1, 50);
    INSERT INTO stays SELECT i, i FROM generate_series(1, 50) i;
    SET ROLE someone;
    CREATE TABLE mine (k int);
    SELECT create_distributed_table('mine', 'k')});

my $session = $c->node('coordinator')->background_psql('citus', on_error_stop => 0);
$session->query('SELECT count(*) FROM t');
$c->stop('worker1', 'immediate');

my ($status, undef, $err) = $c->try_on('coordinator', 'DROP TABLE t CASCADE');
is($status, 0, 'a table is dropped while a node is down') or diag($err);
like($err, qr/WARNING:.*does not answer and is left behind/, 'and the user is told');
is($c->sql('SELECT count(*), count(DISTINCT operation_id), min(object_type), max(policy_type)
            FROM pg_dist_cleanup'), '3|1|1|0', 'its shards there are noted');
is($c->sql('SELECT count(*) FROM pg_dist_node WHERE NOT metadatasynced'), '1',
   'the node is out of sync');
is($c->sql_on('worker2', 'SELECT count(*) FROM pg_dist_node WHERE NOT metadatasynced'), '1',
   'as the other worker knows');
$c->fails('CREATE TABLE n (k int); SELECT create_distributed_table($$n$$, $$k$$)',
    qr/out of sync/, 'other changes wait for the node');

is($c->sql_on('worker2', 'DROP TABLE child; SELECT 1'), '1', 'a worker may drop, too');
is($c->sql('SET ROLE someone; DROP TABLE mine; SELECT 1'), '1', 'and a common user');
$c->sql('DROP TABLE r CASCADE');
is($c->sql('SELECT count(*) FROM pg_dist_cleanup'), '10', 'all noted on the coordinator');
is($c->sql_on('worker2', $seen), '0', 'nothing left where nodes were up');
$c->sql('BEGIN; DROP TABLE stays; ROLLBACK');
is($c->sql('SELECT count(*) FROM pg_dist_cleanup'), '10', 'a drop rolled back leaves no note');
is($c->sql('CALL citus_cleanup_orphaned_resources(); SELECT count(*) FROM pg_dist_cleanup'), '10',
   'nothing is cleaned up before the node answers');
eval { $session->quit };

$c->start('worker1');
$c->wait_until('coordinator', 'SELECT bool_and(metadatasynced) FROM pg_dist_node',
    'the node is brought up to date');
is($c->sql_on('worker1', $seen), '10', 'its shards are still there');
is($c->sql("SELECT count(*) FROM citus_internal.check_consistency() p WHERE p LIKE '%is no shard%'"),
   '10', 'which the check of consistency finds');
my (undef, undef, $notice) = $c->try_on('coordinator', 'CALL citus_cleanup_orphaned_resources()');
like($notice, qr/NOTICE:  cleaned up 10 orphaned resources/, 'they are cleaned up');
is($c->sql('SELECT count(*) FROM pg_dist_cleanup'), '0', 'and the notes are gone');
is($c->sql_on('worker1', $seen), '0', 'with the shards');
is($c->sql('SELECT count(*), sum(v) FROM stays'), '50|1275', 'the other table is whole');
$c->sql('UPDATE stays SET v = v + 1');
$c->fails('BEGIN; CALL citus_cleanup_orphaned_resources(); COMMIT',
    qr/cannot run inside a transaction block/, 'cleaning up is a transaction of its own');

# the daemon does it by itself
$c->set('citus.defer_shard_delete_interval', '1s');
$c->stop('worker1', 'immediate');
$c->sql('DROP TABLE stays');
$c->start('worker1');
$c->wait_until('coordinator', 'SELECT bool_and(metadatasynced) FROM pg_dist_node',
    'the node is brought up to date again');
$c->wait_until('coordinator', 'SELECT count(*) = 0 FROM pg_dist_cleanup', 'the daemon cleans up');
$c->check;
done_testing();
