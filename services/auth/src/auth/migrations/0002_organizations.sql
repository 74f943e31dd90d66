-- Organizations (the tenants), who belongs to them in which role, and who is invited.

CREATE TABLE organizations (
    id         uuid PRIMARY KEY,
    name       text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    version    bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE organizations IS 'The tenants; a lock on the row orders all changes of its members.';
ALTER TABLE organizations ENABLE ROW LEVEL SECURITY;
ALTER TABLE organizations FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON organizations TO :app USING (id = ANY (current_setting('app.orgs')::uuid[]));
GRANT SELECT, INSERT, UPDATE ON organizations TO :app;

CREATE TABLE members (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations,
    user_id         uuid NOT NULL REFERENCES users,
    role            text NOT NULL CHECK (role IN
        ('owner', 'admin', 'editor', 'approver', 'agent', 'analyst', 'client', 'provider', 'navigator')),
    version         bigint NOT NULL DEFAULT 1,
    joined_at       timestamptz NOT NULL DEFAULT kit_now(),
    UNIQUE (organization_id, user_id)
);
COMMENT ON TABLE members IS 'Who belongs to an organization in which role; who leaves loses the row, who comes back is a new member.';
CREATE INDEX members_in_order ON members (organization_id, id);
CREATE INDEX members_by_user ON members (user_id, organization_id);
ALTER TABLE members ENABLE ROW LEVEL SECURITY;
ALTER TABLE members FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON members TO :app USING (organization_id = ANY (current_setting('app.orgs')::uuid[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON members TO :app;

CREATE TABLE invitations (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations,
    email_value     text NOT NULL CHECK (length(email_value) <= 320),
    email           text NOT NULL CHECK (length(email) <= 320),
    role            text NOT NULL CHECK (role IN
        ('owner', 'admin', 'editor', 'approver', 'agent', 'analyst', 'client', 'provider', 'navigator')),
    state           text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'accepted', 'revoked')),
    invited_by      uuid NOT NULL REFERENCES users,
    accepted_by     uuid REFERENCES users,
    mails           integer NOT NULL DEFAULT 1,
    version         bigint NOT NULL DEFAULT 1,
    expires_at      timestamptz NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE invitations IS 'Offers of a membership to an address; a pending one past expires_at has expired, and is revoked when the address is invited anew.';
CREATE UNIQUE INDEX invitations_pending_once ON invitations (organization_id, email_value) WHERE state = 'pending';
CREATE INDEX invitations_in_order ON invitations (organization_id, id);
ALTER TABLE invitations ENABLE ROW LEVEL SECURITY;
ALTER TABLE invitations FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON invitations TO :app USING (organization_id = ANY (current_setting('app.orgs')::uuid[]));
GRANT SELECT, INSERT, UPDATE ON invitations TO :app;

-- A person's own memberships cross tenants: the one question that may, and only about the one person named.
-- Rights on a function are settled before it is given away.
CREATE POLICY own_memberships ON members FOR SELECT TO :loops USING (true);
CREATE POLICY own_memberships ON organizations FOR SELECT TO :loops USING (true);
GRANT SELECT ON members, organizations TO :loops;

CREATE FUNCTION memberships_of(person uuid, after_organization uuid, at_most integer)
    RETURNS TABLE (organization_id uuid, name text, role text, member_id uuid, version bigint,
                   created_at timestamptz, joined_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT o.id, o.name, m.role, m.id, o.version, o.created_at, m.joined_at
        FROM members AS m JOIN organizations AS o ON o.id = m.organization_id
        WHERE m.user_id = person AND m.organization_id > after_organization
        ORDER BY m.organization_id
        LIMIT at_most
    $$;
REVOKE ALL ON FUNCTION memberships_of(uuid, uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION memberships_of(uuid, uuid, integer) TO :app;
ALTER FUNCTION memberships_of(uuid, uuid, integer) OWNER TO :loops;
