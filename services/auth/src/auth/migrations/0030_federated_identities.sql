-- People who sign in by the word of a provider, the ways there and back, and which sessions began so.

CREATE TABLE federated_identities (
    id              uuid PRIMARY KEY,
    user_id         uuid NOT NULL REFERENCES users,
    kind            text NOT NULL CHECK (kind IN ('google', 'github', 'organization')),
    provider_id     uuid,
    organization_id uuid,
    blind           bytea NOT NULL UNIQUE CHECK (length(blind) = 32),
    sealed          bytea NOT NULL CHECK (length(sealed) <= 4096),
    used_at         timestamptz NOT NULL DEFAULT kit_now(),
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    CHECK ((kind = 'organization') = (provider_id IS NOT NULL)),
    CHECK ((kind = 'organization') = (organization_id IS NOT NULL))
);
COMMENT ON TABLE federated_identities IS 'An account at a provider that belongs to a person here. blind is a keyed hash of the provider and its subject, never of an address; sealed holds subject and address as the provider last said them, under the person''s key.';
CREATE INDEX federated_identities_by_user ON federated_identities (user_id, id);
CREATE INDEX federated_identities_by_provider ON federated_identities (provider_id) WHERE provider_id IS NOT NULL;
GRANT SELECT, INSERT, UPDATE, DELETE ON federated_identities TO :app;

CREATE TABLE federation_flows (
    id                     uuid PRIMARY KEY,
    purpose                text NOT NULL CHECK (purpose IN ('sign_in', 'link')),
    kind                   text NOT NULL CHECK (kind IN ('google', 'github', 'organization')),
    provider_id            uuid,
    organization_id        uuid,
    redirect               text NOT NULL CHECK (length(redirect) <= 2048),
    user_id                uuid REFERENCES users,
    session_id             uuid,
    wished_organization_id uuid,
    state                  text NOT NULL DEFAULT 'asked' CHECK (state IN ('asked', 'returned', 'claimed', 'over')),
    returned               bytea CHECK (length(returned) <= 8192),
    expires_at             timestamptz NOT NULL,
    created_at             timestamptz NOT NULL DEFAULT kit_now(),
    CHECK ((kind = 'organization') = (provider_id IS NOT NULL)),
    CHECK ((purpose = 'link') = (user_id IS NOT NULL)),
    CHECK ((state = 'returned') = (returned IS NOT NULL))
);
COMMENT ON TABLE federation_flows IS 'A way to a provider and back: asked, returned with a code (sealed in returned), claimed by whoever exchanges it, over. Each step is taken once. State, verifier, nonce and tokens are computed from the id and stand nowhere.';
CREATE INDEX federation_flows_by_user ON federation_flows (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX federation_flows_by_expiry ON federation_flows (expires_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON federation_flows TO :app;

-- By which organization's provider a session began, or a sign-in that still waits for a second factor.
ALTER TABLE sessions ADD COLUMN identity_provider_id uuid;
ALTER TABLE sign_ins ADD COLUMN identity_provider_id uuid;
CREATE INDEX sessions_by_provider ON sessions (identity_provider_id) WHERE identity_provider_id IS NOT NULL;
