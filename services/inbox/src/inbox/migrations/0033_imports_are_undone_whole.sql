-- What values of contacts were before an import, so that undoing brings them back; and whom undoing left alone.
CREATE TABLE contact_import_values (
    organization_id uuid NOT NULL,
    import_id       uuid NOT NULL REFERENCES contact_imports,
    contact_id      uuid NOT NULL REFERENCES contacts,
    attribute_id    uuid NOT NULL,
    place           smallint NOT NULL,
    value           text,
    value_sealed    bytea,
    key             text,
    number          float8,
    blind           bytea,
    changed_at      timestamptz,
    PRIMARY KEY (import_id, contact_id, attribute_id, place)
);
COMMENT ON TABLE contact_import_values IS 'Values as they were before an import wrote others; place -1 where there was none.';
CREATE INDEX contact_import_values_by_contact ON contact_import_values (contact_id);
CREATE INDEX contact_import_values_of_organization ON contact_import_values (organization_id, import_id);

CREATE TABLE contact_import_kept (
    organization_id uuid NOT NULL,
    import_id       uuid NOT NULL REFERENCES contact_imports,
    contact_id      uuid NOT NULL REFERENCES contacts,
    code            text NOT NULL CHECK (code IN ('made-and-used', 'changed-since')),
    PRIMARY KEY (import_id, contact_id)
);
COMMENT ON TABLE contact_import_kept IS 'Contacts that undoing an import left as they are, and why.';
CREATE INDEX contact_import_kept_by_contact ON contact_import_kept (contact_id);
CREATE INDEX contact_import_kept_of_organization ON contact_import_kept (organization_id, import_id);

ALTER TABLE contact_import_values ENABLE ROW LEVEL SECURITY;
ALTER TABLE contact_import_values FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON contact_import_values TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, DELETE ON contact_import_values TO :app;
ALTER TABLE contact_import_kept ENABLE ROW LEVEL SECURITY;
ALTER TABLE contact_import_kept FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON contact_import_kept TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, DELETE ON contact_import_kept TO :app;

-- Thirty days after it was begun an import cannot be undone, and nothing is kept for that any more.
ALTER TABLE contact_imports ADD COLUMN undo_over boolean NOT NULL DEFAULT false;
CREATE INDEX contact_imports_to_be_settled ON contact_imports (created_at) WHERE NOT undo_over;
CREATE POLICY sweeping ON contact_import_values TO :loops USING (true);
CREATE POLICY sweeping ON contact_import_changes TO :loops USING (true);
CREATE POLICY settling ON contact_imports FOR UPDATE TO :loops USING (true);
GRANT SELECT, DELETE ON contact_import_values TO :loops;
GRANT SELECT, UPDATE ON contact_import_changes TO :loops;
GRANT UPDATE ON contact_imports TO :loops;
CREATE FUNCTION contact_imports_settle(at_most integer) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
    DECLARE
        over uuid;
        gone bigint;
        emptied bigint;
    BEGIN
        SELECT i.id INTO over FROM contact_imports AS i
        WHERE NOT i.undo_over AND i.created_at < kit_now() - interval '30 days' AND i.state <> 'undoing'
        ORDER BY i.created_at LIMIT 1 FOR UPDATE SKIP LOCKED;
        IF over IS NULL THEN RETURN false; END IF;
        DELETE FROM contact_import_values AS v WHERE v.ctid = ANY (ARRAY(
            SELECT w.ctid FROM contact_import_values AS w WHERE w.import_id = over LIMIT at_most));
        GET DIAGNOSTICS gone = ROW_COUNT;
        UPDATE contact_import_changes AS h SET name_before = NULL WHERE h.ctid = ANY (ARRAY(
            SELECT g.ctid FROM contact_import_changes AS g
            WHERE g.import_id = over AND g.name_before IS NOT NULL LIMIT at_most));
        GET DIAGNOSTICS emptied = ROW_COUNT;
        IF gone = 0 AND emptied = 0 THEN
            UPDATE contact_imports AS i SET undo_over = true WHERE i.id = over;
        END IF;
        RETURN true;
    END
    $$;
REVOKE ALL ON FUNCTION contact_imports_settle(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION contact_imports_settle(integer) TO :app;
ALTER FUNCTION contact_imports_settle(integer) OWNER TO :loops;
