-- Contacts leave as a file: a job writes sealed parts, which are handed out as one for a day.
CREATE TABLE contact_exports (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    state           text NOT NULL DEFAULT 'running'
                    CHECK (state IN ('running', 'finished', 'failed', 'cancelled', 'expired')),
    plan_sealed     bytea NOT NULL,
    columns         jsonb NOT NULL,
    rows            bigint NOT NULL DEFAULT 0,
    size            bigint NOT NULL DEFAULT 0,
    job_id          uuid NOT NULL,
    expires_at      timestamptz NOT NULL DEFAULT kit_now() + interval '7 days',
    created_at      timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE contact_exports IS 'One file of contacts: who is in it, as the plan of a segment, and which attributes.';
CREATE INDEX contact_exports_listed ON contact_exports (organization_id, id);
CREATE UNIQUE INDEX contact_exports_by_job ON contact_exports (job_id);
CREATE INDEX contact_exports_with_files ON contact_exports (expires_at, id)
    WHERE state <> 'expired';

CREATE TABLE contact_export_parts (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    export_id       uuid NOT NULL REFERENCES contact_exports,
    after_id        uuid NOT NULL,
    upto_id         uuid NOT NULL,
    file_id         uuid,
    key_sealed      bytea,
    size            bigint NOT NULL DEFAULT 0,
    UNIQUE (export_id, upto_id)
);
COMMENT ON TABLE contact_export_parts IS 'A stretch of contacts by their ids, and the sealed file in which it stands once it is written.';
CREATE INDEX contact_export_parts_of_organization ON contact_export_parts (organization_id, export_id);

ALTER TABLE contact_exports ENABLE ROW LEVEL SECURITY;
ALTER TABLE contact_exports FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON contact_exports TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE ON contact_exports TO :app;
ALTER TABLE contact_export_parts ENABLE ROW LEVEL SECURITY;
ALTER TABLE contact_export_parts FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON contact_export_parts TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON contact_export_parts TO :app;

-- Files that nobody is handed any more, whoever's they are; an export whose last file goes is told as expired.
CREATE POLICY sweeping ON contact_exports TO :loops USING (true);
CREATE POLICY sweeping ON contact_export_parts TO :loops USING (true);
GRANT SELECT, UPDATE ON contact_exports TO :loops;
GRANT SELECT, DELETE ON contact_export_parts TO :loops;
CREATE FUNCTION contact_exports_sweep(at_most integer) RETURNS TABLE (organization_id uuid, file_id uuid)
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
    DECLARE
        over uuid;
    BEGIN
        SELECT e.id INTO over FROM contact_exports AS e
        WHERE e.state <> 'expired' AND e.expires_at <= kit_now()
        ORDER BY e.expires_at, e.id LIMIT 1 FOR UPDATE SKIP LOCKED;
        IF over IS NULL THEN RETURN; END IF;
        RETURN QUERY
            DELETE FROM contact_export_parts AS p WHERE p.id IN (
                SELECT q.id FROM contact_export_parts AS q WHERE q.export_id = over LIMIT at_most)
            RETURNING p.organization_id, p.file_id;
        IF NOT EXISTS (SELECT FROM contact_export_parts AS p WHERE p.export_id = over) THEN
            UPDATE contact_exports AS e SET state = 'expired' WHERE e.id = over;
        END IF;
    END
    $$;
REVOKE ALL ON FUNCTION contact_exports_sweep(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION contact_exports_sweep(integer) TO :app;
ALTER FUNCTION contact_exports_sweep(integer) OWNER TO :loops;
