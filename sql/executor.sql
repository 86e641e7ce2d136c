-- what nodes ask of each other while statements run

-- Rows of one table into shards of this node: how writes of many rows travel.  Takes the rights
-- that COPY into the shards would take; clients may not write shards, see
-- citus.enable_manual_changes_to_shards.
CREATE FUNCTION citus_internal.write_shards(copy text, line_end int, shards bigint[],
    ends bigint[], data bytea, line_ends bigint[], lines bytea)
RETURNS bigint
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'write_shards';

-- Rows that move to another shard: deleted so that who waits for one of them knows.
CREATE FUNCTION citus_internal.leave_shard(shard regclass, places tid[])
    RETURNS SETOF int
    LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', $$leave_shard$$;
COMMENT ON FUNCTION citus_internal.leave_shard(regclass, tid[])
    IS 'deletes rows of a shard that move to another one; positions of those that were there';

-- Foreign keys whose actions the node that runs the statement does itself: shards leave them out,
-- or, with an older snapshot than there are rows, look for rows that it does not see.
CREATE FUNCTION citus_internal.leave_actions(tables regclass[])
    RETURNS void
    LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', $$leave_actions$$;
COMMENT ON FUNCTION citus_internal.leave_actions(regclass[])
    IS 'what foreign keys of these tables do is done by another node until the next call';

CREATE FUNCTION citus_internal.raise_unseen_reference()
    RETURNS trigger
    LANGUAGE C
    AS 'MODULE_PATHNAME', $$raise_unseen_reference$$;
COMMENT ON FUNCTION citus_internal.raise_unseen_reference()
    IS 'raises an error when rows refer to the row that the transaction does not see';

-- Foreign keys of a table of one node only to a distributed one: what other nodes' changes of
-- referenced rows fire, and what they ask of that node.
CREATE FUNCTION citus_internal.referenced_elsewhere()
    RETURNS trigger
    LANGUAGE C
    AS 'MODULE_PATHNAME', $$referenced_elsewhere$$;
COMMENT ON FUNCTION citus_internal.referenced_elsewhere()
    IS 'asks the node of a local table that references the row for what its foreign key says';

CREATE FUNCTION citus_internal.act_on_referring(constraint_id oid, action "char",
    on_delete boolean, keys text[], OUT key_number int, OUT referring_schema text, OUT referring_table text,
    OUT constraint_name text, OUT referenced text, OUT condition text, OUT quoted text)
    RETURNS SETOF record
    LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', $$act_on_referring$$;
COMMENT ON FUNCTION citus_internal.act_on_referring(oid, "char", boolean, text[])
    IS 'does what a foreign key of a local table asks for when referenced rows go or change; what is not decided here: rows that refer to it, and values that must be in a referenced table';

CREATE FUNCTION citus_internal.note_reference()
    RETURNS trigger
    LANGUAGE C
    AS 'MODULE_PATHNAME', $$note_reference$$;
COMMENT ON FUNCTION citus_internal.note_reference()
    IS 'in place of a foreign key''s check that another node makes';

-- Where the current row of a cursor is: WHERE CURRENT OF.
CREATE FUNCTION citus_internal.cursor_shard(cursor text, relation oid)
    RETURNS bigint
    LANGUAGE C STABLE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', $$cursor_shard$$;
COMMENT ON FUNCTION citus_internal.cursor_shard(text, oid)
    IS 'the shard that holds the current row of a cursor';

CREATE FUNCTION citus_internal.cursor_place(cursor text, relation oid)
    RETURNS tid
    LANGUAGE C STABLE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', $$cursor_place$$;
COMMENT ON FUNCTION citus_internal.cursor_place(text, oid)
    IS 'where in its shard the current row of a cursor is';

-- what a row of an upsert fails with that the same statement has written before
CREATE FUNCTION citus_internal.raise_second_conflict()
    RETURNS boolean
    LANGUAGE C VOLATILE
    AS 'MODULE_PATHNAME', $$raise_second_conflict$$;
COMMENT ON FUNCTION citus_internal.raise_second_conflict()
    IS 'raises an error: an upsert affects a row twice';

-- in place of a sub-query's value in a query for shards
CREATE FUNCTION citus_internal.raise_subquery_error(code text, message text, detail text, hint text)
    RETURNS text
    LANGUAGE C VOLATILE
    AS 'MODULE_PATHNAME', $$raise_subquery_error$$;
COMMENT ON FUNCTION citus_internal.raise_subquery_error(text, text, text, text)
    IS 'raises the error that computing a sub-query has raised';

-- Upserts in several statements; the second function is immutable, so that it may travel.
CREATE FUNCTION citus_internal.upsert_starts(id int)
    RETURNS void
    LANGUAGE C STRICT VOLATILE
    AS 'MODULE_PATHNAME', $$upsert_starts$$;
COMMENT ON FUNCTION citus_internal.upsert_starts(int)
    IS 'rows written from now on are those of this upsert';

CREATE FUNCTION citus_internal.upsert_is_first(id int, xmin xid, cmin cid)
    RETURNS boolean
    LANGUAGE C STRICT IMMUTABLE
    AS 'MODULE_PATHNAME', $$upsert_is_first$$;
CREATE FUNCTION citus_internal.row_is_older(id int, xmin xid, cmin cid)
    RETURNS boolean
    LANGUAGE C STRICT VOLATILE
    AS 'MODULE_PATHNAME', $$row_is_older$$;
COMMENT ON FUNCTION citus_internal.row_is_older(int, xid, cid)
    IS 'false for a row that was written since this upsert, or statement that fires triggers, started';

COMMENT ON FUNCTION citus_internal.upsert_is_first(int, xid, cid)
    IS 'raises an error when an upsert has written the row before';

-- rows in the form in which the client gets them; the first of parameters is the encoding of text
CREATE FUNCTION citus_internal.row_messages(query text, types oid[], "binary" boolean,
											VARIADIC parameters "any")
RETURNS SETOF bytea
LANGUAGE C
AS 'MODULE_PATHNAME', 'row_messages';
