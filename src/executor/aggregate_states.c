/*
 * aggregate_states.c
 *	  Aggregates in two steps: transition states that travel from the shards to where they are
 *	  combined.
 *
 * Two aggregates stand for the two steps of any aggregate that has a combine function:
 *
 *	 partial_state(aggregate, arguments ...) -> bytea
 *			runs on the shards: the aggregate's transition function, and its state as bytes
 *	 combine_states(aggregate, argument types, bytea, NULL of the result's type)
 *			runs where the statement does: states from bytes, the combine and final functions
 *
 * States of type internal become bytes by the aggregate's own serialisation function.  Numbers,
 * times and arrays of them by their type's send function; all others by their text, with settings
 * under which it loses nothing, and without conversion between encodings.
 *
 * Invariants: (1) the functions of an aggregate are only called with the types that they were
 * declared for: partial_state() checks its arguments; (2) bytes reach a deserialisation function
 * only in plans that our planner has made: it marks its calls by a location that no text has.
 *
 * The steps of one row follow what the server's nodeAgg.c does for an aggregate of its own; memory
 * of a state is the aggregate context of the group.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_agg.h"
#include "parser/parse_coerce.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/expandeddatum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

#include "executor/executor_internal.h"

PG_FUNCTION_INFO_V1(partial_state_transition);
PG_FUNCTION_INFO_V1(partial_state_final);
PG_FUNCTION_INFO_V1(combine_states_transition);
PG_FUNCTION_INFO_V1(combine_states_final);

/* a function of the aggregate, ready to be called */
typedef struct StepFunction
{
	FmgrInfo	flinfo;
	int			nargs;
	bool		present;
} StepFunction;

/* what does not differ between groups; lives as long as the calling expression */
typedef struct StateKind
{
	Oid			aggregate;
	Oid			type;			/* of the state */
	int16		length;
	bool		byValue;
	bool		initIsNull;
	Datum		init;
	bool		binary;			/* by send and receive, not by text */
	StepFunction step;			/* transition or combine */
	StepFunction serialize;
	StepFunction deserialize;
	StepFunction final;
	FmgrInfo	output;			/* transition: send or output of the state's type */
	ValueInput	input;			/* combination: how states are read */
} StateKind;

/* the state of one group */
typedef struct CarriedState
{
	const StateKind *kind;
	Datum		value;
	bool		isNull;
	bool		untouched;		/* a strict function's first value becomes the state */
} CarriedState;

/* ---- what an aggregate is ---- */

static void
check_may_execute(Oid function, Oid role)
{
	if (compat_object_aclcheck(ProcedureRelationId, function, role, ACL_EXECUTE) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_FUNCTION, get_func_name(function));
}

static Oid
owner_of_function(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", function);
	owner = ((Form_pg_proc) GETSTRUCT(tuple))->proowner;
	ReleaseSysCache(tuple);
	return owner;
}

/* the aggregate's owner, not its user, must be allowed to call what it is made of */
static void
set_function(StateKind *kind, StepFunction *function, Oid oid, int nargs, Expr *expr)
{
	check_may_execute(oid, owner_of_function(kind->aggregate));
	function->present = true;
	function->nargs = nargs;
	fmgr_info(oid, &function->flinfo);
	fmgr_info_set_expr((Node *) expr, &function->flinfo);
}

static HeapTuple
get_aggregate(Oid aggregate)
{
	HeapTuple	tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(aggregate));
	Form_pg_aggregate form;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("function with OID %u is not an aggregate", aggregate)));
	form = (Form_pg_aggregate) GETSTRUCT(tuple);
	if (form->aggkind != AGGKIND_NORMAL || !OidIsValid(form->aggcombinefn) ||
		(form->aggtranstype == INTERNALOID && !OidIsValid(form->aggserialfn)))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("aggregate function %s cannot be computed in two steps",
						format_procedure(aggregate))));
	return tuple;
}

static void
read_init(StateKind *kind, HeapTuple tuple)
{
	Datum		initial = SysCacheGetAttr(AGGFNOID, tuple, Anum_pg_aggregate_agginitval,
									   &kind->initIsNull);
	Oid			input;
	Oid			ioparam;

	if (kind->initIsNull)
		return;
	getTypeInputInfo(kind->type, &input, &ioparam);
	kind->init = OidInputFunctionCall(input, TextDatumGetCString(initial), ioparam, -1);
}

/*
 * Everything about the aggregate for arguments of the given types, in the current memory context.
 */
static StateKind *
make_kind(Oid aggregate, Oid *types, int ntypes, Oid collation, bool combines, Oid resultType)
{
	StateKind  *kind = palloc0(sizeof(StateKind));
	HeapTuple	tuple = get_aggregate(aggregate);
	Form_pg_aggregate form = (Form_pg_aggregate) GETSTRUCT(tuple);
	Oid			stepOid = combines ? form->aggcombinefn : form->aggtransfn;
	Expr	   *expr;
	Oid			function;
	bool		isVarlena;

	check_may_execute(aggregate, GetUserId());
	kind->aggregate = aggregate;
	kind->type = resolve_aggregate_transtype(aggregate, form->aggtranstype, types, ntypes);
	get_typlenbyval(kind->type, &kind->length, &kind->byValue);
	read_init(kind, tuple);

	if (combines)
	{
		Oid			states[] = {kind->type, kind->type};

		build_aggregate_transfn_expr(states, 1, 0, false, kind->type, collation, stepOid,
									 InvalidOid, &expr, NULL);
		set_function(kind, &kind->step, stepOid, 2, expr);
	}
	else
	{
		build_aggregate_transfn_expr(types, ntypes, 0, false, kind->type, collation, stepOid,
									 InvalidOid, &expr, NULL);
		set_function(kind, &kind->step, stepOid, ntypes + 1, expr);
	}
	if (combines && OidIsValid(form->aggfinalfn))
	{
		int			nargs = form->aggfinalextra ? ntypes + 1 : 1;

		build_aggregate_finalfn_expr(types, nargs, kind->type, resultType, collation,
									 form->aggfinalfn, &expr);
		set_function(kind, &kind->final, form->aggfinalfn, nargs, expr);
	}

	if (kind->type == INTERNALOID)
	{
		build_aggregate_serialfn_expr(form->aggserialfn, &expr);
		set_function(kind, &kind->serialize, form->aggserialfn, 1, expr);
		build_aggregate_deserialfn_expr(form->aggdeserialfn, &expr);
		set_function(kind, &kind->deserialize, form->aggdeserialfn, 2, expr);
	}
	else
	{
		kind->binary = executor_type_is_plain_binary(kind->type);
		if (combines)
			executor_input_make(&kind->input, kind->type, -1, kind->binary);
		else
		{
			if (kind->binary)
				getTypeBinaryOutputInfo(kind->type, &function, &isVarlena);
			else
				getTypeOutputInfo(kind->type, &function, &isVarlena);
			fmgr_info(function, &kind->output);
		}
	}
	ReleaseSysCache(tuple);
	return kind;
}

/* ---- one step ---- */

static MemoryContext
aggregate_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "function %u called in non-aggregate context", fcinfo->flinfo->fn_oid);
	return context;
}

static CarriedState *
make_group(const StateKind *kind, MemoryContext context)
{
	MemoryContext caller = MemoryContextSwitchTo(context);
	CarriedState *group = palloc0(sizeof(CarriedState));

	group->kind = kind;
	group->isNull = kind->initIsNull;
	group->untouched = kind->initIsNull;
	if (!kind->initIsNull)
		group->value = datumCopy(kind->init, kind->byValue, kind->length);
	MemoryContextSwitchTo(caller);
	return group;
}

/* a new value of the state, moved to where it lives; the old one is freed */
static void
replace_value(CarriedState *group, Datum value, bool isNull, MemoryContext context)
{
	const StateKind *kind = group->kind;
	bool		same = DatumGetPointer(value) == DatumGetPointer(group->value);

	if (isNull)
		value = (Datum) 0;
	if (!kind->byValue && !same)
	{
		if (!isNull &&
			!(DatumIsReadWriteExpandedObject(value, false, kind->length) &&
			  MemoryContextGetParent(DatumGetEOHP(value)->eoh_context) == context))
		{
			MemoryContext caller = MemoryContextSwitchTo(context);

			value = datumCopy(value, false, kind->length);
			MemoryContextSwitchTo(caller);
		}
		if (!group->isNull)
		{
			if (DatumIsReadWriteExpandedObject(group->value, false, kind->length))
				DeleteExpandedObject(group->value);
			else
				pfree(DatumGetPointer(group->value));
		}
	}
	group->value = value;
	group->isNull = isNull;
}

/*
 * Calls the transition or combine function with the inputs; caller is the call of our aggregate's
 * function, whose context tells them that they run in an aggregate.
 */
static void
advance(CarriedState *group, FunctionCallInfo caller, NullableDatum *inputs, MemoryContext context)
{
	LOCAL_FCINFO(fcinfo, FUNC_MAX_ARGS);
	StepFunction *step = unconstify(StepFunction *, &group->kind->step);
	Datum		value;

	if (step->flinfo.fn_strict)
	{
		for (int i = 0; i < step->nargs - 1; i++)
		{
			if (inputs[i].isnull)
				return;
		}
		if (group->untouched)
		{
			group->untouched = false;
			replace_value(group, inputs[0].value, false, context);
			return;
		}
		if (group->isNull)
			return;
	}
	group->untouched = false;
	InitFunctionCallInfoData(*fcinfo, &step->flinfo, step->nargs, caller->fncollation,
							 caller->context, NULL);
	fcinfo->args[0].value = group->value;
	fcinfo->args[0].isnull = group->isNull;
	memcpy(&fcinfo->args[1], inputs, sizeof(NullableDatum) * (step->nargs - 1));
	value = FunctionCallInvoke(fcinfo);
	replace_value(group, value, fcinfo->isnull, context);
}

/* ---- on the shards ---- */

/* the actual arguments must be those that the aggregate was declared with */
static void
check_arguments(Oid aggregate, Oid *types, int ntypes)
{
	Oid		   *declared;
	int			ndeclared;
	bool		match;

	(void) get_func_signature(aggregate, &declared, &ndeclared);
	match = ndeclared == ntypes && !OidIsValid(get_func_variadictype(aggregate));
	for (int i = 0; match && i < ntypes; i++)
		match = declared[i] == types[i] || (IsPolymorphicType(declared[i]) &&
											!IsPolymorphicType(types[i])) ||
			declared[i] == ANYOID;
	if (!match)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("arguments do not match those of aggregate function %s",
						format_procedure(aggregate))));
	(void) enforce_generic_type_consistency(types, declared, ntypes, get_func_rettype(aggregate),
											false);
}

static StateKind *
partial_kind(FunctionCallInfo fcinfo)
{
	StateKind  *kind = fcinfo->flinfo->fn_extra;
	Oid			types[FUNC_MAX_ARGS];
	int			ntypes = PG_NARGS() - 2;
	MemoryContext caller;

	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the aggregate function must not be null")));
	if (kind != NULL && kind->aggregate == PG_GETARG_OID(1))
		return kind;

	for (int i = 0; i < ntypes; i++)
		types[i] = get_fn_expr_argtype(fcinfo->flinfo, i + 2);
	check_arguments(PG_GETARG_OID(1), types, ntypes);
	caller = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	kind = make_kind(PG_GETARG_OID(1), types, ntypes, PG_GET_COLLATION(), false, InvalidOid);
	MemoryContextSwitchTo(caller);
	fcinfo->flinfo->fn_extra = kind;
	return kind;
}

/* partial_state_transition(internal, regprocedure, VARIADIC "any") */
Datum
partial_state_transition(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	StateKind  *kind = partial_kind(fcinfo);
	CarriedState *group = PG_ARGISNULL(0) ? make_group(kind, context)
		: (CarriedState *) PG_GETARG_POINTER(0);

	if (group->kind->aggregate != kind->aggregate)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the aggregate function must be the same for all rows")));
	advance(group, fcinfo, &fcinfo->args[2], context);
	PG_RETURN_POINTER(group);
}

/* what comes first in the bytes of a state */
#define STATE_IS_NULL	'n'
#define STATE_HAS_VALUE	'v'

static bytea *
make_bytes(char kind, const char *data, int length)
{
	bytea	   *result = palloc(VARHDRSZ + 1 + length);

	SET_VARSIZE(result, VARHDRSZ + 1 + length);
	*VARDATA(result) = kind;
	memcpy(VARDATA(result) + 1, data, length);
	return result;
}

static bytea *
bytes_of_serialized(StateKind *kind, Datum value, fmNodePtr context)
{
	LOCAL_FCINFO(call, 1);
	bytea	   *bytes;

	InitFunctionCallInfoData(*call, &kind->serialize.flinfo, 1, InvalidOid, context, NULL);
	call->args[0].value = value;
	call->args[0].isnull = false;
	bytes = DatumGetByteaPP(FunctionCallInvoke(call));
	if (call->isnull)
		return make_bytes(STATE_IS_NULL, "", 0);
	return make_bytes(STATE_HAS_VALUE, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
}

/* partial_state_final(internal): the state as bytes; NULL when there were no rows */
Datum
partial_state_final(PG_FUNCTION_ARGS)
{
	CarriedState *group;
	StateKind  *kind;
	Datum		value;

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "partial_state_final called in non-aggregate context");
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	group = (CarriedState *) PG_GETARG_POINTER(0);
	kind = unconstify(StateKind *, group->kind);
	if (group->isNull)
		PG_RETURN_BYTEA_P(make_bytes(STATE_IS_NULL, "", 0));
	if (kind->serialize.present)
		PG_RETURN_BYTEA_P(bytes_of_serialized(kind, group->value, fcinfo->context));

	value = MakeExpandedObjectReadOnly(group->value, false, kind->length);
	if (kind->binary)
	{
		bytea	   *bytes = SendFunctionCall(&kind->output, value);

		PG_RETURN_BYTEA_P(make_bytes(STATE_HAS_VALUE, VARDATA(bytes), VARSIZE(bytes) - VARHDRSZ));
	}
	else
	{
		char	   *text = executor_lossless_text(&kind->output, value);

		PG_RETURN_BYTEA_P(make_bytes(STATE_HAS_VALUE, text, strlen(text)));
	}
}

/* ---- where they are combined ---- */

/* the constants of the call: they are known even when no row has come */
static StateKind *
combine_kind(FunctionCallInfo fcinfo)
{
	StateKind  *kind = fcinfo->flinfo->fn_extra;
	Aggref	   *call;
	Const	   *aggregate;
	Const	   *types;
	ArrayType  *array;
	MemoryContext caller;

	if (kind != NULL)
		return kind;
	call = AggGetAggref(fcinfo);
	if (call == NULL || call->location != PLAN_COMBINE_LOCATION)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("function combine_states cannot be called")));
	aggregate = castNode(Const, linitial_node(TargetEntry, call->args)->expr);
	types = castNode(Const, lsecond_node(TargetEntry, call->args)->expr);
	array = DatumGetArrayTypeP(types->constvalue);
	caller = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	kind = make_kind(DatumGetObjectId(aggregate->constvalue), (Oid *) ARR_DATA_PTR(array),
					 ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)), PG_GET_COLLATION(), true,
					 call->aggtype);
	MemoryContextSwitchTo(caller);
	fcinfo->flinfo->fn_extra = kind;
	return kind;
}

/* a state that has come as bytes, in the current context */
static NullableDatum
read_state(StateKind *kind, FunctionCallInfo caller, bytea *bytes)
{
	NullableDatum result = {(Datum) 0, true};
	const char *data = VARDATA_ANY(bytes) + 1;
	int			length = VARSIZE_ANY_EXHDR(bytes) - 1;
	LOCAL_FCINFO(call, 2);

	if (length < 0 || data[-1] != STATE_HAS_VALUE)
		return result;
	if (kind->deserialize.present)
	{
		InitFunctionCallInfoData(*call, &kind->deserialize.flinfo, 2, InvalidOid,
								 caller->context, NULL);
		call->args[0].value = PointerGetDatum(cstring_to_text_with_len(data, length));
		call->args[0].isnull = false;
		call->args[1].value = (Datum) 0;
		call->args[1].isnull = false;
		result.value = FunctionCallInvoke(call);
		result.isnull = call->isnull;
	}
	else if (kind->binary)
	{
		StringInfoData buffer;

		initStringInfo(&buffer);
		appendBinaryStringInfo(&buffer, data, length);
		result.value = executor_input_receive(&kind->input, &buffer);
		result.isnull = false;
	}
	else
	{
		result.value = executor_input_read(&kind->input, pnstrdup(data, length));
		result.isnull = false;
	}
	return result;
}

/* combine_states_transition(internal, regprocedure, oid[], bytea, anyelement) */
Datum
combine_states_transition(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	StateKind  *kind = combine_kind(fcinfo);
	CarriedState *group = PG_ARGISNULL(0) ? make_group(kind, context)
		: (CarriedState *) PG_GETARG_POINTER(0);

	if (!PG_ARGISNULL(3))
	{
		NullableDatum state = read_state(kind, fcinfo, PG_GETARG_BYTEA_PP(3));

		advance(group, fcinfo, &state, context);
	}
	PG_RETURN_POINTER(group);
}

/* combine_states_final(internal, regprocedure, oid[], bytea, anyelement) */
Datum
combine_states_final(PG_FUNCTION_ARGS)
{
	CarriedState *group;
	StateKind  *kind;
	LOCAL_FCINFO(call, FUNC_MAX_ARGS);
	Datum		result;
	bool		anyNull;

	group = PG_ARGISNULL(0) ? make_group(combine_kind(fcinfo), aggregate_context(fcinfo))
		: (CarriedState *) PG_GETARG_POINTER(0);
	kind = unconstify(StateKind *, group->kind);
	if (!kind->final.present)
	{
		if (group->isNull)
			PG_RETURN_NULL();
		PG_RETURN_DATUM(datumCopy(group->value, kind->byValue, kind->length));
	}

	InitFunctionCallInfoData(*call, &kind->final.flinfo, kind->final.nargs, fcinfo->fncollation,
							 fcinfo->context, NULL);
	call->args[0].value = MakeExpandedObjectReadOnly(group->value, group->isNull, kind->length);
	call->args[0].isnull = group->isNull;
	anyNull = group->isNull;
	for (int i = 1; i < kind->final.nargs; i++)
	{
		call->args[i].value = (Datum) 0;
		call->args[i].isnull = true;
		anyNull = true;
	}
	if (kind->final.flinfo.fn_strict && anyNull)
		PG_RETURN_NULL();
	result = FunctionCallInvoke(call);
	if (call->isnull)
		PG_RETURN_NULL();
	return result;
}
