/*
 * value_input.c
 *	  Values from their text, or binary form, as they were where they were read.
 *
 * A value that was stored is not asked again whether it is one of its domain: a row that is older
 * than a constraint has it, and so has the NULL of an outer join.  The input function of a domain
 * would ask, so that of its base type is called, and those of arrays, rows and ranges are not told
 * of the domains in them: they are read as arrays and rows of texts, whose input each part's type
 * reads in turn, and put together as the type that they are.
 *
 * Values that no domain is in, which are nearly all, are read by their type's own function.
 *
 * Invariant: what is read here was written by output (or send) functions of another node of the
 * cluster; whatever else comes raises the error of some input function.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/multirangetypes.h"
#include "utils/rangetypes.h"
#include "utils/typcache.h"

#include "citus/base/compat_values.h"
#include "executor/executor_internal.h"

typedef enum PartsKind
{
	PARTS_OF_ARRAY,
	PARTS_OF_ROW,
	PARTS_OF_RANGE,
	PARTS_OF_MULTIRANGE
} PartsKind;

/* how a value that has domains in it is made of its parts */
struct ValueParts
{
	PartsKind	kind;
	Oid			type;
	ValueInput *parts;			/* of elements, of each attribute, of bounds, or of ranges */

	/* arrays */
	Oid			element;
	int16		length;
	bool		byValue;
	char		align;

	TupleDesc	desc;			/* rows */
	TypeCacheEntry *cache;		/* ranges and multiranges */
};

/* ---- which types ---- */

static bool
row_holds_domain(TupleDesc desc, bool (*holds) (Oid type, int32 typmod, bool inside))
{
	bool		found = false;

	for (int i = 0; i < desc->natts && !found; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		found = !attribute->attisdropped && holds(attribute->atttypid, attribute->atttypmod, true);
	}
	ReleaseTupleDesc(desc);
	return found;
}

/* is a domain inside of the type?  inside: the type itself, if it is one, is inside of another */
static bool
holds_domain(Oid type, int32 typmod, bool inside)
{
	Oid			element;

	check_stack_depth();
	if (type == RECORDOID)
		return typmod >= 0 && row_holds_domain(lookup_rowtype_tupdesc(type, typmod), holds_domain);
	if (type < FirstGenbkiObjectId)
		return false;

	switch (get_typtype(type))
	{
		case TYPTYPE_DOMAIN:
			return inside || holds_domain(getBaseType(type), typmod, false);
		case TYPTYPE_COMPOSITE:
			return row_holds_domain(lookup_rowtype_tupdesc(type, -1), holds_domain);
		case TYPTYPE_RANGE:
			return holds_domain(get_range_subtype(type), -1, true);
		case TYPTYPE_MULTIRANGE:
			return holds_domain(get_multirange_range(type), -1, true);
		default:
			element = get_element_type(type);
			return OidIsValid(element) && holds_domain(element, -1, true);
	}
}

/* ---- making inputs ---- */

/* a row type of n columns of text */
static int32
row_of_texts(int n)
{
	TupleDesc	desc = CreateTemplateTupleDesc(n);

	for (int i = 1; i <= n; i++)
		TupleDescInitEntry(desc, i, "part", TEXTOID, -1, 0);
	assign_record_type_typmod(desc);
	return desc->tdtypmod;
}

static ValueInput *
make_part(Oid type, int32 typmod)
{
	ValueInput *part = palloc0(sizeof(ValueInput));

	executor_input_make(part, type, typmod, false);
	return part;
}

static void
make_input_of_array(ValueInput *input, Oid element)
{
	struct ValueParts *whole = input->whole;

	whole->kind = PARTS_OF_ARRAY;
	whole->element = element;
	get_typlenbyvalalign(element, &whole->length, &whole->byValue, &whole->align);
	whole->parts = make_part(element, -1);
	fmgr_info(F_ARRAY_IN, &input->function);
	if (whole->parts->whole != NULL)
	{
		input->ioparam = TEXTOID;
		return;
	}
	/* a domain has the form of its base type: only the name of the elements' type is another */
	input->typmod = -1;
	input->ioparam = getBaseTypeAndTypmod(element, &input->typmod);
}

static void
make_input_of_row(ValueInput *input, Oid type, int32 typmod)
{
	struct ValueParts *whole = input->whole;
	TupleDesc	desc = lookup_rowtype_tupdesc_copy(type, typmod);
	int			live = 0;

	whole->kind = PARTS_OF_ROW;
	whole->desc = BlessTupleDesc(desc);
	whole->parts = palloc0(sizeof(ValueInput) * Max(desc->natts, 1));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (attribute->attisdropped)
			continue;
		executor_input_make(&whole->parts[i], attribute->atttypid, attribute->atttypmod, false);
		live++;
	}
	fmgr_info(F_RECORD_IN, &input->function);
	input->ioparam = RECORDOID;
	input->typmod = row_of_texts(live);
}

static void
make_input_of_range(ValueInput *input, Oid type)
{
	struct ValueParts *whole = input->whole;

	whole->kind = PARTS_OF_RANGE;
	whole->cache = lookup_type_cache(type, TYPECACHE_RANGE_INFO);
	whole->parts = make_part(whole->cache->rngelemtype->type_id, -1);
	/* the rules for quotes in ranges are those of rows */
	fmgr_info(F_RECORD_IN, &input->function);
	input->ioparam = RECORDOID;
	input->typmod = row_of_texts(2);
}

static void
make_input_of_multirange(ValueInput *input, Oid type)
{
	struct ValueParts *whole = input->whole;

	whole->kind = PARTS_OF_MULTIRANGE;
	whole->cache = lookup_type_cache(type, TYPECACHE_MULTIRANGE_INFO)->rngtype;
	whole->parts = make_part(whole->cache->type_id, -1);
}

/* the entry with its functions looked up once a session: those of the server's types stay */
BinaryFunctions *
executor_binary_functions(Oid type)
{
	static BinaryFunctions found[16];
	BinaryFunctions *entry = &found[type % lengthof(found)];
	Oid			function;
	bool		isVarlena;

	if (entry->type == type)
		return entry;
	entry->type = InvalidOid;
	getTypeBinaryOutputInfo(type, &function, &isVarlena);
	fmgr_info_cxt(function, &entry->send, TopMemoryContext);
	getTypeBinaryInputInfo(type, &function, &entry->ioparam);
	fmgr_info_cxt(function, &entry->receive, TopMemoryContext);
	entry->type = type;
	return entry;
}

void
executor_input_make(ValueInput *input, Oid type, int32 typmod, bool binary)
{
	Oid			base;
	Oid			function;

	if (binary && type < FirstGenbkiObjectId)
	{
		BinaryFunctions *functions = executor_binary_functions(type);

		input->whole = NULL;
		input->typmod = typmod;
		input->ioparam = functions->ioparam;
		fmgr_info_copy(&input->function, &functions->receive, CurrentMemoryContext);
		return;
	}
	base = getBaseTypeAndTypmod(type, &typmod);
	input->typmod = typmod;
	if (!binary && holds_domain(base, typmod, false))
	{
		input->whole = palloc0(sizeof(struct ValueParts));
		input->whole->type = base;
		if (base == RECORDOID || get_typtype(base) == TYPTYPE_COMPOSITE)
			make_input_of_row(input, base, base == RECORDOID ? typmod : -1);
		else if (type_is_range(base))
			make_input_of_range(input, base);
		else if (type_is_multirange(base))
			make_input_of_multirange(input, base);
		else
			make_input_of_array(input, get_element_type(base));
		return;
	}
	input->whole = NULL;
	if (binary)
		getTypeBinaryInputInfo(base, &function, &input->ioparam);
	else
		getTypeInputInfo(base, &function, &input->ioparam);
	fmgr_info(function, &input->function);
}

/* ---- reading ---- */

static Datum
read_part(ValueInput *part, Datum words)
{
	return executor_input_read(part, TextDatumGetCString(words));
}

static Datum
read_array(struct ValueParts *whole, Datum read)
{
	ArrayType  *array = DatumGetArrayTypeP(read);
	Datum	   *values;
	bool	   *nulls;
	int			n;

	if (whole->parts->whole == NULL)
	{
		ARR_ELEMTYPE(array) = whole->element;
		return PointerGetDatum(array);
	}
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &n);
	if (n == 0)
		return PointerGetDatum(construct_empty_array(whole->element));
	for (int i = 0; i < n; i++)
	{
		if (!nulls[i])
			values[i] = read_part(whole->parts, values[i]);
	}
	return PointerGetDatum(construct_md_array(values, nulls, ARR_NDIM(array), ARR_DIMS(array),
											  ARR_LBOUND(array), whole->element,
											  whole->length, whole->byValue, whole->align));
}

/* the texts of a row's columns */
static void
take_texts(Datum row, int32 typmod, int n, Datum *texts, bool *nulls)
{
	HeapTupleHeader header = DatumGetHeapTupleHeader(row);
	HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(header),.t_data = header};
	TupleDesc	desc = lookup_rowtype_tupdesc(RECORDOID, typmod);

	Assert(desc->natts == n);
	heap_deform_tuple(&tuple, desc, texts, nulls);
	ReleaseTupleDesc(desc);
}

static Datum
read_row(ValueInput *input, Datum read)
{
	struct ValueParts *whole = input->whole;
	int			natts = whole->desc->natts;
	Datum	   *texts = palloc0(sizeof(Datum) * Max(natts, 1));
	Datum	   *values = palloc0(sizeof(Datum) * Max(natts, 1));
	bool	   *textNulls = palloc0(sizeof(bool) * Max(natts, 1));
	bool	   *nulls = palloc0(sizeof(bool) * Max(natts, 1));
	int			live = 0;

	for (int i = 0; i < natts; i++)
		live += TupleDescAttr(whole->desc, i)->attisdropped ? 0 : 1;
	take_texts(read, input->typmod, live, texts, textNulls);

	live = 0;
	for (int i = 0; i < natts; i++)
	{
		nulls[i] = TupleDescAttr(whole->desc, i)->attisdropped || textNulls[live];
		if (!nulls[i])
			values[i] = read_part(&whole->parts[i], texts[live]);
		live += TupleDescAttr(whole->desc, i)->attisdropped ? 0 : 1;
	}
	return HeapTupleGetDatum(heap_form_tuple(whole->desc, values, nulls));
}

/* "[a,b)" is read as "(a,b)", a row of two columns, of which NULL stands for no bound */
static Datum
read_range(ValueInput *input, const char *text)
{
	struct ValueParts *whole = input->whole;
	RangeBound	lower = {.lower = true};
	RangeBound	upper = {.lower = false};
	int			length = strlen(text);
	char	   *row;
	Datum		texts[2];
	bool		nulls[2];

	if (strcmp(text, "empty") == 0)
		return RangeTypePGetDatum(make_empty_range(whole->cache));
	row = pstrdup(text);
	if (length > 0)
	{
		row[0] = '(';
		row[length - 1] = ')';
	}
	take_texts(InputFunctionCall(&input->function, row, input->ioparam, input->typmod),
			   input->typmod, 2, texts, nulls);

	lower.inclusive = text[0] == '[';
	upper.inclusive = text[length - 1] == ']';
	lower.infinite = nulls[0];
	upper.infinite = nulls[1];
	if (!lower.infinite)
		lower.val = read_part(whole->parts, texts[0]);
	if (!upper.infinite)
		upper.val = read_part(whole->parts, texts[1]);
	return RangeTypePGetDatum(compat_range_serialize(whole->cache, &lower, &upper, false, NULL));
}

/* where the range that begins at text ends; quotes protect brackets */
static const char *
end_of_range(const char *text)
{
	bool		quoted = false;

	for (; *text != '\0'; text++)
	{
		if (*text == '\\' && text[1] != '\0')
			text++;
		else if (*text == '"')
			quoted = !quoted;
		else if (!quoted && (*text == ')' || *text == ']'))
			return text + 1;
	}
	return text;
}

static Datum
read_multirange(ValueInput *input, const char *text)
{
	struct ValueParts *whole = input->whole;
	RangeType **ranges = palloc(sizeof(RangeType *) * (strlen(text) / 2 + 1));
	int			n = 0;

	for (const char *at = text; *at != '\0';)
	{
		const char *end;

		if (*at != '[' && *at != '(')
		{
			at++;
			continue;
		}
		end = end_of_range(at);
		ranges[n++] = DatumGetRangeTypeP(executor_input_read(whole->parts,
															 pnstrdup(at, end - at)));
		at = end;
	}
	return MultirangeTypePGetDatum(make_multirange(whole->type, whole->cache, n, ranges));
}

Datum
executor_input_read_parts(ValueInput *input, char *text)
{
	check_stack_depth();
	switch (input->whole->kind)
	{
		case PARTS_OF_ARRAY:
			return read_array(input->whole, InputFunctionCall(&input->function, text,
															  input->ioparam, input->typmod));
		case PARTS_OF_ROW:
			return read_row(input, InputFunctionCall(&input->function, text, input->ioparam,
													 input->typmod));
		case PARTS_OF_RANGE:
			return read_range(input, text);
		case PARTS_OF_MULTIRANGE:
			return read_multirange(input, text);
	}
	elog(ERROR, "unexpected parts of a value");
}
