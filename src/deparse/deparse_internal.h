/*
 * deparse_internal.h
 *	  What the files of deparse share.
 */
#ifndef CITUS_DEPARSE_INTERNAL_H
#define CITUS_DEPARSE_INTERNAL_H

#include "postgres.h"
#include "catalog/objectaddress.h"
#include "nodes/parsenodes.h"
#include "utils/acl.h"
#include "utils/relcache.h"

#include "citus/base/compat.h"
#include "citus/base/session.h"
#include "citus/deparse/object.h"
#include "citus/deparse/template.h"

/* a copy of query whose text means the same on another node; query_adapt.c */
extern Query *deparse_query_adapt(const Query *query);
/* target lists of a (copied) query as the server's deparser needs them; query_assign.c */
extern void deparse_show_assignments(Query *query);
/* columns that depend on a key which the fragment does not see are grouped, too; query_groups.c */
extern void deparse_group_dependents(Query *query);
extern void deparse_query_name_columns(Query *query);

/*
 * Texts of objects; all expect the settings of deparse_settings_begin().  Results are palloc'd in
 * the current context; deparse_append() formats one more statement onto a list.
 */
extern List *deparse_append(List *texts, const char *format,...) pg_attribute_printf(2, 3);
extern char *deparse_name_in_schema(Oid schemaId, const char *name);
extern const char *deparse_role_name(Oid roleId);
extern char *deparse_expression_of(Oid relid, const char *nodeText);
/* "(a='1', b='2')" for the text array of options; "" for none */
extern char *deparse_reloptions(Datum options, const char *prefix);
extern char *deparse_fdw_options(Datum options);
extern char *deparse_sequence_options(Oid sequenceId);

/* target: what follows ON, such as "TABLE x"; suffix: what follows each privilege, or "" */
extern List *deparse_grants_of_item(List *texts, const AclItem *item, const char *target,
									const char *suffix);

/* kind is SQL's word, such as TABLE; target what follows it */
extern List *deparse_owner(List *texts, const char *kind, const char *target, Oid owner);
extern List *deparse_grants(List *texts, const char *kind, const char *target, Acl *acl,
							Oid owner);
extern List *deparse_column_grants(List *texts, Oid relid, const char *column, Acl *acl);
extern List *deparse_comment(List *texts, const char *kind, const char *target, Oid classId,
							 Oid objectId, int subId);

extern List *deparse_column_comments(List *texts, Oid relid, const char *name);
extern List *deparse_shared_comment(List *texts, const char *kind, const char *target,
									Oid classId, Oid objectId);

/* NULL when the attribute of the cached tuple is null */
extern Acl *deparse_acl_of(int cacheId, HeapTuple tuple, AttrNumber attno);

/* pg_constraint.contype of NOT NULL, which releases before 18 do not have for tables */
#define DEPARSE_CONSTRAINT_NOTNULL 'n'

/* children of tables; table_inherits.c */
extern List *deparse_inherit(List *texts, Relation relation);
extern List *deparse_own_parts(List *texts, Relation relation);

/* parts of a table; table_parts.c */
extern List *deparse_table_indexes(List *texts, Relation relation);
extern List *deparse_table_checks(List *texts, Relation relation, int parts);
extern List *deparse_table_foreign_keys(List *texts, Relation relation);
extern List *deparse_table_statistics(List *texts, Relation relation);
extern List *deparse_table_security(List *texts, Relation relation);
extern List *deparse_table_policies(List *texts, Relation relation);
extern List *deparse_table_rules(List *texts, Relation relation);
/* a relation that a rule names and other nodes do not have, or InvalidOid; table_rewrites.c */
extern Oid	deparse_relation_of_rule_missing(Oid ruleId);
extern List *deparse_table_triggers(List *texts, Relation relation);
extern List *deparse_table_comments(List *texts, Relation relation);
extern List *deparse_table_replica_identity(List *texts, Relation relation);

/* a tuple that the caller releases; raises 42704; object_kinds.c */
extern HeapTuple deparse_must_find(int cacheId, Oid objectId);

/* kinds of objects; object_types.c, object_routines.c, object_roles.c, object_operators.c,
 * object_publications.c, object_kinds.c */
extern List *deparse_type(Oid typeId);
extern bool deparse_type_is_supported(Oid typeId);
extern List *deparse_routine(Oid routineId);
extern List *deparse_operator(Oid operatorId);
extern bool deparse_operator_is_supported(Oid operatorId);
extern List *deparse_operator_family(Oid familyId);
extern List *deparse_operator_class(Oid opclassId);
extern List *deparse_cast(Oid castId);
extern List *deparse_schema(Oid schemaId);
extern List *deparse_role(Oid roleId);
extern List *deparse_collation(Oid collationId);
extern List *deparse_sequence(Oid sequenceId);
extern List *deparse_extension(Oid extensionId);
extern List *deparse_view(Oid viewId);
extern List *deparse_ts_config(Oid configId);
extern List *deparse_ts_dictionary(Oid dictionaryId);
extern List *deparse_server(Oid serverId);
extern List *deparse_publication(Oid publicationId);

#endif
