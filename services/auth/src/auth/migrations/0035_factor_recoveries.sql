-- People who have lost all their second factors: staff begins, three days pass, then the factors are gone.

CREATE TABLE factor_recoveries (
    id            uuid PRIMARY KEY,
    user_id       uuid NOT NULL REFERENCES users,
    reason_sealed bytea NOT NULL CHECK (length(reason_sealed) <= 8192),
    state         text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'cancelled', 'done')),
    cancelled_by  text CHECK (cancelled_by IN ('link', 'factor', 'staff')),
    begun_by      uuid NOT NULL,
    due_at        timestamptz NOT NULL,
    settled_at    timestamptz,
    created_at    timestamptz NOT NULL DEFAULT kit_now(),
    CHECK ((state = 'pending') = (settled_at IS NULL)),
    CHECK ((state = 'cancelled') = (cancelled_by IS NOT NULL))
);
COMMENT ON TABLE factor_recoveries IS 'What staff began for people who have lost their second factors: pending until due_at, cancelled by a link, by a factor that was shown, or by staff, else done by a loop.';
CREATE UNIQUE INDEX factor_recoveries_pending ON factor_recoveries (user_id) WHERE state = 'pending';
CREATE INDEX factor_recoveries_due ON factor_recoveries (due_at) WHERE state = 'pending';
CREATE INDEX factor_recoveries_listed ON factor_recoveries (id) WHERE state = 'pending';
CREATE INDEX factor_recoveries_of_user ON factor_recoveries (user_id, id);
GRANT SELECT, INSERT, UPDATE, DELETE ON factor_recoveries TO :app;
