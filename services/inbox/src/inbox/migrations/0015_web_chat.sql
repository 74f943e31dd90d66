-- Visitors of web chats: known by a random token of which only the hash is kept, or by what the organization's server
-- has signed.

CREATE TABLE chat_visitors (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    channel_id uuid NOT NULL REFERENCES channels (id),
    token_hash bytea NOT NULL,
    token_at timestamptz NOT NULL DEFAULT kit_now(),
    former_hash bytea,
    former_until timestamptz,
    visitor_blind bytea NOT NULL,
    customer_blind bytea,
    customer_sealed bytea,
    introduced boolean NOT NULL DEFAULT false,
    next_at timestamptz NOT NULL DEFAULT 'epoch',
    created_at timestamptz NOT NULL DEFAULT kit_now(),
    seen_at timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE chat_visitors IS 'A browser that a web chat knows again, and whose it is where that was proven.';
COMMENT ON COLUMN chat_visitors.next_at IS 'How far the visitor has used up what they may send (GCRA): while it lies too far ahead, they wait.';
COMMENT ON COLUMN chat_visitors.introduced IS 'Whether they have answered what is asked before one writes.';
CREATE UNIQUE INDEX chat_visitors_by_token ON chat_visitors (channel_id, token_hash);
CREATE INDEX chat_visitors_by_former ON chat_visitors (channel_id, former_hash) WHERE former_hash IS NOT NULL;
CREATE INDEX chat_visitors_by_blind ON chat_visitors (organization_id, visitor_blind);
CREATE INDEX chat_visitors_by_age ON chat_visitors (seen_at);
ALTER TABLE chat_visitors ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON chat_visitors TO :app USING (
    organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[])
);
GRANT SELECT, INSERT, UPDATE, DELETE ON chat_visitors TO :app;

-- Who has not come for long is forgotten, whoever's visitor they are.
CREATE POLICY forgetting ON chat_visitors TO :loops USING (true);
GRANT SELECT, UPDATE, DELETE ON chat_visitors TO :loops;
CREATE FUNCTION chat_visitors_purge(older_than interval, most integer) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        WITH gone AS (
            DELETE FROM chat_visitors WHERE id = ANY (ARRAY(
                SELECT v.id FROM chat_visitors AS v WHERE v.seen_at < kit_now() - older_than
                ORDER BY v.seen_at LIMIT most FOR UPDATE SKIP LOCKED))
            RETURNING id
        )
        SELECT count(*) FROM gone
    $$;
REVOKE ALL ON FUNCTION chat_visitors_purge(interval, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION chat_visitors_purge(interval, integer) TO :app;
ALTER FUNCTION chat_visitors_purge(interval, integer) OWNER TO :loops;
