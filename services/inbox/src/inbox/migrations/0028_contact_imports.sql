-- Contacts from files: uploaded in pieces, split into chunks, each chunk one item of a job.
CREATE TABLE contact_imports (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    size            bigint NOT NULL CHECK (size > 0),
    received        bigint NOT NULL DEFAULT 0 CHECK (received BETWEEN 0 AND size),
    state           text NOT NULL DEFAULT 'uploading'
                    CHECK (state IN ('uploading', 'uploaded', 'running', 'finished', 'cancelled', 'refused', 'undoing', 'undone')),
    options         jsonb NOT NULL DEFAULT '{}',
    refusal         text NOT NULL DEFAULT '',
    refused_row     bigint,
    rows            bigint NOT NULL DEFAULT 0,
    made            bigint NOT NULL DEFAULT 0,
    changed         bigint NOT NULL DEFAULT 0,
    unchanged       bigint NOT NULL DEFAULT 0,
    faulty          bigint NOT NULL DEFAULT 0,
    undone          bigint NOT NULL DEFAULT 0,
    kept            bigint NOT NULL DEFAULT 0,
    job_id          uuid,
    undo_job_id     uuid,
    version         bigint NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    changed_at      timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE contact_imports IS 'One file of contacts and what became of it; counts are of rows of the file, undone and kept of contacts.';
CREATE INDEX contact_imports_listed ON contact_imports (organization_id, id);
CREATE INDEX contact_imports_by_job ON contact_imports (job_id) WHERE job_id IS NOT NULL;
CREATE INDEX contact_imports_by_undo ON contact_imports (undo_job_id) WHERE undo_job_id IS NOT NULL;

CREATE TABLE contact_import_parts (
    organization_id uuid NOT NULL,
    import_id       uuid NOT NULL REFERENCES contact_imports,
    what            text NOT NULL CHECK (what IN ('piece', 'chunk')),
    start           bigint NOT NULL,
    size            bigint NOT NULL,
    id              uuid NOT NULL UNIQUE,
    file_id         uuid NOT NULL,
    key_sealed      bytea NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    PRIMARY KEY (import_id, what, start)
);
COMMENT ON TABLE contact_import_parts IS 'Sealed files of an import: pieces as they were uploaded (start and size in bytes), chunks as they are worked (in rows).';
CREATE INDEX contact_import_parts_of_organization ON contact_import_parts (organization_id, import_id);

CREATE TABLE contact_import_faults (
    organization_id uuid NOT NULL,
    import_id       uuid NOT NULL REFERENCES contact_imports,
    row             bigint NOT NULL,
    field           text NOT NULL,
    code            text NOT NULL,
    PRIMARY KEY (import_id, row, field)
);
COMMENT ON TABLE contact_import_faults IS 'Why rows were not imported, or not whole; never what stood in them.';
CREATE INDEX contact_import_faults_of_organization ON contact_import_faults (organization_id, import_id);

CREATE TABLE contact_import_changes (
    organization_id uuid NOT NULL,
    import_id       uuid NOT NULL REFERENCES contact_imports,
    contact_id      uuid NOT NULL REFERENCES contacts,
    made            boolean NOT NULL,
    name_before     bytea,
    version         bigint NOT NULL,
    PRIMARY KEY (import_id, contact_id)
);
COMMENT ON TABLE contact_import_changes IS 'What an import made or changed, so that it can be undone; name_before is sealed as it was.';
CREATE INDEX contact_import_changes_by_contact ON contact_import_changes (contact_id);
CREATE INDEX contact_import_changes_of_organization ON contact_import_changes (organization_id, import_id);

ALTER TABLE contact_imports ENABLE ROW LEVEL SECURITY;
ALTER TABLE contact_imports FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON contact_imports TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE ON contact_imports TO :app;
ALTER TABLE contact_import_parts ENABLE ROW LEVEL SECURITY;
ALTER TABLE contact_import_parts FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON contact_import_parts TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, DELETE ON contact_import_parts TO :app;
ALTER TABLE contact_import_faults ENABLE ROW LEVEL SECURITY;
ALTER TABLE contact_import_faults FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON contact_import_faults TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT ON contact_import_faults TO :app;
ALTER TABLE contact_import_changes ENABLE ROW LEVEL SECURITY;
ALTER TABLE contact_import_changes FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON contact_import_changes TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON contact_import_changes TO :app;

-- Files of imports that ended, or that nobody began within two days, whoever's they are.
CREATE POLICY sweeping ON contact_imports FOR SELECT TO :loops USING (true);
CREATE POLICY sweeping ON contact_import_parts TO :loops USING (true);
GRANT SELECT ON contact_imports TO :loops;
GRANT SELECT, DELETE ON contact_import_parts TO :loops;
CREATE FUNCTION contact_import_parts_sweep(at_most integer) RETURNS TABLE (organization_id uuid, file_id uuid)
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        DELETE FROM contact_import_parts AS p WHERE p.id IN (
            SELECT q.id FROM contact_imports AS i JOIN contact_import_parts AS q ON q.import_id = i.id
            WHERE i.state NOT IN ('uploading', 'uploaded', 'running') OR i.changed_at < kit_now() - interval '2 days'
            LIMIT at_most)
        RETURNING p.organization_id, p.file_id
    $$;
REVOKE ALL ON FUNCTION contact_import_parts_sweep(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION contact_import_parts_sweep(integer) TO :app;
ALTER FUNCTION contact_import_parts_sweep(integer) OWNER TO :loops;
