# A node that says nothing more while something is committed there: nobody waits for ever, and the
# client is told what is known.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use CitusCluster;
use Test::More;
use Time::HiRes qw(time);

my $c = CitusCluster->new(workers => 2, relay => 'worker1', conf => "citus.recover_2pc_interval = -1\n");
my $relay = $c->relay;

my %said = (timeout => '57014', unknown => '08007', done => 'done');
my %steps = (
    # name: what stops, how the statement ends, what became of it
    prepare => ['PREPARE TRANSACTION', 'timeout', 0],
    second_phase => ['COMMIT PREPARED', 'done', 1],
    statement => ['UPDATE public.statement', 'unknown', 1],
    commit => ["COMMIT\0", 'unknown', 1]);
my %sessions;
for my $name (sort keys %steps) {
    $c->sql(qq{
        CREATE TABLE $name (k int PRIMARY KEY, v int);
        SELECT create_distributed_table('$name', 'k', shard_count => 4);
        INSERT INTO $name SELECT i, 0 FROM generate_series(1, 40) i});
    my $session = $sessions{$name} = $c->node('coordinator')->background_psql('citus', on_error_stop => 0);
    $session->query('\set VERBOSITY sqlstate');
    $session->query("SET statement_timeout = '500ms'");
    # its connections are there
    $session->query("SELECT count(*) FROM $name");
}
my $there = $c->key_on('commit', 'worker1');
my %sql = (
    prepare => 'UPDATE prepare SET v = 1;',
    second_phase => 'UPDATE second_phase SET v = 1;',
    statement => "UPDATE statement SET v = 1 WHERE k = $there;",
    commit => "BEGIN; UPDATE commit SET v = 1 WHERE k = $there; COMMIT;");
$c->sql('SELECT recover_prepared_transactions()');

my $start = time;
for my $name (qw(second_phase prepare commit statement)) {
    $relay->when($steps{$name}[0], 'hold_all');
    $sessions{$name}->{stderr} = '';
    $sessions{$name}->query_until(qr/go/, "\\echo go\n$sql{$name}\n");
    $relay->wait_for('hold_all');
}
for my $name (sort keys %steps) {
    $sessions{$name}->query('\echo');
    my $told = $sessions{$name}->{stderr} =~ /ERROR: +(\w+)/ ? $1 : 'done';
    is($told, $said{ $steps{$name}[1] }, "$name: told $told");
    cmp_ok(time - $start, '<', 25, "$name: in bounded time");
}
like($sessions{second_phase}->{stderr}, qr/WARNING/, 'a warning says that the node did not answer');

$relay->go_on;
$c->sql('SELECT recover_prepared_transactions()');
for my $name (sort keys %steps) {
    my $where = $name =~ /commit|statement/ ? " WHERE k = $there" : '';
    is($c->sql("SELECT DISTINCT v FROM $name$where"), $steps{$name}[2], "$name: what became of it");
    is($sessions{$name}->query("SELECT count(*) FROM $name"), '40', "$name: the session goes on");
    $sessions{$name}->quit;
}
is($c->sql_on($_, 'SELECT count(*) FROM pg_prepared_xacts'), '0', "nothing is prepared on $_") for $c->names;
$c->check;
done_testing();
