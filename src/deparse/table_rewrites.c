/*
 * table_rewrites.c
 *	  What the server puts into statements about a table: policies and rules.
 *
 * Both may name other tables, and come when all tables are there.
 *
 * A rule is applied on the node that gets a statement, so all shells have it, and no shard.  One
 * that names what other nodes do not have stays where it was made.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_rewrite.h"
#include "commands/policy.h"
#include "lib/stringinfo.h"
#include "rewrite/rewriteDefine.h"
#include "rewrite/rewriteSupport.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "citus/base/depend.h"
#include "citus/catalog/catalog.h"
#include "deparse/deparse_internal.h"

/* ---- policies ---- */

static const char *
policy_command(char command)
{
	switch (command)
	{
		case ACL_SELECT_CHR:
			return "SELECT";
		case ACL_INSERT_CHR:
			return "INSERT";
		case ACL_UPDATE_CHR:
			return "UPDATE";
		case ACL_DELETE_CHR:
			return "DELETE";
		default:
			return "ALL";
	}
}

static char *
policy_roles(Datum roles)
{
	ArrayType  *array = DatumGetArrayTypeP(roles);
	Oid		   *ids = (Oid *) ARR_DATA_PTR(array);
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < ARR_DIMS(array)[0]; i++)
		appendStringInfo(&text, "%s%s", i > 0 ? ", " : "", deparse_role_name(ids[i]));
	return text.data;
}

static char *
policy_text(Relation policies, HeapTuple tuple)
{
	Form_pg_policy form = (Form_pg_policy) GETSTRUCT(tuple);
	TupleDesc	desc = RelationGetDescr(policies);
	StringInfoData out;
	bool		isNull;
	Datum		value;

	initStringInfo(&out);
	value = heap_getattr(tuple, Anum_pg_policy_polroles, desc, &isNull);
	appendStringInfo(&out, "CREATE POLICY %s ON %s AS %s FOR %s TO %s",
					 quote_identifier(NameStr(form->polname)),
					 catalog_qualified_name(form->polrelid),
					 form->polpermissive ? "PERMISSIVE" : "RESTRICTIVE",
					 policy_command(form->polcmd), policy_roles(value));
	value = heap_getattr(tuple, Anum_pg_policy_polqual, desc, &isNull);
	if (!isNull)
		appendStringInfo(&out, " USING (%s)",
						 deparse_expression_of(form->polrelid, TextDatumGetCString(value)));
	value = heap_getattr(tuple, Anum_pg_policy_polwithcheck, desc, &isNull);
	if (!isNull)
		appendStringInfo(&out, " WITH CHECK (%s)",
						 deparse_expression_of(form->polrelid, TextDatumGetCString(value)));
	return out.data;
}

List *
deparse_table_policies(List *texts, Relation relation)
{
	Relation	policies = table_open(PolicyRelationId, AccessShareLock);
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;

	/* the index is on (relation, name): sorted by name */
	ScanKeyInit(&key, Anum_pg_policy_polrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(RelationGetRelid(relation)));
	scan = systable_beginscan(policies, PolicyPolrelidPolnameIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_policy form = (Form_pg_policy) GETSTRUCT(tuple);
		char	   *target = psprintf("%s ON %s", quote_identifier(NameStr(form->polname)),
									  catalog_qualified_name(form->polrelid));

		texts = lappend(texts, policy_text(policies, tuple));
		texts = deparse_comment(texts, "POLICY", target, PolicyRelationId, form->oid, 0);
	}
	systable_endscan(scan);
	table_close(policies, AccessShareLock);
	return texts;
}

/*
 * The statement that makes a policy as it is now; for use outside deparse_settings_begin().
 * Raises 42704.
 */
char *
deparse_policy(Oid relid, const char *name)
{
	Oid			policyId = get_relation_policy_oid(relid, name, false);
	Relation	policies = table_open(PolicyRelationId, AccessShareLock);
	int			level = deparse_settings_begin();
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;
	char	   *text = NULL;

	ScanKeyInit(&key, Anum_pg_policy_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(policyId));
	scan = systable_beginscan(policies, PolicyOidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		text = policy_text(policies, tuple);
	systable_endscan(scan);
	table_close(policies, AccessShareLock);
	deparse_settings_end(level);
	if (text == NULL)
		elog(ERROR, "cache lookup failed for policy %u", policyId);
	return text;
}

/* ---- rules ---- */

static const char *
rule_state(char enabled)
{
	switch (enabled)
	{
		case RULE_DISABLED:
			return "DISABLE";
		case RULE_FIRES_ALWAYS:
			return "ENABLE ALWAYS";
		case RULE_FIRES_ON_REPLICA:
			return "ENABLE REPLICA";
		default:
			return NULL;
	}
}

static bool
relation_is_everywhere(Oid relid)
{
	ObjectAddress address;

	ObjectAddressSet(address, RelationRelationId, relid);
	return relid < FirstNormalObjectId || catalog_table_is_known(relid) ||
		get_rel_relkind(relid) == RELKIND_SEQUENCE || catalog_object_is_distributed(&address);
}

Oid
deparse_relation_of_rule_missing(Oid ruleId)
{
	ListCell   *cell;

	foreach(cell, base_depend_of(RewriteRelationId, ruleId))
	{
		Form_pg_depend row = lfirst(cell);

		/* other than that on the relation that has the rule */
		if (row->deptype == DEPENDENCY_NORMAL && row->refclassid == RelationRelationId &&
			!relation_is_everywhere(row->refobjid))
			return row->refobjid;
	}
	return InvalidOid;
}

Oid
deparse_rule_obstacle(Oid relid, const char *name)
{
	return deparse_relation_of_rule_missing(get_rewrite_oid(relid, name, false));
}

static List *
rule_texts(List *texts, Oid relid, const char *name, Oid ruleId, char enabled)
{
	char	   *table = catalog_qualified_name(relid);
	Datum		definition = DirectFunctionCall1(pg_get_ruledef, ObjectIdGetDatum(ruleId));
	char	   *made = TextDatumGetCString(definition);
	const char *state = rule_state(enabled);
	const char *start = "CREATE RULE ";

	if (strncmp(made, start, strlen(start)) != 0)
		elog(ERROR, "unexpected text of rule \"%s\"", name);
	texts = deparse_append(texts, "CREATE OR REPLACE RULE %s", made + strlen(start));
	if (state != NULL)
		texts = deparse_append(texts, "ALTER TABLE %s %s RULE %s", table, state,
							   quote_identifier(name));
	return deparse_comment(texts, "RULE", psprintf("%s ON %s", quote_identifier(name), table),
						   RewriteRelationId, ruleId, 0);
}

/* those of a table or view that all nodes can have, in the order of their names */
List *
deparse_table_rules(List *texts, Relation relation)
{
	Oid			relid = RelationGetRelid(relation);
	Relation	rules;
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;

	if (!relation->rd_rel->relhasrules)
		return texts;
	rules = table_open(RewriteRelationId, AccessShareLock);
	ScanKeyInit(&key, Anum_pg_rewrite_ev_class, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(rules, RewriteRelRulenameIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_rewrite form = (Form_pg_rewrite) GETSTRUCT(tuple);

		/* the query of a view is made with it */
		if (form->ev_type != '0' + CMD_SELECT &&
			!OidIsValid(deparse_relation_of_rule_missing(form->oid)))
			texts = rule_texts(texts, relid, NameStr(form->rulename), form->oid,
							   form->ev_enabled);
	}
	systable_endscan(scan);
	table_close(rules, AccessShareLock);
	return texts;
}

/* the statements that make one rule; for use outside deparse_settings_begin() */
List *
deparse_rule(Oid relid, const char *name)
{
	int			level = deparse_settings_begin();
	List	   *texts = rule_texts(NIL, relid, name, get_rewrite_oid(relid, name, false),
								   RULE_FIRES_ON_ORIGIN);

	deparse_settings_end(level);
	return texts;
}
