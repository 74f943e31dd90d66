-- What compliance has asked of this service: the parts of exports, and erasures.

CREATE TABLE privacy_tasks (
    id              uuid PRIMARY KEY,
    what            text NOT NULL CHECK (what IN ('export', 'erasure')),
    organization_id uuid,
    person_kind     text NOT NULL,
    person_id       uuid NOT NULL,
    way             text NOT NULL DEFAULT '',
    state           text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done')),
    attempt         integer NOT NULL DEFAULT 0,
    failures        integer NOT NULL DEFAULT 0,
    answers         integer NOT NULL DEFAULT 0,
    due_at          timestamptz NOT NULL DEFAULT kit_now(),
    leased_until    timestamptz,
    blocked_by      text NOT NULL DEFAULT '',
    removed         jsonb NOT NULL DEFAULT '{}',
    anonymised      jsonb NOT NULL DEFAULT '{}',
    kept            jsonb NOT NULL DEFAULT '{}',
    kept_because    jsonb NOT NULL DEFAULT '{}',
    keys            text[] NOT NULL DEFAULT '{}',
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    done_at         timestamptz
);
COMMENT ON TABLE privacy_tasks IS 'An export or erasure that was asked of this service, and how far it got; ids and counts only.';
CREATE INDEX privacy_tasks_open ON privacy_tasks (due_at) WHERE state = 'open';
CREATE INDEX privacy_tasks_done ON privacy_tasks (done_at) WHERE state = 'done';
GRANT SELECT, INSERT, UPDATE, DELETE ON privacy_tasks TO :app;
