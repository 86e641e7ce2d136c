/*
 * The frame of the C tests: they run inside a server, one test a call, and see every symbol of the
 * extension.
 *
 *     UNIT_TEST(routing_null_key_has_no_shard)
 *     {
 *         UNIT_ASSERT(...);
 *         UNIT_ASSERT_INT(3, list_length(shards));
 *     }
 *
 * A test fails by raising an error; its transaction is rolled back in any case.
 */
#ifndef CITUS_UNIT_H
#define CITUS_UNIT_H

typedef struct UnitTest
{
	const char *name;
	void (*run) (void);
	struct UnitTest *next;
} UnitTest;

extern void unit_register(UnitTest *test);
extern void unit_fail(const char *file, int line, const char *fmt,...) pg_attribute_printf(3, 4);

#define UNIT_TEST(test_name) \
	static void test_name(void); \
	static __attribute__((constructor)) void test_name##_register(void) \
	{ \
		static UnitTest test = {#test_name, test_name, NULL}; \
		unit_register(&test); \
	} \
	static void test_name(void)

#define UNIT_ASSERT(condition) \
	do { \
		if (!(condition)) \
			unit_fail(__FILE__, __LINE__, "not true: %s", #condition); \
	} while (0)

#define UNIT_ASSERT_INT(expected, actual) \
	do { \
		int64 expected_ = (expected), actual_ = (actual); \
		if (expected_ != actual_) \
			unit_fail(__FILE__, __LINE__, "%s is %lld, not %lld", #actual, \
					  (long long) actual_, (long long) expected_); \
	} while (0)

#define UNIT_ASSERT_STR(expected, actual) \
	do { \
		const char *expected_ = (expected), *actual_ = (actual); \
		if (actual_ == NULL || strcmp(expected_, actual_) != 0) \
			unit_fail(__FILE__, __LINE__, "%s is \"%s\", not \"%s\"", #actual, \
					  actual_ ? actual_ : "(null)", expected_); \
	} while (0)

/* The statement raises an error of this SQLSTATE (an ERRCODE_ constant). */
#define UNIT_ASSERT_ERROR(sqlstate, statement) \
	do { \
		MemoryContext context_ = CurrentMemoryContext; \
		volatile bool raised_ = false; \
		PG_TRY(); \
		{ \
			statement; \
		} \
		PG_CATCH(); \
		{ \
			MemoryContextSwitchTo(context_); \
			if (geterrcode() != (sqlstate)) \
				PG_RE_THROW(); \
			raised_ = true; \
			FlushErrorState(); \
		} \
		PG_END_TRY(); \
		if (!raised_) \
			unit_fail(__FILE__, __LINE__, "no error: %s", #statement); \
	} while (0)

#endif
