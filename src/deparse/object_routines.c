/*
 * object_routines.c
 *	  Functions, procedures and aggregates as statements.
 *
 * The server prints functions and procedures; aggregates it does not.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

#include "deparse/deparse_internal.h"


/* ", OPTION = schema.function" unless there is none */
static void
append_support(StringInfo out, const char *option, Oid function)
{
	if (OidIsValid(function))
		appendStringInfo(out, ", %s = %s", option,
						 deparse_name_in_schema(get_func_namespace(function),
												get_func_name(function)));
}

static const char *
modify_word(char modify)
{
	switch (modify)
	{
		case AGGMODIFY_READ_ONLY:
			return "READ_ONLY";
		case AGGMODIFY_SHAREABLE:
			return "SHAREABLE";
		default:
			return "READ_WRITE";
	}
}

static const char *
parallel_word(char parallel)
{
	switch (parallel)
	{
		case PROPARALLEL_SAFE:
			return "SAFE";
		case PROPARALLEL_RESTRICTED:
			return "RESTRICTED";
		default:
			return "UNSAFE";
	}
}

static void
append_initial(StringInfo out, const char *option, HeapTuple tuple, AttrNumber attno)
{
	bool		isNull;
	Datum		value = SysCacheGetAttr(AGGFNOID, tuple, attno, &isNull);

	if (!isNull)
		appendStringInfo(out, ", %s = %s", option,
						 quote_literal_cstr(TextDatumGetCString(value)));
}

static void
append_moving(StringInfo out, HeapTuple tuple, Form_pg_aggregate aggregate)
{
	if (!OidIsValid(aggregate->aggmtransfn))
		return;
	append_support(out, "MSFUNC", aggregate->aggmtransfn);
	append_support(out, "MINVFUNC", aggregate->aggminvtransfn);
	appendStringInfo(out, ", MSTYPE = %s, MSSPACE = %d",
					 format_type_be_qualified(aggregate->aggmtranstype),
					 aggregate->aggmtransspace);
	append_support(out, "MFINALFUNC", aggregate->aggmfinalfn);
	if (aggregate->aggmfinalextra)
		appendStringInfoString(out, ", MFINALFUNC_EXTRA");
	appendStringInfo(out, ", MFINALFUNC_MODIFY = %s", modify_word(aggregate->aggmfinalmodify));
	append_initial(out, "MINITCOND", tuple, Anum_pg_aggregate_aggminitval);
}

static void
append_sort_operator(StringInfo out, Oid operatorId)
{
	HeapTuple	tuple;
	Form_pg_operator form;

	if (!OidIsValid(operatorId))
		return;
	tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(operatorId));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for operator %u", operatorId);
	form = (Form_pg_operator) GETSTRUCT(tuple);
	appendStringInfo(out, ", SORTOP = OPERATOR(%s.%s)",
					 quote_identifier(get_namespace_name(form->oprnamespace)),
					 NameStr(form->oprname));
	ReleaseSysCache(tuple);
}

static char *
aggregate_text(const char *name, Form_pg_proc proc)
{
	HeapTuple	tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(proc->oid));
	Form_pg_aggregate aggregate;
	Datum		arguments;
	StringInfoData out;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for aggregate %u", proc->oid);
	aggregate = (Form_pg_aggregate) GETSTRUCT(tuple);
	arguments = DirectFunctionCall1(pg_get_function_arguments, ObjectIdGetDatum(proc->oid));

	initStringInfo(&out);
	appendStringInfo(&out, "CREATE OR REPLACE AGGREGATE %s(%s) (STYPE = %s, SSPACE = %d", name,
					 proc->pronargs == 0 ? "*" : TextDatumGetCString(arguments),
					 format_type_be_qualified(aggregate->aggtranstype),
					 aggregate->aggtransspace);
	append_support(&out, "SFUNC", aggregate->aggtransfn);
	append_support(&out, "FINALFUNC", aggregate->aggfinalfn);
	if (aggregate->aggfinalextra)
		appendStringInfoString(&out, ", FINALFUNC_EXTRA");
	appendStringInfo(&out, ", FINALFUNC_MODIFY = %s", modify_word(aggregate->aggfinalmodify));
	append_support(&out, "COMBINEFUNC", aggregate->aggcombinefn);
	append_support(&out, "SERIALFUNC", aggregate->aggserialfn);
	append_support(&out, "DESERIALFUNC", aggregate->aggdeserialfn);
	append_initial(&out, "INITCOND", tuple, Anum_pg_aggregate_agginitval);
	append_moving(&out, tuple, aggregate);
	append_sort_operator(&out, aggregate->aggsortop);
	appendStringInfo(&out, ", PARALLEL = %s", parallel_word(proc->proparallel));
	if (aggregate->aggkind == AGGKIND_HYPOTHETICAL)
		appendStringInfoString(&out, ", HYPOTHETICAL");
	appendStringInfoChar(&out, ')');
	ReleaseSysCache(tuple);
	return out.data;
}

/*
 * The routine as ALTER and DROP ROUTINE find it.  Types alone do not tell a procedure from another
 * one that has some of them as OUT parameters.
 */
char *
deparse_routine_signature(Oid routineId)
{
	char	   *arguments;

	if (get_func_prokind(routineId) != PROKIND_PROCEDURE)
		return format_procedure_qualified(routineId);
	arguments = TextDatumGetCString(DirectFunctionCall1(pg_get_function_identity_arguments,
														ObjectIdGetDatum(routineId)));
	return psprintf("%s(%s)", deparse_name_in_schema(get_func_namespace(routineId),
													 get_func_name(routineId)), arguments);
}

/* bodies are not checked there: what they refer to may come later */
List *
deparse_routine(Oid routineId)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(routineId));
	List	   *texts = list_make1(pstrdup("SET LOCAL check_function_bodies TO off"));
	Form_pg_proc form;
	char	   *target;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", routineId);
	form = (Form_pg_proc) GETSTRUCT(tuple);
	target = deparse_routine_signature(routineId);
	if (form->prokind == PROKIND_AGGREGATE)
		texts = lappend(texts, aggregate_text(deparse_name_in_schema(form->pronamespace,
																	 NameStr(form->proname)),
											  form));
	else
	{
		Datum		definition = DirectFunctionCall1(pg_get_functiondef,
													 ObjectIdGetDatum(routineId));

		texts = lappend(texts, TextDatumGetCString(definition));
	}
	texts = deparse_owner(texts, "ROUTINE", target, form->proowner);
	texts = deparse_grants(texts, "ROUTINE", target,
						   deparse_acl_of(PROCOID, tuple, Anum_pg_proc_proacl), form->proowner);
	texts = deparse_comment(texts, "ROUTINE", target, ProcedureRelationId, routineId, 0);
	ReleaseSysCache(tuple);
	return texts;
}
