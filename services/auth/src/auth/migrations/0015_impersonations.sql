-- Staff in a person's place.

CREATE TABLE impersonations (
    id               uuid PRIMARY KEY,
    staff_id         uuid NOT NULL,
    staff_session_id uuid NOT NULL,
    user_id          uuid NOT NULL REFERENCES users,
    organization_id  uuid,
    reason_sealed    bytea NOT NULL CHECK (length(reason_sealed) <= 4096),
    ends_at          timestamptz NOT NULL,
    ended_at         timestamptz,
    ended_by         text CHECK (ended_by IN ('staff', 'user', 'organization', 'session')),
    created_at       timestamptz NOT NULL DEFAULT kit_now(),
    CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);
COMMENT ON TABLE impersonations IS 'Each time a member of staff acted in a person''s place, for the person and the organization to see; the id is the session of its tokens. Over at ends_at, or before when somebody ended it.';
CREATE INDEX impersonations_of_user ON impersonations (user_id, id);
CREATE INDEX impersonations_of_organization ON impersonations (organization_id, id) WHERE organization_id IS NOT NULL;
CREATE INDEX impersonations_of_staff ON impersonations (staff_id, id);
CREATE INDEX impersonations_by_end ON impersonations (ends_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON impersonations TO :app;
