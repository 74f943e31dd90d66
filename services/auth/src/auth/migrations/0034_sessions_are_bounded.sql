-- Nobody has more than so many sessions that go on: one more ends the one that was used least lately.

ALTER TABLE sessions DROP CONSTRAINT sessions_ended_because_check;
ALTER TABLE sessions ADD CONSTRAINT sessions_ended_because_check
    CHECK (ended_because IN ('signed-out', 'token-reused', 'ended', 'device-forgotten', 'displaced'));
CREATE INDEX sessions_going_on ON sessions (user_id, used_at) WHERE ended_at IS NULL;
