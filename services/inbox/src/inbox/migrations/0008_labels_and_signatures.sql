-- Labels of an organization's own on conversations and contacts, and the names under which members answer.

CREATE TABLE labels (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    name            text NOT NULL CHECK (length(name) BETWEEN 1 AND 60),
    name_key        text NOT NULL,
    colour          text NOT NULL CHECK (colour ~ '^#[0-9a-f]{6}$'),
    conversations   integer NOT NULL DEFAULT 0 CHECK (conversations >= 0),
    contacts        integer NOT NULL DEFAULT 0 CHECK (contacts >= 0),
    version         bigint NOT NULL DEFAULT 1,
    deleted_at      timestamptz,
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    changed_at      timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE labels IS 'A word of the organization''s own, and how many carry it; one that was deleted stays until nothing carries it.';
CREATE UNIQUE INDEX labels_name ON labels (organization_id, name_key) WHERE deleted_at IS NULL;
CREATE INDEX labels_deleted ON labels (id) WHERE deleted_at IS NOT NULL;
ALTER TABLE labels ENABLE ROW LEVEL SECURITY;
ALTER TABLE labels FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON labels TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE ON labels TO :app;

CREATE TABLE conversation_labels (
    organization_id uuid NOT NULL,
    conversation_id uuid NOT NULL REFERENCES conversations,
    label_id        uuid NOT NULL REFERENCES labels,
    labelled_by     uuid,
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    PRIMARY KEY (conversation_id, label_id)
);
COMMENT ON TABLE conversation_labels IS 'Which labels a conversation carries, and who put them on.';
CREATE INDEX conversation_labels_by_label ON conversation_labels (label_id, conversation_id);
CREATE INDEX conversation_labels_by_user ON conversation_labels (labelled_by, conversation_id, label_id)
    WHERE labelled_by IS NOT NULL;
ALTER TABLE conversation_labels ENABLE ROW LEVEL SECURITY;
ALTER TABLE conversation_labels FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON conversation_labels TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON conversation_labels TO :app;

CREATE TABLE contact_labels (
    organization_id uuid NOT NULL,
    contact_id      uuid NOT NULL REFERENCES contacts,
    label_id        uuid NOT NULL REFERENCES labels,
    labelled_by     uuid,
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    PRIMARY KEY (contact_id, label_id)
);
COMMENT ON TABLE contact_labels IS 'Which labels a contact carries, and who put them on.';
CREATE INDEX contact_labels_by_label ON contact_labels (label_id, contact_id);
CREATE INDEX contact_labels_by_user ON contact_labels (labelled_by, contact_id, label_id) WHERE labelled_by IS NOT NULL;
ALTER TABLE contact_labels ENABLE ROW LEVEL SECURITY;
ALTER TABLE contact_labels FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON contact_labels TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON contact_labels TO :app;

-- Deleted labels go in batches, whoever's they are.
CREATE POLICY sweeping ON labels TO :loops USING (true);
CREATE POLICY sweeping ON conversation_labels TO :loops USING (true);
CREATE POLICY sweeping ON contact_labels TO :loops USING (true);
GRANT SELECT, DELETE ON labels, conversation_labels, contact_labels TO :loops;
CREATE FUNCTION labels_sweep(at_most integer) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
    DECLARE
        swept integer;
    BEGIN
        WITH gone AS (
            DELETE FROM conversation_labels AS c WHERE (c.conversation_id, c.label_id) IN (
                SELECT w.conversation_id, w.label_id FROM labels AS l JOIN conversation_labels AS w ON w.label_id = l.id
                WHERE l.deleted_at IS NOT NULL LIMIT at_most)
            RETURNING 1
        ) SELECT count(*) INTO swept FROM gone;
        IF swept > 0 THEN RETURN swept; END IF;
        WITH gone AS (
            DELETE FROM contact_labels AS c WHERE (c.contact_id, c.label_id) IN (
                SELECT w.contact_id, w.label_id FROM labels AS l JOIN contact_labels AS w ON w.label_id = l.id
                WHERE l.deleted_at IS NOT NULL LIMIT at_most)
            RETURNING 1
        ) SELECT count(*) INTO swept FROM gone;
        IF swept > 0 THEN RETURN swept; END IF;
        WITH gone AS (
            DELETE FROM labels AS l WHERE l.deleted_at IS NOT NULL
              AND NOT EXISTS (SELECT FROM conversation_labels AS w WHERE w.label_id = l.id)
              AND NOT EXISTS (SELECT FROM contact_labels AS w WHERE w.label_id = l.id)
            RETURNING 1
        ) SELECT count(*) INTO swept FROM gone;
        RETURN swept;
    END
    $$;
REVOKE ALL ON FUNCTION labels_sweep(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION labels_sweep(integer) TO :app;
ALTER FUNCTION labels_sweep(integer) OWNER TO :loops;

CREATE TABLE signatures (
    organization_id uuid NOT NULL,
    user_id         uuid NOT NULL,
    name_sealed     bytea NOT NULL,
    version         bigint NOT NULL DEFAULT 1,
    changed_at      timestamptz NOT NULL DEFAULT kit_now(),
    PRIMARY KEY (organization_id, user_id)
);
COMMENT ON TABLE signatures IS 'The name under which a member answers here, as they said it; sealed under their key.';
CREATE INDEX signatures_by_user ON signatures (user_id);
ALTER TABLE signatures ENABLE ROW LEVEL SECURITY;
ALTER TABLE signatures FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON signatures TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON signatures TO :app;

-- Where a user has put labels on, or says how they are called, although they may be no member any more.
CREATE POLICY looking ON signatures FOR SELECT TO :loops USING (true);
GRANT SELECT (organization_id, user_id) ON signatures TO :loops;
CREATE FUNCTION organizations_worked_in(wanted uuid) RETURNS TABLE (organization_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT s.organization_id FROM signatures AS s WHERE s.user_id = wanted
        UNION
        SELECT c.organization_id FROM conversation_labels AS c WHERE c.labelled_by = wanted
        UNION
        SELECT c.organization_id FROM contact_labels AS c WHERE c.labelled_by = wanted
    $$;
REVOKE ALL ON FUNCTION organizations_worked_in(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION organizations_worked_in(uuid) TO :app;
ALTER FUNCTION organizations_worked_in(uuid) OWNER TO :loops;
