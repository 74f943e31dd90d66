-- Queues of posts: weekly slots by the clocks of a zone, and which post has which slot.

CREATE TABLE posting_queues (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    name            text NOT NULL,
    zone            text NOT NULL,
    slots           jsonb NOT NULL,
    accounts        uuid[] NOT NULL,
    version         bigint NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    changed_at      timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE posting_queues IS 'Weekly slots, as [day from Monday, time on the wall], of one account or several.';
CREATE INDEX posting_queues_of ON posting_queues (organization_id, id);
ALTER TABLE posting_queues ENABLE ROW LEVEL SECURITY;
ALTER TABLE posting_queues FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON posting_queues TO :app USING (
    organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[])
);
GRANT SELECT, INSERT, UPDATE, DELETE ON posting_queues TO :app;

ALTER TABLE posts ADD COLUMN queue_id uuid REFERENCES posting_queues ON DELETE SET NULL;
COMMENT ON COLUMN posts.queue_id IS 'The queue whose slot its time is.';
CREATE INDEX posts_by_queue ON posts (queue_id) WHERE queue_id IS NOT NULL;

CREATE TABLE queue_places (
    queue_id        uuid NOT NULL REFERENCES posting_queues ON DELETE CASCADE,
    organization_id uuid NOT NULL,
    post_id         uuid NOT NULL UNIQUE REFERENCES posts ON DELETE CASCADE,
    at              timestamptz NOT NULL,
    PRIMARY KEY (queue_id, at)
);
COMMENT ON TABLE queue_places IS 'Which post has which slot: each slot at most one.';
ALTER TABLE queue_places ENABLE ROW LEVEL SECURITY;
ALTER TABLE queue_places FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON queue_places TO :app USING (
    organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[])
);
GRANT SELECT, INSERT, DELETE ON queue_places TO :app;
