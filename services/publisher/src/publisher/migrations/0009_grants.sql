-- Platforms tell that a permission was taken back by their id of the person and nothing else: whose account that is.
CREATE FUNCTION owners_of_grants(told_by text, grantors bytea[])
    RETURNS TABLE (place bigint, organization_id uuid) LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT asked.place, (
            SELECT one.organization_id FROM connected_accounts AS one
            WHERE one.platform = told_by AND one.grantor_blind = asked.grantor AND one.state <> 'disconnected'
            ORDER BY one.state, one.id LIMIT 1
        )
        FROM unnest(grantors) WITH ORDINALITY AS asked (grantor, place)
    $$;
REVOKE ALL ON FUNCTION owners_of_grants(text, bytea[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION owners_of_grants(text, bytea[]) TO :app;
ALTER FUNCTION owners_of_grants(text, bytea[]) OWNER TO :loops;
