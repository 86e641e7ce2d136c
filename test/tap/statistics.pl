# Statistics of shells follow those of shards that autovacuum, or somebody on a node, has gathered.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use CitusCluster;
use Test::More;

my $c = CitusCluster->new(workers => 2, conf => "autovacuum = off\nautovacuum_naptime = 1s\n"
    . "citus.defer_shard_delete_interval = 100ms\ncitus.shard_count = 8\n");

# rows and columns with statistics, as each node knows them of the shell
my $known = sub {
    my ($table) = @_;
    return $c->sql("SELECT string_agg(DISTINCT result, ' ' ORDER BY result)
        FROM run_command_on_all_nodes(\$\$ SELECT reltuples || '/' || (SELECT count(*) FROM pg_stats
            WHERE tablename = '$table') FROM pg_class WHERE oid = '$table'::regclass \$\$)");
};
# How many tables were gathered is told by the first round only: in later ones a table may be
# gathered once more whose ages, asked of nodes one after the other, are at the edge.
my $refresh = 'SELECT citus_internal.refresh_statistics()';
my $gathers = sub { cmp_ok($c->sql("SET statement_timeout = '120s'; $refresh"), '>=', 1, $_[0]) };
my $analyze_shards = sub { $c->sql("SELECT count(*) FROM run_command_on_placements('$_[0]', 'ANALYZE %s')") };

$c->sql(q{
    CREATE TABLE t (k int, v int);
    CREATE TABLE r (k int, v int);
    CREATE TABLE alone (k int, v int) WITH (autovacuum_enabled = off);
    CREATE TABLE p (k int, d int) PARTITION BY RANGE (d);
    CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
    CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20);
    SELECT create_distributed_table(t, 'k') FROM unnest('{t,alone,p}'::regclass[]) t;
    SELECT create_reference_table('r');
    SELECT citus_set_node_property(nodename, nodeport, 'shouldhaveshards', true) FROM pg_dist_node WHERE groupid = 0;
    CREATE TABLE here (k int, v int);
    SELECT create_distributed_table('here', 'k', colocate_with => 'none');
    INSERT INTO here SELECT i, i FROM generate_series(1, 1000) i;
    INSERT INTO t SELECT i, i % 7 FROM generate_series(1, 2000) i;
    INSERT INTO r SELECT * FROM t;
    INSERT INTO alone SELECT * FROM t;
    INSERT INTO p SELECT i, i % 20 FROM generate_series(1, 500) i});
$analyze_shards->($_) for qw(t r here alone p1 p2);
is($known->('t'), '-1/0', 'a shell knows nothing of what nodes have analyzed');

# The daemon has nothing to do with autovacuum off: two rounds of another duty have passed.
my $group = $c->sql('SELECT max(groupid) FROM pg_dist_node');
for (1 .. 2) {
    $c->sql("INSERT INTO pg_dist_cleanup (operation_id, object_type, object_name, node_group_id,
        policy_type) VALUES (1, 1, 'public.nothing_1', $group, 0)");
    $c->wait_until('coordinator', 'SELECT count(*) = 0 FROM pg_dist_cleanup', "round $_");
}
is($known->('t'), '-1/0', 'nothing is gathered while autovacuum is off');

is($c->sql($refresh), '6', 'all that autovacuum may treat is gathered');
is($known->('t'), '2000/2', 'rows and columns on every node');
is($known->('r'), '2000/2', 'of a reference table, too');
is($known->('here'), '1000/2', 'of a table with shards on the coordinator');
is($known->('alone'), '-1/0', 'what autovacuum shall leave alone is left');
is($known->('p1'), '250/2', 'a partition');
is($known->('p'), '500/0', 'a partitioned table has the rows of its partitions');
is($c->sql("SELECT n_distinct FROM pg_stats WHERE tablename = 't' AND attname = 'v'"), '7',
   'values are counted');
is($c->sql("SELECT n_live_tup, last_analyze IS NOT NULL FROM pg_stat_user_tables WHERE relname = 't'"),
   '2000|t', 'the views of the server show it');
$c->wait_until('coordinator', "$refresh = 0", 'what has not changed is not gathered again');

# Other contents, as many rows: the time of the analysis tells.
$c->sql('UPDATE t SET v = 1');
$analyze_shards->('t');
$gathers->('new statistics of shards are noticed');
is($c->sql_on('worker2', "SELECT most_common_vals FROM pg_stats WHERE tablename = 't'
               AND attname = 'v'"), '{1}', 'on every node');
$c->wait_until('coordinator', "$refresh = 0", 'and then it is quiet');

# Nobody is waited for.
$c->sql('INSERT INTO t SELECT i, i FROM generate_series(1, 1000) i');
$analyze_shards->('t');
my $session = $c->node('coordinator')->background_psql('citus');
$session->query('BEGIN; LOCK TABLE t');
$c->sql("SET statement_timeout = '120s'; $refresh");
is($c->sql("SELECT reltuples FROM pg_class WHERE oid = 't'::regclass"), '2000',
   'a locked table is passed over');
$session->query('COMMIT');
my $worker = $c->node('worker1')->background_psql('citus');
$worker->query('SET citus.enable_ddl_propagation = off; BEGIN; LOCK TABLE t IN SHARE MODE');
$gathers->('one that is locked elsewhere is not');
is($c->sql_on('worker2', "SELECT reltuples FROM pg_class WHERE oid = 't'::regclass"), '3000',
   'other nodes have it');
is($c->sql_on('worker1', "SELECT reltuples FROM pg_class WHERE oid = 't'::regclass"), '2000',
   'that one has not');
$worker->query('COMMIT');
$gathers->('it gets it later');
is($known->('t'), '3000/2', 'as all have it then');

# Few changes in each shard are many in the table: autovacuum would not see them.
$c->sql(q{CREATE TABLE few (k int, v int); SELECT create_distributed_table('few', 'k');
          INSERT INTO few SELECT i, i FROM generate_series(1, 200) i});
$c->wait_until('coordinator', "$refresh > 0 AND reltuples = 200 FROM pg_class
    WHERE oid = 'few'::regclass", 'a table with few rows a shard is analyzed');
is($known->('few'), '200/2', 'and its statistics are gathered');

# A node that is down is left out, with what it has.
$c->sql('UPDATE r SET v = 2');
$analyze_shards->($_) for qw(t r);
my $first = $c->sql("SELECT nodeport FROM pg_dist_placement JOIN pg_dist_shard USING (shardid)
    JOIN pg_dist_node USING (groupid) WHERE logicalrelid = 'r'::regclass ORDER BY placementid LIMIT 1");
my $down = $first == $c->port('worker2') ? 'worker1' : 'worker2';
$worker->quit;
$c->stop($down, 'immediate');
$gathers->('a table of which all is known is gathered while a node is down');
$c->start($down);
$c->wait_until('coordinator', "$refresh = 0", 'and all when it is back');
is($known->('r'), '2000/2', 'with the same result everywhere');

# The daemon and autovacuum by themselves.
$c->sql(q{CREATE TABLE own (k int, v int); SELECT create_distributed_table('own', 'k');
          INSERT INTO own SELECT i, i FROM generate_series(1, 5000) i});
$c->set('autovacuum', 'on');
$c->wait_until($_, "SELECT reltuples = 5000 AND (SELECT count(*) = 2 FROM pg_stats WHERE
    tablename = 'own') FROM pg_class WHERE oid = 'own'::regclass", "the daemon tells $_")
    for qw(coordinator worker1);
# One round treats several tables, also when it begins with the first one again: no round for each.
my @several = qw(own few here t r);
my $oids = "ANY ('{" . join(',', @several) . "}'::regclass[])";
$c->sql("INSERT INTO $_ SELECT i, i FROM generate_series(1, 9000) i") for @several;
$c->sql('SELECT ' . join(', ', map { "(SELECT count(*) FROM run_command_on_placements('$_', 'ANALYZE %s'))" }
    @several));
$c->wait_until('coordinator', "SELECT bool_and(reltuples > 9000) FROM pg_class WHERE oid = $oids",
    'the daemon tells of several tables');
is($c->sql("SELECT max(last_analyze) - min(last_analyze) < '3 s' FROM pg_stat_user_tables
    WHERE relid = $oids"), 't', 'in one round, or in two');
$c->fails("SET ROLE pg_monitor; $refresh", qr/permission denied/, 'for superusers only');

$session->quit;
$c->check;
done_testing();
