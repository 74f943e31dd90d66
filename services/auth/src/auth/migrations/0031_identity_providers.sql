-- The identity providers of organizations, and the domains that organizations have proven to be theirs.

CREATE TABLE identity_providers (
    id                  uuid PRIMARY KEY,
    organization_id     uuid NOT NULL REFERENCES organizations,
    name                text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    issuer              text NOT NULL CHECK (length(issuer) BETWEEN 1 AND 2048),
    client_id           text NOT NULL CHECK (length(client_id) BETWEEN 1 AND 255),
    secret_sealed       bytea NOT NULL CHECK (length(secret_sealed) <= 4096),
    default_role        text NOT NULL CHECK (default_role IN
        ('editor', 'approver', 'agent', 'analyst', 'client', 'provider', 'navigator')),
    joins               boolean NOT NULL,
    silence_is_verified boolean NOT NULL,
    enforced            boolean NOT NULL,
    active              boolean NOT NULL DEFAULT true,
    version             bigint NOT NULL DEFAULT 1,
    created_at          timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE identity_providers IS 'By whose word members of an organization sign in. joins: who is no member becomes one, in default_role; silence_is_verified: an address counts as verified when the provider does not say; enforced: members of its proven domains act here through it only, owners excepted.';
CREATE INDEX identity_providers_in_order ON identity_providers (organization_id, id);
ALTER TABLE identity_providers ENABLE ROW LEVEL SECURITY;
ALTER TABLE identity_providers FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON identity_providers TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON identity_providers TO :app;

CREATE TABLE identity_provider_domains (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations,
    provider_id     uuid NOT NULL REFERENCES identity_providers ON DELETE CASCADE,
    domain          text NOT NULL CHECK (length(domain) <= 253 AND domain = lower(domain)),
    challenge       text NOT NULL CHECK (length(challenge) BETWEEN 20 AND 100),
    proven_at       timestamptz,
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    UNIQUE (provider_id, domain)
);
COMMENT ON TABLE identity_provider_domains IS 'Domains whose people a provider may vouch for once the challenge was found in their DNS; a domain is proven by one organization at a time.';
CREATE UNIQUE INDEX identity_provider_domains_proven_once ON identity_provider_domains (domain)
    WHERE proven_at IS NOT NULL;
CREATE INDEX identity_provider_domains_in_order ON identity_provider_domains (organization_id, id);
ALTER TABLE identity_provider_domains ENABLE ROW LEVEL SECURITY;
ALTER TABLE identity_provider_domains FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON identity_provider_domains TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON identity_provider_domains TO :app;

-- What crosses tenants: whose a domain is, before anybody is signed in, and whether a provider still vouches.
CREATE POLICY routing ON identity_providers FOR SELECT TO :loops USING (true);
CREATE POLICY routing ON identity_provider_domains FOR SELECT TO :loops USING (true);
GRANT SELECT (id, organization_id, active) ON identity_providers TO :loops;
GRANT SELECT (organization_id, provider_id, domain, proven_at) ON identity_provider_domains TO :loops;

CREATE FUNCTION provider_of_domain(wanted text) RETURNS TABLE (organization_id uuid, provider_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT d.organization_id, d.provider_id
        FROM identity_provider_domains AS d JOIN identity_providers AS p ON p.id = d.provider_id
        WHERE d.domain = wanted AND d.proven_at IS NOT NULL AND p.active
    $$;
REVOKE ALL ON FUNCTION provider_of_domain(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION provider_of_domain(text) TO :app;
ALTER FUNCTION provider_of_domain(text) OWNER TO :loops;

CREATE FUNCTION prover_of_domain(wanted text) RETURNS uuid
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT d.provider_id FROM identity_provider_domains AS d WHERE d.domain = wanted AND d.proven_at IS NOT NULL
    $$;
REVOKE ALL ON FUNCTION prover_of_domain(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION prover_of_domain(text) TO :app;
ALTER FUNCTION prover_of_domain(text) OWNER TO :loops;

CREATE FUNCTION provider_is_active(wanted uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$ SELECT EXISTS (SELECT FROM identity_providers AS p WHERE p.id = wanted AND p.active) $$;
REVOKE ALL ON FUNCTION provider_is_active(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION provider_is_active(uuid) TO :app;
ALTER FUNCTION provider_is_active(uuid) OWNER TO :loops;
