-- What people are shown of their sessions, and what they did on each day.

ALTER TABLE sessions ADD COLUMN seen_at timestamptz NOT NULL DEFAULT kit_now();
UPDATE sessions SET seen_at = used_at;
CREATE INDEX sessions_of_user ON sessions (user_id, id);
DROP INDEX sessions_by_user;

CREATE TABLE activity (
    user_id  uuid NOT NULL REFERENCES users,
    day      date NOT NULL,
    sign_ins integer NOT NULL DEFAULT 0,
    refusals integer NOT NULL DEFAULT 0,
    minutes  integer NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id, day)
);
COMMENT ON TABLE activity IS 'One day of one person: how often they signed in, how often somebody was refused who tried to, and in how many minutes they were seen.';
CREATE INDEX activity_by_day ON activity (day);
GRANT SELECT, INSERT, UPDATE, DELETE ON activity TO :app;

-- Two clocks of one moment may differ a little: who need not wait has no time to wait for.
ALTER TABLE throttles ALTER COLUMN blocked_until DROP NOT NULL, ALTER COLUMN blocked_until DROP DEFAULT;
UPDATE throttles SET blocked_until = NULL WHERE blocked_until <= kit_now();
