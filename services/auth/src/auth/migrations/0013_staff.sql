-- The platform's own staff: accounts of their own, apart from those of customers.

CREATE TABLE staff (
    id                   uuid PRIMARY KEY,
    email_blind          bytea NOT NULL UNIQUE CHECK (length(email_blind) = 32),
    email_sealed         bytea NOT NULL CHECK (length(email_sealed) <= 2048),
    role                 text NOT NULL CHECK (role IN ('support', 'operator', 'admin')),
    password_hash        text,
    totp_sealed          bytea CHECK (length(totp_sealed) <= 512),
    totp_step            bigint NOT NULL DEFAULT 0,
    enrolment_id         uuid UNIQUE,
    enrolment_until      timestamptz,
    enrolled_at          timestamptz,
    epoch                bigint NOT NULL DEFAULT 0,
    version              bigint NOT NULL DEFAULT 1,
    created_at           timestamptz NOT NULL DEFAULT kit_now(),
    CHECK ((enrolment_id IS NULL) = (enrolment_until IS NULL)),
    CHECK (enrolled_at IS NULL OR (password_hash IS NOT NULL AND totp_sealed IS NOT NULL))
);
COMMENT ON TABLE staff IS 'Members of staff. Nobody signs in before enrolled_at; totp_step is the last step whose code was taken, enrolment_id the one link by which password and code app are set.';
GRANT SELECT, INSERT, UPDATE, DELETE ON staff TO :app;

CREATE TABLE staff_sessions (
    id            uuid PRIMARY KEY,
    staff_id      uuid NOT NULL REFERENCES staff ON DELETE CASCADE,
    counter       bigint NOT NULL DEFAULT 0,
    rotated_at    timestamptz,
    used_at       timestamptz NOT NULL DEFAULT kit_now(),
    proven_at     timestamptz NOT NULL DEFAULT kit_now(),
    expires_at    timestamptz NOT NULL,
    ended_at      timestamptz,
    ended_because text CHECK (ended_because IN ('signed-out', 'token-reused', 'ended-by-admin', 'role-changed', 'removed', 'enrolled-anew')),
    agent         text NOT NULL DEFAULT '' CHECK (length(agent) <= 200),
    created_at    timestamptz NOT NULL DEFAULT kit_now(),
    CHECK ((ended_at IS NULL) = (ended_because IS NULL))
);
COMMENT ON TABLE staff_sessions IS 'Sessions of staff: counter is the current refresh token, its parent is accepted for seconds after rotated_at; proven_at is when password and code were last shown.';
CREATE INDEX staff_sessions_of ON staff_sessions (staff_id, id);
CREATE INDEX staff_sessions_by_expiry ON staff_sessions (expires_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON staff_sessions TO :app;

CREATE TABLE staff_attempts (
    identifier    bytea PRIMARY KEY CHECK (length(identifier) = 32),
    failures      integer NOT NULL,
    last_at       timestamptz NOT NULL,
    blocked_until timestamptz NOT NULL
);
COMMENT ON TABLE staff_attempts IS 'Sign-ins of staff without success per keyed hash of what was typed, whether or not there is such a member.';
CREATE INDEX staff_attempts_by_age ON staff_attempts (last_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON staff_attempts TO :app;
