-- Texts that were asked for and what came of them, sealed; the pieces in which they were streamed; what is judged.

CREATE TABLE generations (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    created_by      uuid,
    kind            text NOT NULL,
    state           text NOT NULL CHECK (state IN ('running', 'held', 'done', 'failed')),
    reason          text NOT NULL DEFAULT '',
    detail          text NOT NULL DEFAULT '',
    asked_sealed    bytea NOT NULL,
    texts_sealed    bytea,
    input_tokens    integer NOT NULL DEFAULT 0,
    output_tokens   integer NOT NULL DEFAULT 0,
    cost            bigint NOT NULL DEFAULT 0,
    plain           bigint NOT NULL DEFAULT 0,
    attempts        integer NOT NULL DEFAULT 0,
    model           text NOT NULL DEFAULT '',
    decided_by      uuid,
    leased_until    timestamptz,
    version         bigint NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    ended_at        timestamptz,
    CONSTRAINT who_runs_has_a_lease CHECK ((state = 'running') = (leased_until IS NOT NULL)),
    CONSTRAINT what_is_done_has_texts CHECK (state NOT IN ('done', 'held') OR texts_sealed IS NOT NULL)
);
COMMENT ON TABLE generations IS 'Texts that were asked of models: what was asked and what came of it, sealed under the organization''s key; reason and detail say in words of ours why one failed or is held back; cost is in millionths of a US dollar.';
CREATE INDEX generations_newest ON generations (organization_id, id DESC);
CREATE INDEX generations_held ON generations (organization_id, id DESC) WHERE state = 'held';
CREATE INDEX generations_leased ON generations (leased_until) WHERE leased_until IS NOT NULL;
CREATE INDEX generations_by ON generations (created_by, id) WHERE created_by IS NOT NULL;
CREATE INDEX generations_decided ON generations (decided_by, id) WHERE decided_by IS NOT NULL;
ALTER TABLE generations ENABLE ROW LEVEL SECURITY;
ALTER TABLE generations FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON generations TO :app USING (
    organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[])
);
GRANT SELECT, INSERT, UPDATE, DELETE ON generations TO :app;

CREATE TABLE generation_pieces (
    generation_id   uuid NOT NULL REFERENCES generations ON DELETE CASCADE,
    organization_id uuid NOT NULL,
    number          integer NOT NULL,
    piece_sealed    bytea NOT NULL,
    PRIMARY KEY (generation_id, number)
);
COMMENT ON TABLE generation_pieces IS 'What was streamed, so that who was cut off can go on reading; forgotten an hour after the end.';
ALTER TABLE generation_pieces ENABLE ROW LEVEL SECURITY;
ALTER TABLE generation_pieces FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON generation_pieces TO :app USING (
    organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[])
);
GRANT SELECT, INSERT ON generation_pieces TO :app;

CREATE TABLE moderation_policies (
    organization_id uuid PRIMARY KEY,
    categories      jsonb NOT NULL,
    changed_by      uuid,
    version         bigint NOT NULL DEFAULT 1,
    changed_at      timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE moderation_policies IS 'What an organization does with texts of a category: allow, review or block; what is not named has our default.';
CREATE INDEX moderation_policies_by ON moderation_policies (changed_by) WHERE changed_by IS NOT NULL;
ALTER TABLE moderation_policies ENABLE ROW LEVEL SECURITY;
ALTER TABLE moderation_policies FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON moderation_policies TO :app USING (
    organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[])
);
GRANT SELECT, INSERT, UPDATE ON moderation_policies TO :app;

CREATE TABLE answers (
    organization_id uuid NOT NULL,
    key             bytea NOT NULL CHECK (length(key) = 32),
    answer_sealed   bytea NOT NULL,
    model           text NOT NULL,
    plain           bigint NOT NULL,
    hits            integer NOT NULL DEFAULT 0,
    expires_at      timestamptz NOT NULL,
    PRIMARY KEY (organization_id, key)
);
COMMENT ON TABLE answers IS 'Answers of models that were acceptable, for who asks just the same again; key is a keyed hash of question, model, prompt and voice.';
CREATE INDEX answers_expire ON answers (expires_at);
ALTER TABLE answers ENABLE ROW LEVEL SECURITY;
ALTER TABLE answers FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON answers TO :app USING (
    organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[])
);
GRANT SELECT, INSERT, UPDATE ON answers TO :app;

CREATE POLICY sweeping ON generations FOR SELECT TO :loops USING (true);
GRANT SELECT (id, organization_id, leased_until, ended_at, created_by, decided_by) ON generations TO :loops;
CREATE POLICY sweeping ON generation_pieces TO :loops USING (true);
GRANT SELECT, DELETE ON generation_pieces TO :loops;
CREATE POLICY sweeping ON answers TO :loops USING (true);
GRANT SELECT, DELETE ON answers TO :loops;
CREATE POLICY looking ON moderation_policies FOR SELECT TO :loops USING (true);
GRANT SELECT (organization_id, changed_by) ON moderation_policies TO :loops;

CREATE FUNCTION generations_lapsed(at_most integer) RETURNS TABLE (id uuid, organization_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT due.id, due.organization_id FROM generations AS due
        WHERE due.leased_until < kit_now() ORDER BY due.leased_until LIMIT at_most
    $$;
REVOKE ALL ON FUNCTION generations_lapsed(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION generations_lapsed(integer) TO :app;
ALTER FUNCTION generations_lapsed(integer) OWNER TO :loops;

CREATE FUNCTION generation_pieces_forget(older_than interval, at_most integer) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER SET search_path = :schema, kit, pg_temp
    AS $$
        WITH gone AS (
            DELETE FROM generation_pieces AS piece
            WHERE (piece.generation_id, piece.number) IN (
                SELECT old.generation_id, old.number FROM generation_pieces AS old
                JOIN generations AS whole ON whole.id = old.generation_id
                WHERE whole.ended_at < kit_now() - older_than LIMIT at_most
            )
            RETURNING 1
        ), stale AS (
            DELETE FROM answers WHERE (organization_id, key) IN (
                SELECT old.organization_id, old.key FROM answers AS old WHERE old.expires_at < kit_now() LIMIT at_most
            )
            RETURNING 1
        )
        SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM stale)
    $$;
REVOKE ALL ON FUNCTION generation_pieces_forget(interval, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION generation_pieces_forget(interval, integer) TO :app;
ALTER FUNCTION generation_pieces_forget(interval, integer) OWNER TO :loops;

DROP FUNCTION organizations_of_user(uuid);
CREATE FUNCTION organizations_of_user(wanted uuid) RETURNS TABLE (organization_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT one.organization_id FROM calls AS one WHERE one.user_id = wanted
        UNION
        SELECT one.organization_id FROM budgets AS one WHERE one.changed_by = wanted
        UNION
        SELECT one.organization_id FROM generations AS one WHERE one.created_by = wanted
        UNION
        SELECT one.organization_id FROM generations AS one WHERE one.decided_by = wanted
        UNION
        SELECT one.organization_id FROM moderation_policies AS one WHERE one.changed_by = wanted
    $$;
REVOKE ALL ON FUNCTION organizations_of_user(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION organizations_of_user(uuid) TO :app;
ALTER FUNCTION organizations_of_user(uuid) OWNER TO :loops;
