-- Connected accounts with their sealed tokens, posts, and the way of each post to each account.

CREATE TABLE connected_accounts (
    id                 uuid PRIMARY KEY,
    organization_id    uuid NOT NULL,
    platform           text NOT NULL CHECK (platform IN ('linkedin')),
    kind               text NOT NULL CHECK (kind IN ('member', 'organization')),
    external_id        text NOT NULL,
    name               text NOT NULL,
    scopes             text[] NOT NULL,
    state              text NOT NULL CHECK (state IN ('connected', 'reconnect_needed', 'disconnected')),
    reason             text NOT NULL DEFAULT '',
    told               text NOT NULL DEFAULT 'connected' CHECK (told IN ('connected', 'expiring', 'reconnect_needed')),
    connected_by       uuid NOT NULL,
    access_token       bytea,
    access_expires_at  timestamptz,
    refresh_token      bytea,
    refresh_expires_at timestamptz,
    tokens_id          uuid NOT NULL,
    tokens_at          timestamptz NOT NULL DEFAULT kit_now(),
    good_until         timestamptz,
    judge_at           timestamptz,
    version            bigint NOT NULL DEFAULT 1,
    created_at         timestamptz NOT NULL DEFAULT kit_now(),
    changed_at         timestamptz NOT NULL DEFAULT kit_now(),
    UNIQUE (organization_id, platform, external_id)
);
COMMENT ON TABLE connected_accounts IS 'Accounts on platforms; tokens are sealed; tokens_id names this version of the tokens, good_until is when a person must reconnect at the latest, judge_at when its health is to be looked at again, told the health that was last told.';
CREATE UNIQUE INDEX connected_accounts_tokens ON connected_accounts (tokens_id);
CREATE INDEX connected_accounts_judge ON connected_accounts (judge_at) WHERE judge_at IS NOT NULL;
CREATE INDEX connected_accounts_external ON connected_accounts (platform, external_id);
ALTER TABLE connected_accounts ENABLE ROW LEVEL SECURITY;
ALTER TABLE connected_accounts FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON connected_accounts TO :app USING (organization_id = ANY (current_setting('app.orgs')::uuid[]));
GRANT SELECT, INSERT, UPDATE ON connected_accounts TO :app;

CREATE TABLE connections (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    user_id         uuid NOT NULL,
    session_id      uuid NOT NULL,
    platform        text NOT NULL,
    kind            text NOT NULL,
    state_hash      bytea NOT NULL UNIQUE,
    browser_hash    bytea NOT NULL,
    code            bytea,
    connected       uuid[] NOT NULL DEFAULT '{}',
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    expires_at      timestamptz NOT NULL,
    used_at         timestamptz
);
COMMENT ON TABLE connections IS 'Consents that were asked for: whose, from which session and browser; only hashes of their secrets, and the sealed code until it is exchanged.';
CREATE INDEX connections_old ON connections (expires_at);
ALTER TABLE connections ENABLE ROW LEVEL SECURITY;
ALTER TABLE connections FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON connections TO :app USING (organization_id = ANY (current_setting('app.orgs')::uuid[]));
GRANT SELECT, INSERT, UPDATE ON connections TO :app;

CREATE TABLE posts (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    text            text NOT NULL,
    status          text NOT NULL CHECK (status IN ('draft', 'scheduled', 'published', 'failed', 'checking', 'unconfirmed', 'cancelled')),
    publish_at      timestamptz,
    local_time      timestamp,
    zone            text,
    fold            smallint CHECK (fold IN (0, 1)),
    created_by      uuid NOT NULL,
    version         bigint NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    changed_at      timestamptz NOT NULL DEFAULT kit_now(),
    CHECK ((local_time IS NULL) = (zone IS NULL)),
    CHECK (status = 'draft' OR publish_at IS NOT NULL)
);
COMMENT ON TABLE posts IS 'What is to be said, and when: the instant, and beside it the wall clock and zone in which a person chose it.';
CREATE INDEX posts_newest ON posts (organization_id, id DESC);
CREATE INDEX posts_by_status ON posts (organization_id, status, id DESC);
CREATE INDEX posts_by_time ON posts (organization_id, publish_at);
ALTER TABLE posts ENABLE ROW LEVEL SECURITY;
ALTER TABLE posts FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON posts TO :app USING (organization_id = ANY (current_setting('app.orgs')::uuid[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON posts TO :app;

CREATE TABLE deliveries (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    post_id         uuid NOT NULL REFERENCES posts ON DELETE CASCADE,
    account_id      uuid NOT NULL REFERENCES connected_accounts,
    platform        text NOT NULL,
    text            text,
    status          text NOT NULL CHECK (status IN ('draft', 'scheduled', 'published', 'failed', 'checking', 'unconfirmed', 'cancelled')),
    external_id     text,
    url             text,
    reason          text NOT NULL DEFAULT '',
    code            text NOT NULL DEFAULT '',
    first_called_at timestamptz,
    published_at    timestamptz,
    resolved_by     uuid,
    version         bigint NOT NULL DEFAULT 1,
    changed_at      timestamptz NOT NULL DEFAULT kit_now(),
    UNIQUE (post_id, account_id),
    UNIQUE (account_id, external_id)
);
COMMENT ON TABLE deliveries IS 'The way of one post to one account; its status follows the ledger. Published ones never change.';
CREATE INDEX deliveries_by_account ON deliveries (organization_id, account_id, post_id);
CREATE INDEX deliveries_live ON deliveries (external_id) WHERE external_id IS NOT NULL;
CREATE INDEX deliveries_published ON deliveries (account_id, published_at) WHERE published_at IS NOT NULL;
CREATE INDEX deliveries_checking ON deliveries (account_id, id) WHERE status = 'checking';
ALTER TABLE deliveries ENABLE ROW LEVEL SECURITY;
ALTER TABLE deliveries FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON deliveries TO :app USING (organization_id = ANY (current_setting('app.orgs')::uuid[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON deliveries TO :app;

CREATE FUNCTION refuse_to_change_what_is_published() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a published delivery does not change';
END
$$;
CREATE TRIGGER published_stays BEFORE UPDATE ON deliveries FOR EACH ROW
    WHEN (OLD.status = 'published') EXECUTE FUNCTION refuse_to_change_what_is_published();

CREATE TABLE engagements (
    delivery_id     uuid PRIMARY KEY REFERENCES deliveries ON DELETE CASCADE,
    organization_id uuid NOT NULL,
    reactions       bigint NOT NULL DEFAULT 0,
    comments        bigint NOT NULL DEFAULT 0,
    shares          bigint NOT NULL DEFAULT 0,
    version         bigint NOT NULL DEFAULT 1,
    changed_at      timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE engagements IS 'What people did to what was published, as far as the platform told us.';
ALTER TABLE engagements ENABLE ROW LEVEL SECURITY;
ALTER TABLE engagements FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON engagements TO :app USING (organization_id = ANY (current_setting('app.orgs')::uuid[]));
GRANT SELECT, INSERT, UPDATE ON engagements TO :app;

-- Rights on a function are settled before it is given away: the owner may not grant on what the loops role owns.

-- A browser comes back with a state and nothing else: whose it is, is found here. It is spent by this, whatever follows.
CREATE POLICY taking ON connections FOR SELECT TO :loops USING (true);
CREATE POLICY spending ON connections FOR UPDATE TO :loops USING (true);
CREATE POLICY sweeping ON connections FOR DELETE TO :loops USING (true);
GRANT SELECT, UPDATE (used_at), DELETE ON connections TO :loops;

CREATE FUNCTION take_connection(hash bytea)
    RETURNS TABLE (id uuid, organization_id uuid, user_id uuid, session_id uuid, platform text, kind text,
                   browser_hash bytea, expires_at timestamptz)
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = :schema, kit, pg_temp
    AS $$
        UPDATE connections AS taken SET used_at = kit_now()
        WHERE taken.state_hash = hash AND taken.used_at IS NULL
        RETURNING taken.id, taken.organization_id, taken.user_id, taken.session_id, taken.platform, taken.kind,
                  taken.browser_hash, taken.expires_at
    $$;
REVOKE ALL ON FUNCTION take_connection(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION take_connection(bytea) TO :app;
ALTER FUNCTION take_connection(bytea) OWNER TO :loops;

CREATE FUNCTION forget_connections() RETURNS bigint LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        WITH gone AS (
            DELETE FROM connections WHERE id IN (
                SELECT id FROM connections WHERE expires_at < kit_now() - interval '1 day' LIMIT 1000
            ) RETURNING 1
        )
        SELECT count(*) FROM gone
    $$;
REVOKE ALL ON FUNCTION forget_connections() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION forget_connections() TO :app;
ALTER FUNCTION forget_connections() OWNER TO :loops;

CREATE POLICY judging ON connected_accounts FOR SELECT TO :loops USING (true);
GRANT SELECT ON connected_accounts TO :loops;

CREATE FUNCTION accounts_to_judge(at_most integer) RETURNS TABLE (id uuid, organization_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT due.id, due.organization_id FROM connected_accounts AS due
        WHERE due.judge_at <= kit_now() ORDER BY due.judge_at LIMIT at_most
    $$;
REVOKE ALL ON FUNCTION accounts_to_judge(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION accounts_to_judge(integer) TO :app;
ALTER FUNCTION accounts_to_judge(integer) OWNER TO :loops;

-- A notification names a post, or the page it is about: the organization that published the post, else the one that
-- connected the page first.
CREATE POLICY owning ON deliveries FOR SELECT TO :loops USING (true);
GRANT SELECT ON deliveries TO :loops;

CREATE FUNCTION owners_of(external_posts text[], external_accounts text[])
    RETURNS TABLE (place bigint, organization_id uuid) LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT asked.place, coalesce(
            (SELECT one.organization_id FROM deliveries AS one
             WHERE one.external_id = asked.post ORDER BY one.id LIMIT 1),
            (SELECT one.organization_id FROM connected_accounts AS one
             WHERE one.platform = 'linkedin' AND one.external_id = asked.account ORDER BY one.id LIMIT 1)
        )
        FROM unnest(external_posts, external_accounts) WITH ORDINALITY AS asked (post, account, place)
    $$;
REVOKE ALL ON FUNCTION owners_of(text[], text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION owners_of(text[], text[]) TO :app;
ALTER FUNCTION owners_of(text[], text[]) OWNER TO :loops;
