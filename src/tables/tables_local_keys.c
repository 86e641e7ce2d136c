/*
 * tables_local_keys.c
 *	  Foreign keys of tables of one node only to distributed tables.
 *
 * A plain table may reference a distributed one, so that tables can be distributed one by one.
 * The node of the plain table has the foreign key in its catalogs, where its shell stands for the
 * distributed table; the triggers of the shell act for it (catalog's actions.c).
 *
 * When the type of a referenced column changes, the server checks all rows of the plain table
 * against the shell, which has none, and before the shards have the new type.  So the foreign keys
 * are taken off before, and put back, which checks them, when the shards are done.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/pg_constraint.h"
#include "commands/comment.h"
#include "parser/parser.h"
#include "tcop/utility.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "citus/catalog/catalog.h"
#include "citus/cluster/cluster.h"
#include "citus/deparse/object.h"
#include "citus/tables/tables.h"
#include "tables/tables_internal.h"

/* a foreign key that is not in the catalogs for a while */
typedef struct TakenKey
{
	Oid			relid;			/* whose it is */
	char	   *name;
	char	   *text;			/* ALTER TABLE .. ADD CONSTRAINT */
	char	   *comment;		/* or NULL */
} TakenKey;

bool
tables_key_is_one_sided(HeapTuple tuple)
{
	Form_pg_constraint constraint = (Form_pg_constraint) GETSTRUCT(tuple);
	const DistTable *referenced = catalog_table_get(constraint->confrelid);

	return referenced != NULL && referenced->kind != DIST_TABLE_REFERENCE &&
		referenced->kind != DIST_TABLE_LOCAL && !catalog_table_is_known(constraint->conrelid);
}

static void
warn_if_one_sided(HeapTuple tuple, void *context)
{
	Form_pg_constraint constraint = (Form_pg_constraint) GETSTRUCT(tuple);
	char	   *plain = get_rel_name(constraint->conrelid);

	if (!tables_key_is_one_sided(tuple))
		return;
	ereport(WARNING,
			(errcode(ERRCODE_WARNING),
			 errmsg("foreign key \"%s\" does not notice when other nodes delete rows of "
					"distributed table \"%s\" or give them other keys",
					NameStr(constraint->conname),
					get_rel_name(constraint->confrelid)),
			 errdetail("Table \"%s\", which references them, is local to this node.", plain),
			 errhint("Distribute \"%s\" next.", plain)));
}

void
tables_warn_of_one_sided_keys(Oid relid, bool outgoing)
{
	tables_visit_foreign_keys(relid, outgoing, warn_if_one_sided, NULL);
}

/* ---- columns that get another type ---- */

typedef struct Taking
{
	List	   *columns;		/* of char *: those of the referenced tables that change */
	List	   *keys;			/* of TakenKey * */
	ObjectAddresses *objects;
} Taking;

static bool
references_columns(HeapTuple tuple, List *columns)
{
	Oid			referenced = ((Form_pg_constraint) GETSTRUCT(tuple))->confrelid;
	AttrNumber	own[INDEX_MAX_KEYS];
	AttrNumber	others[INDEX_MAX_KEYS];
	int			count;

	DeconstructFkConstraintRow(tuple, &count, own, others, NULL, NULL, NULL, NULL, NULL);
	for (int i = 0; i < count; i++)
	{
		char	   *name = get_attname(referenced, others[i], false);
		ListCell   *lc;

		foreach(lc, columns)
		{
			if (strcmp(lfirst(lc), name) == 0)
				return true;
		}
	}
	return false;
}

/* what is not validated is not checked now, either */
static void
take_key(HeapTuple tuple, void *context)
{
	Taking	   *taking = context;
	Form_pg_constraint constraint = (Form_pg_constraint) GETSTRUCT(tuple);
	ObjectAddress address;
	TakenKey   *key;

	if (!tables_key_is_one_sided(tuple) || !constraint->convalidated ||
		!references_columns(tuple, taking->columns))
		return;
	key = palloc(sizeof(TakenKey));
	key->relid = constraint->conrelid;
	key->name = pstrdup(NameStr(constraint->conname));
	key->text = deparse_constraint(constraint->oid);
	key->comment = GetComment(constraint->oid, ConstraintRelationId, 0);
	taking->keys = lappend(taking->keys, key);
	ObjectAddressSet(address, ConstraintRelationId, constraint->oid);
	add_exact_object_address(&address, taking->objects);
}

List *
tables_take_off_local_keys(Oid relid, List *columns)
{
	Taking		taking = {.columns = columns, .objects = new_object_addresses()};
	ListCell   *lc;

	foreach(lc, tables_family(relid))
		tables_visit_foreign_keys(lfirst_oid(lc), false, take_key, &taking);
	performMultipleDeletions(taking.objects, DROP_RESTRICT, PERFORM_DELETION_INTERNAL);
	free_object_addresses(taking.objects);
	CommandCounterIncrement();
	return taking.keys;
}

/* not as a statement of ours: the server's check is to read the shards */
static void
add_constraint(const char *text)
{
	PlannedStmt *wrapper = makeNode(PlannedStmt);

	wrapper->commandType = CMD_UTILITY;
	wrapper->utilityStmt = linitial_node(RawStmt, raw_parser(text, RAW_PARSE_DEFAULT))->stmt;
	ProcessUtility(wrapper, text, false, PROCESS_UTILITY_SUBCOMMAND, NULL, NULL, None_Receiver,
				   NULL);
	CommandCounterIncrement();
}

void
tables_put_back_local_keys(List *keys)
{
	ClusterUser saved;
	ListCell   *lc;

	if (keys == NIL)
		return;
	/* who may alter the referenced table need not own the others */
	saved = cluster_become_owner();
	foreach(lc, keys)
	{
		const TakenKey *key = lfirst(lc);

		add_constraint(key->text);
		if (key->comment != NULL)
			CreateComments(get_relation_constraint_oid(key->relid, key->name, false),
						   ConstraintRelationId, 0, key->comment);
	}
	cluster_restore_user(saved);
}
