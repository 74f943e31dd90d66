-- What makes an agent's work quicker: drafts, attributes of the organization's own, and what is kept under a name.

CREATE TABLE arrangements (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    kind            text NOT NULL CHECK (kind IN ('canned_reply', 'macro', 'view')),
    owner_id        uuid,
    key             text COLLATE "C" NOT NULL CHECK (length(key) BETWEEN 1 AND 400),
    document_sealed bytea NOT NULL,
    version         bigint NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    changed_at      timestamptz NOT NULL DEFAULT kit_now(),
    UNIQUE NULLS NOT DISTINCT (organization_id, kind, owner_id, key)
);
COMMENT ON TABLE arrangements IS 'Canned replies, macros and saved filters: of all, or of one member alone, whose key then seals them.';
CREATE INDEX arrangements_listed ON arrangements (organization_id, kind, key, id);
CREATE INDEX arrangements_of_user ON arrangements (owner_id) WHERE owner_id IS NOT NULL;
ALTER TABLE arrangements ENABLE ROW LEVEL SECURITY;
ALTER TABLE arrangements FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON arrangements TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON arrangements TO :app;

CREATE TABLE drafts (
    organization_id uuid NOT NULL,
    conversation_id uuid NOT NULL REFERENCES conversations,
    user_id         uuid NOT NULL,
    content_sealed  bytea NOT NULL,
    version         bigint NOT NULL,
    changed_at      timestamptz NOT NULL DEFAULT kit_now(),
    PRIMARY KEY (conversation_id, user_id)
);
COMMENT ON TABLE drafts IS 'What a member has begun to write; empty once it was sent, so that a late tab finds another version.';
CREATE INDEX drafts_of_user ON drafts (user_id, conversation_id);
ALTER TABLE drafts ENABLE ROW LEVEL SECURITY;
ALTER TABLE drafts FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON drafts TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON drafts TO :app;

CREATE TABLE attributes (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    applies_to      text NOT NULL CHECK (applies_to IN ('conversation', 'contact')),
    key             text COLLATE "C" NOT NULL CHECK (key ~ '^[a-z][a-z0-9_]{0,63}$'),
    name            text NOT NULL,
    type            text NOT NULL CHECK (type IN ('text', 'number', 'date', 'list', 'checkbox', 'link')),
    choices         text[] NOT NULL DEFAULT '{}',
    personal        boolean NOT NULL DEFAULT false,
    version         bigint NOT NULL DEFAULT 1,
    deleted_at      timestamptz,
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    changed_at      timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE attributes IS 'What an organization wants to know of its conversations and contacts beside what is there.';
CREATE UNIQUE INDEX attributes_key ON attributes (organization_id, applies_to, key) WHERE deleted_at IS NULL;
CREATE INDEX attributes_deleted ON attributes (id) WHERE deleted_at IS NOT NULL;
ALTER TABLE attributes ENABLE ROW LEVEL SECURITY;
ALTER TABLE attributes FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON attributes TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE ON attributes TO :app;

CREATE TABLE conversation_attributes (
    organization_id uuid NOT NULL,
    conversation_id uuid NOT NULL REFERENCES conversations,
    attribute_id    uuid NOT NULL REFERENCES attributes,
    value           text,
    value_sealed    bytea,
    changed_at      timestamptz NOT NULL DEFAULT kit_now(),
    PRIMARY KEY (conversation_id, attribute_id),
    CHECK ((value IS NULL) <> (value_sealed IS NULL))
);
COMMENT ON TABLE conversation_attributes IS 'Values of attributes on conversations; those of personal ones are sealed under the contact''s key.';
CREATE INDEX conversation_attributes_by_attribute ON conversation_attributes (attribute_id, conversation_id);
ALTER TABLE conversation_attributes ENABLE ROW LEVEL SECURITY;
ALTER TABLE conversation_attributes FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON conversation_attributes TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON conversation_attributes TO :app;

CREATE POLICY sweeping ON attributes TO :loops USING (true);
CREATE POLICY sweeping ON conversation_attributes TO :loops USING (true);
GRANT SELECT, DELETE ON attributes, conversation_attributes TO :loops;
CREATE FUNCTION attributes_sweep(at_most integer) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
    DECLARE
        swept integer;
    BEGIN
        WITH gone AS (
            DELETE FROM conversation_attributes AS v WHERE (v.conversation_id, v.attribute_id) IN (
                SELECT w.conversation_id, w.attribute_id
                FROM attributes AS a JOIN conversation_attributes AS w ON w.attribute_id = a.id
                WHERE a.deleted_at IS NOT NULL LIMIT at_most)
            RETURNING 1
        ) SELECT count(*) INTO swept FROM gone;
        IF swept > 0 THEN RETURN swept; END IF;
        WITH gone AS (
            DELETE FROM attributes AS a WHERE a.deleted_at IS NOT NULL
              AND NOT EXISTS (SELECT FROM conversation_attributes AS w WHERE w.attribute_id = a.id)
            RETURNING 1
        ) SELECT count(*) INTO swept FROM gone;
        RETURN swept;
    END
    $$;
REVOKE ALL ON FUNCTION attributes_sweep(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attributes_sweep(integer) TO :app;
ALTER FUNCTION attributes_sweep(integer) OWNER TO :loops;

CREATE POLICY looking ON arrangements FOR SELECT TO :loops USING (true);
CREATE POLICY looking ON drafts FOR SELECT TO :loops USING (true);
GRANT SELECT (organization_id, owner_id) ON arrangements TO :loops;
GRANT SELECT (organization_id, user_id) ON drafts TO :loops;
CREATE FUNCTION organizations_arranged_in(wanted uuid) RETURNS TABLE (organization_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT a.organization_id FROM arrangements AS a WHERE a.owner_id = wanted
        UNION
        SELECT d.organization_id FROM drafts AS d WHERE d.user_id = wanted
    $$;
REVOKE ALL ON FUNCTION organizations_arranged_in(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION organizations_arranged_in(uuid) TO :app;
ALTER FUNCTION organizations_arranged_in(uuid) OWNER TO :loops;

-- Messages move to another conversation when contacts become one, or two again: so does by what they are found.
GRANT UPDATE ON message_words TO :app;
CREATE FUNCTION search_message_moved() RETURNS trigger LANGUAGE plpgsql SET search_path = :schema, kit, pg_temp AS $$
BEGIN
    UPDATE message_words SET conversation_id = NEW.conversation_id WHERE message_id = NEW.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER found_where_it_is AFTER UPDATE OF conversation_id ON messages
    FOR EACH ROW WHEN (OLD.conversation_id IS DISTINCT FROM NEW.conversation_id) EXECUTE FUNCTION search_message_moved();
