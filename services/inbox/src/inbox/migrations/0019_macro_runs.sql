-- Runs of macros: each id does what it does once.

CREATE TABLE macro_runs (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    macro_id        uuid NOT NULL,
    conversation_id uuid NOT NULL REFERENCES conversations,
    user_id         uuid NOT NULL,
    results         jsonb NOT NULL DEFAULT '[]',
    created_at      timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE macro_runs IS 'A macro was run in a conversation: what became of each action, in codes and words of ours.';
CREATE INDEX macro_runs_by_conversation ON macro_runs (conversation_id);
CREATE INDEX macro_runs_by_user ON macro_runs (user_id, id);
ALTER TABLE macro_runs ENABLE ROW LEVEL SECURITY;
ALTER TABLE macro_runs FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON macro_runs TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON macro_runs TO :app;

CREATE POLICY looking ON macro_runs FOR SELECT TO :loops USING (true);
GRANT SELECT (organization_id, user_id) ON macro_runs TO :loops;
DROP FUNCTION organizations_arranged_in(uuid);  -- at once and not a release later, since no release has had it
CREATE FUNCTION organizations_arranged_in(wanted uuid) RETURNS TABLE (organization_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT a.organization_id FROM arrangements AS a WHERE a.owner_id = wanted
        UNION
        SELECT d.organization_id FROM drafts AS d WHERE d.user_id = wanted
        UNION
        SELECT r.organization_id FROM macro_runs AS r WHERE r.user_id = wanted
    $$;
REVOKE ALL ON FUNCTION organizations_arranged_in(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION organizations_arranged_in(uuid) TO :app;
ALTER FUNCTION organizations_arranged_in(uuid) OWNER TO :loops;
