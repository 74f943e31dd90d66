-- What a post is besides its text, and what follows on the way of a delivery.

ALTER TABLE connected_accounts
    ADD COLUMN grantor_blind bytea CHECK (length(grantor_blind) = 32);
COMMENT ON COLUMN connected_accounts.grantor_blind IS 'A keyed hash of the platform''s id of the person who gave the permission, the same in all organizations, since platforms tell that it was taken back without naming any.';
CREATE INDEX connected_accounts_grantor ON connected_accounts (platform, grantor_blind) WHERE grantor_blind IS NOT NULL;

ALTER TABLE posts
    ADD COLUMN content jsonb NOT NULL DEFAULT '{}',
    DROP CONSTRAINT posts_status_check,
    ADD CONSTRAINT posts_status_check CHECK (
        status IN ('draft', 'scheduled', 'processing', 'published', 'failed', 'checking', 'unconfirmed', 'cancelled')
    );
COMMENT ON COLUMN posts.content IS 'Kind, title, link, pictures and videos, first comment, parts of a thread and options; what is not said is left out.';

ALTER TABLE deliveries
    ADD COLUMN content jsonb,
    DROP CONSTRAINT deliveries_status_check,
    ADD CONSTRAINT deliveries_status_check CHECK (
        status IN ('draft', 'scheduled', 'processing', 'published', 'failed', 'checking', 'unconfirmed', 'cancelled')
    );
COMMENT ON COLUMN deliveries.content IS 'What it is there instead of the post''s own content.';

CREATE TABLE delivery_steps (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    delivery_id     uuid NOT NULL REFERENCES deliveries ON DELETE CASCADE,
    what            text NOT NULL CHECK (what IN ('processing', 'finalize', 'part', 'comment', 'removal')),
    part            smallint NOT NULL DEFAULT 0 CHECK (part BETWEEN 0 AND 100),
    status          text NOT NULL DEFAULT 'scheduled'
        CHECK (status IN ('scheduled', 'processing', 'published', 'failed', 'checking', 'unconfirmed', 'cancelled')),
    handle          bytea,
    external_id     text,
    url             text,
    reason          text NOT NULL DEFAULT '',
    code            text NOT NULL DEFAULT '',
    began_at        timestamptz NOT NULL DEFAULT kit_now(),
    first_called_at timestamptz,
    changed_at      timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE delivery_steps IS 'What comes after the first call of a delivery, each the subject of its own effect: waiting for the platform''s processing and the next step with what is ready (both go when they are done), the parts of a thread, the first comment, taking it down. Part 0 is the post itself; handle is what the platform calls what it works on, sealed.';
CREATE UNIQUE INDEX delivery_steps_once ON delivery_steps (delivery_id, what, part)
    WHERE what IN ('part', 'comment', 'removal');
CREATE INDEX delivery_steps_of ON delivery_steps (delivery_id, part);
ALTER TABLE delivery_steps ENABLE ROW LEVEL SECURITY;
ALTER TABLE delivery_steps FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON delivery_steps TO :app USING (
    organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[])
);
GRANT SELECT, INSERT, UPDATE, DELETE ON delivery_steps TO :app;

-- A notification names a post, or the account it is about: of which platform, is known by where it came in.
DROP FUNCTION owners_of(text[], bytea[]);
CREATE FUNCTION owners_of(told_by text, external_posts text[], account_blinds bytea[])
    RETURNS TABLE (place bigint, organization_id uuid) LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT asked.place, coalesce(
            (SELECT one.organization_id FROM deliveries AS one
             WHERE one.external_id = asked.post AND one.platform = told_by ORDER BY one.id LIMIT 1),
            (SELECT one.organization_id FROM connected_accounts AS one
             WHERE one.platform = told_by AND one.external_blind = asked.account ORDER BY one.id LIMIT 1)
        )
        FROM unnest(external_posts, account_blinds) WITH ORDINALITY AS asked (post, account, place)
    $$;
REVOKE ALL ON FUNCTION owners_of(text, text[], bytea[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION owners_of(text, text[], bytea[]) TO :app;
ALTER FUNCTION owners_of(text, text[], bytea[]) OWNER TO :loops;
