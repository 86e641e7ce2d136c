# RandomWrite: sequences of INSERT, UPDATE, DELETE, MERGE, TRUNCATE and transactions at random, over
# the tables of tables.sql.
#
# A sequence leaves the tables the same on every server: where several rows could give a value (FROM,
# ON CONFLICT, MERGE) the source is grouped, and columns of keys are not updated, because whether that
# violates a key depends on the order of rows.  The distribution column is not updated either.
package RandomWrite;
use strict;
use warnings;
use RandomSelect qw(any maybe between constant column expression predicate query statement
                    start_statement tables_are pick_table base_relation);
use Exporter 'import';
our @EXPORT_OK = qw(sequence server_is);

my @columns = qw(k a b t n);
my %type = (k => 'i', a => 'i', b => 'i', t => 's', n => 'n');
# Which columns an UPDATE leaves alone, unless no constraint makes its outcome depend on the order of
# rows: then it may change the distribution column, which is never NULL.
my %movable = map { $_ => 1 } qw(d1 d2 d3 dp dt v1);
my %fixed = (dt => 't', u2 => 'ka', (map { $_ => 'k' } qw(d1 d2 d3 dp u1 ur c1 v1)));
my %not_null = (dt => 't', u2 => 'ka', r => '', s1 => '', l => '');
my %keys = (u1 => 'k', ur => 'k', u2 => 'k, a');
my @targets;
my $quiet;      # no RETURNING, no parameters: the statement goes into a block
my $version = 0;    # of the plain server, as server_version_num

sub server_is { $version = shift }
sub target { any(@targets) }

sub value_for {
    my ($table, $column, $value) = @_;
    return $value if index($not_null{$table} // 'k', $column) < 0;
    return "coalesce($value, " . ($column eq 't' ? "'t0'" : 1) . ')';
}

sub returning {
    my $alias = shift;
    return '' if $quiet || !maybe(.4);
    return ' RETURNING ' . any("$alias.*", "$alias.k, $alias.a + 1 AS next", "$alias.t || 'y' AS t, $alias.b",
                               "$alias.n, $alias.k");
}

sub assignments {
    my ($table, $scope) = @_;
    my $fixed = $movable{$table} && maybe(.15) ? '' : $fixed{$table} // '';
    my @free = grep { index($fixed, $_) < 0 } @columns;
    my %chosen = map { $_ => 1 } map { any(@free) } 1 .. between(1, 2);
    my @set = sort keys %chosen;
    my @values = map { maybe(.03) && $_ eq 'a' ? 95 : value_for($table, $_, expression($scope, $type{$_})) } @set;
    return '(' . join(', ', @set) . ') = (SELECT ' . join(', ', @values) . ')' if maybe(.05);
    return '(' . join(', ', @set) . ') = ROW (' . join(', ', @values) . ')' if maybe(.1);
    return join ', ', map { "$set[$_] = $values[$_]" } 0 .. $#set;
}

# A source with at most one row for each value of k: its columns are k, a, b, t, n.
sub grouped_source {
    my ($alias, $table) = @_;
    $table //= pick_table();
    my $where = ' WHERE g.k IS NOT NULL' . (maybe(.5) ? ' AND ' . predicate([base_relation('g')], [], 2) : '');
    return "(SELECT g.k, max(g.a) AS a, min(g.b) AS b, max(g.t) AS t, sum(g.n) AS n FROM $table g$where GROUP BY g.k) $alias";
}

sub insert_values {
    my $table = target();
    my @list = maybe(.7) ? @columns : (grep { $fixed{$table} && index($fixed{$table}, $_) >= 0 || maybe(.5) } @columns);
    @list = @columns unless @list;
    my $rows = any(1, 1, 1, 2, 3, 5);
    my $needed = $not_null{$table} // 'k';
    my @rows = map {
        '(' . join(', ', map {
            index($needed, $_) >= 0 ? ($_ eq 't' ? "'t" . between(0, 9) . "'" : between(1, 14))
                : maybe(.05) ? 'DEFAULT' : maybe(.02) && $_ eq 'a' ? 95 : constant($type{$_})
        } @list) . ')' } 1 .. $rows;
    # A command may not touch a row twice.
    my %seen;
    @rows = grep { /^\(([^,]*,[^,]*)/ && !$seen{ $keys{$table} && length $keys{$table} > 1 ? $1 : ($1 =~ s/,.*//r) }++ }
        @rows if $keys{$table};
    my $conflict = $keys{$table} && "@list" !~ /^k a/ ? '' : conflict($table);
    return "INSERT INTO $table AS x (" . join(', ', @list) . ') VALUES ' . join(', ', @rows) . $conflict . returning('x');
}

sub conflict {
    my $table = shift;
    my $keys = $keys{$table} // return '';
    my $x = rand;
    return '' if $x < .2;
    return ' ON CONFLICT DO NOTHING' if $x < .35;
    return " ON CONFLICT ($keys) DO NOTHING" if $x < .5;
    my $scope = [base_relation('x'), base_relation('excluded')];
    my $column = any(qw(b t n));
    # rows that move, none to where another one is or goes; rows of other shards, all in one value
    return " ON CONFLICT ($keys) DO UPDATE SET k = -x.k - 1000, $column = "
        . expression($scope, $type{$column}) . ' WHERE x.k >= 0' if $x > .92;
    return " ON CONFLICT ($keys) DO UPDATE SET $column = (SELECT max(s.$column) FROM " . pick_table() . ' s'
        . (maybe(.5) ? ' WHERE s.k < excluded.k' : '') . ')' if $x > .85;
    return " ON CONFLICT ($keys) DO UPDATE SET $column = " . expression($scope, $type{$column})
        . (maybe(.3) ? ', ' . any(grep { $_ ne $column } qw(b t n)) . ' = DEFAULT' : '')
        . (maybe(.3) ? ' WHERE ' . predicate($scope, [], 2) : '');
}

sub insert_select {
    my $table = target();
    my ($source, $s) = (pick_table(), base_relation('s'));
    my $head = "INSERT INTO $table AS x (" . join(', ', @columns) . ') ';
    my $tail = '';
    if (my $keys = $keys{$table}) {
        my $where = maybe(.7) ? ' WHERE ' . predicate([$s], [], 1) : '';
        my %key = map { $_ => 1 } split /, /, $keys;
        my @list = map { $key{$_} ? "coalesce(s.$_, 20)" : "max(s.$_)" } @columns;
        my $group = join ', ', map { "coalesce(s.$_, 20)" } sort keys %key;
        return $head . 'SELECT ' . join(', ', @list) . " FROM $source s$where GROUP BY $group"
            . conflict($table) . returning('x');
    }
    if (maybe(.5)) {
        my $where = maybe(.8) ? ' WHERE ' . predicate([$s], [], 1) : '';
        my @list = map { value_for($table, $_, maybe(.7) ? "s.$_" : expression([$s], $type{$_})) } @columns;
        $list[0] = 's.k' if maybe(.5) && $source !~ /^(r|ur|dt|s1|l)$/ && $table ne 'dt';
        return $head . 'SELECT ' . join(', ', @list) . " FROM $source s$where" . returning('x');
    }
    my @list = map { value_for($table, $_, "q.$_") } @columns;
    return $head . 'SELECT ' . join(', ', @list) . ' FROM (' . query(1, [map { $type{$_} } @columns], [])
        . ') q(' . join(', ', @columns) . ') ORDER BY 1, 2, 3, 4, 5 LIMIT 10' . returning('x');
}

sub where {
    my ($scope, $likely) = @_;
    return '' unless maybe($likely);
    # what no other node may run
    my $volatile = maybe(.05) ? ' AND random() >= 0' : '';
    return ' WHERE ' . join(' AND ', map { predicate($scope, [], 0) } 1 .. between(1, 2)) . $volatile;
}

# ORDER BY ... LIMIT chooses the rows of a sub-query; the key's value makes a statement a router's.
sub narrow_where {
    my ($table, $scope) = @_;
    return where($scope, .9) if maybe(.6);
    my $x = any($table eq 'dt' ? "x.t = 't" . between(0, 5) . "'" : 'x.k = ' . between(1, 12));
    return " WHERE $x" . (maybe(.5) ? ' AND ' . predicate($scope, [], 0) : '');
}

sub update {
    my $table = target();
    my $x = base_relation('x');
    if (maybe(.35)) {
        my $s = base_relation('s');
        my $join = any('x.k = s.k', 'x.k = s.k', 'x.a = s.k');
        my ($set, $source) = maybe(.6) ? (assignments($table, [$x, $s]), grouped_source('s'))
                                       : (assignments($table, [$x]), pick_table() . ' s');
        my $with = $source =~ s/^(\(.*\)) s$/w s/s && maybe(.3)
            ? "WITH w AS " . any('', 'MATERIALIZED ', 'NOT MATERIALIZED ') . "$1 " : '';
        $source = "$1 s" if $with eq '' && $source eq 'w s';
        return "${with}UPDATE $table x SET $set FROM $source WHERE $join"
            . (maybe(.6) ? ' AND ' . predicate([$x], [], 0) : '') . returning('x');
    }
    return "UPDATE $table x SET " . assignments($table, [$x]) . narrow_where($table, [$x]) . returning('x');
}

sub delete_rows {
    my $table = target();
    my $x = base_relation('x');
    if (maybe(.35)) {
        my $source = maybe(.7) ? pick_table() . ' s' : grouped_source('s');
        my $s = base_relation('s');
        return "DELETE FROM $table x USING $source WHERE " . any('x.k = s.k', 'x.k = s.k', 'x.a = s.a')
            . ' AND ' . predicate([any($x, $s)], [], 0) . returning('x');
    }
    return "DELETE FROM $table x" . narrow_where($table, [$x]) . returning('x');
}

sub merge {
    my $table = target();
    my ($x, $s) = (base_relation('x'), base_relation('s'));
    my $condition = sub { maybe(.5) ? ' AND ' . predicate($_[0], [], 2) : '' };
    my @values = map { $_ eq 'k' ? any('s.k', 's.k', 's.k + 20') : $table eq 'u2' && $_ eq 'a' ? 'coalesce(s.a, 40)'
                     : value_for($table, $_, expression([$s], $type{$_})) } @columns;
    my $insert = maybe(.6);
    my $source = pick_table();
    # On the key alone: else rows that do not match collide with those that are there.
    my $sql = "MERGE INTO $table x USING " . grouped_source('s', $source) . ' ON x.k = s.k';
    my $action = sub { any('DELETE', 'DO NOTHING', ('UPDATE SET ' . assignments($table, $_[0]) =~ s/= ROW \(/= (/r) x 3) };
    my $certain = maybe(.9) || !$insert;
    # of several clauses the first one counts whose condition holds
    my @clauses;
    if ($certain) {
        push @clauses, ' WHEN MATCHED AND ' . predicate([$x, $s], [], 2) . ' THEN ' . $action->([$x, $s]) if maybe(.3);
        push @clauses, ' WHEN MATCHED' . $condition->([$x, $s]) . ' THEN ' . $action->([$x, $s]);
    }
    if ($insert) {
        push @clauses, ' WHEN NOT MATCHED AND ' . predicate([$s], [], 2) . ' THEN ' . any('DO NOTHING', 'INSERT ('
            . join(', ', @columns) . ') VALUES (' . join(', ', map { value_for($table, $_, "s.$_") } @columns) . ')')
            if maybe(.3) && $table ne 'u2';
        push @clauses, ' WHEN NOT MATCHED' . $condition->([$s]) . ' THEN '
            . any('DO NOTHING', ('INSERT (' . join(', ', @columns) . ') VALUES (' . join(', ', @values) . ')') x 3);
    }
    push @clauses, ' WHEN NOT MATCHED BY SOURCE AND ' . predicate([$x], [], 2) . ' THEN ' . $action->([$x])
        if $version >= 170000 && maybe(.25);
    $sql .= join '', @clauses;
    return $sql . ($version >= 170000 && maybe(.5) ? returning('x') =~ s/RETURNING /RETURNING merge_action(), /r : '');
}

sub with_write {
    my $x = base_relation('x');
    my ($from, $into) = (target(), any(grep { !$keys{$_} && $_ ne 'c1' } @targets));
    my $first = any("DELETE FROM $from x" . where([$x], .9) . ' RETURNING x.k, x.a, x.b, x.t, x.n',
                    "UPDATE $from x SET " . assignments($from, [$x]) . where([$x], .9) . ' RETURNING x.k, x.a, x.b, x.t, x.n');
    my @list = map { value_for($into, $_, "w.$_") } @columns;
    return "WITH w AS ($first) " . any('SELECT * FROM w', 'SELECT count(*), sum(w.a) FROM w',
        "SELECT count(*), (SELECT count(*) FROM $from), (SELECT sum(a) FROM $into) FROM w",
        "SELECT x.k, x.a FROM $from x WHERE x.k IN (SELECT k FROM w)",
        "INSERT INTO $into (k, a, b, t, n) SELECT " . join(', ', @list) . ' FROM w'
        . any('', ' RETURNING k, a'));
}

# Writes of several tables in one statement, each of which sees the tables as they were before it.
sub with_writes {
    my ($first, $second) = (target(), target());
    return undef if $first eq $second || "$first $second" =~ /u1|c1|v1|d1/;
    my ($x, $y) = (base_relation('x'), base_relation('y'));
    my $one = any("DELETE FROM $first x" . where([$x], .9) . ' RETURNING x.k, x.a',
                  "UPDATE $first x SET " . assignments($first, [$x]) . where([$x], .9) . ' RETURNING x.k, x.a');
    my $two = any("DELETE FROM $second y WHERE y.k IN (SELECT k FROM w)",
                  "DELETE FROM $second y" . where([$y], .9) =~ s/\bx\./y./gr,
                  "UPDATE $second y SET b = 7 WHERE EXISTS (SELECT 1 FROM w WHERE w.k = y.k)");
    return "WITH w AS ($one), z AS ($two RETURNING y.k) "
        . any('SELECT (SELECT count(*) FROM w), (SELECT count(*) FROM z)', 'SELECT k FROM w UNION ALL SELECT k FROM z',
              "SELECT count(*), sum(x.a) FROM $first x WHERE x.k IN (SELECT k FROM z)");
}

sub copy_rows {
    my $table = target();
    my @rows = map { my $n = $_; join("\t", between(1, 14), map { maybe(.1) ? '\N' : $_ } between(0, 9), between(0, 3),
                                     't' . between(0, 5), '1.500') } 1 .. between(1, 6);
    s/^((?:[^\t]*\t){3})\\N\t/$1t0\t/ for @rows;
    s/^(\d+)\t\\N/$1\t0/ for @rows;
    return "COPY $table (k, a, b, t, n) FROM STDIN;\n" . join("\n", @rows, '\.');
}

# A block whose statements are undone together when one fails.
sub block {
    $quiet = 1;
    my @list = grep { defined } map { plain_statement() } 1 .. between(1, 3);
    $quiet = 0;
    return undef unless @list;
    # what a block inside of it does is undone when that fails
    if (maybe(.4)) {
        my $at = int rand @list;
        $list[$at] = "BEGIN $list[$at]; PERFORM 1 / (SELECT count(*) - count(*) FROM " . target()
            . '); EXCEPTION WHEN division_by_zero THEN ' . any('NULL', "INSERT INTO d1 (k, a) VALUES (3, 3)") . '; END';
    }
    return "DO \$block\$ BEGIN " . join('; ', @list)
        . "; EXCEPTION WHEN integrity_constraint_violation THEN NULL; END \$block\$";
}

sub locked_rows {
    my ($table, $x) = (target(), base_relation('x'));
    if (maybe(.3)) {
        my ($other, $s) = (pick_table(), base_relation('s'));
        return "SELECT x.k, x.a, x.t, s.b FROM $table x " . any('JOIN', 'LEFT JOIN') . " $other s ON "
            . any('x.k = s.k', 'x.k = s.k', 'x.a = s.k', 'x.t = s.t') . narrow_where($table, [$x])
            . any(' FOR UPDATE OF x', ' FOR SHARE OF x', ' FOR NO KEY UPDATE OF x SKIP LOCKED');
    }
    my $limit = maybe(.4) ? ' ORDER BY x.k, x.a, x.t LIMIT ' . between(1, 5) : '';
    return "SELECT x.k, x.a, x.t FROM $table x" . narrow_where($table, [$x]) . $limit
        . any(' FOR UPDATE', ' FOR NO KEY UPDATE', ' FOR SHARE', ' FOR KEY SHARE', ' FOR UPDATE OF x NOWAIT');
}

sub one_statement {
    start_statement(undef);
    return copy_rows() if maybe(.03);
    return block() if maybe(.05);
    return locked_rows() if maybe(.03);
    my $parameters = maybe(.15) ? [] : undef;
    start_statement($parameters);
    my $sql = plain_statement();
    return $sql unless defined $sql && $parameters && @$parameters;
    my $mode = any(qw(auto force_generic_plan));
    return "DEALLOCATE ALL;\nSET plan_cache_mode = $mode;\nPREPARE q(" . join(', ', ('int') x @$parameters)
        . ") AS $sql;\nEXECUTE q(" . join(', ', @$parameters) . ')';
}

sub plain_statement {
    my $x = rand;
    return insert_values() if $x < .2;
    return insert_select() if $x < .35;
    return update() if $x < .55;
    return delete_rows() if $x < .7;
    return merge() if $x < .76;
    return with_writes() // with_write() if $x < .78;
    return with_write() if $x < .82;
    return 'TRUNCATE ' . any('u1 CASCADE', grep { !/^(u1|v1)$/ } @targets) if $x < .83;
    return undef;
}

# Statements, in order: { sql, ordered }.
sub sequence {
    my ($count, @tables) = @_;
    @targets = @tables;
    tables_are(@tables);
    my (@list, @savepoints);
    my $open = 0;
    my $names = 0;
    my $put = sub { push @list, { sql => $_[0], ordered => $_[1] // 0 } };
    while (@list < $count) {
        my $x = rand;
        if (!$open && $x < .12) {
            $put->('BEGIN' . any('', '', '', ' ISOLATION LEVEL REPEATABLE READ'));
            ($open, @savepoints) = (1);
        } elsif ($open && $x < .1) {
            $put->(any(qw(COMMIT COMMIT ROLLBACK)));
            $open = 0;
        } elsif ($open && $x < .2) {
            my $name = 's' . ++$names;
            $put->("SAVEPOINT $name");
            push @savepoints, $name;
        } elsif ($open && @savepoints && $x < .3) {
            my $at = int rand @savepoints;
            if (maybe(.7)) {
                $put->("ROLLBACK TO $savepoints[$at]");
                splice @savepoints, $at + 1;
            } else {
                $put->("RELEASE $savepoints[$at]");
                splice @savepoints, $at;
            }
        } elsif ($open && $x < .34) {
            # Rows of a cursor stay what they were when it was opened.
            my $name = 'c' . ++$names;
            my $query = statement(1);
            $put->("DECLARE $name CURSOR FOR $query->{sql}");
            $put->("FETCH 3 FROM $name", 1) if $query->{ordered} && maybe(.5);
            # A table that an open cursor reads is not truncated; here nothing keeps one from it.
            my $write = one_statement();
            $put->($write) if defined $write && $write !~ /TRUNCATE/;
            $put->("FETCH ALL FROM $name", $query->{ordered});
            $put->("CLOSE $name");
        } elsif ($x < .37) {
            # the sixth time a plan for all values may be taken
            my $parameters = [];
            start_statement($parameters);
            my $sql = plain_statement();
            start_statement(undef);
            next if !defined $sql || $sql =~ /^TRUNCATE/;
            my $name = 'p' . ++$names;
            $put->("PREPARE $name" . (@$parameters ? '(' . join(', ', ('int') x @$parameters) . ')' : '') . " AS $sql");
            for (1 .. 6) {
                $put->("EXECUTE $name" . (@$parameters ? '(' . join(', ', @$parameters) . ')' : ''));
                $_ = any(1, 2, 3, 4, 5, 7) for @$parameters;
            }
        } else {
            my $sql = one_statement();
            if (defined $sql) { $put->($sql) } else { push @list, statement() }
        }
    }
    $put->(any(qw(COMMIT COMMIT ROLLBACK))) if $open;
    return @list;
}

1;
