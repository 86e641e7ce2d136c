# A queue in a distributed table: 16 workers on all nodes take each job once, and miss none.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use CitusCluster;
use IPC::Run qw(start finish);
use Test::More;

my $c = CitusCluster->new(workers => 2);
$c->sql(q{
    CREATE TABLE jobs (id int PRIMARY KEY, state text);
    CREATE TABLE done (id int, worker int);
    SELECT create_distributed_table('jobs', 'id');
    SELECT create_distributed_table('done', 'id');
    INSERT INTO jobs SELECT i, 'new' FROM generate_series(1, 160) i});

my @workers;
for my $number (1 .. 16) {
    my $node = (qw(coordinator worker1 worker2))[$number % 3];
    my ($out, $err) = ('', '');
    my $run = start(['psql', '-X', '-q', '-h', $c->node($node)->host, '-p', $c->port($node), 'citus', '-c', qq{
        DO \$\$
        DECLARE n int;
        BEGIN
            LOOP
                UPDATE jobs SET state = 'taken' WHERE id IN
                    (SELECT id FROM jobs WHERE state = 'new' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
                    RETURNING id INTO n;
                EXIT WHEN n IS NULL;
                INSERT INTO done VALUES (n, $number);
                COMMIT;
            END LOOP;
        END \$\$}], '>', \$out, '2>', \$err);
    push @workers, { run => $run, err => \$err, number => $number };
}
for my $worker (@workers) {
    finish $worker->{run};
    is(${ $worker->{err} }, '', "worker $worker->{number} has no error");
}
is($c->sql('SELECT count(*), count(DISTINCT id) FROM done'), '160|160', 'each job was taken once');
is($c->sql(q{SELECT count(*) FROM jobs WHERE state = 'taken'}), '160', 'and is marked');
$c->check;
done_testing();
