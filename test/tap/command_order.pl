# The same statements on all nodes at once: one waits for another as on one server, and none of them
# fails with a deadlock.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use CitusCluster;
use IPC::Run qw(start);
use Test::More;

my $rounds = 3;
my $c = CitusCluster->new(workers => 2, conf => "log_min_messages = fatal\n");
$c->sql(q{
    CREATE TABLE a (k int PRIMARY KEY, v int);
    CREATE TABLE b (k int PRIMARY KEY REFERENCES a, v int);
    CREATE TABLE r (k int PRIMARY KEY);
    CREATE TABLE p (k int, d int) PARTITION BY RANGE (d);
    CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
    CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20);
    SET citus.shard_count = 4;
    SELECT create_distributed_table('a', 'k');
    SELECT create_distributed_table('b', 'k', colocate_with => 'a');
    SELECT create_reference_table('r');
    SELECT create_distributed_table('p', 'k');
    CREATE ROLE g1;
    CREATE ROLE g2;
    CREATE ROLE g3;
    CREATE FUNCTION gf() RETURNS int LANGUAGE sql AS 'SELECT 1';
    CREATE VIEW va AS SELECT * FROM a JOIN r USING (k)});

my $dir = $c->node('coordinator')->basedir;

# Runs the statements on each node, again and again; SQLSTATEs of what failed.  @ is the node's number; a
# statement that begins with numbers runs on these nodes only.
sub codes_of {
    my ($name, @statements) = @_;
    my $n = 0;
    my @runs;
    for my $node ($c->names) {
        $n++;
        my $file = "$dir/$name.$n.sql";
        open my $out, '>', $file or die $!;
        print $out "\\set VERBOSITY sqlstate\nSET client_min_messages = error;\n";
        for (1 .. $rounds) {
            for my $statement (@statements) {
                (my $text = $statement) =~ s/@/$n/g;
                next if $text =~ s/^(\d+): // && $1 !~ /$n/;
                print $out "$text;\n";
            }
        }
        close $out;
        my %run = (out => '', err => '');
        $run{h} = start(['psql', '-X', '-q', '-f', $file, '-d', 'citus',
                         '-h', $c->node($node)->host, '-p', $c->port($node)],
                        '>', \$run{out}, '2>', \$run{err}, IPC::Run::timeout(100));
        push @runs, \%run;
    }
    my %codes;
    for my $run (@runs) {
        $run->{h}->finish;
        $codes{$1}++ while $run->{err} =~ /(?:ERROR|FATAL|PANIC):\s+(\w{5})/g;
        $codes{lost}++ if $run->{err} =~ /server closed|connection/;
    }
    return join ' ', sort keys %codes;
}

# what one server may answer, too, is in the second column
for (['LOCK TABLE', '', 'BEGIN', 'LOCK TABLE a, b, r, p, va', 'COMMIT'],
     ['LOCK TABLE, weaker', '', 'BEGIN', 'LOCK TABLE va, p IN SHARE ROW EXCLUSIVE MODE', 'COMMIT'],
     ['TRUNCATE', '', 'TRUNCATE p, a, b, r', 'TRUNCATE b, r, a'],
     ['TRUNCATE CASCADE', '', 'TRUNCATE a CASCADE', 'TRUNCATE p1', 'TRUNCATE p, a CASCADE'],
     ['partitioned tables and partitions', '',
      'ALTER TABLE p ADD COLUMN IF NOT EXISTS c@ int', 'ALTER TABLE p1 ALTER COLUMN d SET STATISTICS 9@',
      'ALTER TABLE p DROP COLUMN IF EXISTS c@', 'TRUNCATE p2'],
     ['foreign keys', '',
      'ALTER TABLE b ADD CONSTRAINT f@ FOREIGN KEY (k) REFERENCES a',
      'ALTER TABLE a ADD COLUMN IF NOT EXISTS c@ int',
      'ALTER TABLE b DROP CONSTRAINT f@', 'ALTER TABLE a DROP COLUMN IF EXISTS c@'],
     ['new partitions', '',
      'CREATE TABLE p9@ PARTITION OF p FOR VALUES FROM (9@0) TO (9@9)', 'DROP TABLE p9@'],
     ['attached partitions', '42809|42P01|42P07',
      'ALTER TABLE p DETACH PARTITION p2', 'ALTER TABLE p ATTACH PARTITION p2 FOR VALUES FROM (10) TO (20)'],
     ['indexes', '', 'CREATE INDEX i@ ON a (v)', 'REINDEX TABLE a', 'DROP INDEX i@'],
     ['policies', '', 'CREATE POLICY p@ ON a', 'DROP POLICY p@ ON a'],
     ['statistics', '', 'CREATE STATISTICS st@ ON k, v FROM a', 'DROP STATISTICS st@'],
     ['rules', '', 'CREATE RULE r@ AS ON INSERT TO b DO ALSO SELECT 1', 'DROP RULE r@ ON b'],
     ['schemas', '23505', 'CREATE SCHEMA IF NOT EXISTS s', 'DROP SCHEMA IF EXISTS s'],
     ['tables of a schema that is dropped', '3F000|42P01|XX000',
      '1: CREATE SCHEMA q', '1: CREATE TABLE q.r (k int)', q{1: SELECT create_reference_table('q.r')},
      ('23: INSERT INTO q.r VALUES (1)', '23: SELECT count(*) FROM q.r') x 80,
      ('1: INSERT INTO q.r VALUES (@)') x 4, '1: DROP SCHEMA q CASCADE'],
     ['functions', '23505', q{CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT @'}],
     ['types', '23505|42710|42704', q{CREATE TYPE ty AS ENUM ('a')}, 'DROP TYPE IF EXISTS ty'],
     ['roles', '23505|42710|42704', 'CREATE ROLE rr', q{ALTER ROLE rr SET my.x = '@'}, 'DROP ROLE IF EXISTS rr'],
     ['views', '23505', 'CREATE OR REPLACE VIEW v AS SELECT * FROM a'],
     ['rights', '', 'GRANT SELECT ON a TO PUBLIC', q{COMMENT ON TABLE a IS 'x@'}],
     ['rights of roles', '', 'GRANT CREATE ON SCHEMA public TO g@', 'GRANT g1, g2 TO g3', q{ALTER ROLE g1 SET my.x = '@'},
      q{ALTER ROLE g1 PASSWORD 'p@'}, 'REVOKE g2 FROM g3', 'REVOKE CREATE ON SCHEMA public FROM g@',
      'GRANT CONNECT ON DATABASE citus TO g@', q{ALTER DATABASE citus SET my.y = '@'},
      'GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO g1'],
    ) {
    my ($what, $allowed, @statements) = @$_;
    (my $name = $what) =~ s/\W+/_/g;
    my $codes = codes_of($name, @statements);
    (my $others = $codes) =~ s/\b(?:$allowed)\b\s*//g if $allowed ne '';
    is($others // $codes, '', "$what: nothing but what one server may answer ($codes)");
}

$c->check('after all of them');
done_testing();
