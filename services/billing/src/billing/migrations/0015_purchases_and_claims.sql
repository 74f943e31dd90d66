-- What is bought without an account, and what organizations claim of it.

CREATE TABLE purchases (
    id                uuid PRIMARY KEY,
    code_hash         bytea NOT NULL UNIQUE CHECK (length(code_hash) = 32),
    plan              text NOT NULL,
    plan_version      integer NOT NULL,
    interval          text NOT NULL CHECK (interval IN ('month', 'year')),
    currency          text NOT NULL CHECK (currency ~ '^[a-z]{3}$'),
    state             text NOT NULL DEFAULT 'opening' CHECK (state IN ('opening', 'open', 'bought')),
    stripe_session_id text UNIQUE,
    claim_id          uuid UNIQUE,
    created_at        timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE purchases IS 'Subscriptions that are bought without an account, until an organization claims them by their code; one that was not paid is deleted after a day.';
GRANT SELECT, INSERT, UPDATE, DELETE ON purchases TO :app;

CREATE TABLE claims (
    claim_id        uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    code_hash       bytea,
    state           text NOT NULL CHECK (state IN ('waiting', 'linked', 'refused', 'withdrawn')),
    reason          text NOT NULL DEFAULT '',
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    CHECK (state = 'withdrawn' OR code_hash IS NOT NULL)
);
COMMENT ON TABLE claims IS 'Purchases that organizations have claimed, as auth says, and what came of it.';
CREATE INDEX claims_of_organization ON claims (organization_id);
ALTER TABLE claims ENABLE ROW LEVEL SECURITY;
ALTER TABLE claims FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON claims TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE (state, reason, code_hash) ON claims TO :app;
