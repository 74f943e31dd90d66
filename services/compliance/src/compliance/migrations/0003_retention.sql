-- For how long an organization wants things kept, where it is not as long as the platform says.

CREATE TABLE retention_policies (
    organization_id uuid NOT NULL,
    retention       text NOT NULL CHECK (retention IN ('messages', 'contacts', 'conversations')),
    days            integer CHECK (days BETWEEN 1 AND 36500),
    version         bigint NOT NULL DEFAULT 1,
    changed_at      timestamptz NOT NULL DEFAULT kit_now(),
    PRIMARY KEY (organization_id, retention)
);
COMMENT ON TABLE retention_policies IS 'An organization''s own times; without days it is the platform''s again.';
ALTER TABLE retention_policies ENABLE ROW LEVEL SECURITY;
ALTER TABLE retention_policies FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON retention_policies TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE ON retention_policies TO :app;
