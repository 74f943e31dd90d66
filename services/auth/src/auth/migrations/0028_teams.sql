-- Named groups of members within an organization.

CREATE TABLE teams (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations,
    name            text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    name_key        text NOT NULL CHECK (length(name_key) <= 800),
    version         bigint NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    UNIQUE (organization_id, name_key)
);
COMMENT ON TABLE teams IS 'Named groups of members; name_key is the name as it is compared. The version rises with the name and with who is in it.';
CREATE INDEX teams_in_order ON teams (organization_id, id);
ALTER TABLE teams ENABLE ROW LEVEL SECURITY;
ALTER TABLE teams FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON teams TO :app USING (
    organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[])
);
GRANT SELECT, INSERT, UPDATE, DELETE ON teams TO :app;

CREATE TABLE team_members (
    team_id         uuid NOT NULL REFERENCES teams ON DELETE CASCADE,
    member_id       uuid NOT NULL REFERENCES members ON DELETE CASCADE,
    organization_id uuid NOT NULL REFERENCES organizations,
    added_at        timestamptz NOT NULL DEFAULT kit_now(),
    PRIMARY KEY (team_id, member_id)
);
COMMENT ON TABLE team_members IS 'Who is in which team; goes with the team and with the membership.';
CREATE INDEX team_members_by_member ON team_members (member_id);
ALTER TABLE team_members ENABLE ROW LEVEL SECURITY;
ALTER TABLE team_members FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON team_members TO :app USING (
    organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[])
);
GRANT SELECT, INSERT, DELETE ON team_members TO :app;
