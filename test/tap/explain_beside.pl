# auto_explain and pg_stat_statements loaded beside us: statements of every kind run as before, plans get
# into the log, statements are counted once.  EXPLAIN of every kind, in every format.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use CitusCluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $c = CitusCluster->new(workers => 1, conf => <<'CONF');
shared_preload_libraries = 'citus,auto_explain,pg_stat_statements'
auto_explain.log_min_duration = 0
auto_explain.log_analyze = on
auto_explain.log_buffers = on
auto_explain.log_wal = on
auto_explain.log_triggers = on
auto_explain.log_verbose = on
auto_explain.log_settings = on
auto_explain.log_nested_statements = on
pg_stat_statements.track = all
CONF
$c->sql(q{
    CREATE EXTENSION pg_stat_statements;
    SET auto_explain.log_min_duration = -1;
    SELECT citus_set_node_property('localhost', nodeport, 'shouldhaveshards', true) FROM pg_dist_node WHERE groupid = 0;
    SET citus.shard_count = 4;
    CREATE TABLE t (k int PRIMARY KEY, g int, v text);
    CREATE TABLE u (k int PRIMARY KEY, w int);
    CREATE TABLE r (g int PRIMARY KEY, name text);
    SELECT create_distributed_table('t', 'k'), create_distributed_table('u', 'k'), create_reference_table('r');
    INSERT INTO t SELECT i, i % 5, 'v' || i FROM generate_series(1, 100) i;
    INSERT INTO u SELECT i, i * 2 FROM generate_series(1, 50) i;
    INSERT INTO r SELECT i, 'n' || i FROM generate_series(0, 4) i;
    CREATE FUNCTION nested(int) RETURNS bigint LANGUAGE plpgsql AS
        $$ BEGIN RETURN (SELECT count(*) FROM t WHERE g = $1); END $$;
    CREATE FUNCTION caught() RETURNS int LANGUAGE plpgsql AS
        $$ BEGIN PERFORM 1 / (k - 50) FROM t; RETURN 1; EXCEPTION WHEN division_by_zero THEN RETURN 2; END $$});

my @selects = (
    ['SELECT v FROM t WHERE k = 7', 'v7', 'one shard'],
    ['SELECT count(*), sum(k) FROM t', '100|5050', 'aggregate'],
    ['SELECT g, count(*) FROM t GROUP BY g ORDER BY g LIMIT 1', '0|20', 'groups'],
    ['SELECT count(*) FROM t JOIN u USING (k) JOIN r USING (g)', '50', 'join by key'],
    ['SELECT count(*) FROM t JOIN u ON t.k = u.w', '50', 'join by another column'],
    ['SELECT count(*) FROM t WHERE g IN (SELECT w FROM u)', '40', 'sub-query'],
    ['SELECT count(DISTINCT g), percentile_cont(0.5) WITHIN GROUP (ORDER BY k) FROM t', '5|50.5', 'ordered set'],
    ['WITH x AS MATERIALIZED (SELECT k FROM t ORDER BY k LIMIT 3) SELECT sum(k) FROM x', '6', 'a common table expression'],
    ['SELECT sum(s) FROM (SELECT sum(k) OVER (PARTITION BY g ORDER BY k) AS s FROM t) x', '36400', 'windows'],
    ['SELECT sum(nested(g)) FROM r', '100', 'a function with a statement of its own'],
    ['SELECT caught()', '2', 'an error that is caught'],
    ['SELECT name FROM r WHERE g = 3', 'n3', 'a reference table'],
    ['SELECT count(*) FROM (SELECT k FROM t LIMIT 10) x', '10', 'LIMIT'],
    ['WITH d AS (DELETE FROM u WHERE k = 50 RETURNING w) SELECT w FROM d', '100', 'a part that writes']);
is($c->sql($_->[0]), $_->[1], $_->[2]) for @selects;
is($c->sql('UPDATE t SET v = v WHERE g = 1 RETURNING 1') =~ tr/1//, 20, 'UPDATE of all shards');
is($c->sql('INSERT INTO u VALUES (50, 100), (51, 102) RETURNING k'), "50\n51", 'INSERT');
is($c->sql('INSERT INTO t SELECT k + 1000, 1, NULL FROM u RETURNING 1') =~ tr/1//, 51, 'INSERT .. SELECT');
is($c->sql('DELETE FROM t WHERE k > 1000 RETURNING 1') =~ tr/1//, 51, 'DELETE');
is($c->sql(q{
    BEGIN;
    DECLARE c CURSOR FOR SELECT k FROM t ORDER BY k;
    FETCH 2 FROM c;
    SAVEPOINT s;
    FETCH 1 FROM c;
    ROLLBACK TO s;
    CLOSE c;
    PREPARE p (int) AS SELECT v FROM t WHERE k = $1;
    EXECUTE p (1);
    EXECUTE p (2);
    COMMIT}), "1\n2\n3\nv1\nv2", 'a cursor that is not read to its end, prepared statements');
$c->fails('SELECT 1 / (k - 5) FROM t', qr/division by zero/, 'a statement that fails');
$c->fails('UPDATE t SET g = 1 / (k - 5)', qr/division by zero/, 'a write that fails');

my $log = slurp_file($c->node('coordinator')->logfile);
like($log, qr/duration: .* plan:\n\s*Query Text: SELECT v FROM t WHERE k = 7\n.*?Custom Scan \(Citus Adaptive\)/s,
     'plans are in the log');
unlike($log, qr/TRAP|PANIC|terminated by signal|ERROR:  (?!division by zero)/, 'and nothing bad');

# calls and rows of the statements as typed; what goes to nodes has texts of its own
my %counted = map { split /\|/, $_, 2 } split /\n/, $c->sql(q{
    SELECT query, calls || ' ' || rows FROM pg_stat_statements
    WHERE query ~ '^(SELECT v FROM t|SELECT count|UPDATE t SET v|DELETE FROM t|INSERT INTO t SELECT)' AND toplevel});
is($counted{'SELECT v FROM t WHERE k = $1'}, '1 1', 'a read is counted');
is($counted{'UPDATE t SET v = v WHERE g = $1 RETURNING $2'}, '1 20', 'an UPDATE with its rows');
is($counted{'DELETE FROM t WHERE k > $1 RETURNING $2'}, '1 51', 'a DELETE with its rows');
is($counted{'INSERT INTO t SELECT k + $1, $2, $3 FROM u RETURNING $4'}, '1 51', 'an INSERT with its rows');

# the two in the other order; before us they are refused (entry.c)
$_->append_conf('postgresql.conf', "shared_preload_libraries = 'citus,pg_stat_statements,auto_explain'"), $_->restart
    for map { $c->node($_) } qw(coordinator worker1);
$c->sql('SET auto_explain.log_min_duration = -1; DELETE FROM u WHERE k > 50; SELECT pg_stat_statements_reset()');
is($c->sql($_->[0]), $_->[1], "$_->[2], the other order") for grep { $_->[0] !~ /DELETE/ } @selects;
is($c->sql('UPDATE t SET v = v WHERE g = 1 RETURNING 1') =~ tr/1//, 20, 'UPDATE, the other order');
is($c->sql('INSERT INTO t SELECT k + 1000, 1, NULL FROM u WHERE k < 10 RETURNING 1') =~ tr/1//, 9, 'INSERT .. SELECT, the other order');
is($c->sql('DELETE FROM t WHERE k > 1000 RETURNING 1') =~ tr/1//, 9, 'DELETE, the other order');
is($c->sql(q{
    SELECT string_agg(left(query, 20) || ' ' || calls || ' ' || rows, ', ' ORDER BY query COLLATE "C") FROM pg_stat_statements
    WHERE query ~ '^(SELECT v FROM t|UPDATE t SET v|DELETE FROM t|INSERT INTO t SELECT|SELECT caught)' AND toplevel}),
   'DELETE FROM t WHERE  1 9, INSERT INTO t SELECT 1 9, SELECT caught() 1 1, SELECT v FROM t WHER 1 1, UPDATE t SET v = v W 1 20',
   'statements are counted once');
is($c->sql(q{SELECT query FROM pg_stat_statements WHERE calls > 1 AND toplevel AND query ~ '^(SELECT (v|count|g,|sum|name)|WITH) '}),
   '', 'none twice');
unlike(slurp_file($c->node('coordinator')->logfile), qr/TRAP|PANIC|terminated by signal/, 'and nothing bad in the log');

# EXPLAIN in each format, with everything the major has
my @options = ('ANALYZE', 'VERBOSE', 'BUFFERS', 'SETTINGS', 'SUMMARY off', 'TIMING off');
push @options, 'WAL', $c->sql('SHOW server_version_num') >= 170000 ? ('MEMORY', 'SERIALIZE') : ();
my @explained = ((map { $_->[0] } @selects), 'UPDATE t SET v = v', 'INSERT INTO u VALUES (60, 1), (61, 2)',
                 'INSERT INTO t SELECT k + 1000, 1, NULL FROM u');
for my $format (qw(TEXT JSON XML YAML)) {
    my $script = join '', map { my $statement = $_; map { "\\echo ====\nEXPLAIN ($_, FORMAT $format) $statement;\n" }
                                'COSTS off', 'VERBOSE', join ', ', @options } @explained;
    my ($status, $out, $err) = $c->try_on('coordinator', "BEGIN;\n${script}ROLLBACK;");
    my @plans = grep { /\S/ } split /^====\n/m, $out;
    is("$status $err", '0 ', "EXPLAIN in $format succeeds");
    is(scalar @plans, 3 * @explained, 'and shows each');
    next if $format ne 'JSON';
    ($status, $out, $err) = $c->try_on('coordinator', join '', map { "SELECT \$json\$$_\$json\$::json;\n" } @plans);
    is($err, '', 'JSON is JSON');
}
$c->check;
done_testing();
