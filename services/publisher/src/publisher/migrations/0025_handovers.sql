-- Texts that were handed over to become a draft, and published texts that are wanted elsewhere: each once.

CREATE TABLE handovers (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    what            text NOT NULL CHECK (what IN ('draft', 'samples')),
    user_id         uuid,
    account_ids     uuid[] NOT NULL,
    texts_sealed    bytea,
    at_most         integer NOT NULL,
    state           text NOT NULL CHECK (state IN ('waiting', 'done', 'failed')),
    reason          text NOT NULL DEFAULT '',
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    ended_at        timestamptz
);
COMMENT ON TABLE handovers IS 'Texts that are to become a draft, by the draft''s id, or published texts that are wanted, by the sample''s; when it is done what it held goes, and the row stays, so that hearing of it once more does nothing.';
CREATE INDEX handovers_waiting ON handovers (id) WHERE state = 'waiting';
CREATE INDEX handovers_by ON handovers (user_id, id) WHERE user_id IS NOT NULL;
ALTER TABLE handovers ENABLE ROW LEVEL SECURITY;
ALTER TABLE handovers FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON handovers TO :app USING (
    organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[])
);
GRANT SELECT, INSERT, UPDATE ON handovers TO :app;

CREATE POLICY looking ON handovers FOR SELECT TO :loops USING (true);
GRANT SELECT (id, organization_id, state, user_id) ON handovers TO :loops;
CREATE FUNCTION handovers_waiting(behind uuid, few integer) RETURNS TABLE (id uuid, organization_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT due.id, due.organization_id FROM handovers AS due
        WHERE due.state = 'waiting' AND due.id > behind ORDER BY due.id LIMIT few
    $$;
REVOKE ALL ON FUNCTION handovers_waiting(uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION handovers_waiting(uuid, integer) TO :app;
ALTER FUNCTION handovers_waiting(uuid, integer) OWNER TO :loops;

-- Where a user is known by a handover.
CREATE FUNCTION handovers_organizations_of_user(wanted uuid) RETURNS TABLE (organization_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT DISTINCT one.organization_id FROM handovers AS one WHERE one.user_id = wanted
    $$;
REVOKE ALL ON FUNCTION handovers_organizations_of_user(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION handovers_organizations_of_user(uuid) TO :app;
ALTER FUNCTION handovers_organizations_of_user(uuid) OWNER TO :loops;
