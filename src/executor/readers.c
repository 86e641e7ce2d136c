/*
 * readers.c
 *	  Which statements call functions that read tables with the statement's own snapshot.
 *
 * On one server a function that is not volatile sees what the statement that calls it sees.  Over
 * several nodes that takes a cluster snapshot of all that the function will read, taken before the
 * statement itself reads anything (snapshots.c); so it must be known beforehand.  It is asked of
 * the function's text: which of its words are names of tables, or of functions that read tables.
 * Names in the wrong place (a column, a comment) cost a snapshot that was not needed.  A name that
 * is made at run time is not found.
 *
 * A plan names the functions it depends on by hash values.  Which functions these are is kept for
 * the session, each until it changes itself; what they read, until some function or relation does.
 *
 * Volatile functions see, statement by statement, what is there then, as on one server.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/plannodes.h"
#include "parser/scansup.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "executor/executor_internal.h"

typedef struct KnownReader
{
	uint32		hashValue;		/* of the function in PROCOID: the key */
	bool		isChanged;		/* functions may be others */
	List	   *functions;		/* whose hash value it is; nearly always one; OidList */
	uint64		age;			/* changes, when reads was found out; 0: it was not */
	int			reads;			/* READS_... */
} KnownReader;

static HTAB *readers = NULL;
static MemoryContext readers_context = NULL;	/* of the table and its lists */
static bool readers_are_lost = false;
static uint64 changes = 1;

static void
forget_by_syscache(Datum arg, int cacheId, uint32 hashValue)
{
	KnownReader *known;

	changes++;
	if (hashValue == 0)
		readers_are_lost = true;
	else if (readers != NULL &&
			 (known = hash_search(readers, &hashValue, HASH_FIND, NULL)) != NULL)
		known->isChanged = true;
}

static void
forget_by_relcache(Datum arg, Oid relid)
{
	changes++;
}

void
executor_readers_init(void)
{
	CacheRegisterSyscacheCallback(PROCOID, forget_by_syscache, (Datum) 0);
	CacheRegisterRelcacheCallback(forget_by_relcache, (Datum) 0);
}

static int	reads_of_function(HeapTuple tuple, List **visited);

/* ---- names ---- */

static int
reads_of_relation(Oid relid)
{
	char		kind = get_rel_relkind(relid);

	if (relid < FirstNormalObjectId || kind == RELKIND_INDEX || kind == RELKIND_SEQUENCE)
		return 0;
	/* of a view: whatever is behind it */
	if (kind == RELKIND_VIEW)
		return READS_KNOWN | READS_PLAIN;
	if (catalog_table_is_known(relid))
		return READS_KNOWN;
	return get_rel_persistence(relid) == RELPERSISTENCE_TEMP ? 0 : READS_PLAIN;
}

/* relations and functions of that name in whatever schema */
static int
reads_of_name(const char *name, List **visited)
{
	NameData	key;
	CatCList   *list;
	int			reads = 0;

	namestrcpy(&key, name);
	list = SearchSysCacheList1(RELNAMENSP, NameGetDatum(&key));
	for (int i = 0; i < list->n_members; i++)
		reads |= reads_of_relation(((Form_pg_class) GETSTRUCT(&list->members[i]->tuple))->oid);
	ReleaseSysCacheList(list);

	list = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));
	for (int i = 0; i < list->n_members; i++)
		reads |= reads_of_function(&list->members[i]->tuple, visited);
	ReleaseSysCacheList(list);
	return reads;
}

static bool
starts_word(char c)
{
	return c == '_' || IS_HIGHBIT_SET(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
continues_word(char c)
{
	return starts_word(c) || c == '$' || (c >= '0' && c <= '9');
}

/* words of the text, and what stands in double quotes */
static int
reads_of_text(const char *text, List **visited)
{
	int			reads = 0;

	while (*text != '\0' && reads != (READS_KNOWN | READS_PLAIN))
	{
		const char *start = text;
		char	   *name;

		if (*text == '"')
		{
			const char *end = strchr(text + 1, '"');

			if (end == NULL)
				break;
			name = pnstrdup(text + 1, end - text - 1);
			text = end + 1;
		}
		else if (starts_word(*text))
		{
			while (continues_word(*text))
				text++;
			name = downcase_truncate_identifier(start, text - start, false);
		}
		else
		{
			text++;
			continue;
		}
		if (name[0] != '\0' && strlen(name) < NAMEDATALEN)
			reads |= reads_of_name(name, visited);
		pfree(name);
	}
	return reads;
}

/* ---- functions ---- */

typedef struct BodyContext
{
	int			reads;
	List	  **visited;
} BodyContext;

static bool
body_calls(Oid function, void *arg)
{
	BodyContext *context = arg;
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));

	if (HeapTupleIsValid(tuple))
	{
		context->reads |= reads_of_function(tuple, context->visited);
		ReleaseSysCache(tuple);
	}
	return false;
}

/* of a body that was parsed when the function was made */
static bool
body_walker(Node *node, BodyContext *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
	{
		if (((RangeTblEntry *) node)->rtekind == RTE_RELATION)
			context->reads |= reads_of_relation(((RangeTblEntry *) node)->relid);
		return false;
	}
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, body_walker, context, QTW_EXAMINE_RTES_BEFORE);
	(void) check_functions_in_node(node, body_calls, context);
	return expression_tree_walker(node, body_walker, context);
}

static int
reads_of_body(const char *body, List **visited)
{
	BodyContext context = {0, visited};

	(void) body_walker(stringToNode(unconstify(char *, body)), &context);
	return context.reads;
}

static int
reads_of_function(HeapTuple tuple, List **visited)
{
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(tuple);
	Datum		value;
	bool		isNull;

	if (form->oid < FirstNormalObjectId || form->provolatile == PROVOLATILE_VOLATILE ||
		form->prolang == ClanguageId || form->prolang == INTERNALlanguageId ||
		list_member_oid(*visited, form->oid))
		return 0;
	check_stack_depth();
	*visited = lappend_oid(*visited, form->oid);
	value = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosqlbody, &isNull);
	if (!isNull)
		return reads_of_body(TextDatumGetCString(value), visited);
	value = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &isNull);
	return isNull ? 0 : reads_of_text(TextDatumGetCString(value), visited);
}

/* ---- what is known ---- */

static void
make_readers(void)
{
	HASHCTL		control = {.keysize = sizeof(uint32), .entrysize = sizeof(KnownReader)};

	if (readers != NULL && !readers_are_lost)
		return;
	readers = NULL;
	if (readers_context != NULL)
		MemoryContextReset(readers_context);
	else
		readers_context = AllocSetContextCreate(TopMemoryContext, "citus reading functions",
												ALLOCSET_DEFAULT_SIZES);
	control.hcxt = readers_context;
	readers_are_lost = false;
	readers = hash_create("citus reading functions", 64, &control,
						  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

static KnownReader *
enter_reader(uint32 hashValue)
{
	bool		found;
	KnownReader *known = hash_search(readers, &hashValue, HASH_ENTER, &found);

	if (!found)
	{
		known->isChanged = false;
		known->functions = NIL;
		known->age = 0;
		known->reads = 0;
	}
	return known;
}

/* all functions of users, once, and again when one is asked for that was not there */
static void
enter_functions(void)
{
	Relation	relation = table_open(ProcedureRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_proc_oid, BTGreaterEqualStrategyNumber, F_OIDGE,
				ObjectIdGetDatum(FirstNormalObjectId));
	scan = systable_beginscan(relation, ProcedureOidIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Oid			oid = ((Form_pg_proc) GETSTRUCT(tuple))->oid;
		KnownReader *known =
			enter_reader(GetSysCacheHashValue1(PROCOID, ObjectIdGetDatum(oid)));
		MemoryContext caller = MemoryContextSwitchTo(readers_context);

		known->functions = list_append_unique_oid(known->functions, oid);
		known->isChanged = false;
		MemoryContextSwitchTo(caller);
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
}

static int
reads_of_functions(const List *functions)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "citus reading function",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	int			reads = 0;
	ListCell   *cell;

	foreach(cell, functions)
	{
		HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(lfirst_oid(cell)));
		List	   *visited = NIL;

		/* dropped: a change that nobody needs to know */
		if (!HeapTupleIsValid(tuple))
			continue;
		reads |= reads_of_function(tuple, &visited);
		ReleaseSysCache(tuple);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	return reads;
}

static int
find_reads(uint32 hashValue)
{
	KnownReader *known;
	uint64		now;

	make_readers();
	known = hash_search(readers, &hashValue, HASH_FIND, NULL);
	if (known == NULL || known->isChanged)
	{
		enter_functions();
		known = enter_reader(hashValue);
		known->isChanged = false;
	}
	/* what changes while it is being found out makes it old at once */
	now = changes;
	if (known->age != now)
	{
		int			reads = reads_of_functions(known->functions);

		known->reads = reads;
		known->age = now;
	}
	return known->reads;
}

int
executor_functions_read(const PlannedStmt *stmt)
{
	int			reads = 0;
	ListCell   *cell;

	foreach(cell, stmt->invalItems)
	{
		const PlanInvalItem *item = lfirst(cell);

		if (item->cacheId == PROCOID)
			reads |= find_reads(item->hashValue);
	}
	return reads;
}
