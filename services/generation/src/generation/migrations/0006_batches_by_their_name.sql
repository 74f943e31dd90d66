-- Batches are found by what a provider calls them: it tells of their ends by that.

CREATE INDEX batches_external ON batches (external_id) WHERE external_id IS NOT NULL;

CREATE FUNCTION batches_named(wanted text[]) RETURNS TABLE (external_id text, organization_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT one.external_id, one.organization_id FROM batches AS one WHERE one.external_id = ANY (wanted)
    $$;
REVOKE ALL ON FUNCTION batches_named(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION batches_named(text[]) TO :app;
ALTER FUNCTION batches_named(text[]) OWNER TO :loops;
