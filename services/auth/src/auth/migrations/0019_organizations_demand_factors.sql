-- Organizations that let in only those who have shown a second factor.

ALTER TABLE organizations ADD COLUMN requires_second_factor boolean NOT NULL DEFAULT false;

-- A person's own memberships cross tenants, and only those: here the ones where a second factor is demanded.
CREATE FUNCTION demanding_organizations_of(person uuid, at_most integer) RETURNS TABLE (organization_id uuid, name text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT o.id, o.name
        FROM members AS m JOIN organizations AS o ON o.id = m.organization_id
        WHERE m.user_id = person AND o.requires_second_factor
        ORDER BY o.id
        LIMIT at_most
    $$;
REVOKE ALL ON FUNCTION demanding_organizations_of(uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION demanding_organizations_of(uuid, integer) TO :app;
ALTER FUNCTION demanding_organizations_of(uuid, integer) OWNER TO :loops;
