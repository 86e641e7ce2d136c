-- what plans refer to by name

-- the rows of a fragment; its argument is the address of a plan, so nobody may call it
CREATE FUNCTION citus_internal.fragment_rows(bigint)
RETURNS SETOF record
LANGUAGE C STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'fragment_rows';

-- sums of partial results in the type of one server's result
CREATE AGGREGATE citus_internal.count_sum(bigint) (
	sfunc = pg_catalog.int8pl,
	stype = bigint,
	combinefunc = pg_catalog.int8pl,
	initcond = '0',
	parallel = safe
);

CREATE AGGREGATE citus_internal.bigint_sum(bigint) (
	sfunc = pg_catalog.int8pl,
	stype = bigint,
	combinefunc = pg_catalog.int8pl,
	parallel = safe
);
