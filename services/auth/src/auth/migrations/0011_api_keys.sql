-- API keys: what programs of an organization's own show.

CREATE TABLE api_keys (
    id                uuid PRIMARY KEY,
    organization_id   uuid NOT NULL REFERENCES organizations,
    name              text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    role              text NOT NULL
        CHECK (role IN ('admin', 'editor', 'approver', 'agent', 'analyst', 'client', 'provider', 'navigator')),
    scopes            text[] NOT NULL CHECK (cardinality(scopes) BETWEEN 1 AND 50),
    allowed_addresses text[] NOT NULL CHECK (cardinality(allowed_addresses) <= 50),
    secret_hash       bytea NOT NULL CHECK (length(secret_hash) = 32),
    hint              text NOT NULL,
    made_by           uuid REFERENCES users,
    replaced_by       uuid,
    version           bigint NOT NULL DEFAULT 1,
    expires_at        timestamptz NOT NULL,
    ended_at          timestamptz,
    last_used_at      timestamptz,
    created_at        timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE api_keys IS 'Keys of organizations for their own programs: secret_hash is keyed, no key is an owner. replaced_by names the successor of one that was rotated, which is good until expires_at. They belong to the organization and outlive who made them.';
ALTER TABLE api_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE api_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON api_keys TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON api_keys TO :app;
CREATE INDEX api_keys_in_order ON api_keys (organization_id, id);
CREATE INDEX api_keys_by_maker ON api_keys (made_by, id) WHERE made_by IS NOT NULL;

-- Where a person has made keys: ids of organizations only, and only of the one person named.
CREATE POLICY knowing ON api_keys FOR SELECT TO :loops USING (true);
GRANT SELECT (organization_id, made_by) ON api_keys TO :loops;

CREATE FUNCTION organizations_of_maker(person uuid) RETURNS TABLE (organization_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT DISTINCT k.organization_id FROM api_keys AS k WHERE k.made_by = person
    $$;
REVOKE ALL ON FUNCTION organizations_of_maker(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION organizations_of_maker(uuid) TO :app;
ALTER FUNCTION organizations_of_maker(uuid) OWNER TO :loops;
