-- Plans that staff grant; billing keeps a copy and lifts the organization's plan by it.

CREATE TABLE subscription_grants (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations,
    plan            text NOT NULL CHECK (length(plan) <= 40),
    until           timestamptz NOT NULL,
    reason          text NOT NULL CHECK (reason IN ('goodwill', 'trial', 'partner', 'incident', 'internal', 'other')),
    note_sealed     bytea CHECK (length(note_sealed) <= 8192),
    granted_by      uuid NOT NULL,
    version         bigint NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    revoked_by      uuid,
    revoked_at      timestamptz,
    CHECK ((revoked_by IS NULL) = (revoked_at IS NULL))
);
COMMENT ON TABLE subscription_grants IS 'Plans given by staff until a date; never a subscription that somebody pays for.';
CREATE INDEX subscription_grants_in_order ON subscription_grants (organization_id, id);
ALTER TABLE subscription_grants ENABLE ROW LEVEL SECURITY;
ALTER TABLE subscription_grants FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON subscription_grants TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE ON subscription_grants TO :app;
