-- People, their addresses, their sessions, and the keys that sign what we say of them.

CREATE TABLE users (
    id                  uuid PRIMARY KEY,
    password_hash       text NOT NULL,
    verified_at         timestamptz,
    epoch               bigint NOT NULL DEFAULT 0,
    sessions_from_epoch bigint NOT NULL DEFAULT 0,
    version             bigint NOT NULL DEFAULT 1,
    created_at          timestamptz NOT NULL DEFAULT kit_now(),
    CHECK (sessions_from_epoch <= epoch)
);
COMMENT ON TABLE users IS 'People. Access tokens of an older epoch are void; sessions begun before sessions_from_epoch have ended.';
GRANT SELECT, INSERT, UPDATE ON users TO :app;

CREATE TABLE identities (
    id          uuid PRIMARY KEY,
    user_id     uuid NOT NULL REFERENCES users,
    kind        text NOT NULL CHECK (kind IN ('email')),
    value       text NOT NULL CHECK (length(value) <= 320),
    display     text NOT NULL CHECK (length(display) <= 320),
    verified_at timestamptz,
    created_at  timestamptz NOT NULL DEFAULT kit_now(),
    UNIQUE (kind, value)
);
COMMENT ON TABLE identities IS 'By what a person may be reached and recognised; value is normalised, display is as it was typed.';
CREATE INDEX identities_by_user ON identities (user_id);
GRANT SELECT, INSERT, UPDATE ON identities TO :app;

CREATE TABLE verifications (
    id            uuid PRIMARY KEY,
    identity_id   uuid NOT NULL REFERENCES identities,
    password_hash text NOT NULL,
    expires_at    timestamptz NOT NULL,
    used_at       timestamptz,
    created_at    timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE verifications IS 'One per sign-up or resend: following its link verifies the address with the password of that very sign-up.';
CREATE INDEX verifications_by_identity ON verifications (identity_id);
CREATE INDEX verifications_by_expiry ON verifications (expires_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON verifications TO :app;

CREATE TABLE sign_in_attempts (
    identifier    bytea PRIMARY KEY,
    failures      integer NOT NULL,
    last_at       timestamptz NOT NULL,
    blocked_until timestamptz NOT NULL
);
COMMENT ON TABLE sign_in_attempts IS 'Sign-ins without success per keyed hash of what was typed, whether or not such an account exists.';
CREATE INDEX sign_in_attempts_by_age ON sign_in_attempts (last_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON sign_in_attempts TO :app;

CREATE TABLE sessions (
    id              uuid PRIMARY KEY,
    user_id         uuid NOT NULL REFERENCES users,
    epoch           bigint NOT NULL,
    organization_id uuid,
    counter         bigint NOT NULL DEFAULT 0,
    rotated_at      timestamptz,
    used_at         timestamptz NOT NULL DEFAULT kit_now(),
    expires_at      timestamptz NOT NULL,
    ended_at        timestamptz,
    ended_because   text CHECK (ended_because IN ('signed-out', 'token-reused')),
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    CHECK ((ended_at IS NULL) = (ended_because IS NULL))
);
COMMENT ON TABLE sessions IS 'A family of refresh tokens: counter is the current one, its parent is accepted for seconds after rotated_at.';
CREATE INDEX sessions_by_expiry ON sessions (expires_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON sessions TO :app;

CREATE TABLE revocations (
    id         uuid PRIMARY KEY,
    user_id    uuid NOT NULL,
    session_id uuid,
    epoch      bigint NOT NULL,
    revoked_at timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE revocations IS 'What ended lately, for gateways that start or were cut off; kept longer than any access token lives.';
CREATE INDEX revocations_by_age ON revocations (revoked_at);
GRANT SELECT, INSERT, DELETE ON revocations TO :app;

CREATE TABLE signing_keys (
    kid            text PRIMARY KEY,
    public_key     bytea NOT NULL,
    sealed_private bytea NOT NULL,
    signs_from     timestamptz NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE signing_keys IS 'Ed25519 keys: the newest whose signs_from has come signs; the private half is sealed to its kid.';
GRANT SELECT, INSERT, DELETE ON signing_keys TO :app;
