-- Where contacts are taken to be when many are written to.
CREATE TABLE broadcast_settings (
    organization_id   uuid PRIMARY KEY,
    zone              text NOT NULL CHECK (length(zone) BETWEEN 1 AND 60),
    zone_attribute_id uuid,
    version           bigint NOT NULL DEFAULT 1,
    changed_at        timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE broadcast_settings IS 'The zone of an organization, and in which attribute of contacts theirs stands.';
ALTER TABLE broadcast_settings ENABLE ROW LEVEL SECURITY;
ALTER TABLE broadcast_settings FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON broadcast_settings TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE ON broadcast_settings TO :app;

COMMENT ON COLUMN broadcast_recipients.zone IS 'Where they are as far as anybody knows; empty: where the broadcast takes them to be.';
