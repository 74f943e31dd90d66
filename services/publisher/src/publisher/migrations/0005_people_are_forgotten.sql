-- What names an account is sealed under a key of the account's own, and the platform's id is found by a keyed hash. The
-- old columns go at once and not a release later, since no release has had them. SQL has no keys, so rows that are
-- there cannot be sealed here: then nothing is changed.

-- Under forced row-level security the owner sees no row of any tenant, and would find the table empty.
ALTER TABLE connected_accounts NO FORCE ROW LEVEL SECURITY;
DO $$
BEGIN
    IF EXISTS (SELECT FROM connected_accounts) THEN
        RAISE EXCEPTION 'There are connected accounts whose names lie in clear and cannot be sealed by a migration; '
            'nothing was changed. No release has made such rows: `make clean-data` deletes this installation''s data, '
            'or go back to the version that made them.';
    END IF;
END
$$;
ALTER TABLE connected_accounts FORCE ROW LEVEL SECURITY;

DROP FUNCTION owners_of(text[], text[]);
DROP FUNCTION connected_elsewhere(text, text, uuid);

ALTER TABLE connected_accounts
    DROP COLUMN external_id,
    DROP COLUMN name,
    ADD COLUMN external_blind bytea CHECK (length(external_blind) = 32),
    ADD COLUMN external_sealed bytea,
    ADD COLUMN name_sealed bytea,
    ALTER COLUMN connected_by DROP NOT NULL,
    ADD UNIQUE (organization_id, platform, external_blind),
    ADD CONSTRAINT only_the_forgotten_are_nameless CHECK (
        (external_blind IS NOT NULL AND external_sealed IS NOT NULL AND name_sealed IS NOT NULL)
        OR (external_blind IS NULL AND external_sealed IS NULL AND name_sealed IS NULL AND access_token IS NULL
            AND refresh_token IS NULL AND connected_by IS NULL AND state = 'disconnected')
    );
COMMENT ON TABLE connected_accounts IS 'Accounts on platforms; tokens, name and the platform''s id are sealed under a key of the account''s own; external_blind is a keyed hash of that id, under a secret of the organization for a person''s account and of the platform for a page''s. tokens_id names this version of the tokens, good_until is when a person must reconnect at the latest, judge_at when its health is to be looked at again, told the health that was last told.';
CREATE INDEX connected_accounts_external ON connected_accounts (platform, external_blind);

CREATE FUNCTION owners_of(external_posts text[], account_blinds bytea[])
    RETURNS TABLE (place bigint, organization_id uuid) LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT asked.place, coalesce(
            (SELECT one.organization_id FROM deliveries AS one
             WHERE one.external_id = asked.post ORDER BY one.id LIMIT 1),
            (SELECT one.organization_id FROM connected_accounts AS one
             WHERE one.platform = 'linkedin' AND one.external_blind = asked.account ORDER BY one.id LIMIT 1)
        )
        FROM unnest(external_posts, account_blinds) WITH ORDINALITY AS asked (post, account, place)
    $$;
REVOKE ALL ON FUNCTION owners_of(text[], bytea[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION owners_of(text[], bytea[]) TO :app;
ALTER FUNCTION owners_of(text[], bytea[]) OWNER TO :loops;

CREATE FUNCTION connected_elsewhere(account_platform text, account bytea, organization uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT EXISTS (
            SELECT FROM connected_accounts AS one
            WHERE one.platform = account_platform AND one.external_blind = account
              AND one.organization_id <> organization AND one.state <> 'disconnected'
        )
    $$;
REVOKE ALL ON FUNCTION connected_elsewhere(text, bytea, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION connected_elsewhere(text, bytea, uuid) TO :app;
ALTER FUNCTION connected_elsewhere(text, bytea, uuid) OWNER TO :loops;

-- What handing over and letting go of a user takes: rows are found by whom they name, and name nobody afterwards.
ALTER TABLE posts ALTER COLUMN created_by DROP NOT NULL;
COMMENT ON COLUMN posts.created_by IS 'Empty once the user was forgotten.';
COMMENT ON COLUMN deliveries.resolved_by IS 'Empty also once the user was forgotten.';
COMMENT ON COLUMN connected_accounts.connected_by IS 'Empty once the user was forgotten.';
GRANT DELETE ON connections TO :app;

CREATE INDEX posts_by_author ON posts (created_by, id) WHERE created_by IS NOT NULL;
CREATE INDEX deliveries_by_resolver ON deliveries (resolved_by, id) WHERE resolved_by IS NOT NULL;
CREATE INDEX connected_accounts_by_user ON connected_accounts (connected_by, id) WHERE connected_by IS NOT NULL;
CREATE INDEX connections_by_user ON connections (user_id, id);

-- Who decided on it may be forgotten; nothing else of what is published changes.
CREATE OR REPLACE FUNCTION refuse_to_change_what_is_published() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.resolved_by IS NULL AND OLD.resolved_by IS NOT NULL
       AND to_jsonb(NEW) - '{resolved_by,version,changed_at}'::text[]
           = to_jsonb(OLD) - '{resolved_by,version,changed_at}'::text[] THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a published delivery does not change';
END
$$;

-- Where a user is known, for those who are asked about them without an organization.
CREATE POLICY looking ON posts FOR SELECT TO :loops USING (true);
GRANT SELECT (organization_id, created_by) ON posts TO :loops;

CREATE FUNCTION organizations_of_user(wanted uuid) RETURNS TABLE (organization_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT one.organization_id FROM posts AS one WHERE one.created_by = wanted
        UNION
        SELECT one.organization_id FROM deliveries AS one WHERE one.resolved_by = wanted
        UNION
        SELECT one.organization_id FROM connected_accounts AS one WHERE one.connected_by = wanted
        UNION
        SELECT one.organization_id FROM connections AS one WHERE one.user_id = wanted
    $$;
REVOKE ALL ON FUNCTION organizations_of_user(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION organizations_of_user(uuid) TO :app;
ALTER FUNCTION organizations_of_user(uuid) OWNER TO :loops;
