/*
 * query_adapt.c
 *	  Changing a Query so that its text means the same on a shard of another node.
 *
 * The server's deparser prints what is right for this database.  Ten things would mean something
 * else elsewhere, or with a shard in place of the table, and are rewritten in a copy of the tree:
 *
 * - a whole-row reference has the shard's row type: it becomes ROW(columns)::table;
 * - tableoid is the shard's OID: it becomes the shell's name, cast, or as an output column of the
 *   statement the shell's OID here (partitioned shells: by a function from shard to shell);
 * - ctid is the same in many shards: it becomes a number that has the shard's in it;
 * - a row that is known by its place (WHERE CURRENT OF) is asked for by the place it has now;
 * - a bare parameter has no type until it meets an operator: it gets a cast;
 * - ON CONFLICT ON CONSTRAINT names what has another name on shards: a unique one becomes columns;
 * - security qualifications of the target are not printed: they join the WHERE clause;
 * - a value that must fit a column (as in INSERT .. SELECT) would be printed as a cast, which cuts
 *	 what is too long: it becomes a call of the cast's function;
 * - assignments to parts of one column are one expression: they become several (query_assign.c);
 * - columns that depend on a grouped primary key need it in the fragment, too (query_groups.c).
 *
 * Row-level security is not carried: it is applied again where the shard lives.  What cannot be
 * carried raises 0A000.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "parser/parse_func.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "deparse/deparse_internal.h"

typedef struct AdaptContext
{
	List	   *queries;		/* of Query *, innermost first: what Vars of a level refer to */
	bool		leaks;			/* a condition of this level or one above may show what it sees */
} AdaptContext;

static Node *adapt_node(Node *node, AdaptContext *context);


static void
refuse(const char *what)
{
	ereport(ERROR,
			errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg("%s is not supported in a statement sent to shards", what));
}


/* ---- references to whole rows and to tableoid ---- */

static bool
has_outer_join(const Query *query)
{
	ListCell   *cell;

	foreach(cell, query->rtable)
	{
		RangeTblEntry *rte = lfirst(cell);

		if (rte->rtekind == RTE_JOIN && rte->jointype != JOIN_INNER)
			return true;
	}
	return false;
}

/* Whether the whole row of var's relation can be null, which no combination of its columns says. */
static bool
row_may_be_null(const Var *var, const Query *query)
{
	if (compat_var_is_old_or_new(var) || query->commandType == CMD_MERGE)
		return true;
	return has_outer_join(query) && compat_var_may_be_nulled(var);
}

/* a Var like var, same row and level, but of another column */
static Var *
sibling_var(const Var *var, AttrNumber attno, Oid type, int32 typmod, Oid collation)
{
	Var		   *sibling = (Var *) copyObject(var);

	sibling->varattno = attno;
	sibling->vartype = type;
	sibling->vartypmod = typmod;
	sibling->varcollid = collation;
	sibling->varattnosyn = attno;
	return sibling;
}

/* CASE WHEN row is missing THEN NULL ELSE value END */
static Expr *
null_if_no_row(Expr *value, const Var *var)
{
	CaseExpr   *result = makeNode(CaseExpr);
	CaseWhen   *when = makeNode(CaseWhen);
	NullTest   *test = makeNode(NullTest);
	Oid			type = exprType((Node *) value);

	/* the one system column that conditions of MERGE may read */
	test->arg = (Expr *) sibling_var(var, TableOidAttributeNumber, OIDOID, -1, InvalidOid);
	test->nulltesttype = IS_NULL;
	test->location = -1;
	when->expr = (Expr *) test;
	when->result = (Expr *) makeNullConst(type, -1, InvalidOid);
	when->location = -1;
	result->casetype = type;
	result->args = list_make1(when);
	result->defresult = value;
	result->location = -1;
	return (Expr *) result;
}

/* ROW(columns)::table; dropped columns are null constants, as the server's own rows have them */
static Expr *
row_of_columns(const Var *var, Oid relid)
{
	Relation	relation = table_open(relid, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(relation);
	RowExpr    *row = makeNode(RowExpr);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);
		Node	   *column;

		if (attr->attisdropped)
			column = (Node *) makeNullConst(INT4OID, -1, InvalidOid);
		else
			column = (Node *) sibling_var(var, i + 1, attr->atttypid, attr->atttypmod,
										  attr->attcollation);
		row->args = lappend(row->args, column);
		row->colnames = lappend(row->colnames, makeString(pstrdup(NameStr(attr->attname))));
	}
	row->row_typeid = get_rel_type_id(relid);
	row->row_format = COERCE_EXPLICIT_CAST;
	row->location = -1;
	table_close(relation, NoLock);
	return (Expr *) row;
}

/* 'schema.table'::regclass::oid */
static Expr *
oid_by_name(Oid relid)
{
	Const	   *name = makeConst(REGCLASSOID, -1, InvalidOid, sizeof(Oid),
								 ObjectIdGetDatum(relid), false, true);

	return (Expr *) makeRelabelType((Expr *) name, OIDOID, -1, InvalidOid, COERCE_EXPLICIT_CAST);
}

/* citus_internal.shell_of_relation(tableoid): of the partition that the row is in, there */
static Expr *
shell_there(const Var *tableoid)
{
	List	   *name = list_make2(makeString("citus_internal"), makeString("shell_of_relation"));
	Oid			argument = OIDOID;

	return (Expr *) makeFuncExpr(LookupFuncName(name, 1, &argument, false), OIDOID,
								 list_make1((Var *) copyObject(tableoid)), InvalidOid, InvalidOid,
								 COERCE_EXPLICIT_CALL);
}

/* true when rows may be in partitions or children of the relation */
static bool
has_members(const RangeTblEntry *rte)
{
	return rte->relkind == RELKIND_PARTITIONED_TABLE || (rte->inh && has_subclass(rte->relid));
}

/* tableoid as the name of the shell, which every node turns into its own OID */
static Expr *
shell_by_name(const Var *tableoid, const RangeTblEntry *rte)
{
	if (has_members(rte))
		return shell_there(tableoid);
	return oid_by_name(rte->relid);
}

static Const *
oid_here(Oid relid)
{
	return makeConst(OIDOID, -1, InvalidOid, sizeof(Oid), ObjectIdGetDatum(relid), false, true);
}

/* the OID that a shell of the relation has there, as this node's: a CASE over the names of all */
static Expr *
number_of_name(Expr *there, const RangeTblEntry *rte)
{
	Oid			equal = lookup_type_cache(OIDOID, TYPECACHE_EQ_OPR)->eq_opr;
	CaseExpr   *result = makeNode(CaseExpr);
	List	   *members = has_members(rte) ? find_all_inheritors(rte->relid, NoLock, NULL)
		: list_make1_oid(rte->relid);
	ListCell   *cell;

	result->casetype = OIDOID;
	result->defresult = (Expr *) makeNullConst(OIDOID, -1, InvalidOid);
	result->location = -1;
	foreach(cell, members)
	{
		CaseWhen   *when = makeNode(CaseWhen);
		Oid			relid = lfirst_oid(cell);

		if (get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE)
			continue;
		when->expr = make_opclause(equal, BOOLOID, false, (Expr *) copyObject(there),
								   oid_by_name(relid), InvalidOid, InvalidOid);
		when->result = (Expr *) oid_here(relid);
		when->location = -1;
		result->args = lappend(result->args, when);
	}
	return result->args == NIL ? (Expr *) oid_here(rte->relid) : (Expr *) result;
}

/* tableoid as this node's OID */
static Expr *
shell_by_number(const Var *tableoid, const RangeTblEntry *rte)
{
	return has_members(rte) ? number_of_name(shell_there(tableoid), rte)
		: (Expr *) oid_here(rte->relid);
}

/* the entry of the known relation that var is of; NULL for anything else */
static RangeTblEntry *
known_relation_of(const Var *var, AdaptContext *context, const Query **query)
{
	RangeTblEntry *rte;

	if (var->varlevelsup >= list_length(context->queries))
		elog(ERROR, "reference to a query %d levels up", (int) var->varlevelsup);
	*query = list_nth(context->queries, var->varlevelsup);
	rte = rt_fetch(var->varno, (*query)->rtable);
	if (rte->rtekind != RTE_RELATION || !catalog_table_is_known(rte->relid))
		return NULL;
	return rte;
}

/*
 * The entry of the known relation whose tableoid a column of a sub-query is, which has the name of
 * the shell there; NULL for anything else.
 */
static RangeTblEntry *
relation_below(const Var *var, Query *query)
{
	for (;;)
	{
		RangeTblEntry *rte;
		Node	   *column;

		if (!IsA(var, Var) || var->varlevelsup > 0)
			return NULL;
		rte = rt_fetch(var->varno, query->rtable);
		if (var->varattno == TableOidAttributeNumber)
			return rte->rtekind == RTE_RELATION && catalog_table_is_known(rte->relid) ? rte : NULL;
		if (var->varattno <= 0)
			return NULL;
		if (rte->rtekind == RTE_JOIN)
			column = list_nth(rte->joinaliasvars, var->varattno - 1);
		else if (rte->rtekind == RTE_SUBQUERY && rte->subquery->setOperations == NULL)
		{
			query = rte->subquery;
			column = (Node *) get_tle_by_resno(query->targetList, var->varattno)->expr;
		}
		else
			return NULL;
		var = (const Var *) column;
		if (var == NULL)
			return NULL;
	}
}

/*
 * Output columns of the statement (not of its subqueries) that are tableoid itself, or that of a
 * sub-query: the number that comes back is used here.
 */
static void
number_output_tableoids(Query *query, AdaptContext *context)
{
	List	   *list = query->commandType == CMD_SELECT ? query->targetList : query->returningList;
	ListCell   *cell;

	foreach(cell, list)
	{
		TargetEntry *tle = lfirst(cell);
		Var		   *var = (Var *) tle->expr;
		const Query *owner;
		RangeTblEntry *rte;

		if (!IsA(var, Var) || var->vartype != OIDOID)
			continue;
		if (var->varattno != TableOidAttributeNumber)
		{
			rte = relation_below(var, query);
			if (rte != NULL)
				tle->expr = number_of_name((Expr *) copyObject(var), rte);
			continue;
		}
		rte = known_relation_of(var, context, &owner);
		if (rte == NULL)
			continue;
		tle->expr = shell_by_number(var, rte);
		if (row_may_be_null(var, query))
			tle->expr = null_if_no_row(tle->expr, var);
	}
}

Oid
deparse_shard_of_row_oid(void)
{
	static Oid	functionOid = InvalidOid;
	static Oid	extensionOid = InvalidOid;
	Oid			args[] = {OIDOID};

	return base_own_function("shard_of_row", 1, args, &functionOid, &extensionOid);
}

Oid
deparse_place_in_shard_oid(void)
{
	static Oid	functionOid = InvalidOid;
	static Oid	extensionOid = InvalidOid;
	Oid			args[] = {TIDOID};

	return base_own_function("place_in_shard", 1, args, &functionOid, &extensionOid);
}

static Oid
row_tid_oid(void)
{
	static Oid	functionOid = InvalidOid;
	static Oid	extensionOid = InvalidOid;
	Oid			args[] = {OIDOID, TIDOID};

	return base_own_function("row_tid", 2, args, &functionOid, &extensionOid);
}

static Oid
row_version_oid(void)
{
	static Oid	functionOid = InvalidOid;
	static Oid	extensionOid = InvalidOid;
	Oid			args[] = {INT8OID, TIDOID};

	return base_own_function("row_version", 2, args, &functionOid, &extensionOid);
}

/* citus_internal.row_tid(tableoid, ctid): unlike ctid, different in each shard */
static Node *
tid_of_row(const Var *ctid)
{
	Var		   *tableoid = sibling_var(ctid, TableOidAttributeNumber, OIDOID, -1, InvalidOid);

	return (Node *) makeFuncExpr(row_tid_oid(), TIDOID,
								 list_make2(tableoid, copyObject((Var *) ctid)), InvalidOid,
								 InvalidOid, COERCE_EXPLICIT_CALL);
}

static bool
has_several_shards(const RangeTblEntry *rte)
{
	return catalog_table_get(rte->relid)->nshards > 1;
}

static Node *
adapt_var(Var *var, AdaptContext *context)
{
	const Query *query;
	RangeTblEntry *rte;
	Expr	   *result;

	if (var->varattno != InvalidAttrNumber && var->varattno != TableOidAttributeNumber &&
		var->varattno != SelfItemPointerAttributeNumber)
		return (Node *) copyObject(var);
	rte = known_relation_of(var, context, &query);
	if (rte == NULL)
		return (Node *) copyObject(var);
	if (var->varattno == SelfItemPointerAttributeNumber)
		return has_several_shards(rte) ? tid_of_row(var) : (Node *) copyObject(var);

	if (var->varattno == InvalidAttrNumber)
		result = row_of_columns(var, rte->relid);
	else
		result = shell_by_name(var, rte);
	if (row_may_be_null(var, query))
		result = null_if_no_row(result, var);
	return (Node *) result;
}


/* ---- parameters ---- */

/*
 * A parameter of a domain that is used as a value of its base type, as all operators do, travels as
 * one: the far side would ask the domain whether it may have it, which one server does not ask of a
 * value that it has.
 */
static Node *
adapt_param_of_domain(RelabelType *relabel)
{
	Param	   *param = (Param *) relabel->arg;
	int32		typmod;
	RelabelType *copy;

	if (!IsA(param, Param) || param->paramkind != PARAM_EXTERN ||
		get_typtype(param->paramtype) != TYPTYPE_DOMAIN)
		return NULL;
	typmod = param->paramtypmod;
	if (getBaseTypeAndTypmod(param->paramtype, &typmod) != relabel->resulttype)
		return NULL;
	copy = copyObject(relabel);
	((Param *) copy->arg)->paramtype = relabel->resulttype;
	copy->relabelformat = COERCE_EXPLICIT_CAST;
	return (Node *) copy;
}

static Node *
adapt_param(Param *param)
{
	Param	   *copy = copyObject(param);

	if (param->paramkind != PARAM_EXTERN || get_typtype(param->paramtype) == TYPTYPE_PSEUDO)
		return (Node *) copy;
	return (Node *) makeRelabelType((Expr *) copy, param->paramtype, param->paramtypmod,
									param->paramcollid, COERCE_EXPLICIT_CAST);
}

/* NULL in the place of what nobody reads: a domain that lets none in would be asked for it there */
static Node *
adapt_null(const Const *null)
{
	Const	   *copy = (Const *) copyObject(null);

	copy->consttype = getBaseTypeAndTypmod(null->consttype, &copy->consttypmod);
	return (Node *) copy;
}


/* ---- clauses of a query ---- */

/*
 * A unique constraint is named by its columns, for which a shard's own index does.  They do not
 * name one for exclusion: its name stays, and becomes a hole of the template.
 */
static void
set_conflict_columns(OnConflictExpr *conflict, Index target)
{
	Oid			indexId = get_constraint_index(conflict->constraint);
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(indexId));
	Form_pg_index index;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for index %u", indexId);
	index = (Form_pg_index) GETSTRUCT(tuple);
	if (!index->indisunique || index->indisexclusion)
	{
		if (conflict->action == ONCONFLICT_UPDATE)
			ereport(ERROR,
					errcode(ERRCODE_WRONG_OBJECT_TYPE),
					errmsg("ON CONFLICT DO UPDATE not supported with exclusion constraints"));
		ReleaseSysCache(tuple);
		return;
	}

	for (int i = 0; i < index->indnkeyatts; i++)
	{
		InferenceElem *element = makeNode(InferenceElem);
		AttrNumber	attno = index->indkey.values[i];
		Oid			type;
		int32		typmod;
		Oid			collation;

		get_atttypetypmodcoll(index->indrelid, attno, &type, &typmod, &collation);
		element->expr = (Node *) makeVar(target, attno, type, typmod, collation, 0);
		conflict->arbiterElems = lappend(conflict->arbiterElems, element);
	}
	conflict->constraint = InvalidOid;
	ReleaseSysCache(tuple);
}

static bool
has_view(const Query *query)
{
	ListCell   *cell;

	foreach(cell, query->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, cell);

		if (rte->rtekind == RTE_RELATION && rte->relkind == RELKIND_VIEW)
			return true;
	}
	return false;
}

/*
 * The target of an updatable view.  Conditions of security-barrier views stand on it; those on
 * other relations can only be row-level security, which the shards have, too.  It must not be
 * there twice: who reads no column needs no right to read, and is not asked by policies of SELECT.
 */
static void
adapt_target(Query *query)
{
	RangeTblEntry *target;

	if (query->resultRelation == 0)
		return;
	target = rt_fetch(query->resultRelation, query->rtable);

	/* a target that was reached through a view comes from the view's FROM, but is not in ours */
	target->inFromCl = false;
	if (target->securityQuals == NIL)
		return;
	if (query->commandType == CMD_MERGE)
	{
		if (!query->hasRowSecurity)
			refuse("MERGE into a security-barrier view");
	}
	else if (query->commandType != CMD_INSERT && (!query->hasRowSecurity || has_view(query)))
	{
		ListCell   *cell;

		foreach(cell, target->securityQuals)
			query->jointree->quals = make_and_qual(query->jointree->quals, lfirst(cell));
	}
	target->securityQuals = NIL;
}

static void
check_with_check_options(const Query *query)
{
	ListCell   *cell;

	foreach(cell, query->withCheckOptions)
	{
		WithCheckOption *option = lfirst_node(WithCheckOption, cell);

		if (option->kind == WCO_VIEW_CHECK && option->qual != NULL)
			refuse("WITH CHECK OPTION of a view");
	}
}

/*
 * With one relation the deparser prints its columns without a prefix, and in ORDER BY such a name
 * may hit an output column.  A range table entry that nobody refers to makes it print prefixes.
 */
static void
force_prefixes(Query *query)
{
	RangeTblEntry *rte;

	if (query->sortClause == NIL || list_length(query->rtable) != 1)
		return;
	rte = makeNode(RangeTblEntry);
	rte->rtekind = RTE_RESULT;
	rte->eref = makeAlias("*unused*", NIL);
	query->rtable = lappend(query->rtable, rte);
}

/*
 * What the join tree holds is read, also where a rule has put OLD in: printing leaves out entries
 * that no FROM clause named.
 */
static void
show_from_clause(Query *query, Node *node)
{
	ListCell   *cell;

	if (node == NULL)
		return;
	if (IsA(node, RangeTblRef))
	{
		int			rti = ((RangeTblRef *) node)->rtindex;

		if (rti != query->resultRelation)
			rt_fetch(rti, query->rtable)->inFromCl = true;
	}
	else if (IsA(node, FromExpr))
	{
		foreach(cell, ((FromExpr *) node)->fromlist)
			show_from_clause(query, lfirst(cell));
	}
}

/*
 * A rule puts OLD and NEW behind the sub-queries that refer to them; in text, LATERAL looks back
 * only.
 */
static void
sort_from_clause(Query *query)
{
	List	   *plain = NIL;
	List	   *others = NIL;
	ListCell   *cell;

	if (query->jointree == NULL)
		return;
	foreach(cell, query->jointree->fromlist)
	{
		Node	   *item = lfirst(cell);

		if (IsA(item, RangeTblRef) &&
			!rt_fetch(((RangeTblRef *) item)->rtindex, query->rtable)->lateral)
			plain = lappend(plain, item);
		else
			others = lappend(others, item);
	}
	query->jointree->fromlist = list_concat(plain, others);
}

/*
 * Below a security barrier no condition from above may run that shows what it sees.  The barrier is
 * no part of the text; an OFFSET stands in for it where there is such a condition.
 */
static void
keep_barriers(Query *query, bool leaks)
{
	ListCell   *cell;

	if (!leaks)
		return;
	foreach(cell, query->rtable)
	{
		RangeTblEntry *rte = lfirst(cell);

		if (rte->rtekind == RTE_SUBQUERY && rte->security_barrier &&
			rte->subquery->limitOffset == NULL && rte->subquery->limitCount == NULL)
			rte->subquery->limitOffset = (Node *)
				makeConst(INT8OID, -1, InvalidOid, sizeof(int64), Int64GetDatum(0), false,
						  FLOAT8PASSBYVAL);
	}
}

/* true for a join tree with a condition that may show the values it is given */
static bool
has_leaky_condition(Node *node)
{
	ListCell   *cell;

	if (node != NULL && IsA(node, FromExpr))
	{
		foreach(cell, ((FromExpr *) node)->fromlist)
		{
			if (has_leaky_condition(lfirst(cell)))
				return true;
		}
		return contain_leaked_vars(((FromExpr *) node)->quals);
	}
	if (node != NULL && IsA(node, JoinExpr))
		return has_leaky_condition(((JoinExpr *) node)->larg) ||
			has_leaky_condition(((JoinExpr *) node)->rarg) ||
			contain_leaked_vars(((JoinExpr *) node)->quals);
	return false;
}

static void
show_if_implicit(CoercionForm *form)
{
	if (*form == COERCE_IMPLICIT_CAST)
		*form = COERCE_EXPLICIT_CAST;
}

/* a cast that an expression is, and not one in it, is printed */
static void
show_cast(Node *node)
{
	if (IsA(node, FuncExpr))
		show_if_implicit(&((FuncExpr *) node)->funcformat);
	else if (IsA(node, RelabelType))
		show_if_implicit(&((RelabelType *) node)->relabelformat);
	else if (IsA(node, CoerceViaIO))
		show_if_implicit(&((CoerceViaIO *) node)->coerceformat);
	else if (IsA(node, ArrayCoerceExpr))
		show_if_implicit(&((ArrayCoerceExpr *) node)->coerceformat);
	else if (IsA(node, ConvertRowtypeExpr))
		show_if_implicit(&((ConvertRowtypeExpr *) node)->convertformat);
	else if (IsA(node, CoerceToDomain))
		show_if_implicit(&((CoerceToDomain *) node)->coercionformat);
}

/*
 * Values of an INSERT have the types of its columns; a SELECT of them would have those of the
 * expressions, for implicit casts are not printed in VALUES.
 */
static void
show_casts_of_values(Query *query)
{
	ListCell   *entry;
	ListCell   *row;
	ListCell   *value;

	foreach(entry, query->rtable)
	{
		foreach(row, lfirst_node(RangeTblEntry, entry)->values_lists)
		{
			foreach(value, lfirst_node(List, row))
				show_cast(lfirst(value));
		}
	}
}

static Query *
adapt_query(Query *query, AdaptContext *context)
{
	bool		leaks = context->leaks;
	ListCell   *cell;

	check_stack_depth();
	query = copyObject(query);
	check_with_check_options(query);
	adapt_target(query);
	show_from_clause(query, (Node *) query->jointree);
	sort_from_clause(query);
	context->leaks |= has_leaky_condition((Node *) query->jointree) ||
		contain_leaked_vars(query->havingQual);
	keep_barriers(query, context->leaks);
	deparse_show_assignments(query);
	if (query->onConflict && OidIsValid(query->onConflict->constraint))
		set_conflict_columns(query->onConflict, query->resultRelation);
	force_prefixes(query);
	foreach(cell, query->rtable)
	{
		RangeTblEntry *rte = lfirst(cell);

		if (rte->rtekind == RTE_NAMEDTUPLESTORE)
			refuse("a transition table");
		rte->securityQuals = NIL;
	}
	foreach(cell, query->cteList)
	{
		CommonTableExpr *cte = lfirst(cell);

		/* the rewriter has put SEARCH and CYCLE into the query itself */
		cte->search_clause = NULL;
		cte->cycle_clause = NULL;
	}

	context->queries = lcons(query, context->queries);
	if (list_length(context->queries) == 1)
		number_output_tableoids(query, context);
	query = query_tree_mutator(query, adapt_node, context, 0);
	context->queries = list_delete_first(context->queries);
	deparse_group_dependents(query);
	if (query->commandType == CMD_SELECT)
		show_casts_of_values(query);
	context->leaks = leaks;
	return query;
}

/* citus_internal.shard_of_row(tableoid) and the like, which are asked where the row is */
static bool
asks_for_shard(const FuncExpr *call)
{
	return call->funcid >= FirstNormalObjectId &&
		(call->funcid == deparse_shard_of_row_oid() ||
		 call->funcid == deparse_place_in_shard_oid());
}

/* citus_internal.is_row(..): as a condition on ctid, by which the shard finds the row at once */
static Node *
row_by_place(const FuncExpr *call, AdaptContext *context)
{
	Oid			equal = lookup_type_cache(INT8OID, TYPECACHE_EQ_OPR)->eq_opr;
	Node	   *tableoid = copyObject(linitial(call->args));
	Node	   *ctid = copyObject(lsecond(call->args));
	Node	   *shard = adapt_node(lthird(call->args), context);
	Node	   *place = adapt_node(lfourth(call->args), context);
	Expr	   *version = (Expr *) makeFuncExpr(row_version_oid(), TIDOID,
												list_make2(copyObject(shard), place), InvalidOid,
												InvalidOid, COERCE_EXPLICIT_CALL);
	Expr	   *shardOfRow = (Expr *) makeFuncExpr(deparse_shard_of_row_oid(), INT8OID,
												   list_make1(tableoid), InvalidOid, InvalidOid,
												   COERCE_EXPLICIT_CALL);

	return (Node *)
		make_andclause(list_make2(make_opclause(TIDEqualOperator, BOOLOID, false, (Expr *) ctid,
												version, InvalidOid, InvalidOid),
								  make_opclause(equal, BOOLOID, false, shardOfRow,
												(Expr *) shard, InvalidOid, InvalidOid)));
}

/*
 * Not in assignments of the statement itself: there the server adds the same again.
 */
static bool
must_fit(const Node *node, const AdaptContext *context)
{
	return IsA(node, FuncExpr) && ((FuncExpr *) node)->funcformat == COERCE_IMPLICIT_CAST &&
		list_length(((FuncExpr *) node)->args) == 3 && exprIsLengthCoercion(node, NULL) &&
		context->queries != NIL &&
		linitial_node(Query, context->queries)->commandType == CMD_SELECT;
}

/* COLLATE, of which the server's planner makes a cast that would be printed without it */
static bool
changes_collation(const RelabelType *cast)
{
	Oid			collation = exprCollation((Node *) cast->arg);

	return OidIsValid(collation) && OidIsValid(cast->resultcollid) &&
		collation != cast->resultcollid;
}

static Node *
show_collation(RelabelType *cast, AdaptContext *context)
{
	CollateExpr *result = makeNode(CollateExpr);

	result->arg = (Expr *) expression_tree_mutator((Node *) cast, adapt_node, context);
	result->collOid = cast->resultcollid;
	result->location = -1;
	return (Node *) result;
}

static Node *
adapt_node(Node *node, AdaptContext *context)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, RelabelType) && changes_collation((RelabelType *) node))
		return show_collation((RelabelType *) node, context);
	if (IsA(node, FuncExpr) && asks_for_shard((FuncExpr *) node))
		return (Node *) copyObject(node);
	if (IsA(node, FuncExpr) && ((FuncExpr *) node)->funcid >= FirstNormalObjectId &&
		((FuncExpr *) node)->funcid == base_is_row_oid())
		return row_by_place((FuncExpr *) node, context);
	if (IsA(node, Query))
		return (Node *) adapt_query((Query *) node, context);
	if (IsA(node, Var))
		return adapt_var((Var *) node, context);
	if (IsA(node, Param))
		return adapt_param((Param *) node);
	if (IsA(node, Const) && ((Const *) node)->constisnull)
		return adapt_null((Const *) node);
	if (IsA(node, RelabelType))
	{
		Node	   *value = adapt_param_of_domain((RelabelType *) node);

		if (value != NULL)
			return value;
	}
	if (IsA(node, CurrentOfExpr))
		refuse("WHERE CURRENT OF");
	if (must_fit(node, context))
	{
		FuncExpr   *call = castNode(FuncExpr, expression_tree_mutator(node, adapt_node, context));

		call->funcformat = COERCE_EXPLICIT_CALL;
		return (Node *) call;
	}
	return expression_tree_mutator(node, adapt_node, context);
}

/* Palloc'd in the current context; query is left as it is. */
Query *
deparse_query_adapt(const Query *query)
{
	AdaptContext context = {NIL, false};

	return adapt_query((Query *) query, &context);
}

/* Names the output columns of a (copied) query c1, c2 ..., in the legs of set operations, too. */
void
deparse_query_name_columns(Query *query)
{
	List	   *list = query->commandType == CMD_SELECT ? query->targetList : query->returningList;
	ListCell   *cell;
	int			n = 0;

	foreach(cell, list)
	{
		TargetEntry *tle = lfirst(cell);

		if (!tle->resjunk)
			tle->resname = psprintf("c%d", ++n);
	}
	if (query->setOperations != NULL)
	{
		foreach(cell, query->rtable)
		{
			RangeTblEntry *rte = lfirst(cell);

			if (rte->rtekind == RTE_SUBQUERY)
				deparse_query_name_columns(rte->subquery);
		}
	}
}
