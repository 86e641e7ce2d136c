-- what plans refer to by name

-- the rows of a fragment; its argument is the address of a plan, so nobody may call it
CREATE FUNCTION citus_internal.fragment_rows(bigint)
RETURNS SETOF record
LANGUAGE C STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'fragment_rows';

-- what a row fails with that a view WITH CHECK OPTION would not show
CREATE FUNCTION citus_internal.raise_check_option(view_name text)
RETURNS boolean
LANGUAGE C STRICT VOLATILE
AS 'MODULE_PATHNAME', 'raise_check_option';

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

-- the two steps of any aggregate that can combine its states: on the shards, and above them
CREATE FUNCTION citus_internal.partial_state_transition(internal, regprocedure, VARIADIC "any")
RETURNS internal
LANGUAGE C
AS 'MODULE_PATHNAME', 'partial_state_transition';

CREATE FUNCTION citus_internal.partial_state_final(internal)
RETURNS bytea
LANGUAGE C
AS 'MODULE_PATHNAME', 'partial_state_final';

CREATE AGGREGATE citus_internal.partial_state(regprocedure, VARIADIC "any") (
	sfunc = citus_internal.partial_state_transition,
	stype = internal,
	finalfunc = citus_internal.partial_state_final
);

CREATE FUNCTION citus_internal.combine_states_transition(internal, regprocedure, oid[], bytea,
														 anyelement)
RETURNS internal
LANGUAGE C
AS 'MODULE_PATHNAME', 'combine_states_transition';

CREATE FUNCTION citus_internal.combine_states_final(internal, regprocedure, oid[], bytea,
													anyelement)
RETURNS anyelement
LANGUAGE C
AS 'MODULE_PATHNAME', 'combine_states_final';

-- only plans may call it: its bytes are taken for a state of the aggregate
CREATE AGGREGATE citus_internal.combine_states(regprocedure, oid[], bytea, anyelement) (
	sfunc = citus_internal.combine_states_transition,
	stype = internal,
	finalfunc = citus_internal.combine_states_final,
	finalfunc_extra
);

-- rows that move from shard to shard: cut into buckets and packed, and unpacked again
CREATE FUNCTION citus_internal.pack_rows(query text, key_column integer, bounds integer[],
										 route bytea, VARIADIC parameters "any",
										 OUT bucket integer, OUT data bytea)
RETURNS SETOF record
LANGUAGE C
AS 'MODULE_PATHNAME', 'pack_rows';

CREATE FUNCTION citus_internal.unpack_rows_support(internal)
RETURNS internal
LANGUAGE C STRICT
AS 'MODULE_PATHNAME', 'unpack_rows_support';

CREATE FUNCTION citus_internal.unpack_rows(data bytea, key_column integer)
RETURNS SETOF record
LANGUAGE C STRICT IMMUTABLE PARALLEL RESTRICTED
SUPPORT citus_internal.unpack_rows_support
AS 'MODULE_PATHNAME', 'unpack_rows';

-- Where they wait on a node: only who knows the key of a statement, which is random, and works as
-- the same role, can bring rows or read them; the files are temporary ones.
CREATE FUNCTION citus_internal.exchange_open(key bytea)
RETURNS boolean
LANGUAGE C STRICT
AS 'MODULE_PATHNAME', 'exchange_open';

CREATE FUNCTION citus_internal.exchange_close(key bytea)
RETURNS void
LANGUAGE C STRICT
AS 'MODULE_PATHNAME', 'exchange_close';

CREATE FUNCTION citus_internal.exchange_put(key bytea, data bytea, OUT file integer,
											OUT place bigint)
RETURNS record
LANGUAGE C STRICT
AS 'MODULE_PATHNAME', 'exchange_put';
