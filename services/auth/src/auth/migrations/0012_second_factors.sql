-- What people show beside their first factor: codes of an authenticator app, and codes kept on paper.

CREATE TABLE totp_factors (
    id            uuid PRIMARY KEY,
    user_id       uuid NOT NULL REFERENCES users,
    sealed_name   bytea NOT NULL,
    sealed_secret bytea NOT NULL,
    last_step     bigint NOT NULL DEFAULT 0,
    activated_at  timestamptz,
    last_used_at  timestamptz,
    created_at    timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE totp_factors IS 'Authenticator apps; one counts once its first code was right. No code of last_step or earlier is taken again.';
CREATE INDEX totp_factors_by_user ON totp_factors (user_id, id);
CREATE INDEX totp_factors_never_activated ON totp_factors (created_at) WHERE activated_at IS NULL;
GRANT SELECT, INSERT, UPDATE, DELETE ON totp_factors TO :app;

CREATE TABLE recovery_codes (
    user_id    uuid NOT NULL REFERENCES users,
    code_hash  bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT kit_now(),
    PRIMARY KEY (user_id, code_hash)
);
COMMENT ON TABLE recovery_codes IS 'Codes for who has lost every other second factor; a used one is gone.';
GRANT SELECT, INSERT, DELETE ON recovery_codes TO :app;
