-- Plans that staff granted: each lifts the organization's own plan until it ends.

ALTER TABLE entitlements ADD COLUMN own_plan text NOT NULL DEFAULT 'free';
COMMENT ON TABLE entitlements IS 'What an organization may use now: the plan''s limits as they were when it was granted. own_plan is the plan it has without any grant.';

-- No reference to organizations: a grant may be heard of before its organization.
CREATE TABLE grants (
    grant_id        uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    plan            text NOT NULL,
    until           timestamptz NOT NULL,
    revoked         boolean NOT NULL,
    version         bigint NOT NULL,
    ended_at        timestamptz
);
COMMENT ON TABLE grants IS 'Granted plans with the newest version applied; ended_at is when the end of one was acted upon.';
CREATE INDEX grants_of_organization ON grants (organization_id, until);
CREATE INDEX grants_to_end ON grants (until) WHERE ended_at IS NULL;
ALTER TABLE grants ENABLE ROW LEVEL SECURITY;
ALTER TABLE grants FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON grants TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
CREATE POLICY ending ON grants FOR SELECT TO :loops USING (true);
GRANT SELECT, INSERT, UPDATE ON grants TO :app;
GRANT SELECT (organization_id, until, ended_at) ON grants TO :loops;

CREATE FUNCTION organizations_with_ended_grants(at_most integer)
    RETURNS TABLE (organization_id uuid) LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT DISTINCT due.organization_id FROM (
            SELECT g.organization_id FROM grants AS g
            WHERE g.ended_at IS NULL AND g.until <= kit_now() ORDER BY g.until LIMIT at_most
        ) AS due
    $$;
REVOKE ALL ON FUNCTION organizations_with_ended_grants(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION organizations_with_ended_grants(integer) TO :app;
ALTER FUNCTION organizations_with_ended_grants(integer) OWNER TO :loops;
