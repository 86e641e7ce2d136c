/*
 * Valgrind's requests, answered by AddressSanitizer.
 *
 * A server built with USE_VALGRIND tells of every chunk of a memory context whether it may be touched.
 * This header stands where valgrind's would, so that a server built with -fsanitize=address knows it,
 * too: a read behind a palloc()ed chunk, or of one that was freed or whose context was reset, ends the
 * server with a report.  What AddressSanitizer has no notion of (bytes that were never written, names
 * of pools) is empty.
 */
#ifndef CITUS_TEST_MEMCHECK_H
#define CITUS_TEST_MEMCHECK_H

#include <sanitizer/asan_interface.h>

#define VALGRIND_MAKE_MEM_NOACCESS(addr, size) ASAN_POISON_MEMORY_REGION((addr), (size))
#define VALGRIND_MAKE_MEM_UNDEFINED(addr, size) ASAN_UNPOISON_MEMORY_REGION((addr), (size))
#define VALGRIND_MAKE_MEM_DEFINED(addr, size) ASAN_UNPOISON_MEMORY_REGION((addr), (size))
#define VALGRIND_MEMPOOL_ALLOC(pool, addr, size) ASAN_UNPOISON_MEMORY_REGION((addr), (size))
#define VALGRIND_MEMPOOL_CHANGE(pool, old, addr, size) ASAN_UNPOISON_MEMORY_REGION((addr), (size))
#define VALGRIND_MEMPOOL_FREE(pool, addr) do { } while (0)
#define VALGRIND_MEMPOOL_TRIM(pool, addr, size) do { } while (0)
#define VALGRIND_CREATE_MEMPOOL(pool, redzones, zeroed) do { } while (0)
#define VALGRIND_DESTROY_MEMPOOL(pool) do { } while (0)
#define VALGRIND_MOVE_MEMPOOL(pool, other) do { } while (0)
#define VALGRIND_CHECK_MEM_IS_DEFINED(addr, size) do { } while (0)
#define VALGRIND_COUNT_ERRORS 0
#define VALGRIND_PRINTF(...) do { } while (0)
#define RUNNING_ON_VALGRIND 0

#endif							/* CITUS_TEST_MEMCHECK_H */
