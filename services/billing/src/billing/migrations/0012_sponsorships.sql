-- An agency pays for a client: the client is on a plan that follows from the agency's own.

-- No reference to organizations: a delegation may be heard of before its organizations.
CREATE TABLE delegations (
    delegation_id   uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    agency_id       uuid NOT NULL,
    ends_at         timestamptz,
    revoked         boolean NOT NULL,
    version         bigint NOT NULL
);
COMMENT ON TABLE delegations IS 'Projection of auth''s delegations: for whom (agency_id) people may act in whose organization.';
CREATE INDEX delegations_of_agency ON delegations (agency_id, organization_id);
CREATE INDEX delegations_of_client ON delegations (organization_id);
ALTER TABLE delegations ENABLE ROW LEVEL SECURITY;
ALTER TABLE delegations FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON delegations TO :app USING (
    organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[])
    OR agency_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[])
);
GRANT SELECT, INSERT, UPDATE ON delegations TO :app;

CREATE TABLE sponsorships (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    agency_id       uuid NOT NULL,
    delegation_id   uuid NOT NULL REFERENCES delegations,
    plan            text NOT NULL,
    settled         boolean NOT NULL DEFAULT false,
    ended_because   text CHECK (ended_because IN ('client', 'agency', 'delegation')),
    ended_at        timestamptz,
    version         bigint NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    CHECK (organization_id <> agency_id),
    CHECK ((ended_at IS NULL) = (ended_because IS NULL))
);
COMMENT ON TABLE sponsorships IS 'Clients that an agency pays for. plan is what the agency''s own plan gives them now; settled says whether the client''s entitlements were brought up to it.';
CREATE UNIQUE INDEX sponsorships_one_sponsor ON sponsorships (organization_id) WHERE ended_at IS NULL;
CREATE INDEX sponsorships_of_agency ON sponsorships (agency_id, id DESC);
CREATE INDEX sponsorships_of_client ON sponsorships (organization_id, id DESC);
CREATE INDEX sponsorships_of_delegation ON sponsorships (delegation_id);
CREATE INDEX sponsorships_to_settle ON sponsorships (created_at) WHERE NOT settled;
ALTER TABLE sponsorships ENABLE ROW LEVEL SECURITY;
ALTER TABLE sponsorships FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON sponsorships TO :app USING (
    organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[])
    OR agency_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[])
);
CREATE POLICY settling ON sponsorships FOR SELECT TO :loops USING (true);
GRANT SELECT, INSERT, UPDATE (plan, settled, ended_because, ended_at, version) ON sponsorships TO :app;
GRANT SELECT (organization_id, settled, created_at) ON sponsorships TO :loops;

CREATE FUNCTION clients_to_settle(at_most integer)
    RETURNS TABLE (organization_id uuid) LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT DISTINCT due.organization_id FROM (
            SELECT s.organization_id FROM sponsorships AS s WHERE NOT s.settled ORDER BY s.created_at LIMIT at_most
        ) AS due
    $$;
REVOKE ALL ON FUNCTION clients_to_settle(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clients_to_settle(integer) TO :app;
ALTER FUNCTION clients_to_settle(integer) OWNER TO :loops;
