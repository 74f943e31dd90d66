-- Who works in the inbox, as auth's events tell; and media that lie sealed, each file under a key of its own.

CREATE TABLE members (
    member_id       uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    user_id         uuid NOT NULL,
    role            text NOT NULL,
    version         bigint NOT NULL
);
COMMENT ON TABLE members IS 'Memberships as auth tells them; one that ended keeps its row with an empty role, so that what is older changes nothing.';
CREATE INDEX members_by_user ON members (organization_id, user_id);
ALTER TABLE members ENABLE ROW LEVEL SECURITY;
ALTER TABLE members FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON members TO :app USING (organization_id = ANY (current_setting('app.orgs')::uuid[]));
GRANT SELECT, INSERT, UPDATE ON members TO :app;

ALTER TABLE media ADD COLUMN file_id uuid, ADD COLUMN key_sealed bytea;
CREATE UNIQUE INDEX media_file ON media (file_id);
COMMENT ON TABLE media IS 'What came with a message: known at once, fetched by its own effect, kept sealed in a folder; its key is sealed under the contact''s.';
COMMENT ON COLUMN media.digest IS 'No longer written: the digest of a content would tell what it was when its key is gone.';
