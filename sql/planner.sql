-- what plans refer to by name

-- the rows of a fragment; its argument is the address of a plan, so nobody may call it
CREATE FUNCTION citus_internal.fragment_rows(bigint)
RETURNS SETOF record
LANGUAGE C STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'fragment_rows';

-- what a row fails with that a view WITH CHECK OPTION would not show
CREATE FUNCTION citus_internal.raise_check_option(view_name text, relation oid, given text,
    new_row record)
RETURNS boolean
LANGUAGE C VOLATILE
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

-- key_values: how many values the key column has, as pg_statistic.stadistinct has it: less than 0,
-- a share of the rows
CREATE FUNCTION citus_internal.unpack_rows(data bytea, key_column integer,
										   key_values real DEFAULT -1)
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

-- aggregates of values of fixed length: sorted runs of them, made on the shards ...
CREATE FUNCTION citus_internal.pack_values_transition(internal, anyelement)
RETURNS internal
LANGUAGE C
AS 'MODULE_PATHNAME', 'pack_values_transition';

CREATE FUNCTION citus_internal.pack_distinct_values_transition(internal, anyelement)
RETURNS internal
LANGUAGE C
AS 'MODULE_PATHNAME', 'pack_distinct_values_transition';

CREATE FUNCTION citus_internal.pack_values_final(internal)
RETURNS bytea
LANGUAGE C
AS 'MODULE_PATHNAME', 'pack_values_final';

CREATE AGGREGATE citus_internal.pack_values(anyelement) (
	sfunc = citus_internal.pack_values_transition,
	stype = internal,
	sspace = 1024,
	finalfunc = citus_internal.pack_values_final,
	finalfunc_modify = shareable
);

CREATE AGGREGATE citus_internal.pack_distinct_values(anyelement) (
	sfunc = citus_internal.pack_distinct_values_transition,
	stype = internal,
	sspace = 1024,
	finalfunc = citus_internal.pack_values_final,
	finalfunc_modify = shareable
);

-- which part of a group a row of many belongs to; immutable, because any cut gives the same results
CREATE FUNCTION citus_internal.packed_part(anyelement)
RETURNS integer
LANGUAGE C IMMUTABLE
AS 'MODULE_PATHNAME', 'packed_part';

-- ... and what is taken from the runs of all shards; a NULL says which type the values have
CREATE FUNCTION citus_internal.packed_runs_transition(internal, bytea)
RETURNS internal
LANGUAGE C
AS 'MODULE_PATHNAME', 'packed_runs_transition';

CREATE FUNCTION citus_internal.packed_percentile_cont_final(internal, double precision, boolean)
RETURNS double precision
LANGUAGE C
AS 'MODULE_PATHNAME', 'packed_percentile_cont';

CREATE FUNCTION citus_internal.packed_percentile_cont_final(internal, double precision[], boolean)
RETURNS double precision[]
LANGUAGE C
AS 'MODULE_PATHNAME', 'packed_percentile_cont_multi';

CREATE FUNCTION citus_internal.packed_percentile_disc_final(internal, double precision, anyelement,
															boolean)
RETURNS anyelement
LANGUAGE C
AS 'MODULE_PATHNAME', 'packed_percentile_disc';

CREATE FUNCTION citus_internal.packed_percentile_disc_final(internal, double precision[],
															anyelement, boolean)
RETURNS anyarray
LANGUAGE C
AS 'MODULE_PATHNAME', 'packed_percentile_disc_multi';

CREATE FUNCTION citus_internal.packed_mode_final(internal, anyelement, boolean)
RETURNS anyelement
LANGUAGE C
AS 'MODULE_PATHNAME', 'packed_mode';

CREATE FUNCTION citus_internal.packed_count_final(internal)
RETURNS bigint
LANGUAGE C
AS 'MODULE_PATHNAME', 'packed_count';

CREATE AGGREGATE citus_internal.packed_percentile_cont(double precision, boolean ORDER BY bytea) (
	sfunc = citus_internal.packed_runs_transition,
	stype = internal,
	finalfunc = citus_internal.packed_percentile_cont_final,
	finalfunc_modify = shareable
);

CREATE AGGREGATE citus_internal.packed_percentile_cont(double precision[], boolean ORDER BY bytea) (
	sfunc = citus_internal.packed_runs_transition,
	stype = internal,
	finalfunc = citus_internal.packed_percentile_cont_final,
	finalfunc_modify = shareable
);

CREATE AGGREGATE citus_internal.packed_percentile_disc(double precision, anyelement, boolean
													   ORDER BY bytea) (
	sfunc = citus_internal.packed_runs_transition,
	stype = internal,
	finalfunc = citus_internal.packed_percentile_disc_final,
	finalfunc_modify = shareable
);

CREATE AGGREGATE citus_internal.packed_percentile_disc(double precision[], anyelement, boolean
													   ORDER BY bytea) (
	sfunc = citus_internal.packed_runs_transition,
	stype = internal,
	finalfunc = citus_internal.packed_percentile_disc_final,
	finalfunc_modify = shareable
);

CREATE AGGREGATE citus_internal.packed_mode(anyelement, boolean ORDER BY bytea) (
	sfunc = citus_internal.packed_runs_transition,
	stype = internal,
	finalfunc = citus_internal.packed_mode_final,
	finalfunc_modify = shareable
);

CREATE AGGREGATE citus_internal.packed_count(ORDER BY bytea) (
	sfunc = citus_internal.packed_runs_transition,
	stype = internal,
	finalfunc = citus_internal.packed_count_final,
	finalfunc_modify = shareable
);

-- the same from values of any type and how often each of them occurs
CREATE FUNCTION citus_internal.weighted_transition(internal, anyelement, bigint)
RETURNS internal
LANGUAGE C
AS 'MODULE_PATHNAME', 'weighted_transition';

CREATE FUNCTION citus_internal.weighted_percentile_cont_final(internal, double precision, boolean,
														  double precision, bigint)
RETURNS double precision
LANGUAGE C
AS 'MODULE_PATHNAME', 'weighted_percentile_cont';

CREATE FUNCTION citus_internal.weighted_percentile_cont_final(internal, double precision[], boolean,
														  double precision, bigint)
RETURNS double precision[]
LANGUAGE C
AS 'MODULE_PATHNAME', 'weighted_percentile_cont_multi';

CREATE FUNCTION citus_internal.weighted_percentile_cont_final(internal, double precision, boolean,
														  interval, bigint)
RETURNS interval
LANGUAGE C
AS 'MODULE_PATHNAME', 'weighted_percentile_cont';

CREATE FUNCTION citus_internal.weighted_percentile_cont_final(internal, double precision[], boolean,
														  interval, bigint)
RETURNS interval[]
LANGUAGE C
AS 'MODULE_PATHNAME', 'weighted_percentile_cont_multi';

CREATE FUNCTION citus_internal.weighted_percentile_disc_final(internal, double precision, boolean,
														  anyelement, bigint)
RETURNS anyelement
LANGUAGE C
AS 'MODULE_PATHNAME', 'weighted_percentile_disc';

CREATE FUNCTION citus_internal.weighted_percentile_disc_final(internal, double precision[], boolean,
														  anyelement, bigint)
RETURNS anyarray
LANGUAGE C
AS 'MODULE_PATHNAME', 'weighted_percentile_disc_multi';

CREATE FUNCTION citus_internal.weighted_mode_final(internal, boolean, anyelement, bigint)
RETURNS anyelement
LANGUAGE C
AS 'MODULE_PATHNAME', 'weighted_mode';

CREATE AGGREGATE citus_internal.weighted_percentile_cont(double precision, boolean ORDER BY double precision, bigint) (
	sfunc = citus_internal.weighted_transition,
	stype = internal,
	finalfunc = citus_internal.weighted_percentile_cont_final,
	finalfunc_extra
);

CREATE AGGREGATE citus_internal.weighted_percentile_cont(double precision[], boolean ORDER BY double precision, bigint) (
	sfunc = citus_internal.weighted_transition,
	stype = internal,
	finalfunc = citus_internal.weighted_percentile_cont_final,
	finalfunc_extra
);

CREATE AGGREGATE citus_internal.weighted_percentile_cont(double precision, boolean ORDER BY interval, bigint) (
	sfunc = citus_internal.weighted_transition,
	stype = internal,
	finalfunc = citus_internal.weighted_percentile_cont_final,
	finalfunc_extra
);

CREATE AGGREGATE citus_internal.weighted_percentile_cont(double precision[], boolean ORDER BY interval, bigint) (
	sfunc = citus_internal.weighted_transition,
	stype = internal,
	finalfunc = citus_internal.weighted_percentile_cont_final,
	finalfunc_extra
);

CREATE AGGREGATE citus_internal.weighted_percentile_disc(double precision, boolean ORDER BY anyelement, bigint) (
	sfunc = citus_internal.weighted_transition,
	stype = internal,
	finalfunc = citus_internal.weighted_percentile_disc_final,
	finalfunc_extra
);

CREATE AGGREGATE citus_internal.weighted_percentile_disc(double precision[], boolean ORDER BY anyelement, bigint) (
	sfunc = citus_internal.weighted_transition,
	stype = internal,
	finalfunc = citus_internal.weighted_percentile_disc_final,
	finalfunc_extra
);

CREATE AGGREGATE citus_internal.weighted_mode(boolean ORDER BY anyelement, bigint) (
	sfunc = citus_internal.weighted_transition,
	stype = internal,
	finalfunc = citus_internal.weighted_mode_final,
	finalfunc_extra
);
