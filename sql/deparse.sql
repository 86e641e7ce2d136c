-- Statements that make objects again.

CREATE FUNCTION pg_catalog.master_get_table_ddl_events(text)
    RETURNS SETOF text
    LANGUAGE C STRICT
    AS 'MODULE_PATHNAME', $$master_get_table_ddl_events$$;
COMMENT ON FUNCTION pg_catalog.master_get_table_ddl_events(text)
    IS 'statements that recreate a table';
