/*
 * object.h
 *	  Objects of this database -> the statements that make them again.
 *
 * All texts are fully qualified and mean the same under any search_path; they are the source both
 * for other nodes (shells, dependencies) and for shards (tables module extends the names).
 */
#ifndef CITUS_DEPARSE_OBJECT_H
#define CITUS_DEPARSE_OBJECT_H

#include "postgres.h"
#include "catalog/objectaddress.h"
#include "nodes/pg_list.h"
#include "citus/base/types.h"

/* parts of a table, in the order in which they must run */
#define TABLE_DDL_CREATE		0x0001	/* CREATE TABLE with columns, storage, partition key */
#define TABLE_DDL_OWNER			0x0002
#define TABLE_DDL_ATTACH		0x0004	/* ATTACH PARTITION to its parent, INHERIT of its parents */
#define TABLE_DDL_INDEXES		0x0008	/* indexes and their constraints (pk, unique, exclude) */
#define TABLE_DDL_CHECKS		0x0010	/* check constraints, by ALTER TABLE */
#define TABLE_DDL_FOREIGN_KEYS	0x0020
#define TABLE_DDL_STATISTICS	0x0040	/* extended statistics, column targets */
#define TABLE_DDL_SECURITY		0x0080	/* grants, row level security on or off */
#define TABLE_DDL_TRIGGERS		0x0100	/* shells only; may name other tables */
#define TABLE_DDL_COMMENTS		0x0200
#define TABLE_DDL_IDENTITY		0x0400	/* identity columns as such (shells only, not shards) */
#define TABLE_DDL_DEFAULTS		0x0800	/* without it nextval() defaults are left out */
#define TABLE_DDL_REPLICA_IDENTITY 0x1000
#define TABLE_DDL_UNVALIDATED	0x2000	/* NOT VALID checks, which present rows may violate */
/* these two may name other tables */
#define TABLE_DDL_POLICIES		0x4000
#define TABLE_DDL_RULES			0x8000	/* shells only */

/* which columns and constraints a child has of its own; no DDL, shells only, after ATTACH */
#define TABLE_DDL_OWN_PARTS		0x10000

#define TABLE_DDL_SHELL 0x1ffff
/* what a shard has before data comes in, and what is added after */
#define TABLE_DDL_SHARD_BEFORE (TABLE_DDL_CREATE | TABLE_DDL_OWNER | TABLE_DDL_CHECKS | \
								TABLE_DDL_ATTACH)
#define TABLE_DDL_SHARD_AFTER (TABLE_DDL_INDEXES | TABLE_DDL_STATISTICS | TABLE_DDL_SECURITY | \
							   TABLE_DDL_REPLICA_IDENTITY | TABLE_DDL_UNVALIDATED | \
							   TABLE_DDL_POLICIES)

/* List of char *: statements; for shards no nextval() default, no identity is printed */
extern List *deparse_table_ddl(Oid relid, int parts);

/* ALTER TABLE ... ADD CONSTRAINT ... for one constraint */
extern char *deparse_constraint(Oid constraintId);
/* by which another node's shell gets to know which keys of a group watch it (List of String) */
extern char *deparse_set_watches(Oid relid, GroupId groupId, List *keys);

/* casts have no owner: they are of those who own one of their types; false when there is none */
extern bool deparse_cast_types(Oid castId, Oid *source, Oid *target);

/* the parents of a table that is no partition, in order: a List of oids */
extern List *deparse_parents(Oid relid);

/* the statement that makes a policy, and those that make a rule, as they are now; raise 42704 */
extern char *deparse_policy(Oid relid, const char *name);
extern List *deparse_rule(Oid relid, const char *name);
/* a relation that a rule names and other nodes do not have, or InvalidOid */
extern Oid	deparse_rule_obstacle(Oid relid, const char *name);

/*
 * Statements that create any other object (schema, role, type, domain, function, procedure,
 * aggregate, collation, sequence, extension, view, text search object, foreign server,
 * publication ...), idempotent where the server has IF NOT EXISTS / OR REPLACE.  NIL when the kind
 * is not supported.
 */
extern List *deparse_object_ddl(const ObjectAddress *address);

/*
 * Statements that give the rights on this database, but for its owner's, and on foreign-data
 * wrappers that came with known extensions; NIL when they are the server's defaults.
 * *grantees: the oids of the roles in them that are not the server's own.
 */
extern List *deparse_database_grants(List **grantees);

/* true for kinds that deparse_object_ddl() can make */
extern bool deparse_object_is_supported(const ObjectAddress *address);

/* schema.name(arguments), as ALTER ROUTINE wants it; within deparse_settings_begin() */
extern char *deparse_routine_signature(Oid routineId);

/*
 * Everything that address depends on (pg_depend, pg_shdepend: owner and grantees), transitively, in
 * an order in which it can be created; objects of the server, members of extensions (their
 * extension instead) and address itself left out.  List of ObjectAddress *.  Tables appear only
 * when another object depends on them.
 */
extern List *deparse_object_dependencies(const ObjectAddress *address);

#endif
