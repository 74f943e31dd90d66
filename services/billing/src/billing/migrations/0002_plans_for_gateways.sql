-- Gateways limit by plan: they ask for every organization's, page by page, when they start or have missed events.
-- Rights on a function are settled before it is given away: the owner may not grant on what the loops role owns.

CREATE POLICY telling ON entitlements FOR SELECT TO :loops USING (true);
GRANT SELECT (organization_id, plan, version) ON entitlements TO :loops;

CREATE FUNCTION plans_after(after uuid, at_most integer)
    RETURNS TABLE (organization_id uuid, plan text, version bigint) LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT held.organization_id, held.plan, held.version FROM entitlements AS held
        WHERE held.organization_id > after
        ORDER BY held.organization_id LIMIT at_most
    $$;
REVOKE ALL ON FUNCTION plans_after(uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION plans_after(uuid, integer) TO :app;
ALTER FUNCTION plans_after(uuid, integer) OWNER TO :loops;
