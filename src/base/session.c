/*
 * session.c
 *	  What this session is, and what it is in the middle of.
 *
 * Owns the stack of frames and the cached answer to "is the extension there?".
 *
 * Invariants
 *	  1. A frame is on the stack as long as its (sub)transaction nesting level lives: frames of an
 *		 aborted level are removed by PHASE_SESSION, in the order of levels.
 *	  2. frameCounts[f] is the number of frames f on the stack.
 *	  3. extensionOid is meaningful only while extensionChecked.  Creating and dropping the
 *		 extension creates and drops schemas, updating it creates functions: invalidations of
 *		 these catalogs make the session look again.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/parallel.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "parser/parse_func.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "base/base_internal.h"
#include "citus/base/lifecycle.h"
#include "citus/base/session.h"
#include "citus/base/settings.h"

#define NFRAMES (FRAME_METADATA_CHANGE + 1)

typedef struct FrameEntry
{
	SessionFrame frame;
	int			nestLevel;
} FrameEntry;

static FrameEntry *frameStack = NULL;
static int	frameDepth = 0;
static int	frameCapacity = 0;
static int	frameCounts[NFRAMES];

static bool extensionChecked = false;
static Oid	extensionOid = InvalidOid;
static Oid	extensionOwner = InvalidOid;
static bool versionMatches = true;

static bool enableVersionChecks = true;
static char *versionShown = NULL;

static const SettingDef settings[] = {
	{
		.name = "citus.enable_version_checks",
		.description = "Refuses work when library and extension are of different versions.",
		.type = SETTING_BOOL, .variable = &enableVersionChecks, .boot.b = true,
		.context = PGC_USERSET, .flags = GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE
	},
	{
		.name = "citus.version",
		.description = "Shows the version of the library.",
		.type = SETTING_STRING, .variable = &versionShown, .boot.s = CITUS_VERSION,
		.context = PGC_INTERNAL,
		.flags = GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE
	},
};

/* ---- frames ---- */

void
base_frame_push(SessionFrame frame)
{
	if (frameDepth == frameCapacity)
	{
		int			capacity = frameCapacity == 0 ? 32 : frameCapacity * 2;

		if (frameStack == NULL)
			frameStack = MemoryContextAlloc(TopMemoryContext, capacity * sizeof(FrameEntry));
		else
			frameStack = repalloc(frameStack, capacity * sizeof(FrameEntry));
		frameCapacity = capacity;
	}
	frameStack[frameDepth].frame = frame;
	frameStack[frameDepth].nestLevel = GetCurrentTransactionNestLevel();
	frameDepth++;
	frameCounts[frame]++;
}

static void
drop_top_frame(void)
{
	frameDepth--;
	frameCounts[frameStack[frameDepth].frame]--;
}

/*
 * Removes the topmost frame of this kind, and those that an error caught without a subtransaction
 * left above it.
 */
void
base_frame_pop(SessionFrame frame)
{
	if (frameCounts[frame] == 0)
		elog(ERROR, "session frame %d is not on the stack", (int) frame);

	while (frameStack[frameDepth - 1].frame != frame)
		drop_top_frame();
	drop_top_frame();
}

bool
base_frame_active(SessionFrame frame)
{
	if (frameCounts[frame] == 0)
		return false;
	if (frame != FRAME_OWN_DDL || frameCounts[FRAME_USER_CODE] == 0)
		return true;
	for (int i = frameDepth - 1; frameStack[i].frame != FRAME_USER_CODE; i--)
	{
		if (frameStack[i].frame == FRAME_OWN_DDL)
			return true;
	}
	return false;
}

/* ---- functions of users ---- */

/* The server's own functions, and those of libraries, run no statements that matter here. */
bool
base_user_code_needs_hook(Oid functionOid)
{
	HeapTuple	tuple;
	Oid			language = InvalidOid;

	if (!base_frame_active(FRAME_OWN_DDL))
		return false;
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(functionOid));
	if (HeapTupleIsValid(tuple))
	{
		language = ((Form_pg_proc) GETSTRUCT(tuple))->prolang;
		ReleaseSysCache(tuple);
	}
	return OidIsValid(language) && language != INTERNALlanguageId && language != ClanguageId;
}

/* *data, which starts as 0, says whether this call has a frame */
void
base_user_code_hook(int event, Datum *data)
{
	switch ((FmgrHookEventType) event)
	{
		case FHET_START:
			*data = BoolGetDatum(base_frame_active(FRAME_OWN_DDL));
			if (DatumGetBool(*data))
				base_frame_push(FRAME_USER_CODE);
			break;
		case FHET_END:
		case FHET_ABORT:
			/* a procedure that has rolled back has lost its frame */
			if (DatumGetBool(*data) && frameCounts[FRAME_USER_CODE] > 0)
				base_frame_pop(FRAME_USER_CODE);
			*data = BoolGetDatum(false);
			break;
	}
}

/* PHASE_SESSION.  A commit keeps frames: utility statements such as VACUUM commit on their way. */
static void
drop_frames_of_aborted(LifecycleEvent event, SubTransactionId subid, SubTransactionId parent)
{
	int			level;

	if (event == LIFECYCLE_ABORT)
		level = 0;
	else if (event == LIFECYCLE_SUB_ABORT)
		level = GetCurrentTransactionNestLevel();
	else
		return;

	while (frameDepth > 0 && frameStack[frameDepth - 1].nestLevel >= level)
		drop_top_frame();
}

/* ---- the extension ---- */

static void
forget_extension(Datum arg, int cacheid, uint32 hashvalue)
{
	extensionChecked = false;
}

/* True when the version, such as "14.0-1", is one of the library's. */
static bool
version_is_ours(const char *version)
{
	size_t		length = strlen(CITUS_VERSION);

	return strncmp(version, CITUS_VERSION, length) == 0 &&
		(version[length] == '-' || version[length] == '\0');
}

static void
look_up_extension(void)
{
	Relation	relation;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	Oid			oid = InvalidOid;
	bool		matches = true;

	/* set first: an invalidation that arrives meanwhile must not get lost */
	extensionChecked = true;

	relation = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ,
				CStringGetDatum(CITUS_EXTENSION_NAME));
	scan = systable_beginscan(relation, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		bool		isNull;
		Datum		version = heap_getattr(tuple, Anum_pg_extension_extversion,
										   RelationGetDescr(relation), &isNull);

		oid = ((Form_pg_extension) GETSTRUCT(tuple))->oid;
		extensionOwner = ((Form_pg_extension) GETSTRUCT(tuple))->extowner;
		matches = !isNull && version_is_ours(TextDatumGetCString(version));
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);

	extensionOid = oid;
	versionMatches = matches;
}

/*
 * InvalidOid when the extension is not in this database, or when there is no transaction in which
 * to ask.
 */
Oid
base_extension_oid(void)
{
	if (!extensionChecked)
	{
		if (!IsTransactionState() || !OidIsValid(MyDatabaseId) ||
			IsBootstrapProcessingMode() || InitializingParallelWorker)
			return InvalidOid;
		look_up_extension();
	}
	return extensionOid;
}

Oid
base_extension_owner(void)
{
	return OidIsValid(base_extension_oid()) ? extensionOwner : BOOTSTRAP_SUPERUSERID;
}

bool
base_extension_is_active(void)
{
	Oid			oid;

	if (InitializingParallelWorker || IsBinaryUpgrade)
		return false;
	oid = base_extension_oid();
	return OidIsValid(oid) && !(creating_extension && CurrentExtensionObject == oid);
}

Oid
base_own_function(const char *name, int nargs, const Oid *args, Oid *functionOid,
				  Oid *extensionOid)
{
	if (!OidIsValid(*functionOid) || *extensionOid != base_extension_oid())
	{
		*functionOid = LookupFuncName(list_make2(makeString("citus_internal"),
												 makeString(pstrdup(name))), nargs, args, false);
		*extensionOid = base_extension_oid();
	}
	return *functionOid;
}

Oid
base_is_row_oid(void)
{
	static Oid	functionOid = InvalidOid;
	static Oid	ofExtension = InvalidOid;
	Oid			args[] = {OIDOID, TIDOID, INT8OID, TIDOID};

	return base_own_function("is_row", lengthof(args), args, &functionOid, &ofExtension);
}

void
base_check_version(void)
{
	if (!versionMatches && enableVersionChecks)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("extension \"%s\" does not have the version of its library, %s",
						CITUS_EXTENSION_NAME, CITUS_VERSION),
				 errhint("Run ALTER EXTENSION %s UPDATE, or install the matching library and "
						 "restart the server.", CITUS_EXTENSION_NAME)));
}

void
base_require_superuser(const char *action)
{
	if (!superuser())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be superuser to %s", action)));
}

/* Called once from base_init(). */
void
base_session_start(void)
{
	base_settings_register(settings, lengthof(settings));
	base_lifecycle_register(PHASE_SESSION, drop_frames_of_aborted);
	CacheRegisterSyscacheCallback(NAMESPACEOID, forget_extension, (Datum) 0);
	CacheRegisterSyscacheCallback(PROCOID, forget_extension, (Datum) 0);
}

/* ---- names in tasks ---- */

static bool
has_temporary_objects(void)
{
	Oid			tableSpace;
	Oid			toastSpace;

	GetTempNamespaceState(&tableSpace, &toastSpace);
	return OidIsValid(tableSpace);
}

/* does the server look elsewhere before it looks into pg_catalog? */
static bool
hides_catalog(List *schemas)
{
	ListCell   *cell;

	foreach(cell, schemas)
	{
		if (strcmp(lfirst(cell), "pg_catalog") == 0)
			return foreach_current_index(cell) > 0;
	}
	return false;
}

char *
base_task_search_path(bool forOther)
{
	char	   *copy = pstrdup(namespace_search_path);
	List	   *schemas = NIL;
	StringInfoData path;
	ListCell   *cell;

	if (!SplitIdentifierString(copy, ',', &schemas) ||
		(!hides_catalog(schemas) && !(forOther && has_temporary_objects())))
		return NULL;
	initStringInfo(&path);
	appendStringInfoString(&path, "pg_catalog");
	foreach(cell, schemas)
	{
		if (strcmp(lfirst(cell), "pg_catalog") != 0 && strcmp(lfirst(cell), "pg_temp") != 0)
			appendStringInfo(&path, ", %s", quote_identifier(lfirst(cell)));
	}
	appendStringInfoString(&path, ", pg_temp");
	return path.data;
}
