/*
 * compat.h
 *	  What differs between the supported majors of the server, wrapped.
 *
 * A wrapper has the signature of the newest release and the name compat_<what it wraps>; its
 * comment names the release that changed it, so that dropping a major is deleting blocks.  This
 * header and src/base are the only places with PG_VERSION_NUM.
 */
#ifndef CITUS_BASE_COMPAT_H
#define CITUS_BASE_COMPAT_H

#include "postgres.h"
#include "catalog/index.h"
#include "commands/copy.h"
#include "commands/explain.h"
#include "commands/tablecmds.h"
#include "executor/executor.h"
#include "nodes/execnodes.h"
#include "nodes/parsenodes.h"
#include "nodes/pathnodes.h"
#include "optimizer/prep.h"
#include "parser/parse_node.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "utils/acl.h"
#include "utils/relcache.h"
#include "utils/resowner.h"
#include "utils/wait_event.h"

#if PG_VERSION_NUM < 150000 || PG_VERSION_NUM >= 190000
#error "PostgreSQL 15, 16, 17 and 18 are supported"
#endif

/* 18 moved EXPLAIN's state and output functions to headers of their own */
#if PG_VERSION_NUM >= 180000
#include "commands/explain_format.h"
#include "commands/explain_state.h"
#endif

/* 16 split permissions off range table entries; its header has the functions on them */
#if PG_VERSION_NUM >= 160000
#include "parser/parse_relation.h"
#endif

#if PG_VERSION_NUM >= 170000
#include "utils/injection_point.h"
#endif

/* 18: a prefix, pg_noreturn, instead of the suffix; the suffix is used here */
#ifndef pg_attribute_noreturn
#define pg_attribute_noreturn() __attribute__((noreturn))
#endif

/* 18: module magic with a name and a version */
#if PG_VERSION_NUM >= 180000
#define COMPAT_MODULE_MAGIC(module_name, module_version) \
	PG_MODULE_MAGIC_EXT(.name = module_name, .version = module_version)
#else
#define COMPAT_MODULE_MAGIC(module_name, module_version) PG_MODULE_MAGIC
#endif

/* ---- injection points: 17; an argument since 18 ---- */

#if PG_VERSION_NUM >= 180000
#define compat_injection_point(name) INJECTION_POINT(name, NULL)
#elif PG_VERSION_NUM >= 170000
#define compat_injection_point(name) INJECTION_POINT(name)
#else
#define compat_injection_point(name) ((void) 0)
#endif

/* ---- waiting ---- */

/* 17: named wait events of extensions.  Cache the result: each call registers. */
static inline uint32
compat_wait_event_new(const char *name)
{
#if PG_VERSION_NUM >= 170000
	return WaitEventExtensionNew(name);
#else
	return PG_WAIT_EXTENSION;
#endif
}

/* 17: wait event sets belong to a resource owner (here the current one) and may leak no more */
static inline WaitEventSet *
compat_wait_event_set_create(int nevents)
{
#if PG_VERSION_NUM >= 170000
	return CreateWaitEventSet(CurrentResourceOwner, nevents);
#else
	return CreateWaitEventSet(CurrentMemoryContext, nevents);
#endif
}

/* 17: backend ids became proc numbers; an index of this backend among all */
#if PG_VERSION_NUM >= 170000
#define compat_my_proc_number() MyProcNumber
#else
#define compat_my_proc_number() (MyProc->pgprocno)
#endif

/* 17: the same for the transaction with this virtual id; -1: no backend is in it */
extern int	compat_proc_in_transaction(int session, LocalTransactionId lxid);

/* 16: renamed; the status of a backend by its place in the list, from 1 */
#if PG_VERSION_NUM >= 160000
#define compat_local_backend_status(index) pgstat_get_local_beentry_by_index(index)
#else
#define compat_local_backend_status(index) pgstat_fetch_stat_local_beentry(index)
#endif

/* ---- executing and explaining ---- */

/* 18: without execute_once */
static inline void
compat_executor_run(QueryDesc *queryDesc, ScanDirection direction, uint64 count)
{
#if PG_VERSION_NUM >= 180000
	ExecutorRun(queryDesc, direction, count);
#else
	ExecutorRun(queryDesc, direction, count, true);
#endif
}

/* what ExecutorRun_hook is given, and hands on */
#if PG_VERSION_NUM >= 180000
#define COMPAT_EXECUTOR_RUN_PARAMS QueryDesc *query, ScanDirection direction, uint64 count
#define COMPAT_EXECUTOR_RUN_ARGS query, direction, count
#else
#define COMPAT_EXECUTOR_RUN_PARAMS \
	QueryDesc *query, ScanDirection direction, uint64 count, bool once
#define COMPAT_EXECUTOR_RUN_ARGS query, direction, count, once
#endif

/* 17: counters of planner memory, not shown by us */
static inline void
compat_explain_one_plan(PlannedStmt *plan, IntoClause *into, struct ExplainState *es,
						const char *queryString, ParamListInfo params,
						QueryEnvironment *queryEnv, const instr_time *planDuration,
						const BufferUsage *bufferUsage)
{
#if PG_VERSION_NUM >= 170000
	ExplainOnePlan(plan, into, es, queryString, params, queryEnv, planDuration, bufferUsage,
				   NULL);
#else
	ExplainOnePlan(plan, into, es, queryString, params, queryEnv, planDuration, bufferUsage);
#endif
}

/* 16: run_as_table_owner */
static inline void
compat_execute_truncate_guts(List *explicitRels, List *relids, List *relidsLogged,
							 DropBehavior behavior, bool restartSeqs)
{
#if PG_VERSION_NUM >= 160000
	ExecuteTruncateGuts(explicitRels, relids, relidsLogged, behavior, restartSeqs, false);
#else
	ExecuteTruncateGuts(explicitRels, relids, relidsLogged, behavior, restartSeqs);
#endif
}

/* ---- planning ---- */

/* 16: outer and inner joins told apart */
static inline Relids
compat_get_relids_in_jointree(Node *jtnode, bool includeOuterJoins, bool includeInnerJoins)
{
#if PG_VERSION_NUM >= 160000
	return get_relids_in_jointree(jtnode, includeOuterJoins, includeInnerJoins);
#else
	return get_relids_in_jointree(jtnode, includeOuterJoins || includeInnerJoins);
#endif
}

/* 18: disabled_nodes instead of a prohibitive cost */
static inline void
compat_path_set_disabled(Path *path, int disabledNodes)
{
#if PG_VERSION_NUM >= 180000
	path->disabled_nodes = disabledNodes;
#endif
}

/* 16: Vars know the outer joins that may make them null; before, any could */
#if PG_VERSION_NUM >= 160000
#define compat_var_may_be_nulled(var) (!bms_is_empty((var)->varnullingrels))
#else
#define compat_var_may_be_nulled(var) true
#endif

/* 18: Vars of RETURNING may mean the old or the new row */
#if PG_VERSION_NUM >= 180000
#define compat_var_is_old_or_new(var) ((var)->varreturningtype != VAR_RETURNING_DEFAULT)
#else
#define compat_var_is_old_or_new(var) false
#endif

/* ---- permissions on relations of a query: 16 moved them out of RangeTblEntry ---- */

#if PG_VERSION_NUM >= 160000
typedef RTEPermissionInfo CompatPermInfo;
#define compat_query_perminfos(query) ((query)->rteperminfos)
#define compat_plan_perminfos(plannedStmt) ((plannedStmt)->permInfos)
/* the permission fields (requiredPerms, checkAsUser, selectedCols ...) of a relation's entry */
#define compat_rte_perminfo(perminfos, rte) getRTEPermissionInfo(perminfos, rte)
#else
typedef RangeTblEntry CompatPermInfo;
#define compat_query_perminfos(query) NIL
#define compat_plan_perminfos(plannedStmt) NIL
#define compat_rte_perminfo(perminfos, rte) (rte)
#endif

/* gives a new RTE_RELATION entry of query its permission fields, all empty, and returns them */
static inline CompatPermInfo *
compat_query_add_perminfo(Query *query, RangeTblEntry *rte)
{
#if PG_VERSION_NUM >= 160000
	return addRTEPermissionInfo(&query->rteperminfos, rte);
#else
	return rte;
#endif
}

/* the role with whose rights the relation is read, invalid: the current user's */
static inline Oid
compat_rte_check_as_user(const Query *query, const RangeTblEntry *rte)
{
#if PG_VERSION_NUM >= 160000
	if (rte->perminfoindex == 0 || rte->perminfoindex > list_length(query->rteperminfos))
		return InvalidOid;
	return list_nth_node(RTEPermissionInfo, query->rteperminfos,
						 rte->perminfoindex - 1)->checkAsUser;
#else
	return rte->checkAsUser;
#endif
}

/* the relation has an entry of its own in the query's permission list */
static inline void
compat_rte_set_check_as_user(Query *query, RangeTblEntry *rte, Oid role)
{
#if PG_VERSION_NUM >= 160000
	list_nth_node(RTEPermissionInfo, query->rteperminfos, rte->perminfoindex - 1)->checkAsUser =
		role;
#else
	rte->checkAsUser = role;
#endif
}

/* copies the permission list too when a range table moves to another query */
static inline void
compat_query_copy_perminfos(Query *to, const Query *from)
{
#if PG_VERSION_NUM >= 160000
	to->rteperminfos = copyObject(from->rteperminfos);
#endif
}

/* true if the current user (or checkAsUser) may do what the entries require */
static inline bool
compat_exec_check_permissions(List *rangeTable, List *permInfos, bool raise)
{
#if PG_VERSION_NUM >= 160000
	return ExecCheckPermissions(rangeTable, permInfos, raise);
#else
	return ExecCheckRTPerms(rangeTable, raise);
#endif
}

/* ---- ownership and rights on objects: one function for all classes since 16 ---- */

#if PG_VERSION_NUM >= 160000
#define compat_object_ownercheck(classId, objectId, roleId) \
	object_ownercheck(classId, objectId, roleId)
#define compat_object_aclcheck(classId, objectId, roleId, mode) \
	object_aclcheck(classId, objectId, roleId, mode)
#else
/* classes: relation, schema, type, function, collation, operator (and class, family), conversion,
 * extension, statistics, text search, foreign wrapper and server, publication, subscription,
 * database, language */
extern bool compat_object_ownercheck(Oid classId, Oid objectId, Oid roleId);
extern AclResult compat_object_aclcheck(Oid classId, Oid objectId, Oid roleId, AclMode mode);
#endif

/* ---- relations ---- */

/* 18: deferrable primary keys told apart */
#if PG_VERSION_NUM >= 180000
#define compat_relation_get_primary_key(relation) RelationGetPrimaryKeyIndex(relation, true)
#else
#define compat_relation_get_primary_key(relation) RelationGetPrimaryKeyIndex(relation)
#endif

/* 16: relfilenode renamed */
static inline void
compat_relation_set_new_filenumber(Relation relation, char persistence)
{
#if PG_VERSION_NUM >= 160000
	RelationSetNewRelfilenumber(relation, persistence);
#else
	RelationSetNewRelfilenode(relation, persistence);
#endif
}

/* 17: the statement that asks for it, as well */
static inline bool
compat_reindex_relation(const ReindexStmt *stmt, Oid relid, int flags,
						const ReindexParams *params)
{
#if PG_VERSION_NUM >= 170000
	return reindex_relation(stmt, relid, flags, params);
#else
	return reindex_relation(relid, flags, (ReindexParams *) params);
#endif
}

/* ---- raw statements ---- */

/* 17: ALTER COLUMN SET EXPRESSION; a subcommand that no older release has */
#if PG_VERSION_NUM >= 170000
#define COMPAT_AT_SET_EXPRESSION AT_SetExpression
#else
#define COMPAT_AT_SET_EXPRESSION ((AlterTableType) 1000)
#endif

/* 18: ALTER CONSTRAINT has a node of its own; where it keeps the name */
static inline char **
compat_alter_constraint_name(AlterTableCmd *cmd)
{
#if PG_VERSION_NUM >= 180000
	return &castNode(ATAlterConstraint, cmd->def)->conname;
#else
	return &castNode(Constraint, cmd->def)->conname;
#endif
}

/* ---- COPY (more: compat_copy.h) and VACUUM: src/base/compat_commands.c ---- */

#if PG_VERSION_NUM >= 160000
#define compat_nsitem_perminfo(nsitem) ((nsitem)->p_perminfo)
#define compat_pstate_perminfos(pstate) ((pstate)->p_rteperminfos)
#else
#define compat_nsitem_perminfo(nsitem) ((nsitem)->p_rte)
#define compat_pstate_perminfos(pstate) NIL
#endif

/* 17: a right to maintain tables.  May the current user VACUUM and ANALYZE the relation? */
extern bool compat_may_maintain(Oid relid);
/* raises an error about relid, tableId or an index of it, that may not be clustered or reindexed */
extern void compat_require_maintenance(Oid relid, Oid tableId);

/* 18: num_all_frozen_pages.  Changes pages and rows only */
extern void compat_vac_update_relstats(Relation relation, BlockNumber pages, double rows,
									   bool hasindex);

/* 18: when it began.  Tells the server's counters that the relation has been analyzed */
extern void compat_report_analyze(Relation relation, double rows);

/* 17: takes the relation; InvalidOid when the column has no identity sequence */
#if PG_VERSION_NUM >= 170000
#define compat_identity_sequence(relation, attno) getIdentitySequence(relation, attno, true)
#else
#define compat_identity_sequence(relation, attno) \
	getIdentitySequence(RelationGetRelid(relation), attno, true)
#endif

/* 17: statistics targets are null for the default, and int2 */
static inline int
compat_statistics_target(Datum target, bool isNull)
{
#if PG_VERSION_NUM >= 170000
	return isNull ? -1 : DatumGetInt16(target);
#else
	return isNull ? -1 : DatumGetInt32(target);
#endif
}

/* ---- the client's messages ---- */

/* declared here because libpq/libpq.h needs the headers of GSSAPI */
extern void pq_startmsgread(void);
extern void pq_endmsgread(void);
extern int	pq_peekbyte(void);

/* 17: has_data became the number of bytes */
#if PG_VERSION_NUM >= 170000
extern ssize_t pq_buffer_remaining_data(void);
#define compat_pq_buffer_has_data() (pq_buffer_remaining_data() > 0)
#else
extern bool pq_buffer_has_data(void);
#define compat_pq_buffer_has_data() pq_buffer_has_data()
#endif

#endif
