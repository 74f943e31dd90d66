-- Posts that recur, and what became of each time.

CREATE TABLE recurrences (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    rule            text NOT NULL,
    starts          timestamp NOT NULL,
    zone            text NOT NULL,
    count           integer CHECK (count >= 0),
    until           timestamp,
    text            text NOT NULL,
    content         jsonb NOT NULL,
    targets         jsonb NOT NULL,
    planned_until   timestamp,
    look_at         timestamptz,
    ended_at        timestamptz,
    created_by      uuid,
    version         bigint NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    changed_at      timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE recurrences IS 'Posts that recur by a rule of RFC 5545, by the clocks of a zone (starts, until, planned_until are wall clocks); posts were made of it up to planned_until, and it is looked at again at look_at.';
CREATE INDEX recurrences_newest ON recurrences (organization_id, id DESC);
CREATE INDEX recurrences_look ON recurrences (look_at) WHERE look_at IS NOT NULL;
CREATE INDEX recurrences_by ON recurrences (created_by, id);
ALTER TABLE recurrences ENABLE ROW LEVEL SECURITY;
ALTER TABLE recurrences FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON recurrences TO :app USING (
    organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[])
);
GRANT SELECT, INSERT, UPDATE ON recurrences TO :app;

CREATE TABLE occurrences (
    recurrence_id   uuid NOT NULL REFERENCES recurrences ON DELETE CASCADE,
    organization_id uuid NOT NULL,
    local           timestamp NOT NULL,
    at              timestamptz NOT NULL,
    fate            text NOT NULL CHECK (fate IN ('planned', 'refused', 'missed')),
    post_id         uuid REFERENCES posts ON DELETE SET NULL,
    reason          text NOT NULL DEFAULT '',
    PRIMARY KEY (recurrence_id, local)
);
COMMENT ON TABLE occurrences IS 'What became of each time of a post that recurs, once it came into the horizon.';
CREATE INDEX occurrences_of_post ON occurrences (post_id) WHERE post_id IS NOT NULL;
ALTER TABLE occurrences ENABLE ROW LEVEL SECURITY;
ALTER TABLE occurrences FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON occurrences TO :app USING (
    organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[])
);
GRANT SELECT, INSERT ON occurrences TO :app;

CREATE POLICY making ON recurrences FOR SELECT TO :loops USING (true);
GRANT SELECT ON recurrences TO :loops;
CREATE FUNCTION recurrences_due(at_most integer) RETURNS TABLE (id uuid, organization_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT due.id, due.organization_id FROM recurrences AS due
        WHERE due.look_at <= kit_now() ORDER BY due.look_at LIMIT at_most
    $$;
REVOKE ALL ON FUNCTION recurrences_due(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION recurrences_due(integer) TO :app;
ALTER FUNCTION recurrences_due(integer) OWNER TO :loops;
