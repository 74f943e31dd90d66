-- OAuth 2.1: programs of partners, what people are asked for, what they have granted, and that they would again.

CREATE TABLE oauth_clients (
    id               uuid PRIMARY KEY,
    organization_id  uuid NOT NULL REFERENCES organizations,
    name             text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    public           boolean NOT NULL,
    redirect_uris    text[] NOT NULL CHECK (cardinality(redirect_uris) <= 20),
    scopes           text[] NOT NULL CHECK (cardinality(scopes) BETWEEN 1 AND 50),
    role             text
        CHECK (role IN ('admin', 'editor', 'approver', 'agent', 'analyst', 'client', 'provider', 'navigator')),
    secret_hash      bytea CHECK (length(secret_hash) = 32),
    old_secret_hash  bytea CHECK (length(old_secret_hash) = 32),
    old_secret_until timestamptz,
    made_by          uuid REFERENCES users,
    version          bigint NOT NULL DEFAULT 1,
    ended_at         timestamptz,
    created_at       timestamptz NOT NULL DEFAULT kit_now(),
    CHECK (public = (secret_hash IS NULL)),
    CHECK (role IS NULL OR NOT public)
);
COMMENT ON TABLE oauth_clients IS 'Programs that organizations have registered: public ones prove nothing of themselves, others show a secret of which a keyed hash is kept, the old one until old_secret_until. role is what a program is in its own organization when it acts for nobody.';
ALTER TABLE oauth_clients ENABLE ROW LEVEL SECURITY;
ALTER TABLE oauth_clients FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON oauth_clients TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE ON oauth_clients TO :app;
CREATE INDEX oauth_clients_in_order ON oauth_clients (organization_id, id);
CREATE INDEX oauth_clients_by_maker ON oauth_clients (made_by, id) WHERE made_by IS NOT NULL;

CREATE TABLE oauth_requests (
    id             uuid PRIMARY KEY,
    client_id      uuid NOT NULL REFERENCES oauth_clients,
    redirect_uri   text NOT NULL,
    stated         boolean NOT NULL,
    scopes         text[] NOT NULL,
    state          text,
    nonce          text,
    code_challenge text NOT NULL,
    asks_again     boolean NOT NULL,
    expires_at     timestamptz NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE oauth_requests IS 'Requests of programs that nobody has decided yet; stated says whether the program named the address, asks_again that a consent given before is not enough.';
CREATE INDEX oauth_requests_by_expiry ON oauth_requests (expires_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON oauth_requests TO :app;

CREATE TABLE oauth_grants (
    id               uuid PRIMARY KEY,
    client_id        uuid NOT NULL REFERENCES oauth_clients,
    user_id          uuid NOT NULL REFERENCES users,
    organization_id  uuid NOT NULL,
    scopes           text[] NOT NULL,
    epoch            bigint NOT NULL,
    redirect_uri     text,
    code_challenge   text NOT NULL,
    nonce            text,
    authenticated_at timestamptz NOT NULL,
    code_expires_at  timestamptz NOT NULL,
    code_used_at     timestamptz,
    counter          integer NOT NULL DEFAULT 0,
    rotated_at       timestamptz,
    used_at          timestamptz NOT NULL DEFAULT kit_now(),
    expires_at       timestamptz NOT NULL,
    ended_at         timestamptz,
    ended_because    text,
    created_at       timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE oauth_grants IS 'What a person let a program do in an organization: a code that is good once and for a minute, then a family of refresh tokens of which counter is the current one. Nothing that opens is kept.';
CREATE INDEX oauth_grants_of_person ON oauth_grants (user_id, client_id, id);
CREATE INDEX oauth_grants_by_expiry ON oauth_grants (expires_at);
CREATE INDEX oauth_grants_ended ON oauth_grants (ended_at) WHERE ended_at IS NOT NULL;
GRANT SELECT, INSERT, UPDATE, DELETE ON oauth_grants TO :app;

CREATE TABLE oauth_consents (
    user_id         uuid NOT NULL REFERENCES users,
    client_id       uuid NOT NULL REFERENCES oauth_clients,
    organization_id uuid NOT NULL,
    scopes          text[] NOT NULL,
    given_at        timestamptz NOT NULL DEFAULT kit_now(),
    PRIMARY KEY (user_id, client_id, organization_id)
);
COMMENT ON TABLE oauth_consents IS 'What a person has agreed to and need not be asked again.';
GRANT SELECT, INSERT, UPDATE, DELETE ON oauth_consents TO :app;

-- A program names itself before anybody knows whose it is: organization and name, of one program only.
CREATE POLICY knowing ON oauth_clients FOR SELECT TO :loops USING (true);
GRANT SELECT (id, organization_id, name, ended_at, made_by) ON oauth_clients TO :loops;

CREATE FUNCTION oauth_client(client uuid) RETURNS TABLE (organization_id uuid, name text, ended boolean)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT c.organization_id, c.name, c.ended_at IS NOT NULL FROM oauth_clients AS c WHERE c.id = client
    $$;
REVOKE ALL ON FUNCTION oauth_client(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION oauth_client(uuid) TO :app;
ALTER FUNCTION oauth_client(uuid) OWNER TO :loops;

CREATE FUNCTION organizations_of_registrar(person uuid) RETURNS TABLE (organization_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT DISTINCT c.organization_id FROM oauth_clients AS c WHERE c.made_by = person
    $$;
REVOKE ALL ON FUNCTION organizations_of_registrar(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION organizations_of_registrar(uuid) TO :app;
ALTER FUNCTION organizations_of_registrar(uuid) OWNER TO :loops;
