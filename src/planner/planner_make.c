/*
 * planner_make.c
 *		Queries that the planner makes, as the server's parser would have made them.
 *
 * What they read of relations, and with whose rights, is the caller's to say.
 */
#include "postgres.h"

#include "nodes/makefuncs.h"
#include "rewrite/rewriteManip.h"

#include "planner_internal.h"

Query *
planner_make_select(void)
{
	Query	   *query = makeNode(Query);

	query->commandType = CMD_SELECT;
	query->querySource = QSRC_ORIGINAL;
	query->canSetTag = true;
	query->jointree = makeFromExpr(NIL, NULL);
	return query;
}

Query *
planner_make_select_from(RangeTblEntry *rte)
{
	Query	   *query = planner_make_select();
	RangeTblRef *ref = makeNode(RangeTblRef);

	ref->rtindex = 1;
	rte->inFromCl = true;
	query->rtable = list_make1(rte);
	query->jointree->fromlist = list_make1(ref);
	/* of policies, of a sample's size, of a fragment's stand-in */
	query->hasSubLinks = checkExprHasSubLink((Node *) query);
	return query;
}

RangeTblEntry *
planner_subquery_rte(Query *query, const char *name)
{
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	List	   *columns = NIL;
	ListCell   *lc;

	foreach(lc, query->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (!tle->resjunk)
			columns = lappend(columns, makeString(pstrdup(tle->resname ? tle->resname :
														  "?column?")));
	}
	rte->rtekind = RTE_SUBQUERY;
	rte->subquery = query;
	rte->alias = makeAlias(name, NIL);
	rte->eref = makeAlias(name, columns);
	rte->inFromCl = true;
	return rte;
}
