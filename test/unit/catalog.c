/*
 * catalog.c: names of shards, key texts, credentials' form.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "catalog/catalog_internal.h"
#include "citus/catalog/catalog.h"
#include "unit.h"

UNIT_TEST(catalog_short_names_get_the_shard_id)
{
	UNIT_ASSERT_STR("items_102008", catalog_extend_name("items", 102008));
	UNIT_ASSERT_STR("a b_1", catalog_extend_name("a b", 1));
}

UNIT_TEST(catalog_name_of_56_bytes_is_kept)
{
	char		name[64];

	memset(name, 'b', 56);
	name[56] = '\0';
	UNIT_ASSERT_STR(psprintf("%s_102008", name), catalog_extend_name(name, 102008));
	UNIT_ASSERT_INT(63, strlen(catalog_extend_name(name, 102008)));
}

UNIT_TEST(catalog_long_names_are_hashed)
{
	char		name[64];
	char		expected[64];

	memset(name, 'a', 63);
	name[63] = '\0';
	memset(expected, 'a', 47);
	strcpy(expected + 47, "_bf2427f8_104240");
	UNIT_ASSERT_STR(expected, catalog_extend_name(name, 104240));
}

UNIT_TEST(catalog_long_names_are_cut_between_characters)
{
	char		name[64];
	char	   *extended;

	/* 31 characters of two bytes, "é", and one of one byte */
	for (int i = 0; i < 31; i++)
		memcpy(name + 2 * i, "\xc3\xa9", 2);
	strcpy(name + 62, "x");
	extended = catalog_extend_name(name, 104240);
	UNIT_ASSERT(strlen(extended) <= 63);
	UNIT_ASSERT_INT(46, strchr(extended, '_') - extended);
}

UNIT_TEST(catalog_partkey_fields_are_read)
{
	const char *text = "{VAR :varno 1 :varattno 3 :vartype 23 :vartypmod -1 :varcollid 0 "
		":varlevelsup 0 :varnosyn 1 :varattnosyn 3 :location -1}";
	int64		value = 0;

	UNIT_ASSERT(catalog_partkey_field(text, ":varattno", &value));
	UNIT_ASSERT_INT(3, value);
	UNIT_ASSERT(catalog_partkey_field(text, ":vartypmod", &value));
	UNIT_ASSERT_INT(-1, value);
	UNIT_ASSERT(catalog_partkey_field(text, ":location", &value));
	UNIT_ASSERT(!catalog_partkey_field(text, ":missing", &value));
	UNIT_ASSERT(!catalog_partkey_field("{CONST :varattno 3}", ":varattno", &value));
	UNIT_ASSERT(!catalog_partkey_field("{VAR :varattno x}", ":varattno", &value));
	UNIT_ASSERT(!catalog_partkey_field("{VAR :varattno", ":varattno", &value));
	UNIT_ASSERT(!catalog_partkey_field("", ":varattno", &value));
}

UNIT_TEST(catalog_conninfo_has_only_allowed_keys)
{
	static const char *const allowed[] = {"password", "sslkey", NULL};

	UNIT_ASSERT(catalog_conninfo_is_valid("", allowed));
	UNIT_ASSERT(catalog_conninfo_is_valid("password=secret", allowed));
	UNIT_ASSERT(catalog_conninfo_is_valid(" password = 'a b\\'c' sslkey=/x/y ", allowed));
	UNIT_ASSERT(!catalog_conninfo_is_valid("host=elsewhere", allowed));
	UNIT_ASSERT(!catalog_conninfo_is_valid("password=a host=b", allowed));
	UNIT_ASSERT(!catalog_conninfo_is_valid("password", allowed));
	UNIT_ASSERT(!catalog_conninfo_is_valid("pass=a", allowed));
	UNIT_ASSERT(!catalog_conninfo_is_valid("password='a", allowed));
	UNIT_ASSERT(!catalog_conninfo_is_valid("postgresql://a@b/c", allowed));
}

UNIT_TEST(catalog_unknown_relations_are_unknown)
{
	UNIT_ASSERT(!catalog_table_is_known(InvalidOid));
	UNIT_ASSERT(!catalog_table_is_known(1259));
	UNIT_ASSERT(!catalog_table_is_known(4000000000u));
	UNIT_ASSERT(catalog_shard_get(1) == NULL);
	UNIT_ASSERT(!catalog_relation_is_shard(1259, NULL, NULL));
}
