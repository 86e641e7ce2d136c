-- what nodes ask of each other while statements run

-- Rows of one table into shards of this node: how writes of many rows travel.  Takes the rights
-- that COPY into the shards would take; clients may not write shards, see
-- citus.enable_manual_changes_to_shards.
CREATE FUNCTION citus_internal.write_shards(copy text, line_end int, shards bigint[],
    ends bigint[], data bytea, line_ends bigint[], lines bytea)
RETURNS bigint
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'write_shards';
