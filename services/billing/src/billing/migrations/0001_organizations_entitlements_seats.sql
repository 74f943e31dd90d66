-- What billing knows of an organization, what its plan grants it, and who takes its seats.

CREATE TABLE organizations (
    organization_id uuid PRIMARY KEY,
    status          text NOT NULL DEFAULT 'active' CHECK (status IN ('active')),
    version         bigint NOT NULL,
    created_at      timestamptz NOT NULL
);
COMMENT ON TABLE organizations IS 'Projection of auth''s organizations; version and created_at are those of auth.';
ALTER TABLE organizations ENABLE ROW LEVEL SECURITY;
ALTER TABLE organizations FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON organizations TO :app USING (organization_id = ANY (current_setting('app.orgs')::uuid[]));
GRANT SELECT, INSERT, UPDATE ON organizations TO :app;

CREATE TABLE entitlements (
    organization_id uuid PRIMARY KEY REFERENCES organizations,
    plan            text NOT NULL,
    limits          jsonb NOT NULL,
    version         bigint NOT NULL DEFAULT 1,
    changed_at      timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE entitlements IS 'What an organization may use now: the plan''s limits as they were when it was granted.';
ALTER TABLE entitlements ENABLE ROW LEVEL SECURITY;
ALTER TABLE entitlements FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON entitlements TO :app USING (organization_id = ANY (current_setting('app.orgs')::uuid[]));
GRANT SELECT, INSERT, UPDATE ON entitlements TO :app;

-- No reference to organizations: members may be heard of before their organization.
CREATE TABLE seats (
    member_id       uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    taken           boolean NOT NULL,
    version         bigint NOT NULL
);
COMMENT ON TABLE seats IS 'One row per member ever heard of, with the newest version applied; seats in use are counted, never kept.';
CREATE INDEX seats_by_organization ON seats (organization_id);
ALTER TABLE seats ENABLE ROW LEVEL SECURITY;
ALTER TABLE seats FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON seats TO :app USING (organization_id = ANY (current_setting('app.orgs')::uuid[]));
GRANT SELECT, INSERT, UPDATE ON seats TO :app;
