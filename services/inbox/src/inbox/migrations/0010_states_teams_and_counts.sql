-- Conversations rest until a time, belong to teams, have a priority and a place in a queue; lists find each shape of
-- question by an index; what the team sees as numbers is counted as it changes.

ALTER TABLE conversations
    ADD COLUMN team_id uuid,
    ADD COLUMN priority smallint NOT NULL DEFAULT 0 CHECK (priority BETWEEN 0 AND 4),
    ADD COLUMN snoozed_until timestamptz,
    ADD COLUMN muted boolean NOT NULL DEFAULT false,
    ADD COLUMN waiting_since timestamptz,
    ADD COLUMN queued_at timestamptz DEFAULT kit_now();
COMMENT ON COLUMN conversations.snoozed_until IS 'When it wakes by itself; empty while it rests until the contact writes.';
COMMENT ON COLUMN conversations.muted IS 'What the contact writes neither opens it again nor waits for an answer.';
COMMENT ON COLUMN conversations.waiting_since IS 'Since when the contact waits for an answer; empty when they do not.';
COMMENT ON COLUMN conversations.queued_at IS 'Since when it is open and nobody has it; empty otherwise.';

CREATE POLICY backfill ON conversations TO :owner USING (true);
UPDATE conversations
SET queued_at = CASE WHEN state = 'open' AND assignee_id IS NULL THEN last_message_at END,
    waiting_since = CASE WHEN state <> 'resolved' AND unread_count > 0 THEN last_message_at END;

-- Lists. Each begins with what is compared by equality and ends in the order of the list; a question without a state
-- is asked once for each. `IS NULL` orders nothing for the planner, so what is nobody's has an index of its own.
DROP INDEX conversations_listed;
DROP INDEX conversations_by_assignee;
DROP INDEX conversations_by_channel;
CREATE INDEX conversations_by_assignee ON conversations (organization_id, assignee_id, state, last_message_at, id)
    WHERE assignee_id IS NOT NULL;
CREATE INDEX conversations_of_nobody ON conversations (organization_id, state, last_message_at, id)
    WHERE assignee_id IS NULL;
CREATE INDEX conversations_by_team ON conversations (organization_id, team_id, state, last_message_at, id)
    WHERE team_id IS NOT NULL;
CREATE INDEX conversations_by_channel ON conversations (channel_id, state, last_message_at, id);
CREATE INDEX conversations_by_priority ON conversations (organization_id, priority, state, last_message_at, id)
    WHERE priority > 0;
CREATE INDEX conversations_unread ON conversations (organization_id, state, last_message_at, id) WHERE unread_count > 0;
CREATE INDEX conversations_waiting ON conversations (organization_id, state, waiting_since, id)
    WHERE waiting_since IS NOT NULL;
CREATE INDEX conversations_to_wake ON conversations (snoozed_until) WHERE snoozed_until IS NOT NULL;

-- Counts. Each statement that changes conversations adds what it changed; nobody waits for a row of theirs, and the
-- sum of the rows is right in every snapshot. A loop adds them up, so that there are few.
CREATE TABLE conversation_counts (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id uuid NOT NULL,
    channel_id      uuid NOT NULL,
    assignee_id     uuid NOT NULL,
    team_id         uuid NOT NULL,
    state           text NOT NULL,
    unread          boolean NOT NULL,
    n               bigint NOT NULL,
    folded          boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE conversation_counts IS 'How many conversations that are not resolved there are, by what lists show; nobody and no team are the nil id.';
COMMENT ON COLUMN conversation_counts.folded IS 'The one row into which changes are added up; the others are changes.';
CREATE UNIQUE INDEX conversation_counts_folded
    ON conversation_counts (organization_id, channel_id, assignee_id, team_id, state, unread) WHERE folded;
CREATE INDEX conversation_counts_of_assignee ON conversation_counts (organization_id, assignee_id);
CREATE INDEX conversation_counts_fresh ON conversation_counts (id) WHERE NOT folded;
CREATE INDEX conversation_counts_of_none ON conversation_counts (id) WHERE folded AND n = 0;
ALTER TABLE conversation_counts ENABLE ROW LEVEL SECURITY;
ALTER TABLE conversation_counts FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON conversation_counts FOR SELECT TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
CREATE POLICY counting ON conversation_counts TO :loops USING (true);
GRANT SELECT ON conversation_counts TO :app;
GRANT SELECT, INSERT, UPDATE, DELETE ON conversation_counts TO :loops;

CREATE POLICY backfill ON conversation_counts TO :owner USING (true);
INSERT INTO conversation_counts (organization_id, channel_id, assignee_id, team_id, state, unread, n, folded)
SELECT organization_id, channel_id, coalesce(assignee_id, '00000000-0000-0000-0000-000000000000'),
       '00000000-0000-0000-0000-000000000000', state, unread_count > 0, count(*), true
FROM conversations WHERE state <> 'resolved' GROUP BY 1, 2, 3, 5, 6;
DROP POLICY backfill ON conversation_counts;
DROP POLICY backfill ON conversations;

CREATE FUNCTION conversations_count() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
    DECLARE
        nobody constant uuid := '00000000-0000-0000-0000-000000000000';
    BEGIN
        IF TG_OP = 'INSERT' THEN
            INSERT INTO conversation_counts (organization_id, channel_id, assignee_id, team_id, state, unread, n)
            SELECT organization_id, channel_id, coalesce(assignee_id, nobody), coalesce(team_id, nobody), state,
                   unread_count > 0, count(*)
            FROM after WHERE state <> 'resolved' GROUP BY 1, 2, 3, 4, 5, 6;
        ELSIF TG_OP = 'DELETE' THEN
            INSERT INTO conversation_counts (organization_id, channel_id, assignee_id, team_id, state, unread, n)
            SELECT organization_id, channel_id, coalesce(assignee_id, nobody), coalesce(team_id, nobody), state,
                   unread_count > 0, -count(*)
            FROM before WHERE state <> 'resolved' GROUP BY 1, 2, 3, 4, 5, 6;
        ELSE
            INSERT INTO conversation_counts (organization_id, channel_id, assignee_id, team_id, state, unread, n)
            SELECT organization_id, channel_id, coalesce(assignee_id, nobody), coalesce(team_id, nobody), state,
                   unread_count > 0, sum(way)
            FROM (
                SELECT organization_id, channel_id, assignee_id, team_id, state, unread_count, 1 AS way FROM after
                UNION ALL
                SELECT organization_id, channel_id, assignee_id, team_id, state, unread_count, -1 FROM before
            ) AS moved
            WHERE state <> 'resolved' GROUP BY 1, 2, 3, 4, 5, 6 HAVING sum(way) <> 0;
        END IF;
        RETURN NULL;
    END
    $$;
REVOKE ALL ON FUNCTION conversations_count() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION conversations_count() TO :app;
CREATE TRIGGER counted_in AFTER INSERT ON conversations REFERENCING NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION conversations_count();
CREATE TRIGGER counted_on AFTER UPDATE ON conversations REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION conversations_count();
CREATE TRIGGER counted_out AFTER DELETE ON conversations REFERENCING OLD TABLE AS before
    FOR EACH STATEMENT EXECUTE FUNCTION conversations_count();
ALTER FUNCTION conversations_count() OWNER TO :loops;

CREATE FUNCTION fold_conversation_counts(at_most integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
    DECLARE
        taken integer;
    BEGIN
        WITH gone AS (
            DELETE FROM conversation_counts WHERE id IN (
                SELECT id FROM conversation_counts WHERE NOT folded ORDER BY id LIMIT at_most FOR UPDATE SKIP LOCKED
            )
            RETURNING organization_id, channel_id, assignee_id, team_id, state, unread, n
        ), added AS (
            INSERT INTO conversation_counts (organization_id, channel_id, assignee_id, team_id, state, unread, n, folded)
            SELECT organization_id, channel_id, assignee_id, team_id, state, unread, sum(n), true
            FROM gone GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6
            ON CONFLICT (organization_id, channel_id, assignee_id, team_id, state, unread) WHERE folded
            DO UPDATE SET n = conversation_counts.n + excluded.n
        )
        SELECT count(*) INTO taken FROM gone;
        DELETE FROM conversation_counts WHERE id IN (
            SELECT id FROM conversation_counts WHERE folded AND n = 0 ORDER BY id LIMIT at_most FOR UPDATE SKIP LOCKED
        );
        RETURN taken;
    END
    $$;
REVOKE ALL ON FUNCTION fold_conversation_counts(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION fold_conversation_counts(integer) TO :app;
ALTER FUNCTION fold_conversation_counts(integer) OWNER TO :loops;

-- Waking those whose time has come, in whichever organization.
CREATE POLICY waking ON conversations TO :loops USING (true);
GRANT SELECT, UPDATE (state, snoozed_until, queued_at, version, changed_at) ON conversations TO :loops;
CREATE FUNCTION wake_conversations(at_most integer)
    RETURNS TABLE (id uuid, organization_id uuid, state text, assignee_id uuid, unread_count integer, version bigint,
                   team_id uuid, priority smallint)
    LANGUAGE sql SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        UPDATE conversations AS c
        SET state = 'open', snoozed_until = NULL, version = c.version + 1, changed_at = kit_now(),
            queued_at = CASE WHEN c.assignee_id IS NULL THEN kit_now() END
        WHERE c.id = ANY (ARRAY(
            SELECT due.id FROM conversations AS due
            WHERE due.snoozed_until <= kit_now() AND due.state = 'snoozed'
            ORDER BY due.snoozed_until LIMIT at_most FOR UPDATE SKIP LOCKED
        ))
        RETURNING c.id, c.organization_id, c.state, c.assignee_id, c.unread_count, c.version, c.team_id, c.priority
    $$;
REVOKE ALL ON FUNCTION wake_conversations(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION wake_conversations(integer) TO :app;
ALTER FUNCTION wake_conversations(integer) OWNER TO :loops;

-- Teams, as auth tells.
CREATE TABLE teams (
    team_id         uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    gone            boolean NOT NULL DEFAULT false,
    version         bigint NOT NULL
);
COMMENT ON TABLE teams IS 'Teams as auth tells them, without names; one that is gone keeps its row, so that what is older changes nothing.';
CREATE INDEX teams_by_organization ON teams (organization_id, team_id) WHERE NOT gone;
ALTER TABLE teams ENABLE ROW LEVEL SECURITY;
ALTER TABLE teams FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON teams TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE ON teams TO :app;

CREATE TABLE team_members (
    team_id         uuid NOT NULL,
    user_id         uuid NOT NULL,
    organization_id uuid NOT NULL,
    present         boolean NOT NULL,
    version         bigint NOT NULL,
    PRIMARY KEY (team_id, user_id)
);
COMMENT ON TABLE team_members IS 'Who is in a team, each as its newest event tells; who has gone keeps a row that says so.';
CREATE INDEX team_members_by_user ON team_members (organization_id, user_id);
CREATE INDEX team_members_of_user ON team_members (user_id);
ALTER TABLE team_members ENABLE ROW LEVEL SECURITY;
ALTER TABLE team_members FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON team_members TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON team_members TO :app;

CREATE TABLE conversation_participants (
    conversation_id uuid NOT NULL REFERENCES conversations ON DELETE CASCADE,
    user_id         uuid NOT NULL,
    organization_id uuid NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    PRIMARY KEY (conversation_id, user_id)
);
COMMENT ON TABLE conversation_participants IS 'Who follows a conversation without having it.';
CREATE INDEX conversation_participants_by_user ON conversation_participants (organization_id, user_id, conversation_id);
CREATE INDEX conversation_participants_of_user ON conversation_participants (user_id);
ALTER TABLE conversation_participants ENABLE ROW LEVEL SECURITY;
ALTER TABLE conversation_participants FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON conversation_participants TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, DELETE ON conversation_participants TO :app;
