-- Undoing an import also takes away what it made existing contacts known by, and what it said they agreed to.
CREATE TABLE contact_import_identities (
    organization_id uuid NOT NULL,
    import_id       uuid NOT NULL REFERENCES contact_imports,
    contact_id      uuid NOT NULL REFERENCES contacts,
    kind            text NOT NULL,
    blind           bytea NOT NULL,
    PRIMARY KEY (import_id, contact_id, kind, blind)
);
COMMENT ON TABLE contact_import_identities IS 'By what an import made contacts known that were there before; kept for thirty days.';
CREATE INDEX contact_import_identities_by_contact ON contact_import_identities (contact_id);
CREATE INDEX contact_import_identities_of_organization ON contact_import_identities (organization_id, import_id);
ALTER TABLE contact_import_identities ENABLE ROW LEVEL SECURITY;
ALTER TABLE contact_import_identities FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON contact_import_identities TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
CREATE POLICY sweeping ON contact_import_identities TO :loops USING (true);
GRANT SELECT, INSERT, DELETE ON contact_import_identities TO :app;
GRANT SELECT, DELETE ON contact_import_identities TO :loops;
ALTER TABLE consent_entries ADD COLUMN import_id uuid;
COMMENT ON COLUMN consent_entries.import_id IS 'The import in which it was said.';

DROP FUNCTION contact_imports_settle(integer);
CREATE FUNCTION contact_imports_settle(at_most integer) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
    DECLARE
        over uuid;
        gone bigint;
        known bigint;
        emptied bigint;
    BEGIN
        SELECT i.id INTO over FROM contact_imports AS i
        WHERE NOT i.undo_over AND i.created_at < kit_now() - interval '30 days' AND i.state <> 'undoing'
        ORDER BY i.created_at LIMIT 1 FOR UPDATE SKIP LOCKED;
        IF over IS NULL THEN RETURN false; END IF;
        DELETE FROM contact_import_values AS v WHERE v.ctid = ANY (ARRAY(
            SELECT w.ctid FROM contact_import_values AS w WHERE w.import_id = over LIMIT at_most));
        GET DIAGNOSTICS gone = ROW_COUNT;
        DELETE FROM contact_import_identities AS v WHERE v.ctid = ANY (ARRAY(
            SELECT w.ctid FROM contact_import_identities AS w WHERE w.import_id = over LIMIT at_most));
        GET DIAGNOSTICS known = ROW_COUNT;
        UPDATE contact_import_changes AS h SET name_before = NULL WHERE h.ctid = ANY (ARRAY(
            SELECT g.ctid FROM contact_import_changes AS g
            WHERE g.import_id = over AND g.name_before IS NOT NULL LIMIT at_most));
        GET DIAGNOSTICS emptied = ROW_COUNT;
        IF gone = 0 AND known = 0 AND emptied = 0 THEN
            UPDATE contact_imports AS i SET undo_over = true WHERE i.id = over;
        END IF;
        RETURN true;
    END
    $$;
REVOKE ALL ON FUNCTION contact_imports_settle(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION contact_imports_settle(integer) TO :app;
ALTER FUNCTION contact_imports_settle(integer) OWNER TO :loops;
