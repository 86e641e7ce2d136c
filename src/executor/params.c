/*
 * params.c
 *	  Values on their way to other nodes and back: parameters out, rows in.
 *
 * Binary is used where it means the same on every node: built-in types whose binary form holds no
 * OIDs, and only while client_encoding is the database's (the send and receive functions of text
 * types convert to and from client_encoding, but the connection between nodes does not use it).
 */
#include "postgres.h"
#include "access/transam.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/typcache.h"
#include "citus/routing/routing.h"
#include "executor/executor_internal.h"

/* of functions that get parameters; besides them, such a call has a few arguments of its own */
#define MAX_ARGUMENTS	(FUNC_MAX_ARGS - 4)
/* more than these go into several rows: a row has fewer columns than a statement parameters */
#define MAX_IN_ROW		1000

/* ---- which types ---- */

bool
executor_type_is_binary(Oid type)
{
	HeapTuple	tuple;
	Form_pg_type form;
	Oid			element;
	bool		result;

	/* the commonest, without a look into the catalog */
	if (type == INT4OID || type == INT8OID || type == TEXTOID || type == NUMERICOID)
		return true;
	if (type >= FirstGenbkiObjectId || OidIsValid(routing_object_class(type)))
		return false;

	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_type) GETSTRUCT(tuple);
	element = form->typsubscript == F_ARRAY_SUBSCRIPT_HANDLER ? form->typelem : InvalidOid;
	result = form->typtype != TYPTYPE_PSEUDO && form->typtype != TYPTYPE_COMPOSITE &&
		OidIsValid(form->typsend) && OidIsValid(form->typreceive) &&
		type != PG_NODE_TREEOID && type != PG_NDISTINCTOID &&
		type != PG_DEPENDENCIESOID && type != PG_MCV_LISTOID;
	ReleaseSysCache(tuple);

	if (result && OidIsValid(element))
		return executor_type_is_binary(element);
	return result;
}

bool
executor_type_is_plain_binary(Oid type)
{
	char		category;
	bool		preferred;
	Oid			element = get_element_type(type);

	if (!executor_type_is_binary(type))
		return false;
	if (type == UUIDOID)
		return true;
	get_type_category_preferred(OidIsValid(element) ? element : type, &category, &preferred);
	return category == TYPCATEGORY_NUMERIC || category == TYPCATEGORY_DATETIME ||
		category == TYPCATEGORY_TIMESPAN || category == TYPCATEGORY_BOOLEAN;
}

char *
executor_lossless_text(FmgrInfo *output, Datum value)
{
	int			level = NewGUCNestLevel();
	char	   *result;

	(void) set_config_option("extra_float_digits", "3", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	(void) set_config_option("datestyle", "ISO", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
	(void) set_config_option("intervalstyle", "postgres", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	result = OutputFunctionCall(output, value);
	AtEOXact_GUC(true, level);
	return result;
}

bool
executor_binary_allowed(void)
{
	return executor_binary_enabled && pg_get_client_encoding() == GetDatabaseEncoding();
}

/* ---- parameters ---- */

ExecutorParams *
executor_params_make(int n)
{
	ExecutorParams *params = palloc0(sizeof(ExecutorParams));

	params->n = n;
	params->types = palloc0(sizeof(Oid) * Max(n, 1));
	params->values = palloc0(sizeof(Datum) * Max(n, 1));
	params->nulls = palloc0(sizeof(bool) * Max(n, 1));
	return params;
}

ExecutorParams *
executor_params_behind(const ExecutorParams *params, int n)
{
	int			after = params == NULL ? 0 : params->n;
	ExecutorParams *result = executor_params_make(n + after);

	for (int i = 0; i < after; i++)
	{
		result->types[n + i] = params->types[i];
		result->values[n + i] = params->values[i];
		result->nulls[n + i] = params->nulls[i];
	}
	return result;
}

void
executor_wrap_arguments(StringInfo sql, List *params, int n)
{
	int			inRow = list_length(params) + n > MAX_ARGUMENTS ? MAX_IN_ROW : 0;
	ListCell   *cell;

	foreach(cell, params)
	{
		int			i = foreach_current_index(cell);
		bool		opens = inRow > 0 && i % inRow == 0;

		if (opens && i > 0)
			appendStringInfoChar(sql, ')');
		appendStringInfo(sql, ", %s$%d::%s", opens ? "ROW(" : "", i + n + 1,
						 format_type_extended(exprType(lfirst(cell)), -1,
											  FORMAT_TYPE_TYPEMOD_GIVEN |
											  FORMAT_TYPE_FORCE_QUALIFY));
	}
	appendStringInfoString(sql, inRow > 0 ? "))" : ")");
}

static void
set_param(ParamListInfo params, int i, Oid type, Datum value, bool isNull)
{
	params->params[i].ptype = type;
	params->params[i].value = value;
	params->params[i].isnull = isNull;
	params->params[i].pflags = PARAM_FLAG_CONST;
}

/* the columns of a row as parameters, behind the ndone of *params, which is made larger */
static int
take_row(ParamListInfo *params, int ndone, HeapTupleHeader row)
{
	TupleDesc	desc = lookup_rowtype_tupdesc_copy(HeapTupleHeaderGetTypeId(row),
												   HeapTupleHeaderGetTypMod(row));
	Datum	   *values = palloc(sizeof(Datum) * desc->natts);
	bool	   *nulls = palloc(sizeof(bool) * desc->natts);
	ParamListInfo larger = makeParamList((*params)->numParams + desc->natts - 1);
	HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(row),.t_data = row};

	heap_deform_tuple(&tuple, desc, values, nulls);
	memcpy(larger->params, (*params)->params, sizeof(ParamExternData) * ndone);
	for (int i = 0; i < desc->natts; i++)
		set_param(larger, ndone + i, TupleDescAttr(desc, i)->atttypid, values[i], nulls[i]);
	*params = larger;
	return ndone + desc->natts;
}

ParamListInfo
executor_wrapped_params(FunctionCallInfo fcinfo, int first)
{
	ParamListInfo params = PG_NARGS() > first ? makeParamList(PG_NARGS() - first) : NULL;
	int			n = 0;

	for (int i = first; i < PG_NARGS(); i++)
	{
		Oid			type = get_fn_expr_argtype(fcinfo->flinfo, i);

		if (type == RECORDOID && !PG_ARGISNULL(i))
			n = take_row(&params, n, PG_GETARG_HEAPTUPLEHEADER(i));
		else
			set_param(params, n++, type, PG_GETARG_DATUM(i), PG_ARGISNULL(i));
	}
	return params;
}

/* the client's parameter without an expression state; false if it has to be evaluated properly */
static bool
fetch_extern_param(Param *param, ParamListInfo list, Datum *value, bool *isNull)
{
	ParamExternData workspace;
	ParamExternData *data;

	if (param->paramkind != PARAM_EXTERN || list == NULL ||
		param->paramid <= 0 || param->paramid > list->numParams)
		return false;

	if (list->paramFetch != NULL)
		data = list->paramFetch(list, param->paramid, false, &workspace);
	else
		data = &list->params[param->paramid - 1];
	if (data->ptype != param->paramtype)
		return false;
	*value = data->value;
	*isNull = data->isnull;
	return true;
}

/* The value lives in econtext's per-tuple memory, which the caller keeps. */
Datum
executor_expr_evaluate(Expr *expr, PlanState *parent, ExprContext *econtext, bool *isNull)
{
	Datum		value;
	ExprState  *state;
	int			nsubplans;

	if (IsA(expr, Const))
	{
		*isNull = ((Const *) expr)->constisnull;
		return ((Const *) expr)->constvalue;
	}
	if (IsA(expr, Param) &&
		fetch_extern_param((Param *) expr, econtext->ecxt_param_list_info, &value, isNull))
		return value;

	fix_opfuncids((Node *) expr);
	nsubplans = parent == NULL ? 0 : list_length(parent->subPlan);
	state = ExecInitExpr(expr, parent);
	value = ExecEvalExprSwitchContext(state, econtext, isNull);
	/* the node has its sub-plans' states already; these do not outlive econtext */
	if (parent != NULL)
		parent->subPlan = list_truncate(parent->subPlan, nsubplans);
	return value;
}

ExecutorParams *
executor_params_evaluate(List *exprs, PlanState *parent, ExprContext *econtext)
{
	ExecutorParams *params = executor_params_make(list_length(exprs));
	ListCell   *cell;
	int			i = 0;

	foreach(cell, exprs)
	{
		Expr	   *expr = lfirst(cell);

		params->types[i] = exprType((Node *) expr);
		params->values[i] = executor_expr_evaluate(expr, parent, econtext, &params->nulls[i]);
		i++;
	}
	return params;
}

/* how values of one type leave */
typedef struct TypeOutput
{
	Oid			type;
	bool		binary;
	FmgrInfo	function;
} TypeOutput;

/* looked up once a type: a batch of rows repeats its columns' types */
static TypeOutput *
find_output(TypeOutput *outputs, int *noutputs, Oid type, bool binaryAllowed)
{
	TypeOutput *output;
	Oid			function;
	bool		isVarlena;

	for (int i = 0; i < *noutputs; i++)
	{
		if (outputs[i].type == type)
			return &outputs[i];
	}

	output = &outputs[(*noutputs)++];
	output->type = type;
	output->binary = binaryAllowed && executor_type_is_binary(type);
	if (output->binary)
		fmgr_info_copy(&output->function, &executor_binary_functions(type)->send,
					   CurrentMemoryContext);
	else
	{
		getTypeOutputInfo(type, &function, &isVarlena);
		fmgr_info(function, &output->function);
	}
	return output;
}

static int
count_types(const ExecutorParams *params)
{
	List	   *types = NIL;
	int			count;

	for (int i = 0; i < params->n; i++)
		types = list_append_unique_oid(types, params->types[i]);
	count = list_length(types);
	list_free(types);
	return count;
}

void
executor_params_encode(ExecutorParams *params)
{
	TypeOutput *outputs;
	int			noutputs = 0;
	bool		binaryAllowed;
	MemoryContext caller;

	if (params->encoded)
		return;

	/* as long as the parameters themselves: EXPLAIN sends them again after the run */
	caller = MemoryContextSwitchTo(GetMemoryChunkContext(params));
	binaryAllowed = executor_binary_allowed();
	outputs = palloc(sizeof(TypeOutput) * Max(count_types(params), 1));
	params->wireTypes = palloc0(sizeof(Oid) * Max(params->n, 1));
	params->wireValues = palloc0(sizeof(char *) * Max(params->n, 1));
	params->wireLengths = palloc0(sizeof(int) * Max(params->n, 1));
	params->wireFormats = palloc0(sizeof(int) * Max(params->n, 1));

	for (int i = 0; i < params->n; i++)
	{
		TypeOutput *output = find_output(outputs, &noutputs, params->types[i], binaryAllowed);

		/* types of users have other OIDs elsewhere: their parameters are cast in the text */
		if (params->types[i] < FirstGenbkiObjectId)
			params->wireTypes[i] = params->types[i];
		params->wireFormats[i] = output->binary ? 1 : 0;
		if (params->nulls[i])
			continue;
		if (output->binary)
		{
			bytea	   *bytes = SendFunctionCall(&output->function, params->values[i]);

			params->wireValues[i] = VARDATA(bytes);
			params->wireLengths[i] = VARSIZE(bytes) - VARHDRSZ;
		}
		else
		{
			char	   *text = OutputFunctionCall(&output->function, params->values[i]);

			params->wireValues[i] = text;
			params->wireLengths[i] = strlen(text);
		}
	}
	params->encoded = true;
	MemoryContextSwitchTo(caller);
}

/* NULL for no parameters */
ParamListInfo
executor_params_list(const ExecutorParams *params)
{
	ParamListInfo list;

	if (params == NULL || params->n == 0)
		return NULL;

	list = makeParamList(params->n);
	for (int i = 0; i < params->n; i++)
	{
		list->params[i].value = params->values[i];
		list->params[i].isnull = params->nulls[i];
		list->params[i].pflags = PARAM_FLAG_CONST;
		list->params[i].ptype = params->types[i];
	}
	return list;
}

/* ---- rows ---- */

/* the arrays in one piece, widest first: a short statement reads one row */
static RowReader *
alloc_reader(int natts)
{
	RowReader  *reader = palloc0(sizeof(RowReader) + natts *
								 (sizeof(ValueInput) + sizeof(Datum) + sizeof(int) + sizeof(bool)));

	reader->inputs = (ValueInput *) (reader + 1);
	reader->values = (Datum *) (reader->inputs + natts);
	reader->attributes = (int *) (reader->values + natts);
	reader->nulls = (bool *) (reader->attributes + natts);
	return reader;
}

RowReader *
executor_reader_make(TupleDesc desc)
{
	RowReader  *reader = alloc_reader(desc->natts);

	reader->desc = desc;
	reader->binary = executor_binary_allowed();
	reader->rowContext = AllocSetContextCreate(CurrentMemoryContext, "citus row",
											   ALLOCSET_DEFAULT_SIZES);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (attribute->attisdropped)
		{
			reader->hasGaps = true;
			continue;
		}
		reader->attributes[reader->ncolumns++] = i;
		if (reader->binary && !executor_type_is_binary(attribute->atttypid))
			reader->binary = false;
	}

	for (int c = 0; c < reader->ncolumns; c++)
	{
		int			i = reader->attributes[c];
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		executor_input_make(&reader->inputs[i], attribute->atttypid, attribute->atttypmod,
							reader->binary);
	}
	return reader;
}

MemoryContext
executor_reader_sink_context(RowReader *reader)
{
	if (reader->sinkContext == NULL)
		reader->sinkContext = AllocSetContextCreate(GetMemoryChunkContext(reader),
													"citus stored row", ALLOCSET_DEFAULT_SIZES);
	return reader->sinkContext;
}

/* libpq ends each value with a NUL, as receive functions expect; nothing is copied */
static Datum
receive_binary(RowReader *reader, int i, const char *value, int length)
{
	StringInfoData buffer;
	Datum		datum;

	buffer.data = unconstify(char *, value);
	buffer.len = length;
	buffer.maxlen = length + 1;
	buffer.cursor = 0;

	datum = executor_input_receive(&reader->inputs[i], &buffer);
	if (buffer.cursor != length)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("incorrect binary data format in column %d of a remote result", i + 1)));
	return datum;
}

static void
check_columns(RowReader *reader, const RemoteAnswer *answer)
{
	if (answer->ncolumns != reader->ncolumns)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("remote result has %d columns where %d were expected",
						answer->ncolumns, reader->ncolumns)));
	if (answer->binary != reader->binary && reader->ncolumns > 0)
		elog(ERROR, "remote result has an unexpected format");
}

void
executor_reader_decode(RowReader *reader, const RemoteAnswer *answer, MemoryContext context,
					   Datum *values, bool *nulls)
{
	MemoryContext caller;

	check_columns(reader, answer);
	MemoryContextReset(context);
	caller = MemoryContextSwitchTo(context);

	if (reader->hasGaps)
		memset(nulls, true, sizeof(bool) * reader->desc->natts);

	for (int c = 0; c < reader->ncolumns; c++)
	{
		int			i = reader->attributes[c];
		const char *value = answer->values[c];

		nulls[i] = value == NULL;
		if (value == NULL)
			values[i] = (Datum) 0;
		else if (reader->binary)
			values[i] = receive_binary(reader, i, value, answer->lengths[c]);
		else
			values[i] = executor_input_read(&reader->inputs[i], unconstify(char *, value));
	}
	MemoryContextSwitchTo(caller);
}
