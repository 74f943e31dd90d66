-- Mails on their way out, and addresses that must not be mailed.

CREATE TABLE outgoing_mails (
    id              uuid PRIMARY KEY,
    organization_id uuid,
    category        text NOT NULL,
    template        text NOT NULL,
    locale          text NOT NULL,
    about           uuid,
    detail          uuid,
    address         bytea,
    address_hash    bytea,
    parameters      bytea,
    message_id      text NOT NULL,
    dedupe_key      text NOT NULL CHECK (length(dedupe_key) <= 200),
    status          text NOT NULL DEFAULT 'pending'
        CHECK (status IN ('pending', 'sent', 'refused', 'unknown', 'unconfirmed', 'withdrawn')),
    tries           integer NOT NULL DEFAULT 0,
    unknowns        integer NOT NULL DEFAULT 0,
    code            text NOT NULL DEFAULT '',
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    settled_at      timestamptz,
    CHECK ((address IS NULL) = (parameters IS NULL) AND (address IS NULL OR address_hash IS NOT NULL)),
    CHECK ((status IN ('pending', 'unknown')) = (settled_at IS NULL))
);
COMMENT ON TABLE outgoing_mails IS 'Mails by reference, or with address and parameters sealed; neither address nor text stands here in clear. The ledger says when each is sent.';
CREATE UNIQUE INDEX outgoing_mails_once
    ON outgoing_mails (coalesce(organization_id, '00000000-0000-0000-0000-000000000000'), dedupe_key);
CREATE INDEX outgoing_mails_about ON outgoing_mails (about, created_at) WHERE about IS NOT NULL;
CREATE INDEX outgoing_mails_by_end ON outgoing_mails (settled_at) WHERE settled_at IS NOT NULL;
ALTER TABLE outgoing_mails ENABLE ROW LEVEL SECURITY;
ALTER TABLE outgoing_mails FORCE ROW LEVEL SECURITY;
-- Mails of the platform itself are there without any tenant, so the setting may be missing or empty.
CREATE POLICY tenant ON outgoing_mails TO :app USING (
    organization_id IS NULL
    OR organization_id = ANY (nullif(current_setting('app.orgs', true), '')::uuid[])
);
GRANT SELECT, INSERT, UPDATE ON outgoing_mails TO :app;

-- Old mails of all tenants are forgotten together.
CREATE POLICY forgetting ON outgoing_mails TO :loops USING (true);
GRANT SELECT, DELETE ON outgoing_mails TO :loops;

CREATE FUNCTION forget_mails(older_than interval, at_most integer) RETURNS bigint
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        WITH forgotten AS (
            DELETE FROM outgoing_mails
            WHERE id IN (SELECT id FROM outgoing_mails WHERE settled_at < kit_now() - older_than LIMIT at_most)
            RETURNING id
        )
        SELECT count(*) FROM forgotten
    $$;
REVOKE ALL ON FUNCTION forget_mails(interval, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION forget_mails(interval, integer) TO :app;
ALTER FUNCTION forget_mails(interval, integer) OWNER TO :loops;

CREATE TABLE mail_suppressions (
    address_hash bytea NOT NULL,
    reason       text NOT NULL CHECK (reason IN ('hard-bounce', 'complaint', 'unsubscribed')),
    category     text NOT NULL DEFAULT '',
    until        timestamptz,
    created_at   timestamptz NOT NULL DEFAULT kit_now(),
    PRIMARY KEY (address_hash, reason, category),
    CHECK ((category <> '') = (reason = 'unsubscribed'))
);
COMMENT ON TABLE mail_suppressions IS 'Addresses, as keyed hashes, that are not mailed: they do not exist, complained, or do not want a category.';
GRANT SELECT, INSERT, UPDATE, DELETE ON mail_suppressions TO :app;
