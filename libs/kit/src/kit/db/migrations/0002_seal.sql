-- Keys for fields sealed at rest: a subject's key is wrapped by its organization's, that one by the master key.

CREATE TABLE seal_keys (
    id              uuid PRIMARY KEY,
    organization_id uuid,
    subject         text NOT NULL DEFAULT '' CHECK (subject = '' OR subject ~ '^[a-z][a-z_-]{0,40}:[0-9a-f-]{32,64}$'),
    version         integer NOT NULL DEFAULT 1,
    parent_id       uuid REFERENCES seal_keys,
    master_key_id   text,
    wrapped         bytea,
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    retired_at      timestamptz,
    shredded_at     timestamptz,
    CHECK ((wrapped IS NULL) = (shredded_at IS NOT NULL)),
    CHECK (wrapped IS NULL OR (parent_id IS NULL) = (subject = '')),
    CHECK (wrapped IS NULL OR (master_key_id IS NULL) = (subject <> ''))
);
COMMENT ON TABLE seal_keys IS 'Wrapped keys by owner and version; an organization of NULL is the platform itself, a subject of '''' the organization itself; a shredded key has no bytes left.';
CREATE UNIQUE INDEX seal_keys_by_owner
    ON seal_keys (coalesce(organization_id, '00000000-0000-0000-0000-000000000000'), subject, version);
CREATE INDEX seal_keys_by_parent ON seal_keys (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX seal_keys_shredded ON seal_keys (shredded_at) WHERE shredded_at IS NOT NULL;
CREATE INDEX seal_keys_under_master ON seal_keys (id) WHERE master_key_id IS NOT NULL AND wrapped IS NOT NULL;
ALTER TABLE seal_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE seal_keys FORCE ROW LEVEL SECURITY;
-- The platform's own keys are there without any tenant, so the setting may be missing or empty.
CREATE POLICY tenant ON seal_keys TO :app USING (
    organization_id IS NULL
    OR organization_id = ANY (nullif(current_setting('app.orgs', true), '')::uuid[])
);
GRANT SELECT, INSERT ON seal_keys TO :app;
GRANT UPDATE (master_key_id, wrapped, retired_at, shredded_at) ON seal_keys TO :app;

-- Which keys every process must forget, and which are still wrapped by an older master key: questions across tenants.
CREATE POLICY looking ON seal_keys FOR SELECT TO :loops USING (true);
GRANT SELECT ON seal_keys TO :loops;

CREATE FUNCTION seal_keys_shredded_within(seconds double precision)
    RETURNS TABLE (organization_id uuid, subject text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT k.organization_id, k.subject FROM seal_keys AS k
        WHERE k.shredded_at > kit_now() - make_interval(secs => seconds)
    $$;
REVOKE ALL ON FUNCTION seal_keys_shredded_within(double precision) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION seal_keys_shredded_within(double precision) TO :app;
ALTER FUNCTION seal_keys_shredded_within(double precision) OWNER TO :loops;

CREATE FUNCTION seal_keys_under_master(after_key uuid, at_most integer)
    RETURNS TABLE (id uuid, organization_id uuid, master_key_id text, wrapped bytea)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT k.id, k.organization_id, k.master_key_id, k.wrapped FROM seal_keys AS k
        WHERE k.id > after_key AND k.master_key_id IS NOT NULL AND k.wrapped IS NOT NULL
        ORDER BY k.id LIMIT at_most
    $$;
REVOKE ALL ON FUNCTION seal_keys_under_master(uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION seal_keys_under_master(uuid, integer) TO :app;
ALTER FUNCTION seal_keys_under_master(uuid, integer) OWNER TO :loops;
