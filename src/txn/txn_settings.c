/*
 * txn_settings.c
 *	  Session settings that the sessions working for this one must share.
 *
 * The settings are one text, the statement that makes them so on the far side; a connection
 * remembers the text it was sent last, and its number (remote_conn_settings), and nothing is sent
 * when it is the same.  Making the text is avoided, too: the built-in settings are compared as
 * variables first.
 *
 * Custom settings (a.b = ...) that were changed in this session travel as well.  Once a setting has
 * travelled it stays in the text: after a RESET it is reset there, too, or empty if it is a custom
 * one, as on this node.
 *
 * So does the name of the session's user, where another one has logged in there: policies may ask
 * for it (planner_caller.c).
 *
 * What is sent inside a transaction is undone by its rollback; the connection's settings are then
 * unknown (txn_settings_forget) and sent again.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "common/hashfn.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "pgtime.h"
#include "storage/proc.h"
#include "utils/builtins.h"
#include "utils/bytea.h"
#include "utils/float.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/pg_locale.h"
#include "utils/xml.h"
#include "citus/base/compat_settings.h"
#include "citus/base/session.h"
#include "txn/txn_internal.h"

/* no session's settings are this text */
#define UNKNOWN_SETTINGS "?"

/* always sent */
static const char *const always_sent[] = {
	"TimeZone", "DateStyle", "IntervalStyle", "extra_float_digits", "bytea_output", "xmloption",
	"xmlbinary", "search_path", "lock_timeout", "synchronous_commit", NULL
};

/*
 * Sent when this session has changed them: their values must exist on the far machine.  What it
 * does not want to be logged of its parameters no node logs.
 */
static const char *const sent_when_changed[] = {
	"lc_monetary", "lc_numeric", "lc_time", "default_text_search_config", "array_nulls",
	"quote_all_identifiers", "backslash_quote", "timezone_abbreviations",
	"check_function_bodies", "row_security", "default_toast_compression",
	"session_replication_role", "log_parameter_max_length", "log_parameter_max_length_on_error",
	NULL
};

/* what the text was made from */
typedef struct Fingerprint
{
	pg_tz	   *timeZone;
	int			dateStyle;
	int			dateOrder;
	int			intervalStyle;
	int			extraFloatDigits;
	int			byteaOutput;
	int			xmlOption;
	int			xmlBinary;
	int			lockTimeout;
	int			synchronousCommit;
	int			minMessages;
	Oid			sessionUser;	/* invalid: nobody was told */
	uint32		changedHash;	/* of names and values that travel when changed */
} Fingerprint;

static Fingerprint current;
static char *current_search_path = NULL;
static char *current_text = NULL;
static uint64 current_number = 0;	/* of the text; it never has one again that it had before */
static List *travelled = NIL;	/* names of settings sent when changed, in TopMemoryContext */

/* ---- settings that travel when they were changed ---- */

static bool
is_listed(const char *name, const char *const *names)
{
	for (; *names != NULL; names++)
		if (strcmp(name, *names) == 0)
			return true;
	return false;
}

static bool
has_travelled(const char *name)
{
	ListCell   *lc;

	foreach(lc, travelled)
		if (strcmp(lfirst(lc), name) == 0)
			return true;
	return false;
}

/* our own settings are each node's own */
static bool
is_custom(const struct config_generic *setting)
{
	return strchr(setting->name, '.') != NULL && strncmp(setting->name, "citus.", 6) != 0 &&
		setting->vartype == PGC_STRING;
}

static bool
may_travel(const char *name)
{
	if (strchr(name, '.') != NULL)
		return strncmp(name, "citus.", 6) != 0;
	return is_listed(name, sent_when_changed);
}

static bool
travels(const struct config_generic *setting)
{
	if (setting->source < PGC_S_DATABASE || setting->context < PGC_SUSET ||
		(setting->context == PGC_SUSET && !superuser()))
		return false;
	return may_travel(setting->name);
}

static uint32
hash_text(const char *text)
{
	return hash_bytes((const unsigned char *) text, strlen(text));
}

static void
hash_setting(uint32 *hash, const char *name)
{
	const char *value = GetConfigOption(name, true, false);

	*hash = hash_combine(*hash, hash_text(name));
	if (value != NULL)
		*hash = hash_combine(*hash, hash_text(value));
}

static void
hash_visited(struct config_generic *setting, void *arg)
{
	if (travels(setting))
		hash_setting(arg, setting->name);
}

/* of names and values of all that travel now or have before */
static uint32
changed_hash(void)
{
	uint32		hash = 0;
	ListCell   *lc;

	compat_visit_chosen_settings(may_travel, hash_visited, &hash);
	foreach(lc, travelled)
		hash_setting(&hash, lfirst(lc));
	return hash;
}

/* sent before, and to be sent on; who may not set it has not changed it */
static bool
travels_on(const struct config_generic *setting)
{
	return has_travelled(setting->name) &&
		(is_custom(setting) || setting->context > PGC_SUSET || superuser());
}

/* of struct config_generic * */
static List *
changed_settings(void)
{
	int			n;
	struct config_generic **all = compat_get_guc_variables(&n);
	List	   *settings = NIL;

	for (int i = 0; i < n; i++)
	{
		if (travels(all[i]) || travels_on(all[i]))
			settings = lappend(settings, all[i]);
	}
	return settings;
}

/* ---- the text ---- */

static void
append_setting(StringInfo text, const char *name, const char *value)
{
	appendStringInfo(text, "%spg_catalog.set_config(%s, %s, false)",
					 text->data[text->len - 1] == ' ' ? "" : ", ",
					 quote_literal_cstr(name), quote_literal_cstr(value != NULL ? value : ""));
}

/* what this session no longer says is what the far server says */
static void
append_changed_setting(StringInfo text, const struct config_generic *setting)
{
	if (travels(setting) || is_custom(setting))
		append_setting(text, setting->name, GetConfigOption(setting->name, true, false));
	else
		appendStringInfo(text, ", pg_catalog.set_config(%s, NULL, false)",
						 quote_literal_cstr(setting->name));
}

static const char *
level_name(void)
{
	const char *level = GetConfigOption("citus.worker_min_messages", true, false);

	return level == NULL || strcmp(level, "off") == 0 ? "error" : level;
}

/* once the user of the session has been told he always is */
static Oid
session_user_to_tell(void)
{
	static bool tells = false;
	Oid			user = txn_session_user();

	tells |= user != txn_role_login();
	return tells ? user : InvalidOid;
}

static void
make_text(Oid sessionUser)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "session settings",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	List	   *changed = changed_settings();
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	appendStringInfoString(&text, OidIsValid(sessionUser) ? BASE_NODE_SELECT : "SELECT ");
	for (int i = 0; always_sent[i] != NULL; i++)
	{
		const char *value = GetConfigOption(always_sent[i], true, false);

		if (strcmp(always_sent[i], "search_path") == 0 && base_task_search_path(false) != NULL)
			value = base_task_search_path(false);
		append_setting(&text, always_sent[i], value);
	}
	append_setting(&text, "client_min_messages", level_name());
	if (OidIsValid(sessionUser))
		appendStringInfo(&text, ", citus_internal.set_session_user(%s)",
						 quote_literal_cstr(GetUserNameFromId(sessionUser, false)));
	foreach(lc, changed)
		append_changed_setting(&text, lfirst(lc));

	MemoryContextSwitchTo(TopMemoryContext);
	foreach(lc, changed)
	{
		const char *name = ((struct config_generic *) lfirst(lc))->name;

		if (!has_travelled(name))
			travelled = lappend(travelled, pstrdup(name));
	}
	if (current_text != NULL)
		pfree(current_text);
	if (current_search_path != NULL)
		pfree(current_search_path);
	current_text = pstrdup(text.data);
	current_number++;
	current_search_path = pstrdup(namespace_search_path);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

static const char *
settings_text(void)
{
	Fingerprint now;

	memset(&now, 0, sizeof(now));
	now.timeZone = session_timezone;
	now.dateStyle = DateStyle;
	now.dateOrder = DateOrder;
	now.intervalStyle = IntervalStyle;
	now.extraFloatDigits = extra_float_digits;
	now.byteaOutput = bytea_output;
	now.xmlOption = xmloption;
	now.xmlBinary = xmlbinary;
	now.lockTimeout = LockTimeout;
	now.synchronousCommit = synchronous_commit;
	now.minMessages = remote_message_level();
	now.sessionUser = session_user_to_tell();
	now.changedHash = changed_hash();

	if (current_text == NULL || memcmp(&now, &current, sizeof(now)) != 0 ||
		strcmp(current_search_path, namespace_search_path) != 0)
	{
		make_text(now.sessionUser);
		current = now;
	}
	return current_text;
}

void
txn_settings_send(RemoteConn *conn)
{
	const char *text = settings_text();

	if (remote_conn_settings_number(conn) == current_number)
		return;
	/* with a Sync: outside of a transaction they stay, whatever becomes of the next command */
	if (strcmp(remote_conn_settings(conn), text) != 0)
		txn_send_own(conn, text);
	remote_conn_set_settings(conn, text, current_number);
}

void
txn_settings_forget(RemoteConn *conn)
{
	remote_conn_set_settings(conn, UNKNOWN_SETTINGS, 0);
}
