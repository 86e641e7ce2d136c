/*
 * tables_rewrite_internal.h
 *	  What the files that rewrite a shell's statement for a shard share.
 */
#ifndef CITUS_TABLES_REWRITE_INTERNAL_H
#define CITUS_TABLES_REWRITE_INTERNAL_H

#include "postgres.h"

#include "nodes/parsenodes.h"

#include "citus/catalog/catalog.h"
#include "tables/tables_internal.h"

/* Rewrite: one statement being rewritten for one shard */
typedef struct Rewrite
{
	const Shard *shard;
	List	  **names;			/* chosen names that are left */
	char	   *oldName;		/* the shell's name as the statement has it, or NULL */
	const TableFills *fills;	/* what replaces expressions of columns, or NULL */
	List	   *after;			/* AlterTableCmds that undo that for later rows */
	int			subSelects;		/* how many are around the expression */
} Rewrite;

/* ---- tables_rewrite_names.c ---- */

/* a name of something that each shard has one of */
extern char *tables_extended_name(Rewrite *rewrite, const char *name);
/* gives an unnamed thing its chosen name; false when there is none */
extern bool tables_find_chosen_name(Rewrite *rewrite, char **name);
/* both, in place */
extern void tables_extend_or_name(Rewrite *rewrite, char **name);
/*
 * The shard whose id goes to the name of relid: this one for the shell and for what does not
 * exist here, the neighbour for another known table, NULL for anything else.
 */
extern const Shard *tables_shard_beside(Rewrite *rewrite, Oid relid);
/* the relation that a name means now, without locks; InvalidOid when there is none */
extern Oid	tables_resolve_name(RangeVar *name);
/*
 * A relation that the statement refers to: gets its own shard's id; NULL when the name stays as it
 * is.
 */
extern const Shard *tables_extend_relation(Rewrite *rewrite, RangeVar *name);
/*
 * The relation that the statement is about, a shell or an index of one: always gets this shard's
 * id, also when the name by now means something else further down the search_path.  Columns
 * qualified by its name are rewritten later.
 */
extern void tables_extend_subject(Rewrite *rewrite, RangeVar *name);
/* the same for a name that is a List of String; the new list */
extern List *tables_extend_subject_list(Rewrite *rewrite, List *names);
/* extends the last part of a List of String that is not a relation (statistics objects) */
extern void tables_extend_last(Rewrite *rewrite, List *names);
/*
 * (relation ..., name): extends the relation, and the name too where such names are per schema or
 * are told apart by shard.
 */
extern List *tables_extend_member(Rewrite *rewrite, List *names, bool extendMember);
/* the shard's name of a constraint, which may be one of the parent's; of one that exists already */
extern char *tables_extended_constraint(Rewrite *rewrite, const char *name);
extern char *tables_existing_constraint(Rewrite *rewrite, const char *name);

/* ---- tables_rewrite_expressions.c ---- */

/*
 * walker: columns qualified by the shell's name, its rows, relations in sub-selects, and
 * session_user below the node
 */
extern bool tables_extend_expression(Node *node, Rewrite *rewrite);
/* the same of all of an expression, which may become another */
extern bool tables_extend_whole(Node **node, Rewrite *rewrite);
/* walker: a raw expression that draws from a sequence */
extern bool tables_uses_sequence(Node *node, void *context);

#endif
