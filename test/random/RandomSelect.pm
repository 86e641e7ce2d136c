# RandomSelect: SELECT statements at random over the tables of tables.sql.
#
# What is generated has one answer: a LIMIT follows an ORDER BY of all columns, a window function has
# the same value for rows that are peers, an aggregate that depends on the order of its input has an
# ORDER BY, numbers that are equal look the same (numeric has three digits).  Nothing is generated that may fail for one order of evaluation and succeed for another.
#
# A scope is a list of relations, each [alias, { column => type }].  Types: i (int), s (text), n (numeric).
package RandomSelect;
use strict;
use warnings;
use Exporter 'import';
our @EXPORT_OK = qw(any maybe between constant column expression predicate query settings statement
                    start_statement tables_are pick_table base_relation);

my %columns = (k => 'i', a => 'i', b => 'i', t => 's', n => 'n');
my %cast = (i => '::int', s => '::text', n => '::numeric(12, 3)');
my @tables;         # names, as often as they are likely
my @ctes;           # relations of the WITH clauses under construction: [name, columns]
my $aliases;
my $parameters;     # undef, or values of $1, $2 ...

sub any { $_[int rand @_] }
sub maybe { rand() < $_[0] }
sub between { $_[0] + int rand($_[1] - $_[0] + 1) }

sub tables_are { @tables = @_ }

# Settings of a session, which change how statements are planned and nothing else.
sub settings {
    return '' if maybe(.4);
    my @some = map { any('citus.enable_router_execution = off', 'citus.enable_router_execution = off',
                         'citus.enable_fast_path_router_planner = off', 'enable_hashagg = off', 'enable_hashjoin = off',
                         'enable_nestloop = off', 'enable_sort = off', 'enable_material = off', 'enable_memoize = off',
                         'work_mem = 64', 'plan_cache_mode = force_generic_plan', 'join_collapse_limit = 1') } 1 .. between(1, 3);
    return join '', map { "SET $_;\n" } @some;
}

# What a sub-query on a table of this node gives, one value.
sub local_value {
    my $type = shift;
    return undef unless $type ne 's' && grep { $_ eq 'l' } @tables;
    return '(SELECT ' . any('min', 'max') . ($type eq 'n' ? '(z.n)' : any('(z.k)', '(z.a)', '(z.b)')) . ' FROM l z)';
}
sub start_statement { ($aliases, $parameters, @ctes) = (0, $_[0]) }
sub pick_table { any(@tables) }
sub fresh { ($_[0] // 't') . ++$aliases }
sub base_relation { [$_[0], {%columns}] }

# ----- values

sub constant {
    my $type = shift // 'i';
    return 'NULL' if maybe(.02);
    return any("'t1'", "'t2'", "'t3'", "'t'") if $type eq 's';
    return any('1.000', '1.500', '2.500', '4.000') if $type eq 'n';
    my $value = any(1, 2, 3, 4, 5, 7);
    return $value unless $parameters && @$parameters < 5 && maybe(.5);
    push @$parameters, $value;
    return '$' . @$parameters;
}

# A column of the type, the key more often than others; undef when the scope has none.
sub column {
    my ($scope, $type, @only) = @_;
    my @found;
    for my $relation (@$scope) {
        for my $name (sort keys %{ $relation->[1] }) {
            next if $relation->[1]{$name} ne $type;
            push @found, ("$relation->[0].$name") x ($name =~ /^(k|c1)$/ ? 3 : 1);
        }
    }
    return @found ? any(@found) : undef;
}

sub expression {
    my ($scope, $type) = @_;
    my $column = column($scope, $type) // return constant($type);
    return $column if maybe(.75);
    if ($type eq 'i') {
        my $text = column($scope, 's');
        return any("$column + 1", "coalesce($column, 0)", "-$column", "$column * 2", "nullif($column, 3)",
                   "CASE WHEN $column > 2 THEN 1 ELSE " . (column($scope, 'i')) . ' END',
                   defined $text ? "length($text)" : "abs($column)",
                   "greatest($column, " . column($scope, 'i') . ')');
    }
    return any("$column || 'x'", "upper($column)", "coalesce($column, 't1')", "substr($column, 2)")
        if $type eq 's';
    return any("$column + 0.500", "coalesce($column, 0.000)", "round($column) + 0.000", "$column * 2");
}

sub aggregate {
    my ($scope, $type) = @_;
    my $filter = maybe(.1) ? ' FILTER (WHERE ' . simple_predicate($scope) . ')' : '';
    my $distinct = maybe(.2) ? 'DISTINCT ' : '';
    my ($i, $n, $s) = map { expression($scope, $_) } qw(i n s);
    return any('count(*)', "count($distinct$i)", "count($distinct$s)", "sum($distinct$i)", "max($i)", "min($i)",
               "sum(($i > 2)::int)", "bit_or($i)", "percentile_disc(0.5) WITHIN GROUP (ORDER BY $i)",
               "max(($s IS NULL)::int)") . $filter
        if $type eq 'i';
    return any("max($s)", "min($s)", "string_agg($s, ',' ORDER BY $s)", "string_agg(DISTINCT $s, '-' ORDER BY $s)")
        . $filter if $type eq 's' && maybe(.8);
    return "(array_agg($i ORDER BY $i)$filter)::text"
        if $type eq 's';
    return any("sum($distinct$n)", "max($n)", "min($n)") . $filter if maybe(.6);
    return "(avg($distinct" . any($n, $i) . ")$filter)::numeric(12, 3)";
}

# ----- conditions

sub comparison { any('=', '=', '=', '<', '>=', '<>') }

# Of values made of columns: arrays, ranges, jsonb, rows.
sub composed_predicate {
    my $scope = shift;
    my ($x, $y) = map { column($scope, 'i') // '1' } 1 .. 2;
    my ($c, $d) = map { between(0, 6) } 1 .. 2;
    my $text = column($scope, 's') // "'t1'";
    return any("ARRAY[$x, $y] " . any('@>', '&&', '<>') . " ARRAY[$c, $d]", "(ARRAY[$x, $y, $c])[2] = $d",
               "$c = ANY (array_remove(ARRAY[$x, $y], $d))", "cardinality(array_positions(ARRAY[$x, $y], $c)) > 0",
               "int4range(least($x, $y)::int, greatest($x, $y)::int, '[]') " . any("@> $c", "&& int4range($c, $c + 2)", "= 'empty'", "< int4range($c, $c + 3)"),
               "jsonb_build_object('a', $x, 'b', $text) " . any("@> '{\"a\": $c}'", "= '{\"a\": $c, \"b\": \"t1\"}'", "->> 'b' = 't$c'", "? 'a'"),
               "(jsonb_build_array($x, $y) -> 0)::text = '$c'", "ROW ($x, $text) " . any('=', '<', 'IS DISTINCT FROM') . " ROW ($c, 't$d')",
               "($x, $y) IN (($c, $d), ($d, 1))", "num_nulls($x, $y, $text) = " . between(0, 2));
}

sub simple_predicate {
    my $scope = shift;
    my $type = any(qw(i i i s n));
    my $x = expression($scope, $type);
    my @c = map { constant($type) } 1 .. 3;
    my $value = maybe(.06) ? local_value($type) : undef;
    return "$x " . any('>=', '<=', '<>') . " $value" if defined $value;
    return composed_predicate($scope) if maybe(.08);
    my $form = int rand 10;
    return "$x " . comparison() . " $c[0]" if $form < 4;
    return "$x IS " . any('', 'NOT ') . 'NULL' if $form == 4;
    return "$x " . any('', 'NOT ') . "IN ($c[0], $c[1], $c[2])" if $form == 5;
    return "$x BETWEEN $c[0] AND $c[1]" if $form == 6;
    return "$x IS " . any('', 'NOT ') . "DISTINCT FROM $c[0]" if $form == 7;
    return "$x = ANY (ARRAY[$c[0], $c[1]])" if $form == 8;
    my $text = column($scope, 's') // return "$x = $c[0]";
    return "$text " . any("LIKE 't%'", "> 't2'", "~ '[12]'");
}

sub join_predicate {
    my ($left, $right) = @_;
    my $type = any(qw(i i i i i s n));
    my ($x, $y) = (column($left, $type), column($right, $type));
    ($x, $y) = (column($left, 'i') // '1', column($right, 'i') // '1') unless defined $x && defined $y;
    return "$x = $y" if maybe(.85);
    return "$x " . any('<', '<>', 'IS NOT DISTINCT FROM') . " $y";
}

sub sublink_predicate {
    my ($scope, $depth) = @_;
    my $outer = [any(@$scope)];
    my ($source, $name) = maybe(.8) || $depth > 1 ? named_relation() : derived_relation($depth + 1, []);
    my $inner = [$name];
    my $where = sub { join ' AND ', map { maybe(.4) ? simple_predicate($inner) : join_predicate($inner, $outer) }
                                        1 .. between(1, 2) };
    my $x = expression($outer, 'i');
    my $y = expression($inner, 'i');
    my $form = int rand 10;
    return any('', 'NOT ') . "EXISTS (SELECT 1 FROM $source WHERE " . $where->() . ')' if $form < 3;
    return "$x " . any('', '', 'NOT ') . "IN (SELECT $y FROM $source"
        . (maybe(.6) ? ' WHERE ' . (maybe(.7) ? simple_predicate($inner) : $where->()) : '') . ')' if $form < 6;
    return "$x " . any('= ANY', '<> ALL', '< ALL', '>= ANY') . " (SELECT $y FROM $source WHERE "
        . (maybe(.7) ? simple_predicate($inner) : $where->()) . ')' if $form == 6;
    return "($x, " . expression($outer, 's') . ') ' . any('', 'NOT ') . "IN (SELECT $y, "
        . expression($inner, 's') . " FROM $source" . (maybe(.5) ? ' WHERE ' . simple_predicate($inner) : '') . ')'
        if $form == 7;
    return "$x " . comparison() . " (SELECT " . aggregate($inner, 'i') . " FROM $source WHERE " . $where->() . ')'
        if $form == 8;
    return "$x " . comparison() . " (SELECT " . any(qw(max min)) . "($y) FROM $source"
        . (maybe(.5) ? ' WHERE ' . simple_predicate($inner) : '') . ')';
}

sub predicate {
    my ($scope, $outer, $depth) = @_;
    my $x = rand;
    return simple_predicate($scope) if $x < .4;
    if ($x < .55 && @$scope > 1) {
        my $one = any(@$scope);
        return join_predicate([$one], [any(grep { $_ != $one } @$scope)]);
    }
    return join_predicate($scope, $outer) if $x < .65 && @$outer;
    return sublink_predicate($scope, $depth) if $x < .85 && $depth < 2;
    if ($x < .9) {
        my ($i, $j) = (expression($scope, 'i'), expression($scope, 'i'));
        my ($c, $d) = (constant('i'), constant('i'));
        return "($i, $j) " . any('=', '<', '>=', '<>') . " ($c, $d)";
    }
    return '(' . predicate($scope, $outer, $depth) . ' OR ' . predicate($scope, $outer, $depth) . ')'
        if $x < .96;
    return any('NOT (', '(') . predicate($scope, $outer, $depth) . ')' . any('', ' IS TRUE', ' IS NOT FALSE');
}

sub where_clause {
    my ($scope, $outer, $depth, $likely) = @_;
    return '' unless maybe($likely);
    return ' WHERE ' . join ' AND ', map { predicate($scope, $outer, $depth) } 1 .. between(1, 2);
}

# ----- relations; each function returns the text of a FROM item and its relation

sub named_relation {
    my $alias = fresh();
    if (@ctes && maybe(.4)) {
        my $cte = any(@ctes);
        return ("$cte->[0] $alias", [$alias, $cte->[1]]);
    }
    return (pick_table() . " $alias", base_relation($alias));
}

sub named_columns {
    my @types = @_;
    my $number = 0;
    my @names = map { 'c' . ++$number } @types;
    my %columns;
    @columns{@names} = @types;
    return (join(', ', @names), \%columns);
}

sub some_types { ('i', map { any(qw(i i s n)) } 1 .. between(1, 2)) }

sub derived_relation {
    my ($depth, $outer) = @_;
    my @types = some_types();
    my ($names, $columns) = named_columns(@types);
    my $alias = fresh('q');
    return ('(' . query($depth, \@types, $outer) . ") $alias($names)", [$alias, $columns]);
}

sub values_relation {
    my @types = some_types();
    my ($names, $columns) = named_columns(@types);
    my $alias = fresh('v');
    my @rows = map { '(' . join(', ', map { constant($_) . $cast{$_} } @types) . ')' } 1 .. between(1, 4);
    return ('(VALUES ' . join(', ', @rows) . ") $alias($names)", [$alias, $columns]);
}

sub using_relation {
    my ($left, $x) = named_relation();
    my ($right, $y) = named_relation();
    return named_relation() if grep { !$_->[1]{k} } $x, $y;
    my $alias = fresh('j');
    my $keys = any('k', 'k', 'k, a');
    my $join = any('FULL JOIN', 'FULL JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'JOIN');
    return ("(SELECT k, $x->[0].b, $y->[0].t FROM $left $join $right USING ($keys)) $alias(c1, c2, c3)",
            [$alias, { c1 => 'i', c2 => 'i', c3 => 's' }]);
}

sub relation {
    my $depth = shift;
    my $x = rand;
    if ($depth < 2) {
        return derived_relation($depth + 1, []) if $x < .2;
        return values_relation() if $x < .25;
        return using_relation() if $x < .32;
        if ($x < .35) {
            my $alias = fresh('g');
            return ('generate_series(1, ' . between(2, 6) . ") $alias(c1)", [$alias, { c1 => 'i' }]);
        }
    }
    return named_relation();
}

# A function with a set of rows for each row on its left.
sub function_join {
    my $scope = shift;
    my ($x, $y) = map { column($scope, 'i') // '1' } 1 .. 2;
    my $text = column($scope, 's') // "'t1'";
    my $alias = fresh('f');
    my ($call, $names, $columns) = @{ any(
        ["generate_series(1, least(coalesce($x, 0), 4))", 'c1', { c1 => 'i' }],
        ["unnest(ARRAY[$x, $y, 2])", 'c1', { c1 => 'i' }],
        ["unnest(ARRAY[$x, $y], ARRAY[$text, 't1'])", 'c1, c2', { c1 => 'i', c2 => 's' }],
        ["regexp_split_to_table($text, 't')", 'c1', { c1 => 's' }],
        ["jsonb_array_elements_text(jsonb_build_array($text, $x))", 'c1', { c1 => 's' }],
        ["jsonb_to_recordset(jsonb_build_array(jsonb_build_object('c1', $x, 'c2', $text)))", undef, { c1 => 'i', c2 => 's' }]) };
    my $as = defined $names ? "$alias($names)" : "AS $alias(c1 int, c2 text)";
    return (any(" CROSS JOIN LATERAL $call $as", " LEFT JOIN LATERAL $call $as ON true"), [$alias, $columns]);
}

sub lateral_join {
    my ($scope, $depth) = @_;
    return function_join($scope) if maybe(.3);
    my @types = some_types();
    my ($names, $columns) = named_columns(@types);
    my $alias = fresh('x');
    my $sql = query($depth + 1, \@types, [any(@$scope)]);
    return (any(" CROSS JOIN LATERAL ($sql) $alias($names)", " LEFT JOIN LATERAL ($sql) $alias($names) ON true"),
            [$alias, $columns]);
}

sub from_clause {
    my ($depth) = @_;
    my ($sql, $first) = relation($depth);
    my @scope = ($first);
    for (1 .. any(0, 0, 1, 1, 1, 2, 2)) {
        if ($depth < 2 && maybe(.08)) {
            my ($text, $relation) = lateral_join(\@scope, $depth);
            $sql .= $text;
            push @scope, $relation;
            next;
        }
        my ($text, $relation) = relation($depth);
        my $join = any('JOIN', 'JOIN', 'LEFT JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN', 'CROSS JOIN');
        if ($join eq 'CROSS JOIN') {
            $sql .= maybe(.5) ? " CROSS JOIN $text" : " JOIN $text ON true";
        } else {
            my $on = '';
            # The server knows full joins by equality only.
            do { $on = join_predicate([any(@scope)], [$relation]) } while $join eq 'FULL JOIN' && $on !~ / = /;
            $on .= ' AND ' . predicate([@scope, $relation], [], 2) if $join ne 'FULL JOIN' && maybe(.3);
            $sql .= " $join $text ON $on";
        }
        push @scope, $relation;
    }
    return ($sql, \@scope);
}

# ----- queries

sub window_function {
    my $scope = shift;
    my ($x, $y) = (expression($scope, 'i'), expression($scope, any('i', 's')));
    my $partition = maybe(.7) ? "PARTITION BY $y" : '';
    my $order = " ORDER BY $x" . any('', ' DESC', ' NULLS FIRST');
    if (maybe(.3)) {
        # frames of whole peers: rows of a frame by ROWS depend on the order of peers
        my $start = any('UNBOUNDED PRECEDING', '1 PRECEDING', 'CURRENT ROW');
        my $end = any('CURRENT ROW', '1 FOLLOWING', '2 FOLLOWING', 'UNBOUNDED FOLLOWING');
        my $frame = any('RANGE', 'GROUPS') . " BETWEEN $start AND $end"
            . any('', '', ' EXCLUDE CURRENT ROW', ' EXCLUDE GROUP', ' EXCLUDE TIES', ' EXCLUDE NO OTHERS');
        return any("count(*)", "sum($x)", "max($x)", "first_value($x)", "last_value($x)", "min($x)")
            . " OVER ($partition$order $frame)";
    }
    return any("count(*) OVER ($partition)", "sum($x) OVER ($partition$order)", "rank() OVER ($partition$order)",
               "dense_rank() OVER ($partition$order)", "max($y) OVER ($partition)",
               "first_value($x) OVER ($partition$order)");
}

sub order_by_all {
    my $count = shift;
    return ' ORDER BY ' . join ', ', map { $_ . any('', '', '', ' DESC', ' NULLS FIRST') } 1 .. $count;
}

sub limit_clause {
    my $x = rand;
    my $limit = between(1, 9);
    return " LIMIT $limit" . (maybe(.2) ? ' OFFSET ' . between(0, 3) : '') if $x < .7;
    return ' OFFSET ' . between(0, 5) if $x < .8;
    return " FETCH FIRST $limit ROWS WITH TIES";
}

sub grouped {
    my ($from, $scope, $where, $types) = @_;
    my @keys = map { expression($scope, $_) } @$types[0 .. between(0, $#$types > 1 ? 1 : $#$types)];
    # A constant among the keys would be read as a position.
    @keys = map { /^(\d|'|\$|NULL)/ ? "coalesce($_)" : $_ } @keys;
    my @columns = (@keys, map { aggregate($scope, $_) } @$types[@keys .. $#$types]);
    my $by = join ', ', @keys;
    # Sub-queries on a local table keep the whole from being a fragment.
    if ($types->[0] eq 'i' && maybe(.12) && grep { $_ eq 'l' } @tables) {
        $columns[0] = "(SELECT count(*)::int FROM l z WHERE z.k = $keys[0])";
    }
    # Before 18 the server takes a constant for one even where a grouping set has made it NULL.
    my $x = grep({ /^coalesce\([^,]*\)$/ } @keys) ? 1 : rand;
    if ($x < .05) { $by = "ROLLUP ($by)" }
    elsif ($x < .08) { $by = "CUBE ($by)" }
    elsif ($x < .12) { $by = 'GROUPING SETS ((' . join('), (', @keys, '') . '))' }
    my $having = maybe(.25) ? ' HAVING ' . any('count(*) > ' . between(0, 2), aggregate($scope, 'i') . ' > 1',
        $x < .12 ? "grouping($keys[0]) = " . between(0, 1) . ' AND count(*) > 1' : 'min(1) = 1') : '';
    $columns[-1] = "grouping($keys[-1])" if $x < .12 && @columns > @keys && $types->[-1] eq 'i' && maybe(.3);
    return 'SELECT ' . join(', ', @columns) . " FROM $from$where GROUP BY $by$having";
}

# A query with columns of the given types.
sub query {
    my ($depth, $types, $outer) = @_;
    my ($from, $scope) = from_clause($depth);
    my $where = where_clause($scope, $outer, $depth, .65);
    if (@$outer && maybe(.8)) {
        $where .= ($where eq '' ? ' WHERE ' : ' AND ') . join_predicate($scope, $outer);
    }
    my $count = @$types;
    my $sql;
    my $x = rand;
    if ($x < .28) { $sql = grouped($from, $scope, $where, $types) }
    elsif ($x < .34) { $sql = 'SELECT ' . join(', ', map { aggregate($scope, $_) } @$types) . " FROM $from$where" }
    elsif ($x < .39) {
        my @columns = map { expression($scope, $_) } @$types;
        return "SELECT DISTINCT ON (" . ($columns[0] =~ /^\d/ ? "coalesce($columns[0])" : $columns[0]) . ') '
            . join(', ', @columns) . " FROM $from$where ORDER BY " . join ', ', map { /^[\d'\$N]/ ? "coalesce($_)" : $_ } @columns;
    } else {
        my @columns = map { $_ eq 'i' && maybe(.08) ? window_function($scope) : expression($scope, $_) } @$types;
        $columns[-1] = '(SELECT ' . aggregate([base_relation('z')], $types->[-1]) . ' FROM ' . pick_table()
            . ' z WHERE ' . join_predicate([base_relation('z')], $scope) . ')' if maybe(.08);
        $sql = 'SELECT ' . any('', '', '', 'DISTINCT ') . join(', ', @columns) . " FROM $from$where";
    }
    if ($depth < 2 && maybe(.12)) {
        $sql .= any(' UNION ', ' UNION ALL ', ' EXCEPT ', ' EXCEPT ALL ', ' INTERSECT ')
            . (maybe(.8) ? 'SELECT * FROM (' . query(2, $types, $outer) . ') ' . fresh('u')
                         : 'VALUES (' . join(', ', map { constant($_) . $cast{$_} } @$types) . ')');
    }
    if (maybe($depth ? .1 : .3)) {
        $sql .= order_by_all($count) . (maybe(.6) ? limit_clause() : '');
    }
    return $sql;
}

sub with_clause {
    my @list;
    my $recursive = '';
    for (1 .. between(1, 2)) {
        my $name = fresh('w');
        my @types = some_types();
        my ($names, $columns) = named_columns(@types);
        if (maybe(.12)) {
            my ($source, $relation) = named_relation();
            my ($again, $next) = named_relation();
            $recursive = 'RECURSIVE ';
            push @list, "$name(c1) AS (SELECT " . column([$relation], 'i') . " FROM $source WHERE "
                . simple_predicate([$relation]) . " UNION SELECT " . column([$next], 'i')
                . " FROM $name JOIN $again ON $name.c1 = " . column([$next], 'i') . ')';
            $columns = { c1 => 'i' };
        } else {
            push @list, "$name($names) AS " . any('', '', 'MATERIALIZED ', 'NOT MATERIALIZED ') . '('
                . query(1, \@types, []) . ')';
        }
        push @ctes, [$name, $columns];
    }
    return "WITH $recursive" . join(', ', @list) . ' ';
}

# One statement: { sql, ordered }.  What precedes the last one prepares it, unless it must be plain.
sub statement {
    my $plain = shift;
    start_statement(!$plain && maybe(.1) ? [] : undef);
    my $with = maybe(.12) ? with_clause() : '';
    my $sql = $with . query(0, [map { any(qw(i i i s n)) } 1 .. between(1, 4)], []);
    # Positions that are sorted by cover all columns, unless the last word is WITH TIES.
    my $ordered = $sql =~ / ORDER BY [^()]*$/ && $sql !~ /DISTINCT ON|WITH TIES$/ ? 1 : 0;
    if ($parameters && @$parameters) {
        my $types = join ', ', ('int') x @$parameters;
        my $mode = any(qw(auto force_generic_plan));
        $sql = "DEALLOCATE ALL;\nSET plan_cache_mode = $mode;\nPREPARE q($types) AS $sql;\nEXECUTE q("
            . join(', ', @$parameters) . ')';
    }
    return { sql => $sql, ordered => $ordered };
}

1;
