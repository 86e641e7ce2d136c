/*
 * secret.c
 *	  The secret of the cluster on its way to other nodes, and a new one in its place.
 *
 * A node proves with its secret that it is one, and believes in a second one, too, while there is
 * one.  A new secret comes in three transactions over all nodes, none of which stands in a client's
 * way: all believe in it; all prove with it, and believe in the old one; the old one is forgotten,
 * when nobody can be about to connect with it.  Each node is told both, in every step, so that
 * whatever interrupted them is mended by beginning anew.
 *
 * Not here: where secrets are kept (catalog), what is done with them (base, remote, txn).
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"

#include "citus/base/session.h"
#include "citus/catalog/catalog.h"
#include "citus/cluster/cluster.h"
#include "cluster_internal.h"

PG_FUNCTION_INFO_V1(citus_internal_own_secret);
PG_FUNCTION_INFO_V1(citus_internal_take_secret);
PG_FUNCTION_INFO_V1(citus_internal_rotate_secret);

/* ---- to another node ---- */

/* in hex, disguised; an empty text where there is none */
static char *
disguised(const unsigned char *secret, const unsigned char *by, const char *number)
{
	unsigned char copy[BASE_SECRET_SIZE];
	char	   *digits = palloc0(2 * BASE_SECRET_SIZE + 1);

	if (secret == NULL)
		return digits;
	memcpy(copy, secret, BASE_SECRET_SIZE);
	base_secret_disguise(copy, by, number);
	(void) hex_encode((char *) copy, BASE_SECRET_SIZE, digits);
	return digits;
}

/* what the second secret is disguised with besides: no two are, with the same */
static char *
second_number(const char *number)
{
	return psprintf("%s 2", number);
}

/*
 * What gives the node the secrets of the cluster.  Statements are seen in logs and views, and so
 * they travel disguised by the secret that the node has now, which came here in an answer.
 */
char *
cluster_secret_command(const ClusterNode *node)
{
	List	   *rows = cluster_query(node, BASE_NODE_SELECT "pg_catalog.encode("
									 "citus_internal.own_secret(), 'hex')");
	char	   *text = ((char **) linitial(rows))[0];
	unsigned char theirs[BASE_SECRET_SIZE];
	unsigned char *second;
	unsigned char *secret = catalog_secrets(&second);
	unsigned char random[BASE_SECRET_SIZE];
	char		number[2 * BASE_SECRET_SIZE + 1];

	if (secret == NULL || text == NULL || strlen(text) != 2 * BASE_SECRET_SIZE)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("node %s:%d cannot take on the secret of the cluster", node->name,
						node->port),
				 errdetail("There is no row in pg_dist_secret here, or there.")));
	hex_decode(text, strlen(text), (char *) theirs);
	base_secret_make(random);
	number[hex_encode((char *) random, sizeof(random), number)] = '\0';
	return psprintf(BASE_NODE_SELECT "citus_internal.take_secret('\\x%s', '\\x%s', '%s')",
					disguised(secret, theirs, number),
					disguised(second, theirs, second_number(number)), number);
}

/* ---- on that node ---- */

static void
require_node_superuser(FunctionCallInfo fcinfo)
{
	base_require_node_command(fcinfo);
	base_require_superuser("change the secret of the cluster");
}

/* the secret that this server has; the answer to a query is in no log */
Datum
citus_internal_own_secret(PG_FUNCTION_ARGS)
{
	unsigned char *secret;
	bytea	   *bytes;

	require_node_superuser(fcinfo);
	secret = catalog_secret();
	if (secret == NULL)
		PG_RETURN_NULL();
	bytes = palloc(VARHDRSZ + BASE_SECRET_SIZE);
	SET_VARSIZE(bytes, VARHDRSZ + BASE_SECRET_SIZE);
	memcpy(VARDATA(bytes), secret, BASE_SECRET_SIZE);
	PG_RETURN_BYTEA_P(bytes);
}

/* false: there is none */
static bool
undisguise(bytea *bytes, const unsigned char *own, const char *number, unsigned char *secret)
{
	if (VARSIZE_ANY_EXHDR(bytes) == 0)
		return false;
	if (own == NULL || VARSIZE_ANY_EXHDR(bytes) != BASE_SECRET_SIZE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid secret")));
	memcpy(secret, VARDATA_ANY(bytes), BASE_SECRET_SIZE);
	base_secret_disguise(secret, own, number);
	return true;
}

/* (both secrets, disguised by the one that this server has; number): takes them on */
Datum
citus_internal_take_secret(PG_FUNCTION_ARGS)
{
	char	   *number = text_to_cstring(PG_GETARG_TEXT_PP(2));
	unsigned char *own;
	unsigned char secret[BASE_SECRET_SIZE];
	unsigned char second[BASE_SECRET_SIZE];
	bool		hasSecond;

	require_node_superuser(fcinfo);
	own = catalog_secret();
	if (!undisguise(PG_GETARG_BYTEA_PP(0), own, number, secret))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid secret")));
	hasSecond = undisguise(PG_GETARG_BYTEA_PP(1), own, second_number(number), second);
	catalog_secret_set(secret, hasSecond ? second : NULL);
	PG_RETURN_VOID();
}

/* ---- a new one ---- */

/* one transaction: this node and all others have these */
static void
set_everywhere(const unsigned char *secret, const unsigned char *second)
{
	List	   *nodes;
	ListCell   *cell;

	cluster_lock_node_list(false);
	nodes = cluster_other_nodes();
	catalog_secret_set(secret, second);
	CommandCounterIncrement();
	foreach(cell, nodes)
		cluster_run(list_make1(lfirst(cell)), list_make1(cluster_secret_command(lfirst(cell))));
}

static void
commit_step(void)
{
	PopActiveSnapshot();
	SPI_commit();
	PushActiveSnapshot(GetTransactionSnapshot());
}

/* whoever has begun to connect, and has read the old secret before, has proved himself or failed */
static void
wait_for_connects(void)
{
	const char *ms = GetConfigOption("citus.node_connection_timeout", false, false);

	DirectFunctionCall1(pg_sleep, Float8GetDatum(atoi(ms) / 1000.0));
}

/*
 * CALL citus_internal.rotate_secret(): commits by itself.  When it fails, the old secret is good
 * still, and the next call begins anew.
 */
Datum
citus_internal_rotate_secret(PG_FUNCTION_ARGS)
{
	bool		isAlone = fcinfo->context != NULL && IsA(fcinfo->context, CallContext) &&
		!castNode(CallContext, fcinfo->context)->atomic;
	unsigned char fresh[BASE_SECRET_SIZE];
	unsigned char *old;

	base_require_superuser("change the secret of the cluster");
	cluster_require_coordinator();
	old = catalog_secret();
	if (old == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("there is no row in pg_dist_secret")));
	base_secret_make(fresh);
	/* in a block it may not commit, and is told so by the first step */
	if (SPI_connect_ext(isAlone ? SPI_OPT_NONATOMIC : 0) != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect_ext failed");
	PushActiveSnapshot(GetTransactionSnapshot());
	set_everywhere(old, fresh);
	commit_step();
	set_everywhere(fresh, old);
	commit_step();
	wait_for_connects();
	set_everywhere(fresh, NULL);
	PopActiveSnapshot();
	SPI_finish();
	PG_RETURN_VOID();
}
