-- Passkeys (WebAuthn): what an authenticator has proven to hold, and the questions that it answers.

-- What authenticators keep of a person: random, the same for all their passkeys, and not their id.
ALTER TABLE users ADD COLUMN passkey_handle bytea UNIQUE;

CREATE TABLE passkeys (
    id              uuid PRIMARY KEY,
    user_id         uuid NOT NULL REFERENCES users,
    credential_id   bytea NOT NULL UNIQUE CHECK (length(credential_id) BETWEEN 16 AND 1023),
    public_key      bytea NOT NULL,
    sign_count      bigint NOT NULL,
    transports      text[] NOT NULL,
    backup_eligible boolean NOT NULL,
    backed_up       boolean NOT NULL,
    sealed_name     bytea NOT NULL,
    version         bigint NOT NULL DEFAULT 1,
    last_used_at    timestamptz,
    created_at      timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE passkeys IS 'Passkeys by the id that their authenticator gave them; sign_count is the highest that was seen.';
CREATE INDEX passkeys_by_user ON passkeys (user_id, id);
GRANT SELECT, INSERT, UPDATE, DELETE ON passkeys TO :app;

CREATE TABLE passkey_challenges (
    challenge  bytea PRIMARY KEY,
    purpose    text NOT NULL CHECK (purpose IN ('registration', 'sign-in', 'second-factor', 'step-up')),
    user_id    uuid REFERENCES users,
    about      uuid,
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT kit_now(),
    CHECK ((purpose = 'sign-in') = (user_id IS NULL)),
    CHECK ((user_id IS NULL) = (about IS NULL))
);
COMMENT ON TABLE passkey_challenges IS 'Questions to authenticators, each answered once at most; about is the session or the sign-in that it was asked for.';
CREATE INDEX passkey_challenges_by_expiry ON passkey_challenges (expires_at);
CREATE INDEX passkey_challenges_by_user ON passkey_challenges (user_id, about, purpose) WHERE user_id IS NOT NULL;
GRANT SELECT, INSERT, DELETE ON passkey_challenges TO :app;
