/*
 * txn_role.c
 *	  The role in force in the sessions that work for this one.
 *
 * A connection is opened as the current user.  Two cases need another role in force there than the
 * one that logged in: the current role has no LOGIN, and then the session user logs in, or, where
 * that has none either, who came before SET SESSION AUTHORIZATION; or the transaction has written
 * on the node as one user and goes on as another (SET ROLE, a SECURITY DEFINER function), who must
 * see what was written, which only that connection does.
 *
 * Where this session itself got the role by SET ROLE, and its session user is who logged in there,
 * the far side does the same.  Otherwise the role is lent: the owner of the extension, on a
 * connection of its own, tells the node a random token and the role; the session that works for us
 * presents the token.  A loan is good for one use and for LOAN_SECONDS.  The borrowed role is in
 * force as in a SECURITY DEFINER function: what runs there cannot leave it by SET ROLE.
 *
 * Beside the role goes whether policies that are forced on owners of tables are in force: the far
 * side gets that as the server has it while it checks foreign keys (SECURITY_NOFORCE_RLS).  The
 * server does no SET ROLE meanwhile, and none is undone: savepoints begin without it.
 *
 * Invariants
 * (1) A role is only ever changed inside a remote transaction, and the far side is its login role
 *	   again before that ends: prepared transactions belong to the login role.
 * (2) RemoteXact.roleId is what is in force there, or invalid when a rollback to a savepoint may
 *	   have changed it.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "citus/base/session.h"
#include "txn/txn_internal.h"

#define LOAN_SECONDS 60

/* this session works as a borrowed role until its transaction ends */
static bool assumed = false;

/* whose session this one works for, if that was told; invalid: its own user's */
static Oid	told_session_user = InvalidOid;

/* what is known of the role asked for last; each short transaction asks several times */
static struct
{
	Oid			roleId;			/* invalid: nothing is known */
	bool		mayLogIn;
	char		name[NAMEDATALEN];
} known;

static void
forget_known(Datum arg, int cacheid, uint32 hashvalue)
{
	known.roleId = InvalidOid;
}

void
txn_role_init(void)
{
	CacheRegisterSyscacheCallback(AUTHOID, forget_known, (Datum) 0);
}

/* false: there is no such role */
static bool
look_up_role(Oid roleId)
{
	HeapTuple	tuple;
	Form_pg_authid form;

	if (known.roleId == roleId)
		return true;
	tuple = SearchSysCache1(AUTHOID, ObjectIdGetDatum(roleId));
	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_authid) GETSTRUCT(tuple);
	known.mayLogIn = form->rolcanlogin;
	strlcpy(known.name, NameStr(form->rolname), NAMEDATALEN);
	known.roleId = roleId;
	ReleaseSysCache(tuple);
	return true;
}

static bool
may_log_in(Oid roleId)
{
	return look_up_role(roleId) && known.mayLogIn;
}

Oid
txn_role_login(void)
{
	if (may_log_in(GetUserId()))
		return GetUserId();
	return may_log_in(GetSessionUserId()) ? GetSessionUserId() : GetAuthenticatedUserId();
}

const char *
txn_role_login_name(void)
{
	Oid			roleId = txn_role_login();

	return look_up_role(roleId) ? known.name : GetUserNameFromId(roleId, false);
}

Oid
txn_session_user(void)
{
	return OidIsValid(told_session_user) ? told_session_user : GetSessionUserId();
}

void
txn_role_set_session_user(const char *role)
{
	/* a role that was not made on this node is in none of its policies */
	told_session_user = get_role_oid(role, true);
}

/* Tells the node that whoever presents token may work as the role. */
static void
lend(RemoteXact *xact, const char *token, const char *role)
{
	RemoteTarget target = {0};
	char	   *sql = psprintf(BASE_NODE_SELECT "citus_internal.lend_role(%s, %s)",
							   quote_literal_cstr(token), quote_literal_cstr(role));

	target.nodeId = xact->nodeId;
	target.host = remote_conn_host(xact->conn);
	target.port = remote_conn_port(xact->conn);
	target.user = GetUserNameFromId(base_extension_owner(), false);
	target.authinfo = catalog_authinfo(xact->nodeId, target.user);
	target.poolinfo = catalog_poolinfo(xact->nodeId);
	target.secret = catalog_secret();
	remote_set_application_name(psprintf(CITUS_INTERNAL_APP_PREFIX UINT64_FORMAT,
										 txn_global_pid()));
	(void) remote_run_alone(&target, sql, NULL, NULL);
}

static void
borrow(RemoteXact *xact, const char *role)
{
	RemoteCommand command = {0};
	const char *values[1];
	unsigned char bytes[TXN_TOKEN_SIZE / 2];
	char		token[TXN_TOKEN_SIZE + 1];

	if (!pg_strong_random(bytes, sizeof(bytes)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate a random token")));
	for (int i = 0; i < lengthof(bytes); i++)
		snprintf(token + 2 * i, 3, "%02x", bytes[i]);
	lend(xact, token, role);

	values[0] = token;
	command.sql = BASE_NODE_SELECT "citus_internal.assume_role($1::text)";
	command.nparams = 1;
	command.paramValues = values;
	command.owner = &txn_own_answer_marker;
	remote_send(xact->conn, &command);
	xact->borrowed = true;
}

/* What SET ROLE made of this session; not a SECURITY DEFINER function. */
static bool
is_set_role(RemoteXact *xact)
{
	return !xact->borrowed && xact->loginId == GetSessionUserId() &&
		GetUserId() == GetOuterUserId() && !InLocalUserIdChange();
}

bool
txn_role_is_sent(const RemoteXact *xact)
{
	return xact->roleId == GetUserId() && xact->unforced == InNoForceRLSOperation();
}

static void
send_role(RemoteXact *xact)
{
	Oid			wanted = GetUserId();
	char	   *name = GetUserNameFromId(wanted, false);

	if (is_set_role(xact))
		txn_send_own(xact->conn,
					 psprintf("SELECT pg_catalog.set_config('role', %s, true)",
							  quote_literal_cstr(wanted == xact->loginId ? "none" : name)));
	else
		borrow(xact, name);
	xact->roleId = wanted;
	xact->roleChanged = true;
	/* a role that is taken on brings a state of its own */
	xact->unforced = false;
}

static void
send_unforced(RemoteXact *xact, bool unforced)
{
	txn_send_own(xact->conn, psprintf(BASE_NODE_SELECT "citus_internal.unforce_policies(%s)",
									  unforced ? "true" : "false"));
	xact->unforced = unforced;
	xact->roleChanged = true;
}

void
txn_role_before_savepoint(RemoteXact *xact)
{
	if (xact->unforced)
		send_unforced(xact, false);
}

void
txn_role_send(RemoteXact *xact)
{
	bool		wanted = InNoForceRLSOperation();

	if (xact->roleId != GetUserId())
	{
		if (xact->unforced)
			send_unforced(xact, false);
		send_role(xact);
	}
	if (xact->unforced != wanted)
		send_unforced(xact, wanted);
}

void
txn_role_forget(RemoteXact *xact)
{
	if (xact->roleChanged)
		xact->roleId = InvalidOid;
	xact->unforced = false;
}

/*
 * Invariant (1), on the far side.  Only for a role that was borrowed, or in a transaction that
 * another node began: a client may call its session what it likes, and keeps the role it set.
 */
void
txn_role_leave(void)
{
	bool		begunElsewhere = base_session_is_internal() && txn_current_id().number != 0;

	txn_role_unforce(false);

	/* a role borrowed by the one that logged in has the mark only */
	if (assumed || (begunElsewhere && GetUserId() != GetSessionUserId()))
		SetUserIdAndSecContext(GetSessionUserId(), 0);
	assumed = false;
}

/* the server itself has taken the role back after an abort */
void
txn_role_reset(void)
{
	assumed = false;
}

/* as the server's own triggers work for foreign keys */
void
txn_role_unforce(bool unforced)
{
	Oid			userId;
	int			context;

	GetUserIdAndSecContext(&userId, &context);
	if (unforced)
		context |= SECURITY_NOFORCE_RLS;
	else
		context &= ~SECURITY_NOFORCE_RLS;
	SetUserIdAndSecContext(userId, context);
}

void
txn_role_lend(const char *token, const char *role)
{
	if (strlen(token) != TXN_TOKEN_SIZE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid token")));
	if (!txn_backend_keep_loan(token, get_role_oid(role, false), LOAN_SECONDS))
		ereport(ERROR,
				(errcode(ERRCODE_TOO_MANY_CONNECTIONS),
				 errmsg("too many roles are lent to other sessions")));
}

void
txn_role_assume(const char *token)
{
	Oid			roleId = txn_backend_take_loan(token, LOAN_SECONDS);

	if (!OidIsValid(roleId))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("no role is lent for this token")));
	/* a type of the one who logged in could stand in the way of the server's */
	ResetTempTableNamespace();
	SetUserIdAndSecContext(roleId, SECURITY_LOCAL_USERID_CHANGE);
	assumed = true;
}
