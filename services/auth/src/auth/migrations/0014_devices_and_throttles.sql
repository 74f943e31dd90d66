-- By what we know devices again, where sessions were begun, and what slows down whoever guesses.

CREATE TABLE devices (
    id               uuid PRIMARY KEY,
    user_id          uuid NOT NULL REFERENCES users,
    token_id         uuid NOT NULL,
    name_sealed      bytea,
    remembered_until timestamptz,
    remembered_epoch bigint,
    version          bigint NOT NULL DEFAULT 1,
    seen_at          timestamptz NOT NULL DEFAULT kit_now(),
    created_at       timestamptz NOT NULL DEFAULT kit_now(),
    UNIQUE (user_id, token_id),
    CHECK ((remembered_until IS NULL) = (remembered_epoch IS NULL))
);
COMMENT ON TABLE devices IS 'A browser or program in which this person has signed in; token_id is what its token proves, the same for all persons who use it. remembered_until: the second factor is spared, while the oldest epoch of the person''s sessions is still remembered_epoch.';
CREATE INDEX devices_by_age ON devices (seen_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON devices TO :app;

CREATE TABLE throttles (
    scope         text NOT NULL CHECK (scope IN ('account', 'device', 'factor', 'factor-device', 'address', 'network')),
    key           bytea NOT NULL,
    recent        integer NOT NULL DEFAULT 0,
    failures      integer NOT NULL DEFAULT 0,
    since         timestamptz NOT NULL DEFAULT kit_now(),
    last_at       timestamptz NOT NULL DEFAULT kit_now(),
    blocked_until timestamptz NOT NULL DEFAULT kit_now(),
    identifiers   bytea,
    lock_id       uuid,
    PRIMARY KEY (scope, key)
);
COMMENT ON TABLE throttles IS 'Guesses without success by keyed hash of on what or from where. recent makes the wait, failures counts since the last success; identifiers is a sketch of how many were tried from a network; lock_id is what the mail unlocks.';
CREATE INDEX throttles_by_age ON throttles (last_at);
CREATE UNIQUE INDEX throttles_by_lock ON throttles (lock_id) WHERE lock_id IS NOT NULL;
GRANT SELECT, INSERT, UPDATE, DELETE ON throttles TO :app;

DROP TABLE sign_in_attempts;

ALTER TABLE sessions
    ADD COLUMN device_id uuid,
    ADD COLUMN visitor_sealed bytea,
    ADD COLUMN confirmed boolean NOT NULL DEFAULT false,
    ADD COLUMN retried boolean NOT NULL DEFAULT false;
ALTER TABLE sessions DROP CONSTRAINT sessions_ended_because_check;
ALTER TABLE sessions ADD CONSTRAINT sessions_ended_because_check
    CHECK (ended_because IN ('signed-out', 'token-reused', 'ended', 'device-forgotten'));
COMMENT ON TABLE sessions IS 'A family of refresh tokens: counter is the current one, its parent is accepted for seconds after rotated_at, and once later by the same device while the current one was never shown (confirmed, retried). proofs is what the person has shown since it began; proven_at when last anything, strong_at when last two distinct factors.';
CREATE INDEX sessions_by_device ON sessions (device_id) WHERE device_id IS NOT NULL;
