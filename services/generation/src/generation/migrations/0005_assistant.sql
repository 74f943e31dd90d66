-- Conversations with the assistant: private to who holds them; what it would change waits until they have said yes.

CREATE TABLE assistant_conversations (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    created_by      uuid NOT NULL,
    persona         text NOT NULL,
    title_sealed    bytea,
    turns           integer NOT NULL DEFAULT 0,
    version         bigint NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    changed_at      timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE assistant_conversations IS 'What one person talks about with the assistant; nobody else sees it, since it was told with that person''s rights.';
CREATE INDEX assistant_conversations_newest ON assistant_conversations (organization_id, created_by, id DESC);
CREATE INDEX assistant_conversations_by ON assistant_conversations (created_by, id);
ALTER TABLE assistant_conversations ENABLE ROW LEVEL SECURITY;
ALTER TABLE assistant_conversations FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON assistant_conversations TO :app USING (
    organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[])
);
GRANT SELECT, INSERT, UPDATE, DELETE ON assistant_conversations TO :app;

CREATE TABLE assistant_turns (
    id              uuid PRIMARY KEY,
    conversation_id uuid NOT NULL REFERENCES assistant_conversations ON DELETE CASCADE,
    organization_id uuid NOT NULL,
    number          integer NOT NULL,
    state           text NOT NULL CHECK (state IN ('running', 'done', 'failed')),
    reason          text NOT NULL DEFAULT '',
    detail          text NOT NULL DEFAULT '',
    asked_sealed    bytea NOT NULL,
    answer_sealed   bytea,
    input_tokens    integer NOT NULL DEFAULT 0,
    output_tokens   integer NOT NULL DEFAULT 0,
    cost            bigint NOT NULL DEFAULT 0,
    plain           bigint NOT NULL DEFAULT 0,
    attempts        integer NOT NULL DEFAULT 0,
    model           text NOT NULL DEFAULT '',
    leased_until    timestamptz,
    version         bigint NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    ended_at        timestamptz,
    UNIQUE (conversation_id, number),
    CONSTRAINT who_answers_has_a_lease CHECK ((state = 'running') = (leased_until IS NOT NULL)),
    CONSTRAINT what_is_done_has_an_answer CHECK (state <> 'done' OR answer_sealed IS NOT NULL)
);
COMMENT ON TABLE assistant_turns IS 'What a person said to the assistant, and its answer, both sealed; attempts counts the calls of models, cost is in millionths of a US dollar.';
CREATE UNIQUE INDEX assistant_turns_one_at_a_time ON assistant_turns (conversation_id) WHERE state = 'running';
CREATE INDEX assistant_turns_leased ON assistant_turns (leased_until) WHERE leased_until IS NOT NULL;
ALTER TABLE assistant_turns ENABLE ROW LEVEL SECURITY;
ALTER TABLE assistant_turns FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON assistant_turns TO :app USING (
    organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[])
);
GRANT SELECT, INSERT, UPDATE, DELETE ON assistant_turns TO :app;

CREATE TABLE assistant_pieces (
    turn_id         uuid NOT NULL REFERENCES assistant_turns ON DELETE CASCADE,
    organization_id uuid NOT NULL,
    number          integer NOT NULL,
    piece_sealed    bytea NOT NULL,
    PRIMARY KEY (turn_id, number)
);
COMMENT ON TABLE assistant_pieces IS 'What was streamed of an answer, so that who was cut off can go on reading; forgotten an hour after the end.';
ALTER TABLE assistant_pieces ENABLE ROW LEVEL SECURITY;
ALTER TABLE assistant_pieces FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON assistant_pieces TO :app USING (
    organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[])
);
GRANT SELECT, INSERT, DELETE ON assistant_pieces TO :app;

CREATE TABLE assistant_actions (
    id              uuid PRIMARY KEY,
    conversation_id uuid NOT NULL REFERENCES assistant_conversations ON DELETE CASCADE,
    turn_id         uuid NOT NULL REFERENCES assistant_turns ON DELETE CASCADE,
    organization_id uuid NOT NULL,
    tool            text NOT NULL,
    proposal_sealed bytea NOT NULL,
    state           text NOT NULL DEFAULT 'pending'
                    CHECK (state IN ('pending', 'doing', 'done', 'refused', 'failed')),
    reason          text NOT NULL DEFAULT '',
    attempt         integer NOT NULL DEFAULT 0,
    expires_at      timestamptz NOT NULL,
    leased_until    timestamptz,
    begun_at        timestamptz,
    version         bigint NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    decided_at      timestamptz,
    CONSTRAINT who_does_it_has_a_lease CHECK ((state = 'doing') = (leased_until IS NOT NULL))
);
COMMENT ON TABLE assistant_actions IS 'What the assistant would change, sealed, until who it was put before says yes or no; doing with a lapsed lease is unknown: it may have been done, and is done again only in a way that does it once.';
CREATE INDEX assistant_actions_of_turns ON assistant_actions (turn_id, id);
CREATE INDEX assistant_actions_of_conversations ON assistant_actions (conversation_id, id DESC);
ALTER TABLE assistant_actions ENABLE ROW LEVEL SECURITY;
ALTER TABLE assistant_actions FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON assistant_actions TO :app USING (
    organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[])
);
GRANT SELECT, INSERT, UPDATE, DELETE ON assistant_actions TO :app;

CREATE POLICY sweeping ON assistant_turns FOR SELECT TO :loops USING (true);
GRANT SELECT (id, organization_id, leased_until, ended_at) ON assistant_turns TO :loops;
CREATE POLICY sweeping ON assistant_pieces TO :loops USING (true);
GRANT SELECT, DELETE ON assistant_pieces TO :loops;
CREATE POLICY looking ON assistant_conversations FOR SELECT TO :loops USING (true);
GRANT SELECT (organization_id, created_by) ON assistant_conversations TO :loops;

CREATE FUNCTION assistant_turns_lapsed(at_most integer) RETURNS TABLE (id uuid, organization_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT due.id, due.organization_id FROM assistant_turns AS due
        WHERE due.leased_until < kit_now() ORDER BY due.leased_until LIMIT at_most
    $$;
REVOKE ALL ON FUNCTION assistant_turns_lapsed(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION assistant_turns_lapsed(integer) TO :app;
ALTER FUNCTION assistant_turns_lapsed(integer) OWNER TO :loops;

CREATE FUNCTION assistant_pieces_forget(older_than interval, at_most integer) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER SET search_path = :schema, kit, pg_temp
    AS $$
        WITH gone AS (
            DELETE FROM assistant_pieces AS piece
            WHERE (piece.turn_id, piece.number) IN (
                SELECT old.turn_id, old.number FROM assistant_pieces AS old
                JOIN assistant_turns AS whole ON whole.id = old.turn_id
                WHERE whole.ended_at < kit_now() - older_than LIMIT at_most
            )
            RETURNING 1
        )
        SELECT count(*) FROM gone
    $$;
REVOKE ALL ON FUNCTION assistant_pieces_forget(interval, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION assistant_pieces_forget(interval, integer) TO :app;
ALTER FUNCTION assistant_pieces_forget(interval, integer) OWNER TO :loops;

CREATE FUNCTION assistant_organizations_of_user(wanted uuid) RETURNS TABLE (organization_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT DISTINCT one.organization_id FROM assistant_conversations AS one WHERE one.created_by = wanted
    $$;
REVOKE ALL ON FUNCTION assistant_organizations_of_user(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION assistant_organizations_of_user(uuid) TO :app;
ALTER FUNCTION assistant_organizations_of_user(uuid) OWNER TO :loops;
