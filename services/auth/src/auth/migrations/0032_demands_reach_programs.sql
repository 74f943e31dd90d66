-- An organization that demands a second factor demands it of programs' people and of people whom agencies send, too.

ALTER TABLE oauth_grants ADD COLUMN strong boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN oauth_grants.strong IS 'Whether a second factor was shown in the session in which it was granted.';
CREATE INDEX oauth_grants_weak ON oauth_grants (organization_id) WHERE NOT strong AND ended_at IS NULL;

-- As it was, and of clients to which an agency sends them; made anew, since only its owner could replace it.
DROP FUNCTION demanding_organizations_of(uuid, integer);
CREATE FUNCTION demanding_organizations_of(person uuid, at_most integer)
    RETURNS TABLE (organization_id uuid, name text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT o.id, o.name
        FROM organizations AS o
        WHERE o.requires_second_factor AND o.id IN (
            SELECT m.organization_id FROM members AS m WHERE m.user_id = person
            UNION
            SELECT client.organization_id
            FROM (
                SELECT DISTINCT d.organization_id
                FROM members AS m JOIN delegations AS d ON d.agency_id = m.organization_id AND d.state = 'active'
                WHERE m.user_id = person
            ) AS client
            CROSS JOIN LATERAL delegated_to(person, client.organization_id) AS sent
        )
        ORDER BY o.id
        LIMIT at_most
    $$;
REVOKE ALL ON FUNCTION demanding_organizations_of(uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION demanding_organizations_of(uuid, integer) TO :app;
ALTER FUNCTION demanding_organizations_of(uuid, integer) OWNER TO :loops;
