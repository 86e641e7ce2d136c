/*
 * exchange.c
 *	  Where rows are laid aside that other nodes, or other sessions of this one, bring for tasks.
 *
 * The transaction that is to read them opens an exchange on this node; its key, random bytes, comes
 * from the planning node and is what sessions that bring or read rows have to know.  Each session
 * that brings rows appends them to a file of its own, and answers where they are; nothing here
 * knows what they mean.  The files are temporary ones of a FileSet, which the server removes when
 * it starts again.
 *
 * Invariants:
 * (1) an exchange ends with the (sub)transaction that opened it, or before;
 * (2) its files go with the last of its owner and the sessions that are at them: those are counted
 *	   while they work (pins), and none is let in once it has ended;
 * (3) only sessions of the same role and database are let in.
 *
 * Main path: executor_exchange_open(); executor_exchange_write() in sessions that bring rows;
 * executor_exchange_read(), _next() in tasks; executor_exchange_close().
 */
#include "postgres.h"

#include <unistd.h>

#include "access/xact.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "storage/fd.h"
#include "storage/fileset.h"
#include "storage/ipc.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/wait_event.h"

#include "citus/base/lifecycle.h"
#include "citus/base/shmem.h"
#include "exchange_internal.h"

#define BLOCK	(256 * 1024)	/* what is read at once, or more for a larger chunk */

typedef struct ExchangeSlot
{
	bool		used;
	bool		ended;			/* nobody is let in any more */
	int			pins;			/* sessions at its files, the owner not among them */
	char		key[EXCHANGE_KEY_SIZE];
	Oid			user;
	Oid			database;
	uint32		nfiles;
	int64		bytes;			/* in all files */
	int64		limit;			/* of bytes: the owner's temp_file_limit; -1: none */
	FileSet		files;
} ExchangeSlot;

typedef struct ExchangeTable
{
	int			inUse;			/* slots from here on have never been used */
	ExchangeSlot slots[FLEXIBLE_ARRAY_MEMBER];
} ExchangeTable;

/* one that this session has opened */
typedef struct OwnExchange
{
	ExchangeSlot *slot;
	SubTransactionId subid;
} OwnExchange;

static ExchangeTable *table = NULL;
static LWLock *table_lock = NULL;

static List *own = NIL;			/* of OwnExchange, in TopMemoryContext */

/* the file that this session wrote last, of the exchange of that key */
static struct
{
	char		key[EXCHANGE_KEY_SIZE];
	uint32		file;
	uint64		end;
}			written;

/* ---- the table ---- */

static int
slot_count(void)
{
	return MaxBackends * 2;
}

static Size
table_size(void)
{
	return offsetof(ExchangeTable, slots) + (Size) slot_count() * sizeof(ExchangeSlot);
}

static ExchangeSlot *
find_slot(const char *key)
{
	for (int i = 0; i < table->inUse; i++)
	{
		ExchangeSlot *slot = &table->slots[i];

		if (slot->used && !slot->ended && memcmp(slot->key, key, EXCHANGE_KEY_SIZE) == 0)
			return slot;
	}
	return NULL;
}

static ExchangeSlot *
take_slot(void)
{
	for (int i = 0; i < slot_count(); i++)
	{
		if (!table->slots[i].used)
		{
			table->inUse = Max(table->inUse, i + 1);
			return &table->slots[i];
		}
	}
	return NULL;
}

/* the caller was the last one who knew of the files; raises nothing */
static void
remove_files(ExchangeSlot *slot)
{
	FileSetDeleteAll(&slot->files);
	LWLockAcquire(table_lock, LW_EXCLUSIVE);
	slot->used = false;
	LWLockRelease(table_lock);
}

static ExchangeSlot *
pin_exchange(const char *key)
{
	ExchangeSlot *slot;

	LWLockAcquire(table_lock, LW_EXCLUSIVE);
	slot = find_slot(key);
	if (slot != NULL && slot->user == GetUserId() && slot->database == MyDatabaseId)
		slot->pins++;
	else
		slot = NULL;
	LWLockRelease(table_lock);
	if (slot == NULL)
		ereport(ERROR,
				(errcode(EXCHANGE_ENDED),
				 errmsg("the statement that wants these rows has ended")));
	return slot;
}

static void
unpin_exchange(int code, Datum arg)
{
	ExchangeSlot *slot = (ExchangeSlot *) DatumGetPointer(arg);
	bool		last;

	LWLockAcquire(table_lock, LW_EXCLUSIVE);
	last = --slot->pins == 0 && slot->ended;
	LWLockRelease(table_lock);
	if (last)
		remove_files(slot);
}

/* ---- the owner ---- */

bool
executor_exchange_open(const char *key)
{
	FileSet		files;
	ExchangeSlot *slot;
	OwnExchange *mine;
	MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);

	FileSetInit(&files);
	mine = palloc(sizeof(OwnExchange));
	own = lappend(own, mine);
	MemoryContextSwitchTo(caller);

	LWLockAcquire(table_lock, LW_EXCLUSIVE);
	slot = find_slot(key) == NULL ? take_slot() : NULL;
	if (slot != NULL)
	{
		memset(slot, 0, sizeof(ExchangeSlot));
		slot->used = true;
		memcpy(slot->key, key, EXCHANGE_KEY_SIZE);
		slot->user = GetUserId();
		slot->database = MyDatabaseId;
		slot->limit = temp_file_limit < 0 ? -1 : (int64) temp_file_limit * 1024;
		slot->files = files;
	}
	LWLockRelease(table_lock);
	mine->slot = slot;
	mine->subid = GetCurrentSubTransactionId();
	if (slot == NULL)
	{
		own = list_delete_ptr(own, mine);
		pfree(mine);
	}
	return slot != NULL;
}

static void
close_own(OwnExchange *mine)
{
	ExchangeSlot *slot = mine->slot;
	bool		last;

	own = list_delete_ptr(own, mine);
	pfree(mine);
	LWLockAcquire(table_lock, LW_EXCLUSIVE);
	slot->ended = true;
	last = slot->pins == 0;
	LWLockRelease(table_lock);
	if (last)
		remove_files(slot);
}

/* Nothing happens if there is none of the key that this session has opened. */
void
executor_exchange_close(const char *key)
{
	ListCell   *cell;

	foreach(cell, own)
	{
		OwnExchange *mine = lfirst(cell);

		if (memcmp(mine->slot->key, key, EXCHANGE_KEY_SIZE) == 0)
		{
			close_own(mine);
			return;
		}
	}
}

/* those of one sub-transaction, or all */
static void
close_all(SubTransactionId subid)
{
	for (int i = list_length(own) - 1; i >= 0; i--)
	{
		OwnExchange *mine = list_nth(own, i);

		if (subid == InvalidSubTransactionId || mine->subid == subid)
			close_own(mine);
	}
}

static void
on_lifecycle(LifecycleEvent event, SubTransactionId subid, SubTransactionId parent)
{
	ListCell   *cell;

	switch (event)
	{
		case LIFECYCLE_COMMIT:
		case LIFECYCLE_ABORT:
		case LIFECYCLE_PREPARE:
			close_all(InvalidSubTransactionId);
			break;
		case LIFECYCLE_SUB_ABORT:
			close_all(subid);
			break;
		case LIFECYCLE_SUB_COMMIT:
			foreach(cell, own)
			{
				OwnExchange *mine = lfirst(cell);

				if (mine->subid == subid)
					mine->subid = parent;
			}
			break;
		default:
			break;
	}
}

void
executor_exchange_init(void)
{
	static const SharedSegment segment = {
		.name = "citus exchanges",
		.size = table_size,
		.address = (void **) &table,
		.lock = &table_lock,
	};

	base_shmem_register(&segment);
	base_lifecycle_register(PHASE_EXECUTOR, on_lifecycle);
}

/* ---- bringing ---- */

static const char *
file_name(uint32 number)
{
	static char name[16];

	snprintf(name, sizeof(name), "%u", number);
	return name;
}

static File
open_file(ExchangeSlot *slot, uint32 number, int mode)
{
	File		file = FileSetOpen(&slot->files, file_name(number), mode);

	if (file < 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("there is no file %u of moved rows", number)));
	return file;
}

/* the session's file of the exchange, and where it ends */
static File
open_to_append(ExchangeSlot *slot)
{
	if (memcmp(written.key, slot->key, EXCHANGE_KEY_SIZE) != 0)
	{
		LWLockAcquire(table_lock, LW_EXCLUSIVE);
		written.file = slot->nfiles++;
		LWLockRelease(table_lock);
		written.end = 0;
		memcpy(written.key, slot->key, EXCHANGE_KEY_SIZE);
		return FileSetCreate(&slot->files, file_name(written.file));
	}
	return open_file(slot, written.file, O_RDWR);
}

/* the owner's temp_file_limit holds for all that is brought to it here */
static void
count_bytes(ExchangeSlot *slot, Size length)
{
	bool		over;

	LWLockAcquire(table_lock, LW_EXCLUSIVE);
	slot->bytes += length;
	over = slot->limit >= 0 && slot->bytes > slot->limit;
	LWLockRelease(table_lock);
	if (over)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("temporary file size exceeds temp_file_limit (" INT64_FORMAT "kB)",
						slot->limit / 1024)));
}

static void
write_all(File file, const char *data, Size length, uint64 offset)
{
	while (length > 0)
	{
		int			part = Min(length, BLOCK * 4);
		int			done;

		errno = 0;
		done = FileWrite(file, unconstify(char *, data), part, offset,
						 WAIT_EVENT_BUFFILE_WRITE);
		if (done <= 0)
		{
			if (errno == 0)
				errno = ENOSPC;
			ereport(ERROR,
					(errcode_for_file_access(),
					 errmsg("could not write to the temporary file of moved rows: %m")));
		}
		data += done;
		length -= done;
		offset += done;
		CHECK_FOR_INTERRUPTS();
	}
}

uint64
executor_exchange_write(const char *key, const char *data, Size length, uint32 *file)
{
	ExchangeSlot *slot = pin_exchange(key);
	uint64		offset;

	PG_ENSURE_ERROR_CLEANUP(unpin_exchange, PointerGetDatum(slot));
	{
		File		handle;

		count_bytes(slot, length);
		handle = open_to_append(slot);
		offset = written.end;
		/* what a failed write leaves there is in no extent */
		written.end += length;
		write_all(handle, data, length, offset);
		FileClose(handle);
	}
	PG_END_ENSURE_ERROR_CLEANUP(unpin_exchange, PointerGetDatum(slot));
	unpin_exchange(0, PointerGetDatum(slot));
	*file = written.file;
	return offset;
}

/* ---- reading ---- */

struct ExchangeReader
{
	char		key[EXCHANGE_KEY_SIZE];
	const ExchangeExtent *extents;
	int			nextents;
	int			next;			/* extent to be read next */
	uint64		offset;			/* of the present one: what is not in the buffer */
	uint64		left;
	uint32		file;
	char	   *buffer;
	Size		size;
	Size		at;				/* in the buffer: what was given out */
	Size		filled;
};

/* The extents are the caller's until the end; memory is of the current context. */
ExchangeReader *
executor_exchange_read(const char *key, const ExchangeExtent *extents, int nextents)
{
	ExchangeReader *reader = palloc0(sizeof(ExchangeReader));

	memcpy(reader->key, key, EXCHANGE_KEY_SIZE);
	reader->extents = extents;
	reader->nextents = nextents;
	reader->size = BLOCK;
	reader->buffer = palloc(reader->size);
	return reader;
}

static void
read_at(ExchangeSlot *slot, ExchangeReader *reader, Size wanted)
{
	File		handle = open_file(slot, reader->file, O_RDONLY);

	while (wanted > 0)
	{
		int			done = FileRead(handle, reader->buffer + reader->filled, wanted,
									reader->offset, WAIT_EVENT_BUFFILE_READ);

		if (done < 0)
			ereport(ERROR,
					(errcode_for_file_access(),
					 errmsg("could not read the temporary file of moved rows: %m")));
		if (done == 0)
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("file %u of moved rows ends too early", reader->file)));
		reader->filled += done;
		reader->offset += done;
		reader->left -= done;
		wanted -= done;
		CHECK_FOR_INTERRUPTS();
	}
	FileClose(handle);
}

/* so many bytes of the extent are in the buffer, and more if there are and they fit */
static void
fill_buffer(ExchangeReader *reader, Size needed)
{
	ExchangeSlot *slot;

	if (reader->filled - reader->at >= needed)
		return;
	if (needed > MaxAllocSize || needed - (reader->filled - reader->at) > reader->left)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("packed rows are damaged")));
	memmove(reader->buffer, reader->buffer + reader->at, reader->filled - reader->at);
	reader->filled -= reader->at;
	reader->at = 0;
	if (needed > reader->size)
	{
		reader->buffer = repalloc(reader->buffer, needed);
		reader->size = needed;
	}
	slot = pin_exchange(reader->key);
	PG_ENSURE_ERROR_CLEANUP(unpin_exchange, PointerGetDatum(slot));
	{
		read_at(slot, reader, Min(reader->size - reader->filled, reader->left));
	}
	PG_END_ENSURE_ERROR_CLEANUP(unpin_exchange, PointerGetDatum(slot));
	unpin_exchange(0, PointerGetDatum(slot));
}

const char *
executor_exchange_next(ExchangeReader *reader, uint32 *length)
{
	char	   *chunk;

	while (reader->left == 0 && reader->at == reader->filled)
	{
		if (reader->next == reader->nextents)
			return NULL;
		reader->file = reader->extents[reader->next].file;
		reader->offset = reader->extents[reader->next].offset;
		reader->left = reader->extents[reader->next].length;
		reader->next++;
	}
	fill_buffer(reader, sizeof(uint32));
	memcpy(length, reader->buffer + reader->at, sizeof(uint32));
	*length = pg_ntoh32(*length);
	if (*length < sizeof(uint32))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("packed rows are damaged")));
	fill_buffer(reader, *length);
	chunk = reader->buffer + reader->at;
	reader->at += *length;
	return chunk;
}

void
executor_exchange_read_end(ExchangeReader *reader)
{
	pfree(reader->buffer);
	pfree(reader);
}
