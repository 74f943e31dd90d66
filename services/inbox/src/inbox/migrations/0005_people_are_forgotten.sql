-- What handing over and letting go of a person takes: rows are found by whom they are about, and may be deleted.
GRANT DELETE ON contacts, contact_identities, conversations, messages, message_marks, message_receipts, media TO :app;

CREATE INDEX media_by_conversation ON media (conversation_id);
CREATE INDEX messages_by_author ON messages (author_id, organization_id, conversation_id) WHERE author_id IS NOT NULL;
CREATE INDEX members_of_user ON members (user_id) WHERE user_id IS NOT NULL;

ALTER TABLE members ALTER COLUMN user_id DROP NOT NULL;
COMMENT ON COLUMN members.user_id IS 'Empty once the membership ended or the user was forgotten; the row stays, so that what is older changes nothing.';
COMMENT ON COLUMN messages.content_sealed IS 'Empty once the contact was forgotten and the row stays for counting.';

-- Where a user is known, for those who are asked about them without an organization.
CREATE POLICY looking ON members FOR SELECT TO :loops USING (true);
CREATE POLICY looking ON messages FOR SELECT TO :loops USING (true);
GRANT SELECT (organization_id, user_id) ON members TO :loops;
GRANT SELECT (organization_id, author_id) ON messages TO :loops;
CREATE FUNCTION organizations_of_user(wanted uuid) RETURNS TABLE (organization_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT m.organization_id FROM members AS m WHERE m.user_id = wanted
        UNION
        SELECT w.organization_id FROM messages AS w WHERE w.author_id = wanted
    $$;
REVOKE ALL ON FUNCTION organizations_of_user(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION organizations_of_user(uuid) TO :app;
ALTER FUNCTION organizations_of_user(uuid) OWNER TO :loops;
