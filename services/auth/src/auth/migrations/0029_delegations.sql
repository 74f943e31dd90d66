-- Agencies that act for their clients: from one organization to another, in some roles, until an end.

CREATE TABLE delegations (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations,
    agency_id       uuid NOT NULL REFERENCES organizations,
    roles           text[] NOT NULL CHECK (cardinality(roles) > 0 AND roles <@
        ARRAY['admin', 'editor', 'approver', 'agent', 'analyst', 'client', 'provider', 'navigator']),
    state           text NOT NULL CHECK (state IN ('asked', 'offered', 'active', 'ended')),
    ends_at         timestamptz NOT NULL,
    granted_at      timestamptz,
    ended_because   text CHECK (ended_because IN ('client', 'agency', 'expired')),
    version         bigint NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    CHECK (organization_id <> agency_id),
    CHECK ((state = 'ended') = (ended_because IS NOT NULL)),
    CHECK (state <> 'active' OR granted_at IS NOT NULL)
);
COMMENT ON TABLE delegations IS 'organization_id is the client, which is acted in; asked waits for the client, offered for the agency. One that is active past ends_at has ended, and is marked so by a loop.';
CREATE UNIQUE INDEX delegations_once ON delegations (organization_id, agency_id) WHERE state <> 'ended';
CREATE INDEX delegations_of_client ON delegations (organization_id, id);
CREATE INDEX delegations_of_agency ON delegations (agency_id, id);
CREATE INDEX delegations_by_end ON delegations (ends_at) WHERE state <> 'ended';
ALTER TABLE delegations ENABLE ROW LEVEL SECURITY;
ALTER TABLE delegations FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON delegations TO :app USING (
    organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[])
    OR agency_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[])
);
GRANT SELECT, INSERT, UPDATE ON delegations TO :app;

CREATE TABLE delegation_assignments (
    id            uuid PRIMARY KEY,
    delegation_id uuid NOT NULL REFERENCES delegations ON DELETE CASCADE,
    agency_id     uuid NOT NULL REFERENCES organizations,
    member_id     uuid REFERENCES members ON DELETE CASCADE,
    team_id       uuid REFERENCES teams ON DELETE CASCADE,
    role          text NOT NULL,
    UNIQUE NULLS NOT DISTINCT (delegation_id, member_id, team_id),
    CHECK (member_id IS NULL OR team_id IS NULL)
);
COMMENT ON TABLE delegation_assignments IS 'Whom an agency sends to a client, in which of the roles it was given: a member, a team, or (neither) everybody.';
CREATE INDEX delegation_assignments_by_member ON delegation_assignments (member_id) WHERE member_id IS NOT NULL;
CREATE INDEX delegation_assignments_by_team ON delegation_assignments (team_id) WHERE team_id IS NOT NULL;
ALTER TABLE delegation_assignments ENABLE ROW LEVEL SECURITY;
ALTER TABLE delegation_assignments FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON delegation_assignments TO :app USING (
    agency_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[])
);
GRANT SELECT, INSERT, DELETE ON delegation_assignments TO :app;

-- What crosses tenants: as what one person named may act in one client named, and which are due to end.
CREATE POLICY delegating ON delegations FOR SELECT TO :loops USING (true);
CREATE POLICY delegating ON delegation_assignments FOR SELECT TO :loops USING (true);
CREATE POLICY delegating ON team_members FOR SELECT TO :loops USING (true);
GRANT SELECT ON delegations, delegation_assignments, team_members TO :loops;

CREATE FUNCTION delegated_to(person uuid, client uuid)
    RETURNS TABLE (delegation_id uuid, agency_id uuid, role text, granted_at timestamptz, ends_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT d.id, d.agency_id, a.role, d.granted_at, d.ends_at
        FROM delegations AS d
        JOIN organizations AS agency ON agency.id = d.agency_id AND agency.suspended_at IS NULL
        JOIN members AS m ON m.organization_id = d.agency_id AND m.user_id = person
        JOIN delegation_assignments AS a ON a.delegation_id = d.id AND a.role = ANY (d.roles) AND (
            a.member_id = m.id
            OR a.team_id IN (SELECT t.team_id FROM team_members AS t WHERE t.member_id = m.id)
            OR (a.member_id IS NULL AND a.team_id IS NULL)
        )
        WHERE d.organization_id = client AND d.state = 'active' AND d.ends_at > kit_now()
        -- What was said of the member counts before what was said of a team, and that before what holds for all;
        -- of several teams the one with the most powerful role.
        ORDER BY a.member_id IS NULL, a.team_id IS NULL, array_position(
            ARRAY['admin', 'editor', 'approver', 'agent', 'analyst', 'client', 'provider', 'navigator'], a.role), d.id
        LIMIT 1
    $$;
REVOKE ALL ON FUNCTION delegated_to(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION delegated_to(uuid, uuid) TO :app, :loops;
ALTER FUNCTION delegated_to(uuid, uuid) OWNER TO :loops;

-- A person's organizations, in place of `memberships_of`: where they are members, and where an agency sends them.
CREATE FUNCTION organizations_open_to(person uuid, after_organization uuid, at_most integer)
    RETURNS TABLE (organization_id uuid, name text, role text, member_id uuid, version bigint,
                   created_at timestamptz, joined_at timestamptz, agency_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT o.id, o.name, mine.role, mine.member_id, o.version, o.created_at, mine.since, mine.agency_id
        FROM (
            SELECT m.organization_id, m.role, m.id AS member_id, m.joined_at AS since, NULL::uuid AS agency_id
            FROM members AS m WHERE m.user_id = person
            UNION ALL
            SELECT client.organization_id, sent.role, NULL, sent.granted_at, sent.agency_id
            FROM (
                SELECT DISTINCT d.organization_id
                FROM members AS m JOIN delegations AS d ON d.agency_id = m.organization_id AND d.state = 'active'
                WHERE m.user_id = person
            ) AS client
            CROSS JOIN LATERAL delegated_to(person, client.organization_id) AS sent
            WHERE NOT EXISTS (
                SELECT FROM members AS own WHERE own.user_id = person AND own.organization_id = client.organization_id
            )
        ) AS mine
        JOIN organizations AS o ON o.id = mine.organization_id
        WHERE o.id > after_organization
        ORDER BY o.id
        LIMIT at_most
    $$;
REVOKE ALL ON FUNCTION organizations_open_to(uuid, uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION organizations_open_to(uuid, uuid, integer) TO :app;
ALTER FUNCTION organizations_open_to(uuid, uuid, integer) OWNER TO :loops;
DROP FUNCTION memberships_of(uuid, uuid, integer); -- at once and not a release later, since no release has had it

-- Whose tokens are void when nobody is to act in a client any more.
CREATE FUNCTION people_sent_to(client uuid) RETURNS TABLE (user_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT DISTINCT m.user_id
        FROM delegations AS d
        JOIN delegation_assignments AS a ON a.delegation_id = d.id
        JOIN members AS m ON m.organization_id = d.agency_id AND (
            a.member_id = m.id
            OR a.team_id IN (SELECT t.team_id FROM team_members AS t WHERE t.member_id = m.id)
            OR (a.member_id IS NULL AND a.team_id IS NULL)
        )
        WHERE d.organization_id = client AND d.state = 'active'
    $$;
REVOKE ALL ON FUNCTION people_sent_to(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION people_sent_to(uuid) TO :app;
ALTER FUNCTION people_sent_to(uuid) OWNER TO :loops;

CREATE FUNCTION delegations_due(at_most integer) RETURNS TABLE (id uuid, organization_id uuid, agency_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT d.id, d.organization_id, d.agency_id FROM delegations AS d
        WHERE d.state <> 'ended' AND d.ends_at <= kit_now()
        ORDER BY d.ends_at
        LIMIT at_most
    $$;
REVOKE ALL ON FUNCTION delegations_due(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION delegations_due(integer) TO :app;
ALTER FUNCTION delegations_due(integer) OWNER TO :loops;
