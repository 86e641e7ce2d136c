/*
 * planner_shapes.c
 *	  Statements that differ in values only: what was planned for one serves the next.
 *
 * Constants of conditions, of SET and of a row of VALUES are lifted into parameters; what is left
 * is the statement's shape.  The fragment of a shape (its text above all), or the whole plan, is
 * made once a session; the constants are put back into a copy.  The far side sees one text per
 * shard, which it can keep prepared.  A shape for which nothing could be made is remembered, too:
 * some conditions tell the shard only while their constants are constants.
 *
 * Invariants: (1) a shape is compared as a whole tree, so that equal shapes mean equal results;
 * (2) an entry is used only while nothing that its text depends on has changed: the relations,
 * and any function, type, operator or schema.
 *
 * Main path: planner_shape_lift(), planner_shape_find(), else planner_shape_keep().  Not here: what
 * is made of a shape.
 */
#include "postgres.h"

#include "access/transam.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "planner_internal.h"

/* shapes kept a session */
#define MAX_SHAPES 100

/* extern parameters numbered from here are lifted constants */
#define LIFTED_PARAM 500000

typedef struct Shape
{
	MemoryContext context;		/* of everything below, and of the struct */
	ShapeUse	use;
	uint32		digest;			/* equal trees have equal ones: compared first */
	Query	   *query;			/* with constants lifted */
	List	   *relids;
	Node	   *made;			/* refers to lifted constants; NULL: nothing could be made */
	bool		valid;			/* cleared by invalidation; freed at the next look-up */
} Shape;

/* most recently used first */
static List *shapes = NIL;
static MemoryContext shapesContext = NULL;
static uint64 invalidations = 0;

/* ---- invalidation ---- */

static void
invalidate_relation(Datum arg, Oid relid)
{
	ListCell   *lc;

	invalidations++;
	foreach(lc, shapes)
	{
		Shape	   *shape = lfirst(lc);

		if (relid == InvalidOid || list_member_oid(shape->relids, relid))
			shape->valid = false;
	}
}

static void
invalidate_all(Datum arg, int cacheid, uint32 hashvalue)
{
	invalidate_relation((Datum) 0, InvalidOid);
}

/* the first shape of a session: callbacks belong to a backend, not to the postmaster */
static void
prepare_cache(void)
{
	if (shapesContext != NULL)
		return;
	shapesContext = AllocSetContextCreate(CacheMemoryContext, "citus statement shapes",
										  ALLOCSET_SMALL_SIZES);
	CacheRegisterRelcacheCallback(invalidate_relation, (Datum) 0);
	CacheRegisterSyscacheCallback(PROCOID, invalidate_all, (Datum) 0);
	CacheRegisterSyscacheCallback(TYPEOID, invalidate_all, (Datum) 0);
	CacheRegisterSyscacheCallback(OPEROID, invalidate_all, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, invalidate_all, (Datum) 0);
}

/* ---- lifting constants ---- */

typedef struct LiftContext
{
	List	   *constants;
	uint32		digest;
} LiftContext;

static Node *lift_mutator(Node *node, LiftContext *context);

static inline void
add_to_digest(LiftContext *context, uint32 value)
{
	context->digest = context->digest * 31 + value;
}

/* what tells nodes of one kind apart, as far as equal() sees it */
static void
add_node_to_digest(LiftContext *context, Node *node)
{
	add_to_digest(context, nodeTag(node));
	if (IsA(node, OpExpr))
		add_to_digest(context, ((OpExpr *) node)->opno);
	else if (IsA(node, FuncExpr))
		add_to_digest(context, ((FuncExpr *) node)->funcid);
	else if (IsA(node, Var))
		add_to_digest(context, ((Var *) node)->varattno);
	else if (IsA(node, TargetEntry))
		add_to_digest(context, ((TargetEntry *) node)->resno);
}

/*
 * What stands behind a cast's value says how to cast, and some functions are printed by what their
 * constants say (EXTRACT): such constants belong to the shape.
 */
static Node *
lift_in_function(FuncExpr *call, LiftContext *context)
{
	call = copyObject(call);
	if (call->funcformat == COERCE_SQL_SYNTAX)
		return (Node *) call;
	if (call->args != NIL)
		linitial(call->args) = lift_mutator(linitial(call->args), context);
	return (Node *) call;
}

static Node *
lift_mutator(Node *node, LiftContext *context)
{
	Const	   *constant = (Const *) node;
	Param	   *param;

	if (node == NULL)
		return NULL;
	add_node_to_digest(context, node);
	if (IsA(node, FuncExpr) && ((FuncExpr *) node)->funcformat != COERCE_EXPLICIT_CALL)
		return lift_in_function((FuncExpr *) node, context);
	if (!IsA(node, Const))
		return expression_tree_mutator(node, lift_mutator, context);
	if (constant->constisnull || constant->consttype >= FirstNormalObjectId ||
		get_typtype(constant->consttype) == TYPTYPE_PSEUDO)
		return copyObject(node);

	param = makeNode(Param);
	param->paramkind = PARAM_EXTERN;
	param->paramid = LIFTED_PARAM + list_length(context->constants);
	param->paramtype = constant->consttype;
	param->paramtypmod = constant->consttypmod;
	param->paramcollid = constant->constcollid;
	param->location = -1;
	context->constants = lappend(context->constants, constant);
	return (Node *) param;
}

/* puts constants back where lift_mutator() took them away */
static Node *
lower_mutator(Node *node, List *constants)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXTERN &&
		((Param *) node)->paramid >= LIFTED_PARAM &&
		((Param *) node)->paramid < LIFTED_PARAM + list_length(constants))
		return copyObject(list_nth(constants, ((Param *) node)->paramid - LIFTED_PARAM));
	return expression_tree_mutator(node, lower_mutator, constants);
}

static bool
lifted_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Param))
		return ((Param *) node)->paramkind == PARAM_EXTERN &&
			((Param *) node)->paramid >= LIFTED_PARAM;
	return expression_tree_walker(node, lifted_walker, context);
}

bool
planner_shape_is_lifted(Node *node)
{
	return lifted_walker(node, NULL);
}

/* In the current context.  The query is not changed, but shared as far as nothing is lifted. */
LiftedQuery
planner_shape_lift(ShapeUse use, Query *query)
{
	LiftedQuery lifted = {.use = use, .query = palloc(sizeof(Query))};
	LiftContext context = {NIL, query->commandType};
	ListCell   *lc;

	foreach(lc, query->rtable)
		add_to_digest(&context, lfirst_node(RangeTblEntry, lc)->relid);
	memcpy(lifted.query, query, sizeof(Query));
	lifted.query->jointree = (FromExpr *) lift_mutator((Node *) lifted.query->jointree, &context);
	if (query->commandType == CMD_UPDATE || query->commandType == CMD_INSERT)
		lifted.query->targetList = (List *) lift_mutator((Node *) lifted.query->targetList,
														 &context);
	lifted.constants = context.constants;
	lifted.digest = context.digest;
	return lifted;
}

Node *
planner_shape_lower(const LiftedQuery *lifted, Node *node)
{
	return lower_mutator(node, lifted->constants);
}

/* ---- shapes ---- */

static void
move_to_front(Shape *shape)
{
	MemoryContext caller = MemoryContextSwitchTo(shapesContext);

	shapes = lcons(shape, list_delete_ptr(shapes, shape));
	MemoryContextSwitchTo(caller);
}

const Node *
planner_shape_find(LiftedQuery *lifted, bool *known)
{
	ListCell   *lc;

	prepare_cache();
	lifted->seen = invalidations;
	foreach(lc, shapes)
	{
		Shape	   *shape = lfirst(lc);

		if (!shape->valid)
		{
			shapes = foreach_delete_current(shapes, lc);
			MemoryContextDelete(shape->context);
			continue;
		}
		if (shape->use == lifted->use && shape->digest == lifted->digest &&
			equal(shape->query, lifted->query))
		{
			if (foreach_current_index(lc) > 0)
				move_to_front(shape);
			*known = true;
			return shape->made;
		}
	}
	*known = false;
	/* something will be made of it */
	lifted->query = copyObject(lifted->query);
	return NULL;
}

static List *
relids_of(Query *query)
{
	List	   *relids = NIL;
	ListCell   *lc;

	foreach(lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		if (rte->rtekind == RTE_RELATION)
			relids = lappend_oid(relids, rte->relid);
	}
	return relids;
}

/* What was changed while it was made is made again next time. */
void
planner_shape_keep(const LiftedQuery *lifted, const Node *made)
{
	MemoryContext context;
	MemoryContext caller;
	Shape	   *shape;

	if (lifted->seen != invalidations)
		return;
	context = AllocSetContextCreate(shapesContext, "citus statement shape",
									ALLOCSET_SMALL_SIZES);
	caller = MemoryContextSwitchTo(context);
	shape = palloc0(sizeof(Shape));
	shape->context = context;
	shape->use = lifted->use;
	shape->digest = lifted->digest;
	shape->query = copyObject(lifted->query);
	shape->relids = relids_of(lifted->query);
	shape->made = copyObjectImpl(made);
	shape->valid = true;

	MemoryContextSwitchTo(shapesContext);
	shapes = lcons(shape, shapes);
	if (list_length(shapes) > MAX_SHAPES)
	{
		Shape	   *oldest = llast(shapes);

		shapes = list_delete_last(shapes);
		MemoryContextDelete(oldest->context);
	}
	MemoryContextSwitchTo(caller);
}
