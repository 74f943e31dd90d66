-- Conversations that nobody has are given out by policies: of a team, of a channel, of the organization.

CREATE TABLE assignment_policies (
    organization_id uuid NOT NULL,
    scope           text NOT NULL CHECK (scope IN ('organization', 'channel', 'team')),
    scope_id        uuid NOT NULL,
    strategy        text NOT NULL CHECK (strategy IN ('manual', 'round_robin', 'least_busy')),
    capacity        integer CHECK (capacity BETWEEN 1 AND 1000),
    online_only     boolean NOT NULL DEFAULT true,
    release_after   integer CHECK (release_after BETWEEN 60 AND 86400),
    team_id         uuid,
    version         bigint NOT NULL DEFAULT 1,
    PRIMARY KEY (organization_id, scope_id),
    CHECK (team_id IS NULL OR scope <> 'team')
);
COMMENT ON TABLE assignment_policies IS 'To whom conversations that nobody has are given: what holds for its team, else for its channel, else for all.';
COMMENT ON COLUMN assignment_policies.capacity IS 'How many open conversations somebody has at most by this policy, unless their own capacity says otherwise.';
COMMENT ON COLUMN assignment_policies.release_after IS 'Seconds after which conversations of somebody who is not there are given to others.';
COMMENT ON COLUMN assignment_policies.team_id IS 'The team that answers for a channel, or for all; empty: everybody who answers.';
ALTER TABLE assignment_policies ENABLE ROW LEVEL SECURITY;
ALTER TABLE assignment_policies FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON assignment_policies TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON assignment_policies TO :app;

CREATE TABLE agents (
    organization_id uuid NOT NULL,
    user_id         uuid NOT NULL,
    availability    text NOT NULL DEFAULT 'online' CHECK (availability IN ('online', 'busy', 'offline')),
    said_at         timestamptz NOT NULL DEFAULT kit_now(),
    seen_until      timestamptz,
    capacity        integer CHECK (capacity BETWEEN 1 AND 1000),
    turn            bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (organization_id, user_id)
);
COMMENT ON TABLE agents IS 'How members who answer stand just now; nothing of how they stood before is kept.';
COMMENT ON COLUMN agents.seen_until IS 'Until then they count as connected; renewed while a page of theirs is.';
COMMENT ON COLUMN agents.turn IS 'When they were last given a conversation, in turns of the organization.';
CREATE INDEX agents_of_user ON agents (user_id);
ALTER TABLE agents ENABLE ROW LEVEL SECURITY;
ALTER TABLE agents FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON agents TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON agents TO :app;

-- One worker at a time gives out an organization's conversations: it holds this row.
CREATE TABLE assignment_turns (
    organization_id uuid PRIMARY KEY,
    turn            bigint NOT NULL DEFAULT 0,
    served_at       timestamptz NOT NULL DEFAULT kit_now(),
    look_at         timestamptz
);
COMMENT ON TABLE assignment_turns IS 'Organizations whose conversations are given out; whoever does it holds the row, who was served longest ago comes first.';
COMMENT ON COLUMN assignment_turns.look_at IS 'When somebody who is not there may have to give theirs back.';
CREATE INDEX assignment_turns_due ON assignment_turns (look_at) WHERE look_at IS NOT NULL;
ALTER TABLE assignment_turns ENABLE ROW LEVEL SECURITY;
ALTER TABLE assignment_turns FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON assignment_turns TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
CREATE POLICY claiming ON assignment_turns TO :loops USING (true);
GRANT SELECT, INSERT, UPDATE ON assignment_turns TO :app;
GRANT SELECT, UPDATE ON assignment_turns TO :loops;

-- Added in the transaction that makes work: nobody waits for a row of anybody's.
CREATE TABLE assignment_nudges (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id uuid NOT NULL
);
COMMENT ON TABLE assignment_nudges IS 'Something has changed by which a conversation may be given to somebody; whoever looks deletes it.';
CREATE INDEX assignment_nudges_by_organization ON assignment_nudges (organization_id);
ALTER TABLE assignment_nudges ENABLE ROW LEVEL SECURITY;
ALTER TABLE assignment_nudges FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON assignment_nudges TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
CREATE POLICY nudging ON assignment_nudges TO :loops USING (true);
GRANT SELECT, INSERT, DELETE ON assignment_nudges TO :app;
GRANT SELECT, INSERT ON assignment_nudges TO :loops;

CREATE INDEX conversations_queue ON conversations
    (organization_id, (coalesce(team_id, channel_id)), priority, queued_at, id)
    WHERE state = 'open' AND assignee_id IS NULL AND NOT muted;

-- As before, and: what nobody has any more, and whoever has less than before, is work for the policies.
CREATE FUNCTION conversations_moved() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
    DECLARE
        nobody constant uuid := '00000000-0000-0000-0000-000000000000';
    BEGIN
        IF TG_OP = 'INSERT' THEN
            INSERT INTO assignment_nudges (organization_id)
            SELECT DISTINCT organization_id FROM after JOIN assignment_turns USING (organization_id)
            WHERE state = 'open' AND assignee_id IS NULL;
        ELSE
            INSERT INTO assignment_nudges (organization_id)
            SELECT DISTINCT organization_id
            FROM (
                SELECT organization_id, coalesce(assignee_id, nobody) AS assignee_id,
                       coalesce(team_id, channel_id) AS queue, sum(way) AS n
                FROM (
                    SELECT organization_id, channel_id, assignee_id, team_id, 1 AS way FROM after WHERE state = 'open'
                    UNION ALL
                    SELECT organization_id, channel_id, assignee_id, team_id, -1 FROM before WHERE state = 'open'
                ) AS each_way
                GROUP BY 1, 2, 3
            ) AS moved
            JOIN assignment_turns USING (organization_id)
            WHERE n <> 0 AND (assignee_id = nobody) = (n > 0);
        END IF;
        RETURN NULL;
    END
    $$;
REVOKE ALL ON FUNCTION conversations_moved() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION conversations_moved() TO :app;
CREATE TRIGGER nudges_in AFTER INSERT ON conversations REFERENCING NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION conversations_moved();
CREATE TRIGGER nudges_on AFTER UPDATE ON conversations REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION conversations_moved();
ALTER FUNCTION conversations_moved() OWNER TO :loops;

CREATE FUNCTION claim_assignment() RETURNS TABLE (organization_id uuid, turn bigint)
    LANGUAGE sql SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT t.organization_id, t.turn FROM assignment_turns AS t
        WHERE t.organization_id IN (SELECT n.organization_id FROM assignment_nudges AS n)
           OR t.look_at <= kit_now()
        ORDER BY t.served_at LIMIT 1
        FOR UPDATE SKIP LOCKED
    $$;
REVOKE ALL ON FUNCTION claim_assignment() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION claim_assignment() TO :app;
ALTER FUNCTION claim_assignment() OWNER TO :loops;
