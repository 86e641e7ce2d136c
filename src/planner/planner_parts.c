/*
 * planner_parts.c
 *	  Parts, and the equalities that unite them.
 *
 * The small pieces of the distribution analysis: sets of Vars, classes of Vars that conditions make
 * equal, and parts whose keys such a class ties together.  What they mean, and the invariants, are
 * at the top of planner_distribution.c, their only user.
 *
 * Everything is allocated in the current context; lists of a part are replaced, never changed in
 * place, because copies of a part share them.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "citus/routing/routing.h"
#include "planner/planner_parts_internal.h"

/* ---- Vars and classes ---- */

bool
planner_var_in_list(Var *var, List *vars)
{
	ListCell   *lc;

	foreach(lc, vars)
	{
		Var		   *other = lfirst_node(Var, lc);

		if (other->varno == var->varno && other->varattno == var->varattno &&
			other->varlevelsup == var->varlevelsup)
			return true;
	}
	return false;
}

List *
planner_vars_union(List *vars, List *more)
{
	ListCell   *lc;

	foreach(lc, more)
	{
		if (!planner_var_in_list(lfirst(lc), vars))
			vars = lappend(vars, lfirst(lc));
	}
	return vars;
}

bool
planner_vars_overlap(List *a, List *b)
{
	ListCell   *lc;

	foreach(lc, a)
	{
		if (planner_var_in_list(lfirst(lc), b))
			return true;
	}
	return false;
}

List *
planner_vars_intersection(List *a, List *b)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, a)
	{
		if (planner_var_in_list(lfirst(lc), b))
			result = lappend(result, lfirst(lc));
	}
	return result;
}

Var *
planner_strip_to_var(Node *expr)
{
	/* the server's planner makes one of COLLATE, too, by which other values are equal */
	while (expr != NULL && IsA(expr, RelabelType) &&
		   exprCollation(expr) == exprCollation((Node *) ((RelabelType *) expr)->arg))
		expr = (Node *) ((RelabelType *) expr)->arg;
	return expr != NULL && IsA(expr, Var) ? (Var *) expr : NULL;
}

/* unites all classes that share a Var with the new pair */
List *
planner_classes_add(List *classes, List *members)
{
	List	   *result = NIL;
	List	   *united = members;
	ListCell   *lc;

	foreach(lc, classes)
	{
		List	   *class = lfirst(lc);

		if (planner_vars_overlap(class, united))
			united = planner_vars_union(list_copy(class), united);
		else
			result = lappend(result, class);
	}
	return lappend(result, united);
}

/* true for the equality by which rows of type are placed */
bool
planner_operator_is_key_equality(Oid opno, Oid type)
{
	TypeCacheEntry *entry = lookup_type_cache(getBaseType(type), TYPECACHE_EQ_OPR);

	return entry->eq_opr == opno;
}

/*
 * True for an equality of two Vars that makes their tokens equal.  Across types only where a
 * family's hash functions agree and hash the values themselves, not what they name.
 */
bool
planner_operator_equates(Oid opno, Var *left, Var *right)
{
	Oid			family = routing_hash_family(left->vartype);

	if (left->varcollid != right->varcollid || left->varattno <= 0 || right->varattno <= 0)
		return false;
	if (left->vartype == right->vartype)
		return planner_operator_is_key_equality(opno, left->vartype);
	return family == routing_hash_family(right->vartype) && op_in_opfamily(opno, family) &&
		op_strict(opno) &&
		(family == routing_hash_family(INT8OID) || family == routing_hash_family(FLOAT8OID) ||
		 family == routing_hash_family(TEXTOID));
}

/* adds the equalities of two Vars that the conjunction quals demands */
List *
planner_classes_from_quals(List *classes, List *quals)
{
	ListCell   *lc;

	foreach(lc, quals)
	{
		Node	   *qual = lfirst(lc);

		if (is_andclause(qual))
			classes = planner_classes_from_quals(classes, ((BoolExpr *) qual)->args);
		else if (IsA(qual, OpExpr) && list_length(((OpExpr *) qual)->args) == 2)
		{
			OpExpr	   *op = (OpExpr *) qual;
			Var		   *left = planner_strip_to_var(linitial(op->args));
			Var		   *right = planner_strip_to_var(lsecond(op->args));

			if (left != NULL && right != NULL &&
				planner_operator_equates(op->opno, left, right))
				classes = planner_classes_add(classes, list_make2(left, right));
		}
	}
	return classes;
}

/* ---- parts ---- */

Part *
planner_part_copy(Part *part)
{
	Part	   *copy = palloc(sizeof(Part));

	*copy = *part;
	return copy;
}

bool
planner_part_touches(Part *part, List *vars)
{
	return planner_vars_overlap(part->keys, vars) || planner_vars_overlap(part->nullable, vars) ||
		planner_vars_overlap(part->links, vars);
}

bool
planner_parts_touch(Part *a, Part *b)
{
	return planner_part_touches(a, b->keys) || planner_part_touches(a, b->nullable) ||
		planner_part_touches(a, b->links);
}

void
planner_part_close(Part *part)
{
	part->keys = part->nullable = part->links = NIL;
	part->partial = part->closed = true;
}

/* inner join of two parts by key */
static void
part_join(Part *part, Part *other)
{
	part->keys = planner_vars_union(list_copy(part->keys), other->keys);
	part->nullable = planner_vars_union(list_copy(part->nullable), other->nullable);
	part->links = planner_vars_union(list_copy(part->links), other->links);
	part->prunes = list_concat_copy(part->prunes, other->prunes);
	part->partial = part->partial && other->partial;
	part->moved = part->moved && other->moved;
}

/* what equality of its members tells a part that touches the class */
void
planner_part_take_class(Part *part, List *class)
{
	ListCell   *lc;

	foreach(lc, class)
	{
		Var		   *var = lfirst_node(Var, lc);

		if (var->varlevelsup > 0)
			part->links = planner_vars_union(list_copy(part->links), list_make1(var));
		else
			part->keys = planner_vars_union(list_copy(part->keys), list_make1(var));
	}
}

/* unites the parts whose keys the source's classes make equal */
void
planner_source_merge_parts(RowSource *source)
{
	ListCell   *lc;
	List	   *result = NIL;

	foreach(lc, source->parts)
	{
		Part	   *part = lfirst(lc);
		bool		again = true;

		while (again)
		{
			ListCell   *other;
			int			nkeys = list_length(part->keys) + list_length(part->links);

			foreach(other, source->classes)
			{
				if (planner_part_touches(part, lfirst(other)))
					planner_part_take_class(part, lfirst(other));
			}
			again = nkeys != list_length(part->keys) + list_length(part->links);

			foreach(other, result)
			{
				Part	   *earlier = lfirst(other);

				if (planner_parts_touch(part, earlier))
				{
					part_join(part, earlier);
					result = list_delete_ptr(result, earlier);
					again = true;
					break;
				}
			}
		}
		result = lappend(result, part);
	}
	source->parts = result;
}

/* a stand-in that lets routing analyse any column as if it were a key */
static PruneSpec *
prune_of_var(List *quals, Var *var)
{
	DistTable	table = {0};

	table.kind = DIST_TABLE_HASH;
	table.partMethod = 'h';
	table.keyAttno = var->varattno;
	table.keyType = var->vartype;
	table.keyTypmod = var->vartypmod;
	table.keyCollation = var->varcollid;
	return routing_prune_from_quals(quals, var->varno, &table);
}

static void
part_add_prunes_of(Part *part, List *vars, List *quals)
{
	ListCell   *lc;

	foreach(lc, vars)
	{
		Var		   *var = lfirst_node(Var, lc);
		PruneSpec  *prune;

		if (var->varlevelsup > 0)
			continue;
		prune = prune_of_var(quals, var);
		if (prune != NULL && prune->kind != PRUNE_ALL)
			part->prunes = lappend(list_copy(part->prunes), prune);
	}
}

void
planner_part_add_prunes(Part *part, List *quals)
{
	List	   *strict = NIL;
	ListCell   *lc;

	if (part->moved)
		return;

	/* IS NULL contradicts a key, but selects rows of an outer join: not for nullable Vars */
	foreach(lc, quals)
	{
		if (IsA(lfirst(lc), OpExpr) || IsA(lfirst(lc), ScalarArrayOpExpr))
			strict = lappend(strict, lfirst(lc));
	}
	part_add_prunes_of(part, part->keys, quals);
	part_add_prunes_of(part, part->nullable, strict);
}

Expr *
planner_prunes_find_pin(List *prunes)
{
	ListCell   *lc;

	foreach(lc, prunes)
	{
		PruneSpec  *prune = lfirst(lc);
		Expr	   *pin = NULL;

		if (prune->kind == PRUNE_EQUAL)
			pin = prune->value;
		else if (prune->kind == PRUNE_AND)
			pin = planner_prunes_find_pin(prune->args);
		if (pin != NULL)
			return pin;
	}
	return NULL;
}
