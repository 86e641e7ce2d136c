/*
 * origin.c
 *	  Who opened this session: a client, or another node of the cluster, which proves it.
 *
 * A server tells whoever connects under a name of ours a random challenge, in a parameter that
 * comes with the answer to the login.  A node sends back, with its first command, whom it works for
 * (the origin) and a MAC of challenge and origin under the cluster's secret.  So nothing secret
 * travels, what travels is of no use in another session, and no round trip is spent.
 *
 * The origin is kept in a setting that nobody else can change, because the server hands settings on
 * to parallel workers.
 *
 * A node's session runs statements of users, too, and functions that they call.  What only nodes
 * may do therefore asks besides whether the function was called by the statement that the node sent
 * as its own (base_require_node_command).
 *
 * Invariants
 * (1) A challenge is good for one proof.
 * (2) kind and gpid follow the setting's value.
 *
 * Not here: where the secret is kept (catalog), who sends the proof (remote).
 */
#include "postgres.h"

#include "access/parallel.h"
#include "common/cryptohash.h"
#include "common/hmac.h"
#include "common/sha2.h"
#include "executor/execdesc.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "tcop/pquery.h"
#include "utils/guc.h"

#include "base/base_internal.h"
#include "citus/base/compat.h"
#include "citus/base/origin.h"
#include "citus/base/settings.h"

#define ORIGIN_SETTING "citus.session_origin"

typedef enum OriginKind
{
	ORIGIN_CLIENT,
	ORIGIN_COMMAND,				/* run_command_on_...(): all it sends is a user's */
	ORIGIN_NODE
} OriginKind;

static char *origin = NULL;
static OriginKind kind = ORIGIN_CLIENT;
static uint64 gpid = 0;
static bool changing = false;	/* base_session_set_origin() is at work */

static char *challenge_shown = NULL;
static char challenge[BASE_CHALLENGE_DIGITS + 1] = "";

/* ---- names ---- */

static OriginKind
parse_origin(const char *name, uint64 *number)
{
	static const struct
	{
		const char *prefix;
		OriginKind	kind;
	}			names[] = {
		{CITUS_INTERNAL_APP_PREFIX, ORIGIN_NODE},
		{"citus_rebalancer gpid=", ORIGIN_NODE},
		{"citus_run_command gpid=", ORIGIN_COMMAND},
	};

	*number = 0;
	for (int i = 0; name != NULL && i < lengthof(names); i++)
	{
		size_t		length = strlen(names[i].prefix);

		if (strncmp(name, names[i].prefix, length) == 0)
		{
			*number = strtou64(name + length, NULL, 10);
			return names[i].kind;
		}
	}
	return ORIGIN_CLIENT;
}

bool
base_origin_is_internal(const char *name, uint64 *number)
{
	return parse_origin(name, number) != ORIGIN_CLIENT;
}

/* ---- the settings ---- */

static bool
check_origin(char **newval, void **extra, GucSource source)
{
	return *newval == NULL || **newval == '\0' || changing || InitializingParallelWorker;
}

static void
assign_origin(const char *newval, void *extra)
{
	kind = parse_origin(newval, &gpid);
}

/* clients are spared a number that they have no use for */
static const char *
show_challenge(void)
{
	return application_name != NULL && strncmp(application_name, "citus_", 6) == 0 ?
		base_session_challenge() : "";
}

static const SettingDef settings[] = {
	{
		.name = ORIGIN_SETTING,
		.description = "Shows which session of another node this one works for.",
		.type = SETTING_STRING, .variable = &origin, .boot.s = "",
		.context = PGC_SUSET,
		.flags = GUC_NO_SHOW_ALL | GUC_DISALLOW_IN_FILE | GUC_NO_RESET_ALL,
		.check_hook = check_origin, .assign_hook = assign_origin
	},
	{
		.name = BASE_CHALLENGE_PARAMETER,
		.description = "Shows what another node has to sign to prove that it is one.",
		.type = SETTING_STRING, .variable = &challenge_shown, .boot.s = "",
		.context = PGC_INTERNAL,
		.flags = GUC_REPORT | GUC_NO_SHOW_ALL | GUC_DISALLOW_IN_FILE,
		.show_hook = show_challenge
	},
};

void
base_origin_start(void)
{
	base_settings_register(settings, lengthof(settings));
}

bool
base_session_is_internal(void)
{
	return kind != ORIGIN_CLIENT;
}

uint64
base_session_gpid(void)
{
	return gpid;
}

void
base_session_set_origin(const char *name)
{
	changing = true;
	PG_TRY();
	{
		/* the override is no part of the transaction, and what RESET goes back to */
		SetConfigOption(ORIGIN_SETTING, name != NULL ? name : "", PGC_SUSET, PGC_S_OVERRIDE);
	}
	PG_FINALLY();
	{
		changing = false;
	}
	PG_END_TRY();
}

/* ---- challenge and proof ---- */

static void
print_digits(char *digits, const unsigned char *bytes, int n)
{
	for (int i = 0; i < n; i++)
		snprintf(digits + 2 * i, 3, "%02x", bytes[i]);
}

static void
draw_bytes(unsigned char *bytes, int n)
{
	if (!pg_strong_random(bytes, n))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate random bytes")));
}

const char *
base_session_challenge(void)
{
	if (challenge[0] == '\0')
	{
		unsigned char bytes[BASE_CHALLENGE_DIGITS / 2];

		draw_bytes(bytes, sizeof(bytes));
		print_digits(challenge, bytes, sizeof(bytes));
	}
	return challenge;
}

/* of texts, each with the zero at its end: none can run into the next */
static void
compute_mac(unsigned char *mac, const unsigned char *secret, const char *const *parts, int nparts)
{
	pg_hmac_ctx *context = pg_hmac_create(PG_SHA256);
	bool		ok = context != NULL && pg_hmac_init(context, secret, BASE_SECRET_SIZE) >= 0;

	StaticAssertStmt(PG_SHA256_DIGEST_LENGTH == BASE_SECRET_SIZE, "a secret is as long as a MAC");
	StaticAssertStmt(2 * PG_SHA256_DIGEST_LENGTH == BASE_PROOF_DIGITS, "a proof is a MAC");
	for (int i = 0; ok && i < nparts; i++)
		ok = pg_hmac_update(context, (const uint8 *) parts[i], strlen(parts[i]) + 1) >= 0;
	ok = ok && pg_hmac_final(context, mac, PG_SHA256_DIGEST_LENGTH) >= 0;
	if (context != NULL)
		pg_hmac_free(context);
	if (!ok)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not compute a message authentication code")));
}

void
base_proof_make(char *proof, const unsigned char *secret, NodeId nodeId, const char *user,
				const char *name, const char *of)
{
	unsigned char mac[PG_SHA256_DIGEST_LENGTH];
	char		node[16];
	const char *parts[] = {of, node, user, name};

	snprintf(node, sizeof(node), "%d", nodeId);
	compute_mac(mac, secret, parts, lengthof(parts));
	print_digits(proof, mac, sizeof(mac));
}

void
base_secret_disguise(unsigned char *secret, const unsigned char *by, const char *number)
{
	unsigned char mac[BASE_SECRET_SIZE];
	const char *parts[] = {number, "secret"};

	compute_mac(mac, by, parts, lengthof(parts));
	for (int i = 0; i < BASE_SECRET_SIZE; i++)
		secret[i] ^= mac[i];
}

void
base_secret_make(unsigned char *secret)
{
	draw_bytes(secret, BASE_SECRET_SIZE);
}

static bool
is_proof_by(const char *proof, const unsigned char *secret, NodeId nodeId, const char *user,
			const char *name)
{
	char		wanted[BASE_PROOF_DIGITS + 1];
	int			difference = 0;

	if (secret == NULL)
		return false;
	base_proof_make(wanted, secret, nodeId, user, name, challenge);
	/* the time it takes tells nothing */
	for (int i = 0; i < BASE_PROOF_DIGITS; i++)
		difference |= proof[i] ^ wanted[i];
	return difference == 0;
}

bool
base_proof_is_right(const char *proof, const unsigned char *secret, const unsigned char *second,
					NodeId nodeId, const char *user, const char *name)
{
	bool		right = challenge[0] != '\0' && strlen(proof) == BASE_PROOF_DIGITS &&
		(is_proof_by(proof, secret, nodeId, user, name) ||
		 is_proof_by(proof, second, nodeId, user, name));

	challenge[0] = '\0';		/* invariant 1 */
	return right;
}

/* ---- commands of nodes ---- */

/*
 * Was the function called by the statement that came over the connection, and not by something that
 * this one runs?  Then it lives in the memory of that statement's executor.
 */
static bool
is_of_node_statement(FunctionCallInfo fcinfo)
{
	Portal		portal = ActivePortal;

	return kind == ORIGIN_NODE && portal != NULL && portal->sourceText != NULL &&
		strncmp(portal->sourceText, BASE_NODE_SELECT, strlen(BASE_NODE_SELECT)) == 0 &&
		portal->queryDesc != NULL && portal->queryDesc->estate != NULL &&
		fcinfo->flinfo != NULL &&
		fcinfo->flinfo->fn_mcxt == portal->queryDesc->estate->es_query_cxt;
}

bool
base_is_node_command(FunctionCallInfo fcinfo)
{
	return is_of_node_statement(fcinfo) || (base_session_is_internal() && superuser());
}

void
base_require_node_command(FunctionCallInfo fcinfo)
{
	if (!base_is_node_command(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("this function can only be called by another node of the cluster")));
}
