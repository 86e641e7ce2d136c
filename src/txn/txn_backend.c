/*
 * txn_backend.c
 *	  Who this session is over the cluster, and its distributed transaction, in shared memory.
 *
 * One entry per server process.  Its process writes it, others read copies, both under the entry's
 * spinlock.  Two numbers are kept apart: the distributed transaction's id, which an initiator gives
 * to all sessions that work for it, and gidNumber, which names what *this* session has prepared
 * elsewhere.  They are equal unless this session works for another one and is an initiator itself.
 *
 * Numbers are drawn from a counter that starts at the time of the server's start in microseconds,
 * so that a number is never used again after a restart and recovery cannot take an old prepared
 * transaction for a new one.
 *
 * Invariant: gidNumber is set before the first PREPARE is sent, and cleared after the last
 * COMMIT PREPARED or ROLLBACK PREPARED was answered or given up.
 */
#include "postgres.h"

#include "access/twophase.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "storage/spin.h"
#include "utils/guc.h"
#include "utils/timestamp.h"
#include "citus/base/compat.h"
#include "citus/base/session.h"
#include "citus/base/shmem.h"
#include "txn/txn_internal.h"

/* a role that the next session with the token may take on; in any entry that is free */
typedef struct RoleLoan
{
	Oid			roleId;			/* invalid: none */
	TimestampTz since;
	char		token[TXN_TOKEN_SIZE];
} RoleLoan;

typedef struct BackendEntry
{
	slock_t		mutex;
	BackendInfo info;
	RoleLoan	loan;			/* of nobody in particular */
} BackendEntry;

typedef struct BackendTable
{
	pg_atomic_uint64 nextNumber;
	int			nentries;
	BackendEntry entries[FLEXIBLE_ARRAY_MEMBER];
} BackendTable;

static BackendTable *table = NULL;
static BackendEntry *my_entry = NULL;

static int
entry_count(void)
{
	return MaxBackends + NUM_AUXILIARY_PROCS + max_prepared_xacts;
}

static Size
table_size(void)
{
	return offsetof(BackendTable, entries) + (Size) entry_count() * sizeof(BackendEntry);
}

static void
init_table(void *segment)
{
	BackendTable *fresh = segment;

	pg_atomic_init_u64(&fresh->nextNumber, (uint64) GetCurrentTimestamp());
	fresh->nentries = entry_count();
	for (int i = 0; i < fresh->nentries; i++)
	{
		SpinLockInit(&fresh->entries[i].mutex);
		fresh->entries[i].loan.roleId = InvalidOid;
	}
}

void
txn_backend_init(void)
{
	static const SharedSegment segment = {
		.name = "citus backends",
		.size = table_size,
		.init = init_table,
		.address = (void **) &table,
	};

	base_shmem_register(&segment);
}

static void
clear_entry(int code, Datum arg)
{
	SpinLockAcquire(&my_entry->mutex);
	memset(&my_entry->info, 0, sizeof(BackendInfo));
	SpinLockRelease(&my_entry->mutex);
	my_entry = NULL;
}

/* this process's entry, taken at the first call */
static BackendEntry *
own_entry(void)
{
	if (my_entry == NULL)
	{
		int			index = compat_my_proc_number();

		if (table == NULL || index < 0 || index >= table->nentries)
			elog(ERROR, "no shared memory for distributed transactions");
		my_entry = &table->entries[index];
		on_shmem_exit(clear_entry, (Datum) 0);
		SpinLockAcquire(&my_entry->mutex);
		memset(&my_entry->info, 0, sizeof(BackendInfo));
		my_entry->info.pid = MyProcPid;
		my_entry->info.database = MyDatabaseId;
		SpinLockRelease(&my_entry->mutex);
	}
	return my_entry;
}

uint64
txn_gpid_make(NodeId nodeId, int pid)
{
	return (uint64) (nodeId > 0 ? nodeId : TXN_UNKNOWN_NODE_ID) * TXN_GPID_NODE_FACTOR + pid;
}

NodeId
txn_gpid_node(uint64 globalPid)
{
	return (NodeId) (globalPid / TXN_GPID_NODE_FACTOR);
}

int
txn_gpid_pid(uint64 globalPid)
{
	return (int) (globalPid % TXN_GPID_NODE_FACTOR);
}

/* The session that another node opened has proved the initiator's id. */
uint64
txn_global_pid(void)
{
	uint64		gpid = base_session_gpid();
	BackendEntry *entry = own_entry();

	if (gpid == 0)
		gpid = txn_gpid_make(catalog_local_node_id(), MyProcPid);

	if (entry->info.globalPid != gpid || entry->info.isInternal != base_session_is_internal())
	{
		SpinLockAcquire(&entry->mutex);
		entry->info.globalPid = gpid;
		entry->info.isInternal = base_session_is_internal();
		SpinLockRelease(&entry->mutex);
	}
	return gpid;
}

DistXactId
txn_current_id(void)
{
	DistXactId	none = {0};

	return my_entry != NULL ? my_entry->info.xact : none;
}

static void
set_id(const DistXactId *id)
{
	BackendEntry *entry = own_entry();

	(void) txn_global_pid();
	SpinLockAcquire(&entry->mutex);
	entry->info.xact = *id;
	entry->info.user = GetUserId();
	SpinLockRelease(&entry->mutex);
}

uint64
txn_backend_gid_number(void)
{
	BackendEntry *entry = own_entry();

	if (entry->info.gidNumber == 0)
	{
		uint64		number = pg_atomic_fetch_add_u64(&table->nextNumber, 1);

		SpinLockAcquire(&entry->mutex);
		entry->info.gidNumber = number;
		SpinLockRelease(&entry->mutex);
	}
	return entry->info.gidNumber;
}

DistXactId
txn_backend_begin(void)
{
	BackendEntry *entry = own_entry();

	if (entry->info.xact.number == 0)
	{
		DistXactId	id;

		id.initiatorGroup = catalog_local_group();
		id.number = txn_backend_gid_number();
		id.timestamp = GetCurrentTransactionStartTimestamp();
		set_id(&id);
	}
	return entry->info.xact;
}

void
txn_backend_assign(GroupId initiatorGroup, uint64 number, TimestampTz timestamp)
{
	DistXactId	id;

	if (txn_current_id().number != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("this transaction already has a distributed transaction id")));
	id.initiatorGroup = initiatorGroup;
	id.number = number;
	id.timestamp = timestamp;
	set_id(&id);
}

void
txn_backend_end(void)
{
	if (my_entry == NULL ||
		(my_entry->info.xact.number == 0 && my_entry->info.gidNumber == 0))
		return;
	SpinLockAcquire(&my_entry->mutex);
	memset(&my_entry->info.xact, 0, sizeof(DistXactId));
	my_entry->info.gidNumber = 0;
	my_entry->info.victimNumber = 0;
	SpinLockRelease(&my_entry->mutex);
}

int
txn_backend_mark_victim(const DistXactId *xact, bool victim)
{
	for (int i = 0; i < table->nentries; i++)
	{
		BackendEntry *entry = &table->entries[i];
		int			pid = 0;

		SpinLockAcquire(&entry->mutex);
		if (entry->info.pid != 0 && TXN_IS_INITIATOR(&entry->info) &&
			entry->info.xact.number == xact->number &&
			entry->info.xact.initiatorGroup == xact->initiatorGroup)
		{
			entry->info.victimNumber = victim ? xact->number : 0;
			pid = entry->info.pid;
		}
		SpinLockRelease(&entry->mutex);
		if (pid != 0)
			return pid;
	}
	return 0;
}

bool
txn_backend_take_victim(void)
{
	bool		victim = false;

	if (my_entry == NULL)
		return false;
	SpinLockAcquire(&my_entry->mutex);
	if (my_entry->info.victimNumber != 0)
		victim = my_entry->info.victimNumber == my_entry->info.xact.number;
	my_entry->info.victimNumber = 0;
	SpinLockRelease(&my_entry->mutex);
	return victim;
}

bool
txn_backend_is_active(uint64 gidNumber)
{
	for (int i = 0; i < table->nentries; i++)
	{
		BackendEntry *entry = &table->entries[i];
		bool		found;

		SpinLockAcquire(&entry->mutex);
		found = entry->info.pid != 0 && entry->info.gidNumber == gidNumber;
		SpinLockRelease(&entry->mutex);
		if (found)
			return true;
	}
	return false;
}

int
txn_backend_list(BackendInfo **infos)
{
	int			n = 0;

	*infos = palloc(table->nentries * sizeof(BackendInfo));
	for (int i = 0; i < table->nentries; i++)
	{
		BackendEntry *entry = &table->entries[i];
		BackendInfo copy;

		SpinLockAcquire(&entry->mutex);
		copy = entry->info;
		SpinLockRelease(&entry->mutex);
		if (copy.pid != 0)
			(*infos)[n++] = copy;
	}
	return n;
}

/* The name is the virtual id of the exporter's local transaction, and a number. */
DistXactId
txn_backend_exporter(const char *name)
{
	DistXactId	none = {0};
	DistXactId	id;
	unsigned int session;
	unsigned int lxid;
	int			index;

	if (sscanf(name, "%X-%X-", &session, &lxid) != 2)
		return none;
	index = compat_proc_in_transaction((int) session, lxid);
	if (index < 0 || index >= table->nentries)
		return none;
	SpinLockAcquire(&table->entries[index].mutex);
	id = table->entries[index].info.xact;
	SpinLockRelease(&table->entries[index].mutex);
	/* it has not ended in between, and another one begun */
	return compat_proc_in_transaction((int) session, lxid) == index ? id : none;
}

int
txn_backend_find(GroupId initiatorGroup, uint64 number, int index)
{
	for (; index < table->nentries; index++)
	{
		BackendEntry *entry = &table->entries[index];
		bool		found;

		SpinLockAcquire(&entry->mutex);
		found = entry->info.pid != 0 && entry->info.database == MyDatabaseId &&
			entry->info.xact.initiatorGroup == initiatorGroup &&
			entry->info.xact.number == number;
		SpinLockRelease(&entry->mutex);
		if (found)
			return index;
	}
	return -1;
}

static bool
is_over(const RoleLoan *loan, TimestampTz now, int seconds)
{
	return !OidIsValid(loan->roleId) ||
		TimestampDifferenceExceeds(loan->since, now, seconds * 1000);
}

bool
txn_backend_keep_loan(const char *token, Oid roleId, int seconds)
{
	TimestampTz now = GetCurrentTimestamp();

	for (int i = 0; i < table->nentries; i++)
	{
		BackendEntry *entry = &table->entries[i];
		bool		kept = false;

		SpinLockAcquire(&entry->mutex);
		if (is_over(&entry->loan, now, seconds))
		{
			entry->loan.roleId = roleId;
			entry->loan.since = now;
			memcpy(entry->loan.token, token, TXN_TOKEN_SIZE);
			kept = true;
		}
		SpinLockRelease(&entry->mutex);
		if (kept)
			return true;
	}
	return false;
}

Oid
txn_backend_take_loan(const char *token, int seconds)
{
	TimestampTz now = GetCurrentTimestamp();

	if (strlen(token) != TXN_TOKEN_SIZE)
		return InvalidOid;
	for (int i = 0; i < table->nentries; i++)
	{
		BackendEntry *entry = &table->entries[i];
		Oid			roleId = InvalidOid;

		SpinLockAcquire(&entry->mutex);
		if (!is_over(&entry->loan, now, seconds) &&
			memcmp(entry->loan.token, token, TXN_TOKEN_SIZE) == 0)
		{
			roleId = entry->loan.roleId;
			entry->loan.roleId = InvalidOid;
		}
		SpinLockRelease(&entry->mutex);
		if (OidIsValid(roleId))
			return roleId;
	}
	return InvalidOid;
}
