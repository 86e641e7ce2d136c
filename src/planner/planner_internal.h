/*
 * planner_internal.h
 *	  What the files of the planner share.
 */
#ifndef PLANNER_INTERNAL_H
#define PLANNER_INTERNAL_H

#include "postgres.h"
#include "nodes/parsenodes.h"
#include "nodes/plannodes.h"
#include "optimizer/planner.h"
#include "citus/catalog/catalog.h"
#include "citus/plan/plan.h"
#include "citus/planner/planner.h"

/*
 * EarlyReads: statements that read tables before other parts of the same statement change them.
 * PlanRequest: one statement to plan.  query is ours to read, never to change; a strategy copies
 * what it needs.
 */
typedef struct EarlyReads
{
	List	   *parts;			/* of PlannedStmt: what must be read before anything is changed */
	List	   *ids;			/* their ids */
} EarlyReads;

typedef struct PlanRequest
{
	Query	   *query;
	const char *queryString;
	int			cursorOptions;
	ParamListInfo boundParams;
	planner_hook_type next;
	EarlyReads *early;			/* not NULL: rows of the target are found by one of these */
	FireSpec   *fires;			/* triggers of the target; NULL: none */
	bool		joins;			/* it is the UPDATE of an upsert (InsertSpec.conflict) */
	bool		changesBetween; /* between two rows of it, its transaction may change others: by
								 * functions of the statement, or whoever fetches them */
} PlanRequest;

/*
 * Refusal: why a strategy steps aside.  Filled by the strategy, shown by
 * citus.log_planner_refusals, raised by the driver when nobody is left.
 */
typedef struct Refusal
{
	const char *reason;
	int			sqlstate;		/* 0: feature not supported */
} Refusal;

/*
 * QueryShape: where the rows of a query come from, in one word per question.  See
 * planner_distribution.c for the argument.
 */
typedef struct QueryShape
{
	bool		hasShards;		/* any relation with shards that are spread or single */
	bool		hasReplicas;	/* any reference table */
	bool		hasLocal;		/* any relation that only this node has */
	bool		locksReplicas;	/* rows of reference tables are locked, at any level */
	bool		hasUnstableReplicas;	/* reference tables read so that copies may differ */
	bool		complete;		/* running it per shard index and concatenating is right */
	bool		pinned;			/* all its shards have the index of pin */
	Expr	   *pin;			/* key value that all keyed relations are pinned to, or NULL */
	Oid			anchor;			/* a relation whose shards enumerate the tasks */
	PruneSpec  *prune;			/* of anchor, when complete */
	List	   *keys;			/* Vars of the top level that hold the key (never NULL) */
	List	   *nullable;		/* those that hold it or are NULL */
	const char *reason;			/* why neither complete nor pinned */
} QueryShape;

/* ---- planner_normalize.c ---- */

/* no query stands inside of this one, which is as the server gives it */
extern bool planner_is_flat(Query *query);
/* a copy with RTE_GROUP entries resolved (18); join aliases stay */
extern Query *planner_normalize(Query *query);
/* expression of query with join aliases resolved to the underlying columns (copy) */
extern Node *planner_flatten(Query *query, Node *node);
/* true for SELECT expressions, and nothing else: its one row needs no sub-query */
extern bool planner_query_is_a_row(Query *query);
extern Query *planner_fold_rows(Query *query);
/*
 * Makes an expression that reads entry from one of a query in which that is entry to, in place.
 * Printing must not look for the names by which the columns were reached before.
 */
extern void planner_move_vars(Node *expr, Index from, Index to);
/* true when a known relation occurs anywhere in the query */
extern bool planner_has_known_relation(Query *query);
/* true when the query refers to Vars or CTEs of levels above itself */
extern bool planner_is_correlated(Query *query);
/* the same for an expression of a query */
extern bool planner_expr_is_correlated(Node *expr);
/* first sub-query (or the query itself) that modifies a known relation; NULL if none */
extern Query *planner_find_modification(Query *query, bool skipTop);
/* any reference table of the query */
extern Oid	planner_first_reference(Query *query);

/* ---- planner_distribution.c ---- */

extern void planner_shape(Query *query, QueryShape *shape);

/* ---- planner_ship.c ---- */

/*
 * Makes a query ready to leave this node, in place: extern parameters are renumbered, stable
 * expressions without columns become parameters, both listed in *params.  Returns NULL, or the
 * reason why the query must not leave (a function that is volatile or unknown elsewhere ...).
 */
extern const char *planner_ship_query(Query *query, List **params);
/* the same question for one expression, without changing it */
extern bool planner_expr_is_shippable(Node *expr);
/*
 * The role with whose rights all relations of the query are read, the owner of a view; invalid:
 * the current user.  Without meaning for a query that planner_ship_query() refuses.
 */
extern Oid	planner_query_role(Query *query);
/* planner_one_row.c */
extern bool planner_finds_one_row(Query *query);
/* true when the expression may run with the rights of another role: nobody's own code */
extern bool planner_expr_is_trusted(Node *expr);
/* true when the plan of the query depends on who the current user is */
extern bool planner_depends_on_role(Query *query);

/* ---- planner_build.c ---- */

extern Fragment *planner_make_fragment(Query *query, List *params, Oid anchor, PruneSpec *prune);
/* true when a query, or one below it, locks rows */
extern bool planner_has_row_locks(Node *node);
/*
 * true, with the refusal, when queries below this one lock rows that may be changed before they are
 * given out (PlanRequest.changesBetween): fragments would give them as they were
 */
extern bool planner_keeps_locks(PlanRequest *request, Query *query, Refusal *refusal);
/* the triggers that a statement fires here; NULL: none (planner_triggers.c) */
/* NULL: none fires; adds to *looked OIDs of other tables whose triggers that depends on */
extern FireSpec *planner_fires(Query *query, List **looked);

/* a finished statement whose only plan node is ours; targetList describes what it returns */
extern PlannedStmt *planner_make_stmt(PlanRequest *request, DistPlan *plan, List *targetList);
/* a plan node of ours returning the columns of targetList; rti numbers its Vars for EXPLAIN */
extern CustomScan *planner_make_scan(DistPlan *plan, List *targetList, Index rti);

/* an entry that only names columns, so that EXPLAIN can print them */
extern RangeTblEntry *planner_naming_rte(List *targetList);

/*
 * A range table entry that stands for the rows of a fragment in a Query that the server's planner
 * gets: planner_rel_pathlist() finds it.  names and exprs give its columns.
 */
extern RangeTblEntry *planner_fragment_rte(Fragment *fragment, const char *strategy,
										   List *targetList);
/* the same for any DistPlan that returns rows */
extern RangeTblEntry *planner_plan_rte(DistPlan *plan, List *targetList);
/* the DistPlan of such an entry, or NULL */
extern DistPlan *planner_rte_plan(RangeTblEntry *rte);
/* the same for the call in it; more arguments are values for the fragment (planner_values.c) */
extern DistPlan *planner_call_plan(FuncExpr *call);

/* left JOIN right ON quals, with an entry in the query's range table */
extern JoinExpr *planner_add_join(Query *query, JoinType type, Node *left, Node *right,
								  List *quals);

/* ---- planner_merge.c, planner_aggregate.c ---- */

/*
 * The query that computes query's result from a fragment that runs per shard (complete) or on one
 * shard (pinned): an ordinary Query over planner_fragment_rte().  NULL with refusal->reason when
 * that is not right.  When nothing is left to merge, *whole is the fragment alone.
 */
extern Query *planner_transform(Query *query, Refusal *refusal, DistPlan **whole);

/* the same for a query some of whose relations move (planner_move.c) */
extern Query *planner_transform_moved(Query *query, List *movements, Refusal *refusal,
									  DistPlan **whole);

/* the same for a query over the rows of UNION ALL (planner_union.c) */
extern Query *planner_transform_legs(Query *query, Refusal *refusal);

/* by planner_transform(), planner_transform_legs() or planner_move(), the first that can */
extern Query *planner_transform_fragments(PlanRequest *request, Query *query, Refusal *refusal,
										  DistPlan **whole);

/* ---- planner_values.c ---- */

/* so many values of a sub-query are worth sending to all shards */
#define PLANNER_MAX_VALUES	10000.0

extern Query *planner_transform_values(PlanRequest *request, Query *query, Refusal *refusal);
extern Query *planner_transform_key_values(PlanRequest *request, Query *query);
/* true for a query that reads a relation which not all nodes have */
extern bool planner_reads_distant_relation(Query *query);
extern DistPlan *planner_plan_with_values(DistPlan *plan, RangeTblEntry *rte);

/* ---- planner_key_values.c ---- */

extern SubLink *planner_key_sublink(PlanRequest *request, Query *query, Node *qual);

/* ---- planner_lookup.c ---- */

/* true when an index begins with the column */
extern bool planner_column_has_index(Oid relid, AttrNumber attno);

/* ---- planner_move.c ---- */

/*
 * Like planner_transform() for a query that it refuses: some relations' rows move between shards.
 * NULL with refusal->reason when that is not right, or costs more than to bring all rows here.
 */
extern Query *planner_move(PlanRequest *request, Query *query, Refusal *refusal,
						   DistPlan **whole);
/*
 * The query counts over the rows of values, moved so that equal ones of column number column meet;
 * anchor: a relation of values.  NULL with refusal->reason when they cannot move.
 */
extern Query *planner_move_values(Query *values, AttrNumber column, Query *counts, Oid anchor,
								  Refusal *refusal);
/*
 * A select of the rows of source (in place, lost), moved so that they lie by column number column
 * as rows of anchor lie by their key, and their movement; name: of the rows, for EXPLAIN.  NULL
 * when the source needs more than its shards.
 */
extern Query *planner_move_select(Query *source, AttrNumber column, Oid anchor, const char *name,
								  Movement **movement);
/* the function that gives moved rows in a task; its call, if the entry is one, or NULL */
extern Oid	planner_unpack_rows_oid(void);
extern FuncExpr *planner_moved_call(const RangeTblEntry *rte);
extern ParamListInfo planner_moved_params(Query *query, ParamListInfo params);
/*
 * How many values a column has of a table's rows, of which so many move: as a share of them, below
 * 0, for unpack_rows().
 */
#define MOVED_VALUES_UNKNOWN (-1)
extern float4 planner_moved_values(Oid relid, AttrNumber attno, double rows);
/* in a task: the path that reads them */
extern void planner_moved_pathlist(PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *rte);
/* true for rows that are cut by column key as the shards of anchor are */
extern bool planner_rte_is_moved(RangeTblEntry *rte, Oid *anchor, AttrNumber *key);

/* ---- planner_merge.c ---- */

/* true when grouping, aggregates and window functions of the query stay within a shard */
extern bool planner_upper_part_is_per_shard(Query *query, List *keys);
/* true when no rows to work on make no rows: an aggregate without GROUP BY has one even then */
extern bool planner_nothing_makes_nothing(Query *query);
/* true when every output column has a type whose values another node can send */
extern bool planner_outputs_can_travel(List *targetList);

/*
 * Splits an aggregate query: lower computes partial results per shard, the returned query (range
 * table still empty, Vars of varno 1) finishes them.  NULL when an aggregate has no partial form
 * here.  groupAgain: the upper query expects the rows of lower without duplicates among shards.
 */
typedef struct SplitResult
{
	Query	   *lower;
	bool		groupAgain;

	/* for count(DISTINCT column) and nothing else; 0: it is something else */
	AttrNumber	counted;		/* of lower's columns */
	Query	   *counts;			/* over lower's rows, with DISTINCT; range table still empty */
} SplitResult;

/* true for an aggregate of the server whose partial results are such aggregates, too */
extern bool planner_aggregate_adds_up(Aggref *agg);
extern Query *planner_split_aggregates(Query *query, QueryShape *shape, SplitResult *result);

/* ---- planner_packed.c ---- */

/* true for an aggregate whose values the shards may pack; anchor: a relation of its query */
extern bool planner_aggregate_packs(const Aggref *agg, Oid anchor);
/* such an aggregate's part for the shards, and the one over their runs */
extern Aggref *planner_packed_lower(const Aggref *agg);
extern Node *planner_packed_upper(const Aggref *agg, List *directArgs, Var *runs);
/* true for an aggregate that can be made of values and how often each of them occurs */
extern bool planner_aggregate_weighs(const Aggref *agg);
extern Node *planner_weighted_upper(const Aggref *agg, List *directArgs, Var *value, Var *count);
/* what large shards' rows are grouped by, too; NULL: they are small enough */
extern Expr *planner_packed_part(const Aggref *agg, const Query *query, Oid anchor);

/* ---- planner_sorted.c ---- */

extern bool planner_clauses_sort_alike(List *clauses, List *targetList);
extern List *planner_sort_keys_of(Query *query);
extern List *planner_sort_keys_for(RelOptInfo *rel, List *pathkeys, List **columns);
extern Path *planner_sort_path(PlannerInfo *root, RelOptInfo *rel, const CustomPath *path,
							   const Fragment *fragment, const DistTable *table, List *columns);
extern void planner_fragment_sort(Fragment *fragment, List *keys);

/* ---- planner_order.c ---- */

/* true when the order of a sub-query's rows is to be seen in the query's result */
extern bool planner_shows_source_order(Query *query, bool perShard);

/* ---- planner_shapes.c ---- */

/* what is made of a shape, and by whom */
typedef enum ShapeUse
{
	SHAPE_KEYED,				/* Fragment: fast path, one relation */
	SHAPE_PINNED,				/* DistPlan: one shard group, several relations */
	SHAPE_ROW					/* PlannedStmt: INSERT of one row */
} ShapeUse;

/* a query whose constants have been lifted into parameters */
typedef struct LiftedQuery
{
	ShapeUse	use;
	Query	   *query;			/* a copy of its own once the shape was found to be new */
	List	   *constants;
	uint32		digest;			/* of the query: unequal ones are told apart by it */
	uint64		seen;			/* invalidations when it was looked for */
} LiftedQuery;

/*
 * Lifts the constants of conditions, and of what is assigned or inserted.  Relations must be in
 * the query's own range table only.
 */
extern LiftedQuery planner_shape_lift(ShapeUse use, Query *query);
/*
 * What was made of the shape before, in the cache's memory: to be copied; NULL if it is known that
 * nothing can be made, or (*known is false) if the shape is new.
 */
extern const Node *planner_shape_find(LiftedQuery *lifted, bool *known);
/* keeps a copy of what was made after planner_shape_find(); NULL: nothing can be made */
extern void planner_shape_keep(const LiftedQuery *lifted, const Node *made);
/* a copy of the expression (or list) with the constants put back */
extern Node *planner_shape_lower(const LiftedQuery *lifted, Node *node);
/* true if the expression has constants to put back */
extern bool planner_shape_is_lifted(Node *node);

/* ---- planner_fast_path.c ---- */

extern void planner_fast_path_init(void);
extern PlannedStmt *planner_fast_path(PlanRequest *request, Refusal *refusal);

/* ---- planner_make.c ---- */

/* SELECT of nothing, from nothing */
extern Query *planner_make_select(void);
/* SELECT FROM the entry, which it takes; the target list is empty */
extern Query *planner_make_select_from(RangeTblEntry *rte);
/* FROM (query) name */
extern RangeTblEntry *planner_subquery_rte(Query *query, const char *name);

/* ---- planner_sample.c ---- */

/* is the size of a relation's sample, or its seed, a value that only this node computes? */
extern bool planner_sample_is_computed(const RangeTblEntry *rte);
/* what such samples are made of becomes sub-queries, in place, before the server plans the query */
extern void planner_compute_samples(Query *query);

/* ---- planner_estimates.c ---- */

/* how many rows a SELECT over known relations has, as the server's planner estimates it; request
 * for the values of parameters, may be NULL */
extern double planner_estimate_rows(PlanRequest *request, Query *query);
/* rows of a known relation, as ANALYZE found them, or assumed */
extern double planner_table_rows(Oid relid);
/* true when somebody has counted them */
extern bool planner_table_is_analyzed(Oid relid);

/* ---- planner_scan.c ---- */

extern PlannedStmt *planner_scan(PlanRequest *request);
/* the same for a query that is made of the request's, and may be changed */
extern PlannedStmt *planner_scan_query(PlanRequest *request, Query *query);
/* true for an expression with tableoid: below a fragment's outermost query it is the shard's */
extern bool planner_reads_tableoid(Node *expr);
/* scans of ours give their rows in either direction, in place; for cursors */
extern void planner_allow_backward(Plan *plan);
/* the next planner in the chain, or the server's */
extern PlannedStmt *planner_run_server(PlanRequest *request, Query *query);

/* ---- planner_shield.c ---- */

/* sub-queries in place of relations that give rows for others to be looked at again */
extern void planner_shield(Query *query);

/* ---- planner_store.c ---- */

extern bool planner_may_store_batches(Query *query);
extern void planner_store_batches(PlannedStmt *stmt);

/* ---- planner_narrow.c ---- */

extern void planner_narrow(PlanRequest *request, Query *query);
/* the same for one level, without those below it */
extern void planner_narrow_level(PlanRequest *request, Query *query);
/* true when no join fills up rows of the level's relation with NULLs */
extern bool planner_keeps_rows_of(Query *query, Index rti);

/* ---- planner_early_groups.c ---- */

extern Query *planner_group_early(PlanRequest *request, Query *query);

/* ---- planner_group_paths.c ---- */

/* true when values of the column that are equal are the same */
extern bool planner_equal_is_same(const Var *var);

/* ---- planner_modify.c ---- */

extern PlannedStmt *planner_modify(PlanRequest *request, Refusal *refusal);
/* puts a node over the finished statement of its child plan; output is what the node returns */
extern PlannedStmt *planner_add_node(PlanRequest *request, PlannedStmt *stmt, DistPlan *plan,
									 List *output);
/* the FROM list without the reference to the target itself */
extern List *planner_without_target(List *fromlist, int target);

/* the rows that an INSERT computes, as a SELECT; *columns: the attributes they are for, IntList */
extern Query *planner_insert_source(Query *query, List **columns);

/* citus_internal.upsert_is_first() */
extern Oid	planner_upsert_is_first_oid(void);
/* upsert_is_first() of the target of query; paramId has the upsert's number */
extern Expr *planner_upsert_first_check(Query *query, int paramId);

/* ---- planner_upsert.c ---- */

/* a normalized ON CONFLICT DO UPDATE by finding rows first; RETURNING may have Vars only */
extern PlannedStmt *planner_upsert(PlanRequest *request, Query *query, Refusal *refusal);
/* true for an upsert, or the UPDATE that it becomes, of which policies ask what is in the way */
extern bool planner_upsert_asks_policies(Query *query);

/* ---- planner_upsert_rows.c ---- */

/*
 * True when a row may meet what became of the row before, by the index that decides about
 * conflicts, or when several decide, each of other rows.  42P10 when none does.
 */
extern bool planner_upsert_needs_rows(Query *query);
/*
 * The same row by row: fills in what the INSERT needs, and answers the statement that inserts or
 * does nothing; NULL with the refusal filled in.  What early gets must run before.
 */
extern Query *planner_upsert_rows(PlanRequest *request, Query *query, InsertSpec *insert,
								  EarlyReads *early, Refusal *refusal);

/* ---- planner_modify.c, planner_insert_select.c: statements that run on shards ---- */

typedef struct WholeSpec
{
	Query	   *query;
	Query	   *sources;		/* child plan for staged parameters, or NULL */
	const char *strategy;
	Oid			anchor;
	PruneSpec  *prune;
	List	   *movements;		/* of Movement: rows that the query reads by unpack_rows() */
	bool		copiesAtOnce;	/* see Fragment */
} WholeSpec;

/* the plan of a statement that runs on each shard of spec->anchor; NULL with a reason */
extern PlannedStmt *planner_make_whole(PlanRequest *request, const WholeSpec *spec,
									   Refusal *refusal);
/* the entry that gives column attno its value, NULL if there is none */
extern TargetEntry *planner_find_column(List *targetList, AttrNumber attno);
/* an INSERT whose source, a select, is entry number source; NULL with a reason */
extern PlannedStmt *planner_insert_select(PlanRequest *request, Query *query, Index source,
										  Refusal *refusal);

/* ---- planner_parallel.c ---- */

/* options for the server's planner: without parallel plans, where workers might read elsewhere */
extern int	planner_parallel_options(Query *query, int cursorOptions);

/* ---- planner_merge_shape.c ---- */

/* the shape of a MERGE, and the query that is right on the shards it tells of */
extern Query *planner_merge_shape(Query *query, Query *folded, QueryShape *shape);
/* true when every row it inserts has a key of the shard it is inserted at */
extern bool planner_merge_inserts_in_place(Query *query, const DistTable *table,
										   QueryShape *shape);

/* ---- planner_merge_insert.c ---- */

/* true when it changes rows that are there, for which it may wait */
extern bool planner_merge_may_wait(Query *query);
extern PlannedStmt *planner_merge_insert(PlanRequest *request, Query *query,
										 const DistTable *table);

/* source JOIN target ON a MERGE's condition, with an entry in the query's range table */
extern JoinExpr *planner_merge_join(Query *query, Node *source, int target, JoinType type);

/* ---- planner_change.c, planner_change_merge.c ---- */

/*
 * The way that always works for a normalized UPDATE, DELETE or MERGE: its rows are found (and
 * locked) by a SELECT, and changed one by one.  RETURNING may have Vars only.
 */
extern PlannedStmt *planner_change(PlanRequest *request, Query *query, Refusal *refusal);
/* the same for the MERGE that an upsert is made into; conflict: how shards name its index */
extern PlannedStmt *planner_change_upsert(PlanRequest *request, Query *merge,
										  const char *conflict, Refusal *refusal);

/* ---- planner_lock.c ---- */

/*
 * The plan (DIST_PLAN_LOCK) of a SELECT with row locks that no fragment can take as they are;
 * NULL when there is one that can, or when it is not of the kind.  query is not changed.  scans: no
 * fragment gives its rows as they are; those of relations are named, which takes a right.
 */
extern DistPlan *planner_lock(PlanRequest *request, Query *query, bool scans);
/*
 * true when the query's rows are to be given out by such a plan, if there is one, since rows that
 * it has locked may be changed before it gives them (PlanRequest.changesBetween)
 */
extern bool planner_lock_is_wanted(PlanRequest *request, Query *query);
/*
 * true when a row that the query has locked is changed by its own transaction only: others may
 * change one that has the weakest lock, and who has changed it cannot be told
 */
extern bool planner_locks_keep_others_off(Query *query);
/* true when this level of the query locks rows of a reference table */
extern bool planner_locks_replica(Query *query);
/* the highest number of a parameter of the client's; 0: there is none */
extern int	planner_max_param(Query *query);
/* SELECT of all output columns of a plan */
extern Query *planner_select_from_plan(DistPlan *plan, List *targetList);

/* ---- planner_cursor.c ---- */

/* true when a role may read ctid, and lock rows by it, which rights on columns do not allow */
extern bool planner_may_read_places(Oid relid, Oid role);
/*
 * When the request is for a cursor that may be updated through: adds columns that name its rows to
 * a copy of its query.  planner_cursor_end() hides them in the plan of that.  Else NULL.
 */
extern CursorSpec *planner_cursor_begin(PlanRequest *request);
extern void planner_cursor_end(PlannedStmt *stmt, CursorSpec *spec);
/* the query with ordinary conditions in place of WHERE CURRENT OF; itself when there is none */
extern Query *planner_resolve_current_of(Query *query);
/* such a condition; a statement that has one */
extern bool planner_is_row_condition(Node *node);
extern bool planner_finds_row_by_place(Query *query);

/* ---- planner_caller.c ---- */

/* the target of a modification is read with a view owner's rights, and policies ask who runs it */
extern bool planner_policies_ask_caller(Query *query);
/* the same of a relation that is read; its policies are still those that the server gave it */
extern bool planner_relation_asks_caller(Query *query, RangeTblEntry *rte);
/* the query, or a copy: in a session that works for another one session_user is that one's */
extern Query *planner_ask_session_user(Query *query);

/* ---- planner_detach.c ---- */

/* a statement whose RETURNING has expressions, or whose rows views check; see there */
extern PlannedStmt *planner_detach_output(PlanRequest *request, Query *query);
extern bool planner_has_check_options(Query *query);
/*
 * What policies ask of the rows of an INSERT that runs with the owner's rights: of RowCheck.  The
 * refusal has a reason when that cannot be asked.
 */
extern List *planner_insert_checks(PlanRequest *request, Query *query, Refusal *refusal);
/* the role may insert what it names, but not all that an INSERT, or a MERGE, gives values */
extern bool planner_lacks_insert_rights(PlanRequest *request, Query *query);
/* takes away what policies ask of new rows, for shards ask it themselves */
extern void planner_leave_policies(Query *query);
/* true when RETURNING has nothing but columns */
extern bool planner_returning_is_plain(Query *query);

/* ---- planner_cte.c ---- */

extern PlannedStmt *planner_modifying_ctes(PlanRequest *request);
/*
 * An upsert that no strategy plans: what its clause reads, or its volatile expressions, run first;
 * NULL: there are none.
 */
extern PlannedStmt *planner_conflict_ctes(PlanRequest *request);
/* true when the clause of an upsert reads common table expressions of the statement */
extern bool planner_conflict_reads_ctes(Query *query);
/*
 * Puts a node over the statement that first runs the statements of parts.  Rows of those that
 * return some are read through stand-ins (DIST_PLAN_PART_ROWS); those that set the tag count.
 */
extern PlannedStmt *planner_add_parts(PlannedStmt *stmt, List *parts, List *ids);
/* what query, ours to change, reads of a table will be read before anybody changes it */
extern void planner_read_early(PlanRequest *request, Query *query, Oid changed,
							   EarlyReads *early);
/* the same of a sub-query that refers to nothing around it; what is to stand in its place */
extern Query *planner_compute_early(PlanRequest *request, Query *query, EarlyReads *early);
/* what stand-ins know a part by */
extern int	planner_new_part_id(void);

/* ---- planner_stage.c ---- */


/* how much runs first: each includes the one before it */
typedef enum StageExtent
{
	STAGE_RELATIONS,			/* relations that are not in the anchor's group */
	STAGE_SUBQUERIES,			/* sub-queries that would differ from task to task */
	STAGE_EVERYTHING,			/* all relations but the target */
} StageExtent;

/*
 * SELECT of the columns of a relation of query that query reads, the others NULL, of the rows that
 * its WHERE may want.  Sets *reason when that is not possible.
 */
extern Query *planner_select_relation(Query *query, Index rti, const char **reason);
extern Query *planner_stage_keys(PlanRequest *request, Query *query, const char **reason);
extern Query *planner_stage(Query *query, const DistTable *anchor, StageExtent extent,
							const char **reason);

/* ---- planner_visibility.c ---- */

/* hides shards in every scan of pg_class, in place; hasKnown: the query reads known relations */
extern void planner_hide_shards(Query *query, bool hasKnown);

/* ---- planner_sequences.c ---- */

/*
 * Where sequences are the coordinator's, calls that draw from them become ours.  *dependencies:
 * PlanInvalItems of functions that were looked into.
 */
extern Query *planner_redirect_sequences(Query *query, List **dependencies);
/* on the coordinator, where the others stay: pg_export_snapshot() of a statement without tables */
extern void planner_redirect_export(Query *query);

/* ---- planner.c ---- */

/* plans a statement by all strategies; raises when it cannot be planned */
extern PlannedStmt *planner_plan_request(PlanRequest *request);
/* plans a SELECT as one fragment and what is left above it; NULL when that is not right */
extern PlannedStmt *planner_push_down(PlanRequest *request);

#endif
