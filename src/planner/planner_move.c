/*
 * planner_move.c
 *	  Joins off the distribution key: rows move to where they meet.
 *
 * A query that combines rows of different shards other than by their key cannot run per shard as
 * it stands.  Here relations of it are replaced by rows that have moved,
 *
 *		FROM r	->	FROM (SELECT * FROM unpack_rows($1, 2) AS moved(a1 int, a2 text)) r
 *
 * cut by one of their columns into buckets that are the shards of another table, the anchor, or
 * sent to all tasks.  What stays and what moves, by which column, is a choice among the classes of
 * columns that the query compares with each other; its price is the number of rows that move.  The
 * choice needs no proof: planner_shape() then looks at the changed query as at any other, and
 * knows the moved rows as rows cut by a key.  If it says no, the next choice is tried, and at last
 * the query is left to others.
 *
 * Invariants: (1) a moved relation's columns keep their positions, so that no Var elsewhere
 * changes; (2) rows that conditions of the query keep away may be left behind, no others: only
 * conditions that hold for every row of the result, where no outer join makes the relation's
 * columns NULL, are applied before the move.
 *
 * Not here: how rows move (executor), the argument about shards (planner_distribution.c).
 */
#include "postgres.h"

#include <math.h>

#include "access/sysattr.h"
#include "access/table.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_func.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/typcache.h"

#include "citus/base/compat_planner.h"
#include "citus/base/session.h"
#include "citus/deparse/template.h"
#include "citus/routing/routing.h"
#include "planner_parts_internal.h"

/* prices, in rows that are read here instead */
#define PRICE_MOVED		0.6
#define PRICE_TO_ALL	0.3		/* each time */
#define PRICE_RESULT	0.5		/* a row of the result that comes from the tasks */
#define PRICE_START		3000.0	/* a second round of tasks */

#define MAX_RELATIONS	16

/* a query level on the way down */
typedef struct MoveLevel
{
	Query	   *query;
	struct MoveLevel *parent;
} MoveLevel;

typedef enum MoveKind
{
	MOVE_STAYS,
	MOVE_BY_COLUMN,
	MOVE_TO_ALL
} MoveKind;

/* a relation with shards, at any level */
typedef struct MoveRelation
{
	Query	   *query;			/* the level that has it */
	Index		rti;
	const DistTable *table;
	double		rows;			/* that would move */
	bool		impossible;		/* its rows cannot move */
} MoveRelation;

/* columns that are compared for equality */
typedef struct MoveColumn
{
	int			relation;
	AttrNumber	attno;
	int			class;
} MoveColumn;

typedef struct MoveChoice
{
	int			anchor;			/* relation whose shards are the buckets */
	int			class;			/* of the columns by which rows move; -1: none move by column */
	double		price;
} MoveChoice;

typedef struct MoveContext
{
	PlanRequest *request;
	MoveRelation relations[MAX_RELATIONS];
	int			nrelations;
	List	   *columns;		/* of MoveColumn */
	int			nclasses;
	const char *impossible;
} MoveContext;

/* ---- looking at the query ---- */

static int
find_relation(MoveContext *context, Query *query, Index rti)
{
	for (int i = 0; i < context->nrelations; i++)
	{
		if (context->relations[i].query == query && context->relations[i].rti == rti)
			return i;
	}
	return -1;
}

static MoveColumn *
get_column(MoveContext *context, int relation, AttrNumber attno)
{
	MoveColumn *column;
	ListCell   *lc;

	foreach(lc, context->columns)
	{
		column = lfirst(lc);
		if (column->relation == relation && column->attno == attno)
			return column;
	}
	column = palloc(sizeof(MoveColumn));
	column->relation = relation;
	column->attno = attno;
	column->class = context->nclasses++;
	context->columns = lappend(context->columns, column);
	return column;
}

static void
unite(MoveContext *context, MoveColumn *a, MoveColumn *b)
{
	int			from = b->class;
	ListCell   *lc;

	foreach(lc, context->columns)
	{
		MoveColumn *column = lfirst(lc);

		if (column->class == from)
			column->class = a->class;
	}
}

static CommonTableExpr *
find_cte(MoveLevel *level, RangeTblEntry *rte, MoveLevel **owner)
{
	ListCell   *lc;

	for (Index up = rte->ctelevelsup; up > 0 && level != NULL; up--)
		level = level->parent;
	*owner = level;
	if (level == NULL)
		return NULL;
	foreach(lc, level->query->cteList)
	{
		if (strcmp(lfirst_node(CommonTableExpr, lc)->ctename, rte->ctename) == 0)
			return lfirst(lc);
	}
	return NULL;
}

/* the relation's column that an expression of the level gives as it is; NULL if there is none */
static MoveColumn *
trace_column(MoveContext *context, MoveLevel *level, Node *expr)
{
	Var		   *var = planner_strip_to_var(expr);
	RangeTblEntry *rte;
	Query	   *inner = NULL;
	MoveLevel	below = {NULL, level};
	MoveLevel  *owner;
	TargetEntry *tle;
	int			relation;

	check_stack_depth();
	if (var == NULL || var->varattno <= 0)
		return NULL;
	for (Index up = var->varlevelsup; up > 0 && level != NULL; up--)
		level = level->parent;
	if (level == NULL)
		return NULL;
	below.parent = level;
	rte = rt_fetch(var->varno, level->query->rtable);
	switch (rte->rtekind)
	{
		case RTE_RELATION:
			relation = find_relation(context, level->query, var->varno);
			return relation < 0 ? NULL : get_column(context, relation, var->varattno);
		case RTE_JOIN:
			return trace_column(context, level, list_nth(rte->joinaliasvars, var->varattno - 1));
		case RTE_SUBQUERY:
			inner = rte->subquery;
			break;
		case RTE_CTE:
			{
				CommonTableExpr *cte = find_cte(level, rte, &owner);

				if (cte == NULL || cte->cterecursive)
					return NULL;
				inner = castNode(Query, cte->ctequery);
				below.parent = owner;
			}
			break;
		default:
			return NULL;
	}
	if (inner->setOperations != NULL)
		return NULL;
	tle = get_tle_by_resno(inner->targetList, var->varattno);
	if (tle == NULL)
		return NULL;
	below.query = inner;
	return trace_column(context, &below, (Node *) tle->expr);
}

static void
note_equality(MoveContext *context, MoveLevel *level, Node *left, Node *right,
			  MoveLevel *rightLevel, Oid opno)
{
	Var		   *leftVar = planner_strip_to_var(left);
	Var		   *rightVar = planner_strip_to_var(right);
	MoveColumn *a;
	MoveColumn *b;

	if (leftVar == NULL || rightVar == NULL ||
		!planner_operator_equates(opno, leftVar, rightVar))
		return;
	a = trace_column(context, level, left);
	b = trace_column(context, rightLevel, right);
	if (a != NULL && b != NULL && a->relation != b->relation)
		unite(context, a, b);
}

typedef struct LookContext
{
	MoveContext *context;
	MoveLevel  *level;
} LookContext;

static void look_at_query(MoveContext *context, Query *query, MoveLevel *parent, bool relations);

/* the comparisons of IN (SELECT ...) */
static void
look_at_testexpr(LookContext *look, SubLink *sublink)
{
	Query	   *inner = castNode(Query, sublink->subselect);
	MoveLevel	below = {inner, look->level};
	List	   *clauses = make_ands_implicit((Expr *) sublink->testexpr);
	ListCell   *lc;

	foreach(lc, clauses)
	{
		OpExpr	   *op = lfirst(lc);
		Node	   *param;
		TargetEntry *tle;

		if (!IsA(op, OpExpr) || list_length(op->args) != 2)
			continue;
		param = lsecond(op->args);
		while (IsA(param, RelabelType))
			param = (Node *) ((RelabelType *) param)->arg;
		if (!IsA(param, Param) || ((Param *) param)->paramkind != PARAM_SUBLINK)
			continue;
		tle = get_tle_by_resno(inner->targetList, ((Param *) param)->paramid);
		if (tle != NULL && inner->setOperations == NULL)
			note_equality(look->context, look->level, linitial(op->args), (Node *) tle->expr,
						  &below, op->opno);
	}
}

static bool
look_walker(Node *node, LookContext *look)
{
	if (node == NULL)
		return false;
	if (IsA(node, OpExpr) && list_length(((OpExpr *) node)->args) == 2)
	{
		OpExpr	   *op = (OpExpr *) node;

		note_equality(look->context, look->level, linitial(op->args), lsecond(op->args),
					  look->level, op->opno);
	}
	else if (IsA(node, SubLink))
	{
		SubLink    *sublink = (SubLink *) node;

		look_at_query(look->context, castNode(Query, sublink->subselect), look->level, false);
		if (sublink->subLinkType == ANY_SUBLINK)
			look_at_testexpr(look, sublink);
		return look_walker(sublink->testexpr, look);
	}
	if (IsA(node, Query))
		return false;
	return expression_tree_walker(node, look_walker, look);
}

static void
add_relation(MoveContext *context, Query *query, Index rti, RangeTblEntry *rte)
{
	const DistTable *table = catalog_table_get(rte->relid);

	if (table == NULL)
		context->impossible = "a relation exists on this node only";
	else if (planner_relation_asks_caller(query, rte))
		context->impossible = "policies ask for the current user";
	else if (table->kind == DIST_TABLE_REFERENCE)
		return;
	else if (planner_sample_is_computed(rte) || contain_var_clause((Node *) rte->tablesample) ||
			 planner_expr_is_correlated((Node *) rte->tablesample))
		context->impossible = "a sample's size is computed on this node";
	else if (context->nrelations == MAX_RELATIONS)
		context->impossible = "there are too many relations";
	else
		context->relations[context->nrelations++] = (MoveRelation)
		{
			.query = query,.rti = rti,.table = table
		};
}

/* sub-queries that are expressions, wherever they stand */
static bool
sublink_queries_walker(Node *node, LookContext *look)
{
	if (node == NULL)
		return false;
	if (IsA(node, SubLink))
		look_at_query(look->context, castNode(Query, ((SubLink *) node)->subselect), look->level,
					  true);
	if (IsA(node, Query))
		return false;
	return expression_tree_walker(node, sublink_queries_walker, look);
}

/* first all relations are found, then the comparisons between them */
static void
look_at_query(MoveContext *context, Query *query, MoveLevel *parent, bool relations)
{
	MoveLevel	level = {query, parent};
	LookContext look = {context, &level};
	bool		(*walker) (Node *, LookContext *) =
		relations ? sublink_queries_walker : look_walker;
	ListCell   *lc;

	check_stack_depth();
	if (query->commandType != CMD_SELECT || query->rowMarks != NIL || query->hasRecursive ||
		query->hasModifyingCTE)
		context->impossible = "the query locks rows, modifies them, or is recursive";
	foreach(lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		if (rte->rtekind == RTE_RELATION && rte->inFromCl && relations)
			add_relation(context, query, foreach_current_index(lc) + 1, rte);
		else if (rte->rtekind == RTE_SUBQUERY)
			look_at_query(context, rte->subquery, &level, relations);
		else if (rte->rtekind == RTE_FUNCTION && planner_rte_plan(rte) != NULL)
			context->impossible = "an earlier part of the statement gives rows to this node";
		if (context->impossible != NULL)
			return;
	}
	foreach(lc, query->cteList)
		look_at_query(context, castNode(Query, lfirst_node(CommonTableExpr, lc)->ctequery), &level,
					  relations);
	(void) walker((Node *) query->targetList, &look);
	(void) walker((Node *) query->jointree, &look);
	(void) walker(query->havingQual, &look);
}

/* ---- the rows that move ---- */

typedef struct NeededContext
{
	MoveLevel  *level;			/* of the node being looked at */
	Query	   *owner;
	Index		rti;
	Bitmapset  *attnos;			/* offset by FirstLowInvalidHeapAttributeNumber */
} NeededContext;

/* Vars of joins count as what they stand for, not as all columns of the joined relations */
static bool
needed_walker(Node *node, NeededContext *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		Var		   *var = (Var *) node;
		MoveLevel  *level = context->level;
		RangeTblEntry *rte;

		for (Index up = var->varlevelsup; up > 0 && level != NULL; up--)
			level = level->parent;
		if (level == NULL)
			return false;
		rte = rt_fetch(var->varno, level->query->rtable);
		if (rte->rtekind == RTE_JOIN)
		{
			NeededContext above = *context;

			above.level = level;
			if (var->varattno > 0)
				(void) needed_walker(list_nth(rte->joinaliasvars, var->varattno - 1), &above);
			else
				(void) needed_walker((Node *) rte->joinaliasvars, &above);
			context->attnos = above.attnos;
		}
		else if (level->query == context->owner && var->varno == context->rti)
			context->attnos = bms_add_member(context->attnos, var->varattno -
											 FirstLowInvalidHeapAttributeNumber);
		return false;
	}
	if (IsA(node, Query))
	{
		MoveLevel	level = {(Query *) node, context->level};
		bool		result;

		context->level = &level;
		result = query_tree_walker((Query *) node, needed_walker, context,
								   QTW_IGNORE_JOINALIASES);
		context->level = level.parent;
		return result;
	}
	return expression_tree_walker(node, needed_walker, context);
}

/*
 * Conditions of the join tree that every row of the result fulfils, and that can be applied to rows
 * of relation rti alone.  above: conditions found on the way down.  Returns true when the relation
 * is in this part of the tree.
 */
static bool
conditions_on_way(Node *node, Index rti, List *above, List **found)
{
	if (IsA(node, RangeTblRef))
	{
		if (((RangeTblRef *) node)->rtindex != rti)
			return false;
		*found = above;
		return true;
	}
	if (IsA(node, FromExpr))
	{
		FromExpr   *from = (FromExpr *) node;
		ListCell   *lc;

		above = list_concat_copy(above, make_ands_implicit((Expr *) from->quals));
		foreach(lc, from->fromlist)
		{
			if (conditions_on_way(lfirst(lc), rti, above, found))
				return true;
		}
		return false;
	}
	else
	{
		JoinExpr   *join = castNode(JoinExpr, node);
		List	   *own = make_ands_implicit((Expr *) join->quals);
		List	   *both = list_concat_copy(above, own);
		JoinType	type = join->jointype;

		if (conditions_on_way(join->larg, rti, type == JOIN_INNER ? both :
							  type == JOIN_LEFT ? above : type == JOIN_RIGHT ? own : NIL, found))
			return true;
		return conditions_on_way(join->rarg, rti, type == JOIN_INNER ? both :
								 type == JOIN_RIGHT ? above : type == JOIN_LEFT ? own : NIL,
								 found);
	}
}

static List *
own_conditions(MoveRelation *relation)
{
	List	   *found = NIL;
	List	   *result = NIL;
	ListCell   *lc;

	(void) conditions_on_way((Node *) relation->query->jointree, relation->rti, NIL, &found);
	foreach(lc, found)
	{
		Node	   *qual = planner_flatten(relation->query, lfirst(lc));

		if (!checkExprHasSubLink(qual) && !contain_volatile_functions(qual) &&
			!planner_expr_is_correlated(qual) &&
			bms_equal(pull_varnos(NULL, qual), bms_make_singleton(relation->rti)))
			result = lappend(result, qual);
	}
	return result;
}

/* SELECT of the needed columns, by position; attnos of them in *attnos */
static Query *
make_source(MoveRelation *relation, Bitmapset *needed, List **attnos)
{
	RangeTblEntry *rte = copyObject(rt_fetch(relation->rti, relation->query->rtable));
	Relation	rel = table_open(rte->relid, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(rel);
	Query	   *query = planner_make_select_from(rte);
	List	   *quals = own_conditions(relation);

	rte->lateral = false;
	ChangeVarNodes((Node *) rte->securityQuals, relation->rti, 1, 0);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		Var		   *var;

		if (attribute->attisdropped ||
			!bms_is_member(attribute->attnum - FirstLowInvalidHeapAttributeNumber, needed))
			continue;
		var = makeVar(1, attribute->attnum, attribute->atttypid, attribute->atttypmod,
					  attribute->attcollation, 0);
		*attnos = lappend_int(*attnos, attribute->attnum);
		query->targetList = lappend(query->targetList,
									makeTargetEntry((Expr *) var, list_length(*attnos),
													psprintf("a%d", list_length(*attnos)),
													false));
	}
	if (quals != NIL)
	{
		query->jointree->quals = (Node *) make_ands_explicit(quals);
		ChangeVarNodes(query->jointree->quals, relation->rti, 1, 0);
	}
	compat_query_take_perminfo(query, rte, relation->query);
	table_close(rel, NoLock);
	return query;
}

static Query *
source_of_relation(Query *top, MoveRelation *relation, List **attnos)
{
	NeededContext needed = {NULL, relation->query, relation->rti, NULL};

	*attnos = NIL;
	(void) needed_walker((Node *) top, &needed);
	for (int attno = FirstLowInvalidHeapAttributeNumber + 1; attno <= 0; attno++)
	{
		if (bms_is_member(attno - FirstLowInvalidHeapAttributeNumber, needed.attnos))
			return NULL;
	}
	return make_source(relation, needed.attnos, attnos);
}

/* ---- prices ---- */

static void
estimate_relations(MoveContext *context, Query *top)
{
	for (int i = 0; i < context->nrelations; i++)
	{
		MoveRelation *relation = &context->relations[i];
		List	   *attnos;
		Query	   *source = source_of_relation(top, relation, &attnos);

		relation->impossible = source == NULL;
		if (source == NULL)
			source = make_source(relation, NULL, &attnos);
		relation->rows = planner_estimate_rows(context->request, source);
	}
}

static AttrNumber
column_in_class(MoveContext *context, int relation, int class)
{
	ListCell   *lc;

	foreach(lc, context->columns)
	{
		MoveColumn *column = lfirst(lc);

		if (column->relation == relation && column->class == class && class >= 0)
			return column->attno;
	}
	return 0;
}

/* rows of two relations with equal keys are in shards of equal index */
static bool
lies_like_anchor(const DistTable *table, const DistTable *anchor)
{
	return table->kind == anchor->kind && table->colocationId == anchor->colocationId;
}

/*
 * What becomes of a relation: it stays when its shards are the anchor's and the anchor stays; the
 * anchor stays when rows move by its key, or none do.
 */
static MoveKind
kind_of_move(MoveContext *context, const MoveChoice *choice, int number, AttrNumber *attno)
{
	const MoveRelation *relation = &context->relations[number];
	const MoveRelation *anchor = &context->relations[choice->anchor];
	AttrNumber	anchorColumn = column_in_class(context, choice->anchor, choice->class);
	bool		anchorStays = choice->class < 0 || anchorColumn == anchor->table->keyAttno;

	*attno = column_in_class(context, number, choice->class);
	if (anchorStays && lies_like_anchor(relation->table, anchor->table) &&
		(number == choice->anchor || choice->class < 0 || *attno == relation->table->keyAttno))
		return MOVE_STAYS;
	return *attno > 0 ? MOVE_BY_COLUMN : MOVE_TO_ALL;
}

static void
set_price(MoveContext *context, MoveChoice *choice)
{
	int			ntasks = context->relations[choice->anchor].table->nshards;

	choice->price = PRICE_START;
	for (int i = 0; i < context->nrelations; i++)
	{
		AttrNumber	attno;
		MoveKind	kind = kind_of_move(context, choice, i, &attno);

		if (kind == MOVE_STAYS)
			continue;
		choice->price += context->relations[i].rows *
			(kind == MOVE_BY_COLUMN ? PRICE_MOVED : PRICE_MOVED + PRICE_TO_ALL * ntasks);
		if (context->relations[i].impossible)
			choice->price = HUGE_VAL;
	}
}

static int
compare_prices(const ListCell *a, const ListCell *b)
{
	double		x = ((MoveChoice *) lfirst(a))->price;
	double		y = ((MoveChoice *) lfirst(b))->price;

	return x < y ? -1 : x > y;
}

/* all choices that cost less than limit, the cheapest first */
static List *
make_choices(MoveContext *context, double limit)
{
	List	   *choices = NIL;

	for (int anchor = 0; anchor < context->nrelations; anchor++)
	{
		if (context->relations[anchor].table->kind != DIST_TABLE_HASH)
			continue;
		for (int class = -1; class < context->nclasses; class++)
		{
			MoveChoice	choice = {anchor, class, 0};

			if (class >= 0 && column_in_class(context, anchor, class) == 0)
				continue;
			set_price(context, &choice);
			if (choice.price < limit)
			{
				MoveChoice *copy = palloc(sizeof(MoveChoice));

				*copy = choice;
				choices = lappend(choices, copy);
			}
		}
	}
	list_sort(choices, compare_prices);
	return choices;
}

/* ---- changing the query ---- */

Oid
planner_unpack_rows_oid(void)
{
	static Oid	functionOid = InvalidOid;
	static Oid	extensionOid = InvalidOid;

	if (!OidIsValid(functionOid) || extensionOid != base_extension_oid())
	{
		Oid			arguments[] = {BYTEAOID, INT4OID, FLOAT4OID};

		functionOid = LookupFuncName(list_make2(makeString("citus_internal"),
												makeString("unpack_rows")),
									 lengthof(arguments), arguments, false);
		extensionOid = base_extension_oid();
	}
	return functionOid;
}

/*
 * The rows of movement number; values: how many the key has, as planner_moved_values() tells.  The
 * entry's relid names the anchor while the query is analysed; it means nothing to the server for an
 * entry of this kind.
 */
static RangeTblEntry *
make_moved_rows(int number, Query *source, int keyColumn, float4 values, Oid anchor)
{
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	RangeTblFunction *function = makeNode(RangeTblFunction);
	Param	   *param = makeNode(Param);
	Const	   *key = makeConst(INT4OID, -1, InvalidOid, 4, Int32GetDatum(keyColumn), false, true);
	Const	   *distinct = makeConst(FLOAT4OID, -1, InvalidOid, sizeof(float4),
									 Float4GetDatum(values), false, true);
	FuncExpr   *call;
	ListCell   *lc;

	param->paramkind = PARAM_EXTERN;
	param->paramid = PLAN_MOVED_PARAM + number;
	param->paramtype = BYTEAOID;
	param->paramtypmod = -1;
	param->location = -1;
	call = makeFuncExpr(planner_unpack_rows_oid(), RECORDOID, list_make3(param, key, distinct),
						InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);
	call->funcretset = true;
	function->funcexpr = (Node *) call;
	rte->rtekind = RTE_FUNCTION;
	rte->alias = makeAlias("moved", NIL);
	rte->eref = makeAlias("moved", NIL);
	foreach(lc, source->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);
		Node	   *expr = (Node *) tle->expr;

		function->funccoltypes = lappend_oid(function->funccoltypes, exprType(expr));
		function->funccoltypmods = lappend_int(function->funccoltypmods, exprTypmod(expr));
		function->funccolcollations = lappend_oid(function->funccolcollations,
												  exprCollation(expr));
		function->funccolnames = lappend(function->funccolnames, makeString(tle->resname));
		function->funccolcount++;
		rte->eref->colnames = lappend(rte->eref->colnames, makeString(tle->resname));
	}
	rte->functions = list_make1(function);
	rte->inFromCl = true;
	if (keyColumn > 0)
		rte->relid = anchor;
	return rte;
}

bool
planner_rte_is_moved(RangeTblEntry *rte, Oid *anchor, AttrNumber *key)
{
	FuncExpr   *call = OidIsValid(rte->relid) ? planner_moved_call(rte) : NULL;

	if (call == NULL)
		return false;
	*anchor = rte->relid;
	*key = DatumGetInt32(lsecond_node(Const, call->args)->constvalue);
	return *key > 0;
}

/* SELECT of all columns of the relation from its moved rows; those that nobody reads are NULL */
static Query *
select_from_moved(RangeTblEntry *moved, Oid relid, List *attnos)
{
	Relation	rel = table_open(relid, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(rel);
	Query	   *query = planner_make_select_from(moved);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		int			position = 0;
		Expr	   *expr;
		ListCell   *lc;

		foreach(lc, attnos)
		{
			if (lfirst_int(lc) == attribute->attnum)
				position = foreach_current_index(lc) + 1;
		}
		if (position > 0)
			expr = (Expr *) makeVar(1, position, attribute->atttypid, attribute->atttypmod,
									attribute->attcollation, 0);
		else
			expr = (Expr *) makeNullConst(attribute->attisdropped ? INT4OID : attribute->atttypid,
										  -1, attribute->attcollation);
		query->targetList = lappend(query->targetList,
									makeTargetEntry(expr, attribute->attnum,
													pstrdup(NameStr(attribute->attname)),
													false));
	}
	table_close(rel, NoLock);
	return query;
}

/* a fragment that gives the source's rows; NULL when they cannot leave their nodes */
static Fragment *
make_source_fragment(Query *source, Oid relid)
{
	QueryShape	shape;
	List	   *params;

	planner_shape(source, &shape);
	if ((!shape.complete && !shape.pinned) || !planner_outputs_can_travel(source->targetList) ||
		planner_ship_query(source, &params) != NULL)
		return NULL;
	return planner_make_fragment(source, params, relid, shape.complete ? shape.prune : NULL);
}

/* a movement of the source's rows, by their key column */
static Movement *
make_movement(Query *source, Fragment *fragment, int keyColumn, const char *name)
{
	Movement   *movement = plan_movement_make(fragment, keyColumn, name);
	ListCell   *lc;

	foreach(lc, source->targetList)
	{
		Node	   *expr = (Node *) lfirst_node(TargetEntry, lc)->expr;
		RangeTblEntry *rte = IsA(expr, Var) ?
			rt_fetch(((Var *) expr)->varno, source->rtable) : NULL;
		int			width = 0;

		if (rte != NULL && rte->rtekind == RTE_RELATION)
			width = get_attavgwidth(rte->relid, ((Var *) expr)->varattno);
		movement->width += width > 0 ? width : get_typavgwidth(exprType(expr), exprTypmod(expr));
	}
	return movement;
}

/* the relation's rows move: its entry is replaced; NULL when that cannot be */
static Movement *
move_relation(Query *top, MoveRelation *relation, int number, AttrNumber attno, Oid anchor)
{
	RangeTblEntry *rte = rt_fetch(relation->rti, relation->query->rtable);
	List	   *attnos;
	Query	   *source = source_of_relation(top, relation, &attnos);
	int			keyColumn = 0;
	RangeTblEntry *made;
	RangeTblEntry *moved;
	Fragment   *fragment;
	ListCell   *lc;
	char	   *name = get_rel_name(rte->relid);

	if (source == NULL || attnos == NIL)
		return NULL;
	foreach(lc, attnos)
	{
		if (lfirst_int(lc) == attno)
			keyColumn = foreach_current_index(lc) + 1;
	}
	if (attno > 0 && keyColumn == 0)
		return NULL;
	if (attno > 0)
		name = psprintf("%s by %s", name, get_attname(rte->relid, attno, false));

	made = makeNode(RangeTblEntry);
	made->rtekind = RTE_SUBQUERY;
	moved = make_moved_rows(number, source, keyColumn,
							planner_moved_values(rte->relid, attno, relation->rows), anchor);
	made->subquery = select_from_moved(moved, rte->relid, attnos);
	made->alias = copyObject(rte->alias);
	made->eref = copyObject(rte->eref);
	made->inFromCl = true;
	if (made->alias == NULL)
		made->alias = makeAlias(rte->eref->aliasname, NIL);
	fragment = make_source_fragment(source, rte->relid);
	if (fragment == NULL)
		return NULL;
	fragment->estimatedRows = relation->rows;
	list_nth_cell(relation->query->rtable, relation->rti - 1)->ptr_value = made;
	return make_movement(source, fragment, keyColumn, name);
}

/* the query with a choice made, and its movements; NULL when it cannot be made */
static Query *
apply_choice(MoveContext *context, Query *query, const MoveChoice *choice, List **movements)
{
	Query	   *copy = copyObject(query);
	MoveContext *inside = palloc0(sizeof(MoveContext));
	Oid			anchor = context->relations[choice->anchor].table->relid;

	/* the same relations, found in the same order */
	inside->request = context->request;
	look_at_query(inside, copy, NULL, true);
	*movements = NIL;
	for (int i = 0; i < inside->nrelations; i++)
	{
		AttrNumber	attno;
		MoveKind	kind = kind_of_move(context, choice, i, &attno);
		Movement   *movement;

		if (kind == MOVE_STAYS)
			continue;
		inside->relations[i].rows = context->relations[i].rows;
		movement = move_relation(copy, &inside->relations[i], list_length(*movements),
								 kind == MOVE_BY_COLUMN ? attno : 0, anchor);
		if (movement == NULL)
			return NULL;
		*movements = lappend(*movements, movement);
	}
	return copy;
}

Query *
planner_move_values(Query *values, AttrNumber column, Query *counts, Oid anchor, Refusal *refusal)
{
	const DistTable *table = catalog_table_get(anchor);
	Query	   *query = copyObject(counts);
	TargetEntry *tle = get_tle_by_resno(values->targetList, column);
	Fragment   *fragment = NULL;
	RangeTblRef *ref = makeNode(RangeTblRef);
	Movement   *movement;

	if (table->kind == DIST_TABLE_HASH &&
		OidIsValid(routing_hash_family(exprType((Node *) tle->expr))))
		fragment = make_source_fragment(copyObject(values), anchor);
	if (fragment == NULL)
	{
		refusal->reason = "the values cannot move between shards";
		return NULL;
	}
	movement = make_movement(values, fragment, column, "distinct values");
	query->rtable = list_make1(make_moved_rows(0, values, column, MOVED_VALUES_UNKNOWN,
												 anchor));
	ref->rtindex = 1;
	query->jointree = makeFromExpr(list_make1(ref), NULL);
	return planner_transform_moved(query, list_make1(movement), refusal, NULL);
}

Query *
planner_move_select(Query *source, AttrNumber column, Oid anchor, const char *name,
					Movement **movement)
{
	QueryShape	shape;
	List	   *params;
	Query	   *query;
	ListCell   *lc;

	planner_shape(source, &shape);
	if (!shape.complete || !planner_outputs_can_travel(source->targetList))
		return NULL;
	query = planner_make_select_from(make_moved_rows(0, source, column, MOVED_VALUES_UNKNOWN,
													 anchor));
	foreach(lc, source->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);
		Node	   *expr = (Node *) tle->expr;
		Var		   *var = makeVar(1, tle->resno, exprType(expr), exprTypmod(expr),
								  exprCollation(expr), 0);

		query->targetList = lappend(query->targetList,
									makeTargetEntry((Expr *) var, tle->resno,
													pstrdup(tle->resname), false));
	}
	if (planner_ship_query(source, &params) != NULL)
		return NULL;
	*movement = make_movement(source, planner_make_fragment(source, params, shape.anchor,
															shape.prune), column, name);
	return query;
}

/* the fragment below upper: the query has result rows, and reads gathered ones */
static void
note_rows(Query *upper, double result, double gathered)
{
	DistPlan   *plan = planner_rte_plan(linitial(upper->rtable));

	if (plan == NULL || plan->fragment == NULL)
		return;
	/* each shard gives groups of its own */
	if (upper->hasAggs || upper->groupClause != NIL || upper->distinctClause != NIL)
		result = Min(result * catalog_table_get(plan->fragment->anchor)->nshards, gathered);
	plan->fragment->estimatedRows = Max(result, 1.0);
}

/*
 * planner_move
 *		Like planner_transform() for a normalized query that it has refused: some of its relations
 *		move.  NULL with refusal->reason when that is not right, or not worth it.
 */
Query *
planner_move(PlanRequest *request, Query *query, Refusal *refusal, DistPlan **whole)
{
	MoveContext *context = palloc0(sizeof(MoveContext));
	double		gathered = 0;
	double		result;
	ListCell   *lc;

	context->request = request;
	/* rows that have moved are anybody's: a view's conditions may not have been applied to them */
	if (planner_depends_on_role(query) && !planner_expr_is_trusted((Node *) query))
		context->impossible = "a function must not see rows that a view may hide";
	else
		look_at_query(context, query, NULL, true);
	if (context->impossible == NULL && context->nrelations >= 2)
		look_at_query(context, query, NULL, false);
	if (context->impossible != NULL || context->nrelations < 2)
	{
		refusal->reason = context->impossible ? context->impossible : "there is nothing to join";
		return NULL;
	}
	estimate_relations(context, query);
	for (int i = 0; i < context->nrelations; i++)
		gathered += context->relations[i].rows;
	result = planner_estimate_rows(request, query);
	foreach(lc, make_choices(context, gathered - result * PRICE_RESULT))
	{
		List	   *movements;
		Query	   *moved = apply_choice(context, query, lfirst(lc), &movements);
		Query	   *upper;

		if (moved == NULL)
			continue;
		upper = planner_transform_moved(moved, movements, refusal, whole);
		if (upper != NULL)
		{
			note_rows(upper, result, gathered);
			return upper;
		}
	}
	refusal->reason = "moving rows between shards is not right, or not worth it";
	return NULL;
}
