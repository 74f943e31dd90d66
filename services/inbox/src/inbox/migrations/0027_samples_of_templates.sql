-- Files that templates show as samples, and at which business accounts WhatsApp has them.

CREATE TABLE template_samples (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    media_type      text NOT NULL,
    size            bigint NOT NULL,
    file_id         uuid NOT NULL,
    key_sealed      bytea NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE template_samples IS 'A picture, film or document of the organization, in the folder of media, that headers of templates name.';
CREATE INDEX template_samples_listed ON template_samples (organization_id, created_at, id);
CREATE INDEX template_samples_file ON template_samples (file_id);
ALTER TABLE template_samples ENABLE ROW LEVEL SECURITY;
ALTER TABLE template_samples FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON template_samples TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON template_samples TO :app;

CREATE TABLE template_sample_uploads (
    sample_id       uuid NOT NULL REFERENCES template_samples,
    waba_id         text NOT NULL,
    organization_id uuid NOT NULL,
    id              uuid NOT NULL UNIQUE,
    state           text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'done', 'failed')),
    handle          text NOT NULL DEFAULT '',
    reason          text NOT NULL DEFAULT '',
    asked_at        timestamptz NOT NULL DEFAULT kit_now(),
    PRIMARY KEY (sample_id, waba_id)
);
COMMENT ON TABLE template_sample_uploads IS 'A sample at a business account of WhatsApp: by which handle templates name it there.';
ALTER TABLE template_sample_uploads ENABLE ROW LEVEL SECURITY;
ALTER TABLE template_sample_uploads FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON template_sample_uploads TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON template_sample_uploads TO :app;
