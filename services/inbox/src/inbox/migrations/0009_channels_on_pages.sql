-- Channels that stand on an organization's own pages: web chat and contact forms. They have no platform behind them;
-- the columns phone_number_id and token_sealed hold a public key of ours and a secret of ours.

ALTER TABLE channels DROP CONSTRAINT channels_kind_check;
ALTER TABLE channels ADD CONSTRAINT channels_kind_check
    CHECK (kind IN ('whatsapp', 'messenger', 'instagram', 'sms', 'web_chat', 'contact_form'));
ALTER TABLE channels ADD COLUMN silent boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN channels.silent IS 'Whether nothing can be answered here: a contact form without mail.';

ALTER TABLE contact_identities DROP CONSTRAINT contact_identities_kind_check;
ALTER TABLE contact_identities ADD CONSTRAINT contact_identities_kind_check
    CHECK (kind IN ('whatsapp_id', 'bsuid', 'parent_bsuid', 'phone', 'messenger_id', 'instagram_id', 'email',
                    'customer_id', 'visitor'));

CREATE TABLE site_channels (
    channel_id uuid PRIMARY KEY REFERENCES channels (id),
    organization_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('web_chat', 'contact_form')),
    public_key text NOT NULL,
    allowed_origins text[] NOT NULL,
    options text NOT NULL,
    secret_sealed bytea NOT NULL,
    former_sealed bytea,
    former_until timestamptz,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT kit_now(),
    changed_at timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE site_channels IS 'How a channel on an organization''s own pages looks and works; options are JSON.';
COMMENT ON COLUMN site_channels.former_sealed IS 'The secret before the last rotation, good until former_until.';
CREATE UNIQUE INDEX site_channels_by_key ON site_channels (organization_id, public_key);
CREATE INDEX site_channels_listed ON site_channels (organization_id, created_at, channel_id);
ALTER TABLE site_channels ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON site_channels TO :app USING (
    organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[])
);
GRANT SELECT, INSERT, UPDATE ON site_channels TO :app;

CREATE TABLE held_submissions (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    channel_id uuid NOT NULL REFERENCES channels (id),
    content_sealed bytea NOT NULL,
    score integer NOT NULL,
    reasons text[] NOT NULL,
    state text NOT NULL DEFAULT 'held' CHECK (state IN ('held', 'released', 'discarded')),
    created_at timestamptz NOT NULL DEFAULT kit_now(),
    decided_at timestamptz
);
COMMENT ON TABLE held_submissions IS 'Forms that look like spam: kept apart until somebody releases them, thirty days at most.';
CREATE INDEX held_submissions_listed ON held_submissions (organization_id, state, created_at, id);
CREATE INDEX held_submissions_by_age ON held_submissions (created_at);
ALTER TABLE held_submissions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON held_submissions TO :app USING (
    organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[])
);
GRANT SELECT, INSERT, UPDATE, DELETE ON held_submissions TO :app;

-- Old ones go whoever's they are.
CREATE POLICY forgetting ON held_submissions TO :loops USING (true);
GRANT SELECT, UPDATE, DELETE ON held_submissions TO :loops;
CREATE FUNCTION held_submissions_purge(older_than interval, most integer) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        WITH gone AS (
            DELETE FROM held_submissions WHERE id = ANY (ARRAY(
                SELECT h.id FROM held_submissions AS h WHERE h.created_at < kit_now() - older_than
                ORDER BY h.created_at LIMIT most FOR UPDATE SKIP LOCKED))
            RETURNING id
        )
        SELECT count(*) FROM gone
    $$;
REVOKE ALL ON FUNCTION held_submissions_purge(interval, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION held_submissions_purge(interval, integer) TO :app;
ALTER FUNCTION held_submissions_purge(interval, integer) OWNER TO :loops;
