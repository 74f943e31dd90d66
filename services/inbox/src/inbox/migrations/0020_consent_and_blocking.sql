-- Who may be written to, where and what for; and whom nobody wants to hear from.
CREATE TABLE consent_entries (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    contact_id      uuid NOT NULL REFERENCES contacts,
    channel_kind    text NOT NULL,
    purpose         text NOT NULL CHECK (purpose IN ('marketing', 'utility', 'service')),
    state           text NOT NULL CHECK (state IN ('granted', 'withdrawn', 'resumed')),
    source          text NOT NULL,
    policy_version  text NOT NULL DEFAULT '',
    proof_sealed    bytea,
    at              timestamptz NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE consent_entries IS 'Every wish of a contact as it was recorded, only ever added to; the proof is sealed under the contact''s key.';
CREATE INDEX consent_entries_by_contact ON consent_entries (contact_id, at, id);
ALTER TABLE consent_entries ENABLE ROW LEVEL SECURITY;
ALTER TABLE consent_entries FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON consent_entries TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, DELETE ON consent_entries TO :app;

CREATE TABLE consents (
    organization_id uuid NOT NULL,
    contact_id      uuid NOT NULL REFERENCES contacts,
    channel_kind    text NOT NULL,
    purpose         text NOT NULL,
    state           text NOT NULL CHECK (state IN ('granted', 'withdrawn', 'resumed')),
    ever_granted    boolean NOT NULL,
    source          text NOT NULL,
    policy_version  text NOT NULL,
    at              timestamptz NOT NULL,
    PRIMARY KEY (contact_id, channel_kind, purpose)
);
COMMENT ON TABLE consents IS 'The newest wish of each contact by channel kind and purpose: what is asked at the moment of sending.';
CREATE INDEX consents_listed ON consents (organization_id, channel_kind, purpose, state, contact_id);
ALTER TABLE consents ENABLE ROW LEVEL SECURITY;
ALTER TABLE consents FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON consents TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON consents TO :app;

ALTER TABLE contacts ADD COLUMN blocked_at timestamptz;
CREATE INDEX contacts_blocked ON contacts (organization_id, blocked_at, id) WHERE blocked_at IS NOT NULL;
