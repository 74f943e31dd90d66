-- What a session was begun with, sign-ins that wait for a second factor, and accounts that may not be used.

ALTER TABLE users ADD COLUMN suspended_at timestamptz;

-- Sessions that are there were begun with a password.
ALTER TABLE sessions
    ADD COLUMN proofs text[] NOT NULL DEFAULT '{password}',
    ADD COLUMN proven_at timestamptz NOT NULL DEFAULT kit_now(),
    ADD COLUMN strong_at timestamptz;
ALTER TABLE sessions ALTER COLUMN proofs DROP DEFAULT;
COMMENT ON TABLE sessions IS 'A family of refresh tokens: counter is the current one, its parent is accepted for seconds after rotated_at. proofs is what the person has shown since it began; proven_at when last anything, strong_at when last two distinct factors.';

CREATE TABLE sign_ins (
    id              uuid PRIMARY KEY,
    user_id         uuid NOT NULL REFERENCES users,
    proofs          text[] NOT NULL,
    organization_id uuid,
    attempts        integer NOT NULL DEFAULT 0,
    expires_at      timestamptz NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE sign_ins IS 'Sign-ins that wait for a second factor: what was shown so far, and how often a factor was tried.';
CREATE INDEX sign_ins_by_user ON sign_ins (user_id);
CREATE INDEX sign_ins_by_expiry ON sign_ins (expires_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON sign_ins TO :app;
