-- How far somebody has come with their first steps in an organization, and subscriptions bought before there was one.

CREATE TABLE onboardings (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations,
    member_id       uuid NOT NULL UNIQUE REFERENCES members ON DELETE CASCADE,
    done            text[] NOT NULL DEFAULT '{}',
    skipped         text[] NOT NULL DEFAULT '{}',
    goals           text[] NOT NULL DEFAULT '{}',
    template        text,
    post_id         uuid,
    completed_at    timestamptz,
    version         bigint NOT NULL DEFAULT 1,
    changed_at      timestamptz NOT NULL DEFAULT kit_now(),
    CHECK ((completed_at IS NULL) = (post_id IS NULL))
);
COMMENT ON TABLE onboardings IS 'First steps of a member: which are done or skipped, what was chosen; post_id is that of the draft that completion has made.';
ALTER TABLE onboardings ENABLE ROW LEVEL SECURITY;
ALTER TABLE onboardings FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON onboardings TO :app USING (
    organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[])
);
GRANT SELECT, INSERT, UPDATE, DELETE ON onboardings TO :app;

CREATE TABLE subscription_claims (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations,
    code_hash       bytea NOT NULL CHECK (length(code_hash) = 32),
    claimed_by      uuid REFERENCES members ON DELETE SET NULL,
    state           text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'linked', 'withdrawn')),
    version         bigint NOT NULL DEFAULT 1,
    expires_at      timestamptz NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE subscription_claims IS 'Codes of subscriptions bought before signing up, as organizations have claimed them: a pending one past expires_at has lapsed.';
CREATE UNIQUE INDEX subscription_claims_of_a_code ON subscription_claims (code_hash) WHERE state <> 'withdrawn';
CREATE UNIQUE INDEX subscription_claims_pending_once ON subscription_claims (organization_id) WHERE state = 'pending';
CREATE INDEX subscription_claims_in_order ON subscription_claims (organization_id, id);
CREATE INDEX subscription_claims_by_member ON subscription_claims (claimed_by) WHERE claimed_by IS NOT NULL;
ALTER TABLE subscription_claims ENABLE ROW LEVEL SECURITY;
ALTER TABLE subscription_claims FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON subscription_claims TO :app USING (
    organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[])
);
GRANT SELECT, INSERT, UPDATE ON subscription_claims TO :app;

-- A code that somebody claimed and nobody confirmed in time can be claimed by another organization: the one question
-- that crosses tenants, and only about the one code named.
CREATE POLICY lapsing ON subscription_claims TO :loops USING (true);
GRANT SELECT, UPDATE ON subscription_claims TO :loops;

CREATE FUNCTION lapse_claims_of(code bytea) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        WITH lapsed AS (
            UPDATE subscription_claims SET state = 'withdrawn', version = version + 1
            WHERE code_hash = code AND state = 'pending' AND expires_at <= kit_now()
            RETURNING id
        )
        SELECT count(*) FROM lapsed
    $$;
REVOKE ALL ON FUNCTION lapse_claims_of(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lapse_claims_of(bytea) TO :app;
ALTER FUNCTION lapse_claims_of(bytea) OWNER TO :loops;
