-- Channels, who writes through them, what is said, and the media that come with it. What people wrote, their names, their
-- numbers and the platform's message ids (which hold a number) are sealed; rows are found by keyed hashes of them.

CREATE TABLE channels (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    kind            text NOT NULL CHECK (kind IN ('whatsapp')),
    phone_number_id text NOT NULL,
    waba_id         text NOT NULL,
    display_name    text NOT NULL DEFAULT '',
    display_number  text NOT NULL DEFAULT '',
    token_sealed    bytea,
    rate            integer NOT NULL CHECK (rate BETWEEN 1 AND 1000),
    state           text NOT NULL DEFAULT 'connected' CHECK (state IN ('connected', 'disconnected')),
    health          text NOT NULL DEFAULT 'ok' CHECK (health IN ('ok', 'token_dead', 'restricted')),
    health_code     text NOT NULL DEFAULT '',
    health_reason   text NOT NULL DEFAULT '',
    version         bigint NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    changed_at      timestamptz NOT NULL DEFAULT kit_now(),
    UNIQUE (organization_id, phone_number_id)
);
COMMENT ON TABLE channels IS 'A number of an organization; while connected, it is nobody else''s on this platform.';
CREATE UNIQUE INDEX channels_number ON channels (phone_number_id) WHERE state = 'connected';
CREATE INDEX channels_account ON channels (waba_id) WHERE state = 'connected';
CREATE INDEX channels_listed ON channels (organization_id, created_at, id);
ALTER TABLE channels ENABLE ROW LEVEL SECURITY;
ALTER TABLE channels FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON channels TO :app USING (organization_id = ANY (current_setting('app.orgs')::uuid[]));
GRANT SELECT, INSERT, UPDATE ON channels TO :app;

CREATE TABLE channel_checks (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    phone_number_id text NOT NULL,
    waba_id         text NOT NULL,
    rate            integer NOT NULL,
    token_sealed    bytea,
    outcome         text NOT NULL DEFAULT 'pending' CHECK (outcome IN ('pending', 'connected', 'taken', 'refused')),
    reason          text NOT NULL DEFAULT '',
    channel_id      uuid,
    created_at      timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE channel_checks IS 'Somebody wants to connect a number: the token is tried at the platform before there is a channel.';
CREATE INDEX channel_checks_by_organization ON channel_checks (organization_id);
ALTER TABLE channel_checks ENABLE ROW LEVEL SECURITY;
ALTER TABLE channel_checks FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON channel_checks TO :app USING (organization_id = ANY (current_setting('app.orgs')::uuid[]));
GRANT SELECT, INSERT, UPDATE ON channel_checks TO :app;

CREATE TABLE contacts (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    name_sealed     bytea,
    version         bigint NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    changed_at      timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE contacts IS 'A person or company that writes; who they are on a platform stands in contact_identities.';
CREATE INDEX contacts_listed ON contacts (organization_id, created_at, id);
ALTER TABLE contacts ENABLE ROW LEVEL SECURITY;
ALTER TABLE contacts FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON contacts TO :app USING (organization_id = ANY (current_setting('app.orgs')::uuid[]));
GRANT SELECT, INSERT, UPDATE ON contacts TO :app;

-- The contact may be written after its identity, in the same transaction: the identity decides who comes first.
CREATE TABLE contact_identities (
    organization_id uuid NOT NULL,
    kind            text NOT NULL CHECK (kind IN ('whatsapp_id', 'bsuid', 'parent_bsuid', 'phone')),
    blind           bytea NOT NULL,
    contact_id      uuid NOT NULL REFERENCES contacts DEFERRABLE INITIALLY DEFERRED,
    scope           text NOT NULL DEFAULT '',
    sealed          bytea NOT NULL,
    last_seen_at    timestamptz NOT NULL DEFAULT kit_now(),
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    PRIMARY KEY (organization_id, kind, blind)
);
COMMENT ON TABLE contact_identities IS 'By what a contact is known; blind is a keyed hash, scope the business account that a scoped id was seen in.';
CREATE INDEX contact_identities_by_contact ON contact_identities (contact_id, last_seen_at);
ALTER TABLE contact_identities ENABLE ROW LEVEL SECURITY;
ALTER TABLE contact_identities FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON contact_identities TO :app USING (organization_id = ANY (current_setting('app.orgs')::uuid[]));
GRANT SELECT, INSERT, UPDATE ON contact_identities TO :app;

CREATE TABLE conversations (
    id                uuid PRIMARY KEY,
    organization_id   uuid NOT NULL,
    channel_id        uuid NOT NULL REFERENCES channels,
    contact_id        uuid NOT NULL REFERENCES contacts,
    state             text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'pending', 'resolved', 'snoozed')),
    assignee_id       uuid,
    unread_count      integer NOT NULL DEFAULT 0 CHECK (unread_count >= 0),
    last_sequence     bigint NOT NULL DEFAULT 0,
    read_sequence     bigint NOT NULL DEFAULT 0,
    last_message_at   timestamptz NOT NULL DEFAULT kit_now(),
    window_open_until timestamptz,
    version           bigint NOT NULL DEFAULT 1,
    created_at        timestamptz NOT NULL DEFAULT kit_now(),
    changed_at        timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE conversations IS 'What is said with one contact on one channel; reused and reopened, never doubled.';
CREATE UNIQUE INDEX conversations_active ON conversations (channel_id, contact_id) WHERE state <> 'resolved';
CREATE INDEX conversations_by_contact ON conversations (contact_id, channel_id, last_message_at);
CREATE INDEX conversations_listed ON conversations (organization_id, last_message_at, id);
CREATE INDEX conversations_by_state ON conversations (organization_id, state, last_message_at, id);
CREATE INDEX conversations_by_assignee ON conversations (organization_id, assignee_id, last_message_at, id);
CREATE INDEX conversations_by_channel ON conversations (channel_id, last_message_at, id);
ALTER TABLE conversations ENABLE ROW LEVEL SECURITY;
ALTER TABLE conversations FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON conversations TO :app USING (organization_id = ANY (current_setting('app.orgs')::uuid[]));
GRANT SELECT, INSERT, UPDATE ON conversations TO :app;

CREATE TABLE messages (
    id               uuid PRIMARY KEY,
    organization_id  uuid NOT NULL,
    conversation_id  uuid NOT NULL REFERENCES conversations,
    channel_id       uuid NOT NULL,
    direction        text NOT NULL CHECK (direction IN ('in', 'out')),
    kind             text NOT NULL,
    content_sealed   bytea NOT NULL,
    provider_blind   bytea,
    provider_sealed  bytea,
    reply_to_blind   bytea,
    provider_time    timestamptz NOT NULL,
    sequence         bigint NOT NULL,
    status           text NOT NULL CHECK (status IN ('received', 'queued', 'unconfirmed', 'sent', 'failed', 'delivered', 'read')),
    status_at        timestamptz NOT NULL DEFAULT kit_now(),
    failure_code     text NOT NULL DEFAULT '',
    failure_reason   text NOT NULL DEFAULT '',
    author_id        uuid,
    fingerprint      bytea,
    version          bigint NOT NULL DEFAULT 1,
    created_at       timestamptz NOT NULL DEFAULT kit_now(),
    UNIQUE (channel_id, provider_blind),
    UNIQUE (conversation_id, sequence)
);
COMMENT ON TABLE messages IS 'One message; shown by (provider_time, sequence), its status only rises.';
CREATE INDEX messages_shown ON messages (conversation_id, provider_time, sequence);
ALTER TABLE messages ENABLE ROW LEVEL SECURITY;
ALTER TABLE messages FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON messages TO :app USING (organization_id = ANY (current_setting('app.orgs')::uuid[]));
GRANT SELECT, INSERT, UPDATE ON messages TO :app;

CREATE TABLE message_marks (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    conversation_id uuid NOT NULL REFERENCES conversations,
    channel_id      uuid NOT NULL,
    kind            text NOT NULL CHECK (kind IN ('reaction', 'edit', 'revoke')),
    provider_blind  bytea NOT NULL,
    target_blind    bytea NOT NULL,
    content_sealed  bytea NOT NULL,
    provider_time   timestamptz NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    UNIQUE (channel_id, provider_blind)
);
COMMENT ON TABLE message_marks IS 'Reactions, edits and withdrawals by the contact, kept as facts; they may come before the message they are about.';
CREATE INDEX message_marks_by_target ON message_marks (channel_id, target_blind, provider_time);
CREATE INDEX message_marks_by_conversation ON message_marks (conversation_id);
ALTER TABLE message_marks ENABLE ROW LEVEL SECURITY;
ALTER TABLE message_marks FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON message_marks TO :app USING (organization_id = ANY (current_setting('app.orgs')::uuid[]));
GRANT SELECT, INSERT ON message_marks TO :app;

CREATE TABLE message_receipts (
    organization_id uuid NOT NULL,
    channel_id      uuid NOT NULL,
    provider_blind  bytea NOT NULL,
    status          text NOT NULL CHECK (status IN ('sent', 'failed', 'delivered', 'read')),
    provider_time   timestamptz NOT NULL,
    code            text NOT NULL DEFAULT '',
    reason          text NOT NULL DEFAULT '',
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    PRIMARY KEY (channel_id, provider_blind, status, provider_time)
);
COMMENT ON TABLE message_receipts IS 'What the platform reported of a message, only ever added to; may come before we know its id.';
CREATE INDEX message_receipts_by_organization ON message_receipts (organization_id);
ALTER TABLE message_receipts ENABLE ROW LEVEL SECURITY;
ALTER TABLE message_receipts FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON message_receipts TO :app USING (organization_id = ANY (current_setting('app.orgs')::uuid[]));
GRANT SELECT, INSERT ON message_receipts TO :app;

CREATE TABLE media (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    message_id      uuid NOT NULL REFERENCES messages,
    conversation_id uuid NOT NULL,
    channel_id      uuid NOT NULL,
    kind            text NOT NULL,
    provider_id     text NOT NULL,
    announced_type  text NOT NULL DEFAULT '',
    announced_hash  text NOT NULL DEFAULT '',
    filename_sealed bytea,
    state           text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'ready', 'failed')),
    media_type      text NOT NULL DEFAULT '',
    digest          text NOT NULL DEFAULT '',
    size            bigint NOT NULL DEFAULT 0,
    failure_code    text NOT NULL DEFAULT '',
    failure_reason  text NOT NULL DEFAULT '',
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    changed_at      timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE media IS 'What came with a message: known at once, fetched by its own effect, kept in a folder under its digest.';
CREATE INDEX media_by_message ON media (message_id);
CREATE INDEX media_by_organization ON media (organization_id);
ALTER TABLE media ENABLE ROW LEVEL SECURITY;
ALTER TABLE media FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON media TO :app USING (organization_id = ANY (current_setting('app.orgs')::uuid[]));
GRANT SELECT, INSERT, UPDATE ON media TO :app;

-- Whose a number or a business account is, for those who hear from the platform before they know for whom.
CREATE POLICY looking ON channels FOR SELECT TO :loops USING (true);
GRANT SELECT ON channels TO :loops;

CREATE FUNCTION channel_organizations(numbers text[], accounts text[])
    RETURNS TABLE (kind text, external_id text, organization_id uuid) LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT 'number', known.phone_number_id, known.organization_id FROM channels AS known
        WHERE known.phone_number_id = ANY (numbers) AND known.state = 'connected'
        UNION ALL
        SELECT 'account', known.waba_id, min(known.organization_id::text)::uuid FROM channels AS known
        WHERE known.waba_id = ANY (accounts) AND known.state = 'connected'
        GROUP BY known.waba_id HAVING count(DISTINCT known.organization_id) = 1
    $$;
REVOKE ALL ON FUNCTION channel_organizations(text[], text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION channel_organizations(text[], text[]) TO :app;
ALTER FUNCTION channel_organizations(text[], text[]) OWNER TO :loops;
