-- Templates of WhatsApp: what was asked for, what the platform has made of it, every version, and how its list is read.

CREATE TABLE message_templates (
    id               uuid PRIMARY KEY,
    organization_id  uuid NOT NULL,
    waba_id          text NOT NULL,
    name             text NOT NULL,
    language         text NOT NULL,
    provider_id      text,
    category         text NOT NULL CHECK (category IN ('MARKETING', 'UTILITY', 'AUTHENTICATION')),
    next_category    text NOT NULL DEFAULT '',
    next_category_at timestamptz,
    status           text NOT NULL DEFAULT 'draft' CHECK (status IN (
        'draft', 'submitting', 'unconfirmed', 'pending', 'approved', 'rejected', 'paused', 'disabled', 'in_appeal',
        'flagged', 'locked', 'limit_exceeded', 'archived', 'pending_deletion', 'deleting', 'deleted')),
    reason_code      text NOT NULL DEFAULT '',
    reason           text NOT NULL DEFAULT '',
    quality          text NOT NULL DEFAULT 'UNKNOWN' CHECK (quality IN ('GREEN', 'YELLOW', 'RED', 'UNKNOWN')),
    components       jsonb NOT NULL DEFAULT '[]',
    fallbacks        jsonb NOT NULL DEFAULT '{}',
    last_number      integer NOT NULL DEFAULT 0,
    approved_number  integer,
    told_at          timestamptz,
    seen_at          timestamptz,
    version          bigint NOT NULL DEFAULT 1,
    created_at       timestamptz NOT NULL DEFAULT kit_now(),
    changed_at       timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE message_templates IS 'One template in one language of a business account; components are what can be sent now.';
COMMENT ON COLUMN message_templates.told_at IS 'When the platform last told its status by a webhook; an older word changes nothing.';
COMMENT ON COLUMN message_templates.seen_at IS 'When a reading of the platform''s list last found it.';
CREATE UNIQUE INDEX message_templates_named ON message_templates (organization_id, waba_id, name, language)
    WHERE status <> 'deleted';
CREATE INDEX message_templates_listed ON message_templates (organization_id, name, language, id);
CREATE INDEX message_templates_sendable ON message_templates (organization_id, waba_id, name, language)
    WHERE status IN ('approved', 'flagged', 'locked');
CREATE INDEX message_templates_known ON message_templates (organization_id, waba_id, provider_id);
ALTER TABLE message_templates ENABLE ROW LEVEL SECURITY;
ALTER TABLE message_templates FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON message_templates TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE ON message_templates TO :app;

CREATE TABLE message_template_versions (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    template_id     uuid NOT NULL REFERENCES message_templates,
    number          integer NOT NULL CHECK (number > 0),
    category        text NOT NULL,
    components      jsonb NOT NULL,
    fallbacks       jsonb NOT NULL DEFAULT '{}',
    state           text NOT NULL CHECK (state IN ('draft', 'submitting', 'unconfirmed', 'in_review', 'approved', 'rejected', 'refused')),
    first           boolean NOT NULL DEFAULT false,
    reason_code     text NOT NULL DEFAULT '',
    reason          text NOT NULL DEFAULT '',
    submitted_at    timestamptz,
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    UNIQUE (template_id, number)
);
COMMENT ON TABLE message_template_versions IS 'What a template said: drafts, what was submitted, and what came of it; first is the one that creates it at the platform.';
CREATE INDEX message_template_versions_submitted ON message_template_versions (organization_id, submitted_at)
    WHERE submitted_at IS NOT NULL;
ALTER TABLE message_template_versions ENABLE ROW LEVEL SECURITY;
ALTER TABLE message_template_versions FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON message_template_versions TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE ON message_template_versions TO :app;

CREATE TABLE message_template_syncs (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    waba_id         text NOT NULL,
    page_id         uuid NOT NULL,
    place           text NOT NULL DEFAULT '',
    state           text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done', 'failed')),
    pages           integer NOT NULL DEFAULT 0,
    seen            integer NOT NULL DEFAULT 0,
    gone            integer NOT NULL DEFAULT 0,
    reason          text NOT NULL DEFAULT '',
    started_at      timestamptz NOT NULL DEFAULT kit_now(),
    ended_at        timestamptz
);
COMMENT ON TABLE message_template_syncs IS 'A reading of the platform''s list of templates, page by page: place is the cursor from which it goes on, page_id the page that is due.';
CREATE UNIQUE INDEX message_template_syncs_running ON message_template_syncs (organization_id, waba_id)
    WHERE state = 'running';
CREATE INDEX message_template_syncs_pages ON message_template_syncs (page_id) WHERE state = 'running';
ALTER TABLE message_template_syncs ENABLE ROW LEVEL SECURITY;
ALTER TABLE message_template_syncs FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON message_template_syncs TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE ON message_template_syncs TO :app;

-- Of which template a message is, so that one that is paused stops what waits.
ALTER TABLE messages ADD COLUMN template_id uuid;
