-- Posts from files: each row at most once a post.

CREATE TABLE post_imports (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    name            text NOT NULL,
    zone            text NOT NULL,
    job_id          uuid NOT NULL UNIQUE,
    total           integer NOT NULL,
    created_by      uuid,
    digest          bytea NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    UNIQUE (organization_id, digest)
);
COMMENT ON TABLE post_imports IS 'Files of posts, each once by its digest; how far an import is says its job.';
CREATE INDEX post_imports_newest ON post_imports (organization_id, id DESC);
CREATE INDEX post_imports_by ON post_imports (created_by, id);
ALTER TABLE post_imports ENABLE ROW LEVEL SECURITY;
ALTER TABLE post_imports FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON post_imports TO :app USING (
    organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[])
);
GRANT SELECT, INSERT, UPDATE ON post_imports TO :app;

CREATE TABLE post_import_rows (
    id              uuid PRIMARY KEY,
    import_id       uuid NOT NULL REFERENCES post_imports ON DELETE CASCADE,
    organization_id uuid NOT NULL,
    line            integer NOT NULL,
    cells           jsonb NOT NULL,
    post_id         uuid REFERENCES posts ON DELETE SET NULL,
    faults          jsonb NOT NULL DEFAULT '[]',
    UNIQUE (import_id, line)
);
COMMENT ON TABLE post_import_rows IS 'The rows of a file, and what became of each; the cells of one that is a post by now are empty.';
CREATE INDEX post_import_rows_of_post ON post_import_rows (post_id) WHERE post_id IS NOT NULL;
ALTER TABLE post_import_rows ENABLE ROW LEVEL SECURITY;
ALTER TABLE post_import_rows FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON post_import_rows TO :app USING (
    organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[])
);
GRANT SELECT, INSERT, UPDATE ON post_import_rows TO :app;

-- Where a user is known: also by what they stopped, let recur, uploaded and imported. What is forgotten table by table,
-- each in a commit of its own, must still be found when a worker died in between.
CREATE POLICY looking ON publishing_stops FOR SELECT TO :loops USING (true);
CREATE POLICY looking ON post_imports FOR SELECT TO :loops USING (true);
CREATE POLICY knowing ON media FOR SELECT TO :loops USING (true);
GRANT SELECT (organization_id, stopped_by, lifted_by) ON publishing_stops TO :loops;
GRANT SELECT (organization_id, created_by) ON post_imports, media TO :loops;

DROP FUNCTION organizations_of_user(uuid);
CREATE FUNCTION organizations_of_user(wanted uuid) RETURNS TABLE (organization_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT one.organization_id FROM posts AS one WHERE one.created_by = wanted
        UNION
        SELECT one.organization_id FROM deliveries AS one WHERE one.resolved_by = wanted
        UNION
        SELECT one.organization_id FROM connected_accounts AS one WHERE one.connected_by = wanted
        UNION
        SELECT one.organization_id FROM connections AS one WHERE one.user_id = wanted
        UNION
        SELECT one.organization_id FROM publishing_stops AS one WHERE one.stopped_by = wanted
        UNION
        SELECT one.organization_id FROM publishing_stops AS one WHERE one.lifted_by = wanted
        UNION
        SELECT one.organization_id FROM recurrences AS one WHERE one.created_by = wanted
        UNION
        SELECT one.organization_id FROM post_imports AS one WHERE one.created_by = wanted
        UNION
        SELECT one.organization_id FROM media AS one WHERE one.created_by = wanted
    $$;
REVOKE ALL ON FUNCTION organizations_of_user(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION organizations_of_user(uuid) TO :app;
ALTER FUNCTION organizations_of_user(uuid) OWNER TO :loops;
