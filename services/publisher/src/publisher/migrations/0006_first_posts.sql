-- The first draft of somebody who has completed their first steps, so that it is written once.

CREATE TABLE first_posts (
    onboarding_id   uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    post_id         uuid NOT NULL,
    written_at      timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE first_posts IS 'Which first steps have had their draft; it stays when the draft is deleted, so that hearing of them once more writes none.';
ALTER TABLE first_posts ENABLE ROW LEVEL SECURITY;
ALTER TABLE first_posts FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON first_posts TO :app USING (
    organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[])
);
GRANT SELECT, INSERT ON first_posts TO :app;
