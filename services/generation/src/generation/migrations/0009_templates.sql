-- Templates of an organization's own, with all their versions, sealed.

CREATE TABLE templates (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    latest          integer NOT NULL DEFAULT 1 CHECK (latest >= 1),
    retired         boolean NOT NULL DEFAULT false,
    version         bigint NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    changed_at      timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE templates IS 'A template of an organization: latest is the number of its newest version; one that is retired is offered no more.';
CREATE INDEX templates_newest ON templates (organization_id, id DESC) WHERE NOT retired;
CREATE INDEX templates_of ON templates (organization_id);
ALTER TABLE templates ENABLE ROW LEVEL SECURITY;
ALTER TABLE templates FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON templates TO :app USING (
    organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[])
);
GRANT SELECT, INSERT, UPDATE ON templates TO :app;

CREATE TABLE template_versions (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    template_id     uuid NOT NULL REFERENCES templates,
    number          integer NOT NULL CHECK (number >= 1),
    created_by      uuid,
    document_sealed bytea NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    UNIQUE (template_id, number)
);
COMMENT ON TABLE template_versions IS 'What a template said at one time; it never changes.';
CREATE INDEX template_versions_by ON template_versions (created_by, id) WHERE created_by IS NOT NULL;
ALTER TABLE template_versions ENABLE ROW LEVEL SECURITY;
ALTER TABLE template_versions FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON template_versions TO :app USING (
    organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[])
);
GRANT SELECT, INSERT, UPDATE ON template_versions TO :app;

-- Where a user is known by a template.
CREATE POLICY looking ON template_versions FOR SELECT TO :loops USING (true);
GRANT SELECT (organization_id, created_by) ON template_versions TO :loops;
CREATE FUNCTION templates_organizations_of_user(wanted uuid) RETURNS TABLE (organization_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT DISTINCT one.organization_id FROM template_versions AS one WHERE one.created_by = wanted
    $$;
REVOKE ALL ON FUNCTION templates_organizations_of_user(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION templates_organizations_of_user(uuid) TO :app;
ALTER FUNCTION templates_organizations_of_user(uuid) OWNER TO :loops;
