-- Contacts by the million from files: what was made stands on the contact itself, and nothing is checked row by row.
ALTER TABLE contacts ADD COLUMN import_id uuid;
COMMENT ON COLUMN contacts.import_id IS 'The import that made it.';
CREATE INDEX contacts_imported ON contacts (import_id, id) WHERE import_id IS NOT NULL;
CREATE POLICY filling ON contacts TO :owner USING (true);
CREATE POLICY filling ON contact_import_changes TO :owner USING (true);
UPDATE contacts AS c SET import_id = m.import_id FROM contact_import_changes AS m WHERE m.contact_id = c.id AND m.made;
DELETE FROM contact_import_changes WHERE made;
ALTER TABLE contact_import_changes DROP COLUMN made;
DROP POLICY filling ON contacts;
DROP POLICY filling ON contact_import_changes;

-- An identity is only written by who has made its contact in the same transaction, or changes or locks its row. The other
-- direction is asked as before: nobody takes a contact away that is still known by something.
ALTER TABLE contact_identities DROP CONSTRAINT contact_identities_contact_id_fkey;
CREATE FUNCTION contacts_known_no_more() RETURNS trigger LANGUAGE plpgsql SET search_path = :schema, kit, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM contact_identities AS i WHERE i.contact_id = OLD.id) THEN
        RAISE foreign_key_violation USING MESSAGE = 'a contact is still known by an identity';
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER known_no_more_when_gone AFTER DELETE ON contacts DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION contacts_known_no_more();

-- The index hears of many contacts in one row.
ALTER TABLE search_due ALTER COLUMN subject_id DROP NOT NULL;
ALTER TABLE search_due ADD COLUMN subject_ids uuid[];
ALTER TABLE search_due ADD CHECK ((subject_id IS NULL) <> (subject_ids IS NULL));
COMMENT ON COLUMN search_due.subject_ids IS 'Many at once, a hundred at most, instead of one.';
CREATE OR REPLACE FUNCTION search_contacts_added() RETURNS trigger LANGUAGE plpgsql SET search_path = :schema, kit, pg_temp AS $$
BEGIN
    INSERT INTO search_due (organization_id, kind, subject_ids)
    SELECT a.organization_id, 'contact', array_agg(a.id)
    FROM (SELECT organization_id, id, (row_number() OVER () - 1) / 100 AS part FROM added) AS a
    GROUP BY a.organization_id, a.part;
    RETURN NULL;
END
$$;
CREATE OR REPLACE FUNCTION search_identities_added() RETURNS trigger LANGUAGE plpgsql SET search_path = :schema, kit, pg_temp AS $$
BEGIN
    INSERT INTO search_due (organization_id, kind, subject_ids)
    SELECT a.organization_id, 'contact', array_agg(a.contact_id)
    FROM (SELECT organization_id, contact_id, (row_number() OVER () - 1) / 100 AS part
          FROM (SELECT DISTINCT organization_id, contact_id FROM added) AS d) AS a
    GROUP BY a.organization_id, a.part;
    RETURN NULL;
END
$$;
DROP FUNCTION search_claim(integer);
CREATE FUNCTION search_claim(at_most integer) RETURNS TABLE (organization_id uuid, kind text, subject_id uuid)
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        WITH waiting AS (
            SELECT w.id, coalesce(cardinality(w.subject_ids), 1) AS size
            FROM search_due AS w ORDER BY w.id LIMIT at_most FOR UPDATE SKIP LOCKED
        ), gone AS (
            DELETE FROM search_due AS d WHERE d.id = ANY (ARRAY(
                SELECT s.id FROM (SELECT w.id, sum(w.size) OVER (ORDER BY w.id) - w.size AS before FROM waiting AS w) AS s
                WHERE s.before < at_most
            ))
            RETURNING d.organization_id, d.kind, coalesce(d.subject_ids, ARRAY[d.subject_id]) AS subject_ids
        )
        SELECT g.organization_id, g.kind, each FROM gone AS g CROSS JOIN unnest(g.subject_ids) AS each
    $$;
REVOKE ALL ON FUNCTION search_claim(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION search_claim(integer) TO :app;
ALTER FUNCTION search_claim(integer) OWNER TO :loops;
COMMENT ON TABLE contact_import_changes IS 'What an import changed, so that it can be undone; name_before is sealed as it was.';
