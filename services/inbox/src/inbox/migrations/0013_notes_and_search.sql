-- What the team writes to itself, whom it mentions there, and by what messages, notes and contacts are found.

CREATE TABLE notes (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    conversation_id uuid NOT NULL REFERENCES conversations,
    author_id       uuid,
    content_sealed  bytea NOT NULL,
    version         bigint NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    edited_at       timestamptz,
    deleted_at      timestamptz
);
COMMENT ON TABLE notes IS 'What the team writes to itself in a conversation. It is no message: nothing that sends reads this table.';
COMMENT ON COLUMN notes.content_sealed IS 'Under the contact''s key; empty once the note was deleted.';
CREATE INDEX notes_shown ON notes (conversation_id, created_at, id);
CREATE INDEX notes_by_author ON notes (author_id, organization_id, id) WHERE author_id IS NOT NULL;
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
ALTER TABLE notes FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON notes TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON notes TO :app;

CREATE TABLE note_revisions (
    note_id         uuid NOT NULL REFERENCES notes,
    number          bigint NOT NULL,
    organization_id uuid NOT NULL,
    content_sealed  bytea NOT NULL,
    replaced_at     timestamptz NOT NULL DEFAULT kit_now(),
    PRIMARY KEY (note_id, number)
);
COMMENT ON TABLE note_revisions IS 'What a note said before it was edited, by its version then; goes when the note is deleted.';
ALTER TABLE note_revisions ENABLE ROW LEVEL SECURITY;
ALTER TABLE note_revisions FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON note_revisions TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, DELETE ON note_revisions TO :app;

CREATE TABLE mentions (
    note_id         uuid NOT NULL REFERENCES notes,
    user_id         uuid NOT NULL,
    organization_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    read_at         timestamptz,
    PRIMARY KEY (note_id, user_id)
);
COMMENT ON TABLE mentions IS 'Whom a note calls, and whether they have seen it.';
CREATE INDEX mentions_of_user ON mentions (organization_id, user_id, created_at, note_id);
CREATE INDEX mentions_unread ON mentions (organization_id, user_id, created_at, note_id) WHERE read_at IS NULL;
CREATE INDEX mentions_by_user ON mentions (user_id);
ALTER TABLE mentions ENABLE ROW LEVEL SECURITY;
ALTER TABLE mentions FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON mentions TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON mentions TO :app;

-- The index. Tokens are keyed hashes of words, other ones in each organization; each row goes with what it finds.
CREATE TABLE message_words (
    message_id      uuid PRIMARY KEY REFERENCES messages ON DELETE CASCADE,
    organization_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    at              timestamptz NOT NULL,
    tokens          bigint[] NOT NULL
);
COMMENT ON TABLE message_words IS 'By what a message is found: keyed hashes of its words and their beginnings.';
ALTER TABLE message_words ALTER COLUMN tokens SET STATISTICS 1000;
CREATE INDEX message_words_tokens ON message_words USING gin (tokens) WITH (gin_pending_list_limit = 1024);
CREATE INDEX message_words_newest ON message_words (organization_id, at, message_id);
CREATE INDEX message_words_in_conversation ON message_words (conversation_id, at, message_id);

CREATE TABLE note_words (
    note_id         uuid PRIMARY KEY REFERENCES notes ON DELETE CASCADE,
    organization_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    at              timestamptz NOT NULL,
    tokens          bigint[] NOT NULL
);
COMMENT ON TABLE note_words IS 'By what a note is found.';
CREATE INDEX note_words_tokens ON note_words USING gin (tokens) WITH (gin_pending_list_limit = 1024);
CREATE INDEX note_words_newest ON note_words (organization_id, at, note_id);
CREATE INDEX note_words_in_conversation ON note_words (conversation_id, at, note_id);

CREATE TABLE contact_words (
    contact_id      uuid PRIMARY KEY REFERENCES contacts ON DELETE CASCADE,
    organization_id uuid NOT NULL,
    at              timestamptz NOT NULL,
    tokens          bigint[] NOT NULL
);
COMMENT ON TABLE contact_words IS 'By what a contact is found: keyed hashes of beginnings of names and addresses, and of parts of numbers.';
CREATE INDEX contact_words_tokens ON contact_words USING gin (tokens) WITH (gin_pending_list_limit = 1024);
CREATE INDEX contact_words_newest ON contact_words (organization_id, at, contact_id);

CREATE TABLE search_due (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id uuid NOT NULL,
    kind            text NOT NULL CHECK (kind IN ('message', 'note', 'contact')),
    subject_id      uuid NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE search_due IS 'What was written or changed and is to be looked at by the index; no longer than it takes.';

ALTER TABLE message_words ENABLE ROW LEVEL SECURITY;
ALTER TABLE message_words FORCE ROW LEVEL SECURITY;
ALTER TABLE note_words ENABLE ROW LEVEL SECURITY;
ALTER TABLE note_words FORCE ROW LEVEL SECURITY;
ALTER TABLE contact_words ENABLE ROW LEVEL SECURITY;
ALTER TABLE contact_words FORCE ROW LEVEL SECURITY;
ALTER TABLE search_due ENABLE ROW LEVEL SECURITY;
ALTER TABLE search_due FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON message_words TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
CREATE POLICY tenant ON note_words TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
CREATE POLICY tenant ON contact_words TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
CREATE POLICY tenant ON search_due TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, DELETE ON message_words, note_words, contact_words TO :app;
GRANT SELECT, INSERT ON search_due TO :app;
CREATE POLICY looking ON message_words FOR SELECT TO :loops USING (true);
CREATE POLICY looking ON note_words FOR SELECT TO :loops USING (true);
CREATE POLICY looking ON contact_words FOR SELECT TO :loops USING (true);
CREATE POLICY claiming ON search_due TO :loops USING (true);
GRANT SELECT ON message_words, note_words, contact_words TO :loops;
GRANT SELECT, UPDATE, DELETE ON search_due TO :loops;

-- Under row-level security `@>` is a filter and never an index condition. Run as another role, with the organization as an
-- argument, it finds by the GIN index what is rare, and by time what is frequent: the planner knows which, because the
-- statement is planned anew with its values. Whose transaction is not bound to the organization finds nothing.
CREATE FUNCTION search_find(
    what text, wanted_organization uuid, wanted bigint[], within uuid, before timestamptz, before_id uuid, at_most integer
) RETURNS TABLE (id uuid, conversation_id uuid, at timestamptz) LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
    BEGIN
        IF NOT wanted_organization = ANY (current_setting('app.orgs')::uuid[]) OR what NOT IN ('message', 'note', 'contact') THEN
            RETURN;
        END IF;
        RETURN QUERY EXECUTE format(
            'SELECT w.%1$I, %3$s, w.at FROM %2$I AS w WHERE w.organization_id = $1 AND w.tokens @> $2 %4$s %5$s
             ORDER BY w.at DESC, w.%1$I DESC LIMIT $6',
            what || '_id',
            what || '_words',
            CASE WHEN what = 'contact' THEN 'NULL::uuid' ELSE 'w.conversation_id' END,
            CASE WHEN within IS NULL THEN '' ELSE 'AND w.conversation_id = $3' END,
            CASE WHEN before IS NULL THEN '' ELSE format('AND (w.at, w.%I) < ($4, $5)', what || '_id') END
        ) USING wanted_organization, wanted, within, before, before_id, at_most;
    END
    $$;
REVOKE ALL ON FUNCTION search_find(text, uuid, bigint[], uuid, timestamptz, uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION search_find(text, uuid, bigint[], uuid, timestamptz, uuid, integer) TO :app;
ALTER FUNCTION search_find(text, uuid, bigint[], uuid, timestamptz, uuid, integer) OWNER TO :loops;

CREATE FUNCTION search_claim(at_most integer) RETURNS TABLE (organization_id uuid, kind text, subject_id uuid)
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        DELETE FROM search_due AS d WHERE d.id = ANY (ARRAY(
            SELECT w.id FROM search_due AS w ORDER BY w.id LIMIT at_most FOR UPDATE SKIP LOCKED
        ))
        RETURNING d.organization_id, d.kind, d.subject_id
    $$;
REVOKE ALL ON FUNCTION search_claim(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION search_claim(integer) TO :app;
ALTER FUNCTION search_claim(integer) OWNER TO :loops;

-- Whoever writes what: the index hears of it in the same commit.
CREATE FUNCTION search_messages_added() RETURNS trigger LANGUAGE plpgsql SET search_path = :schema, kit, pg_temp AS $$
BEGIN
    INSERT INTO search_due (organization_id, kind, subject_id) SELECT a.organization_id, 'message', a.id FROM added AS a;
    RETURN NULL;
END
$$;
CREATE TRIGGER found_when_added AFTER INSERT ON messages REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION search_messages_added();

CREATE FUNCTION search_marks_added() RETURNS trigger LANGUAGE plpgsql SET search_path = :schema, kit, pg_temp AS $$
BEGIN
    INSERT INTO search_due (organization_id, kind, subject_id)
    SELECT m.organization_id, 'message', m.id FROM added AS a
    JOIN messages AS m ON m.channel_id = a.channel_id AND m.provider_blind = a.target_blind
    WHERE a.kind IN ('edit', 'revoke');
    RETURN NULL;
END
$$;
CREATE TRIGGER found_when_changed AFTER INSERT ON message_marks REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION search_marks_added();

CREATE FUNCTION search_notes_added() RETURNS trigger LANGUAGE plpgsql SET search_path = :schema, kit, pg_temp AS $$
BEGIN
    INSERT INTO search_due (organization_id, kind, subject_id) SELECT a.organization_id, 'note', a.id FROM added AS a;
    RETURN NULL;
END
$$;
CREATE TRIGGER found_when_added AFTER INSERT ON notes REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION search_notes_added();
CREATE TRIGGER found_when_changed AFTER UPDATE ON notes REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION search_notes_added();

CREATE FUNCTION search_contacts_added() RETURNS trigger LANGUAGE plpgsql SET search_path = :schema, kit, pg_temp AS $$
BEGIN
    INSERT INTO search_due (organization_id, kind, subject_id) SELECT a.organization_id, 'contact', a.id FROM added AS a;
    RETURN NULL;
END
$$;
CREATE TRIGGER found_when_added AFTER INSERT ON contacts REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION search_contacts_added();
CREATE FUNCTION search_contacts_renamed() RETURNS trigger LANGUAGE plpgsql SET search_path = :schema, kit, pg_temp AS $$
BEGIN
    INSERT INTO search_due (organization_id, kind, subject_id)
    SELECT a.organization_id, 'contact', a.id FROM added AS a JOIN gone AS g USING (id)
    WHERE a.name_sealed IS DISTINCT FROM g.name_sealed;
    RETURN NULL;
END
$$;
CREATE TRIGGER found_when_renamed AFTER UPDATE ON contacts REFERENCING NEW TABLE AS added OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION search_contacts_renamed();

CREATE FUNCTION search_identities_added() RETURNS trigger LANGUAGE plpgsql SET search_path = :schema, kit, pg_temp AS $$
BEGIN
    INSERT INTO search_due (organization_id, kind, subject_id)
    SELECT DISTINCT a.organization_id, 'contact', a.contact_id FROM added AS a;
    RETURN NULL;
END
$$;
CREATE TRIGGER found_when_known AFTER INSERT ON contact_identities REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION search_identities_added();
CREATE FUNCTION search_identities_changed() RETURNS trigger LANGUAGE plpgsql SET search_path = :schema, kit, pg_temp AS $$
BEGIN
    INSERT INTO search_due (organization_id, kind, subject_id)
    SELECT DISTINCT t.organization_id, 'contact', t.contact_id
    FROM added AS a JOIN gone AS g USING (organization_id, kind, blind)
    CROSS JOIN LATERAL (VALUES (a.organization_id, a.contact_id), (g.organization_id, g.contact_id))
        AS t (organization_id, contact_id)
    WHERE a.contact_id <> g.contact_id OR a.left_at IS DISTINCT FROM g.left_at;
    RETURN NULL;
END
$$;
CREATE TRIGGER found_when_handed_over AFTER UPDATE ON contact_identities REFERENCING NEW TABLE AS added OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION search_identities_changed();
CREATE FUNCTION search_identities_gone() RETURNS trigger LANGUAGE plpgsql SET search_path = :schema, kit, pg_temp AS $$
BEGIN
    INSERT INTO search_due (organization_id, kind, subject_id)
    SELECT DISTINCT g.organization_id, 'contact', g.contact_id FROM gone AS g;
    RETURN NULL;
END
$$;
CREATE TRIGGER found_no_more_when_gone AFTER DELETE ON contact_identities REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION search_identities_gone();

-- What is there already is found, too.
CREATE POLICY filling ON messages TO :owner USING (true);
CREATE POLICY filling ON contacts TO :owner USING (true);
CREATE POLICY filling ON search_due TO :owner USING (true);
INSERT INTO search_due (organization_id, kind, subject_id) SELECT organization_id, 'contact', id FROM contacts;
INSERT INTO search_due (organization_id, kind, subject_id) SELECT organization_id, 'message', id FROM messages;
DROP POLICY filling ON messages;
DROP POLICY filling ON contacts;
DROP POLICY filling ON search_due;

CREATE POLICY looking ON notes FOR SELECT TO :loops USING (true);
CREATE POLICY looking ON mentions FOR SELECT TO :loops USING (true);
GRANT SELECT (organization_id, author_id) ON notes TO :loops;
GRANT SELECT (organization_id, user_id) ON mentions TO :loops;
DROP FUNCTION organizations_worked_in(uuid);  -- at once and not a release later, since no release has had it
CREATE FUNCTION organizations_worked_in(wanted uuid) RETURNS TABLE (organization_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT s.organization_id FROM signatures AS s WHERE s.user_id = wanted
        UNION
        SELECT c.organization_id FROM conversation_labels AS c WHERE c.labelled_by = wanted
        UNION
        SELECT c.organization_id FROM contact_labels AS c WHERE c.labelled_by = wanted
        UNION
        SELECT n.organization_id FROM notes AS n WHERE n.author_id = wanted
        UNION
        SELECT m.organization_id FROM mentions AS m WHERE m.user_id = wanted
    $$;
REVOKE ALL ON FUNCTION organizations_worked_in(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION organizations_worked_in(uuid) TO :app;
ALTER FUNCTION organizations_worked_in(uuid) OWNER TO :loops;
