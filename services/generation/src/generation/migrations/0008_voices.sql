-- Brand voices: what they are learned from, and how they speak, all sealed.

CREATE TABLE voices (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    name_sealed     bytea NOT NULL,
    is_default      boolean NOT NULL DEFAULT false,
    latest          integer NOT NULL DEFAULT 1 CHECK (latest >= 1),
    current         integer CHECK (current BETWEEN 1 AND latest),
    version         bigint NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    changed_at      timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE voices IS 'A brand voice of an organization: latest is the number of its newest version, current that of the newest that is ready; is_default is the one that is used where none is named.';
CREATE INDEX voices_newest ON voices (organization_id, id DESC);
CREATE UNIQUE INDEX voices_default ON voices (organization_id) WHERE is_default;
ALTER TABLE voices ENABLE ROW LEVEL SECURITY;
ALTER TABLE voices FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON voices TO :app USING (
    organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[])
);
GRANT SELECT, INSERT, UPDATE, DELETE ON voices TO :app;

CREATE TABLE voice_versions (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    voice_id        uuid NOT NULL REFERENCES voices ON DELETE CASCADE,
    number          integer NOT NULL CHECK (number >= 1),
    created_by      uuid,
    state           text NOT NULL CHECK (state IN ('learning', 'ready', 'failed')),
    reason          text NOT NULL DEFAULT '',
    rules_sealed    bytea NOT NULL,
    profile_sealed  bytea,
    samples         integer NOT NULL DEFAULT 0,
    words           integer NOT NULL DEFAULT 0,
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    ended_at        timestamptz,
    UNIQUE (voice_id, number),
    CONSTRAINT what_is_ready_has_a_profile CHECK ((state = 'ready') = (profile_sealed IS NOT NULL))
);
COMMENT ON TABLE voice_versions IS 'What was learned of a voice at one time: rules that people set, and a measured profile; one that is ready never changes.';
CREATE INDEX voice_versions_learning ON voice_versions (created_at) WHERE state = 'learning';
CREATE INDEX voice_versions_by ON voice_versions (created_by, id) WHERE created_by IS NOT NULL;
ALTER TABLE voice_versions ENABLE ROW LEVEL SECURITY;
ALTER TABLE voice_versions FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON voice_versions TO :app USING (
    organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[])
);
GRANT SELECT, INSERT, UPDATE ON voice_versions TO :app;

CREATE TABLE voice_samples (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    voice_id        uuid NOT NULL REFERENCES voices ON DELETE CASCADE,
    source          text NOT NULL CHECK (source IN ('text', 'url', 'posts')),
    state           text NOT NULL CHECK (state IN ('waiting', 'ready', 'failed')),
    reason          text NOT NULL DEFAULT '',
    origin_sealed   bytea NOT NULL,
    text_sealed     bytea,
    since_version   integer NOT NULL,
    until_version   integer,
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    CONSTRAINT what_is_ready_has_a_text CHECK ((state = 'ready') = (text_sealed IS NOT NULL))
);
COMMENT ON TABLE voice_samples IS 'What a voice is learned from: a text, a page, or published posts; counts for the versions from since_version on and before until_version.';
CREATE INDEX voice_samples_of ON voice_samples (voice_id, id);
ALTER TABLE voice_samples ENABLE ROW LEVEL SECURITY;
ALTER TABLE voice_samples FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON voice_samples TO :app USING (
    organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[])
);
GRANT SELECT, INSERT, UPDATE ON voice_samples TO :app;

-- Versions that wait for nothing more; what has not come within an hour will not.
CREATE POLICY looking ON voice_versions FOR SELECT TO :loops USING (true);
GRANT SELECT (id, organization_id, voice_id, number, state, created_at, created_by) ON voice_versions TO :loops;
CREATE POLICY looking ON voice_samples FOR SELECT TO :loops USING (true);
GRANT SELECT (voice_id, state, since_version, until_version, created_at) ON voice_samples TO :loops;
CREATE FUNCTION voices_to_learn(at_most integer) RETURNS TABLE (id uuid, organization_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT due.id, due.organization_id FROM voice_versions AS due
        WHERE due.state = 'learning' AND NOT EXISTS (
            SELECT FROM voice_samples AS one
            WHERE one.voice_id = due.voice_id AND one.state = 'waiting' AND one.since_version <= due.number
              AND (one.until_version IS NULL OR one.until_version > due.number)
              AND one.created_at > kit_now() - interval '1 hour'
        )
        ORDER BY due.created_at LIMIT at_most
    $$;
REVOKE ALL ON FUNCTION voices_to_learn(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION voices_to_learn(integer) TO :app;
ALTER FUNCTION voices_to_learn(integer) OWNER TO :loops;

-- Where a user is known by a voice.
CREATE FUNCTION voices_organizations_of_user(wanted uuid) RETURNS TABLE (organization_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT DISTINCT one.organization_id FROM voice_versions AS one WHERE one.created_by = wanted
    $$;
REVOKE ALL ON FUNCTION voices_organizations_of_user(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION voices_organizations_of_user(uuid) TO :app;
ALTER FUNCTION voices_organizations_of_user(uuid) OWNER TO :loops;
