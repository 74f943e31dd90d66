-- What auth needs to hand over and let go of what it holds about a person.

-- An invitation outlives whoever wrote it.
ALTER TABLE invitations ALTER COLUMN invited_by DROP NOT NULL;

-- What leads to a person is found, and a deleted person looked for by the foreign keys, without reading whole tables.
CREATE INDEX invitations_by_inviter ON invitations (invited_by) WHERE invited_by IS NOT NULL;
CREATE INDEX invitations_by_invited ON invitations (accepted_by) WHERE accepted_by IS NOT NULL;
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX revocations_by_user ON revocations (user_id);

GRANT DELETE ON users, identities, mail_preferences, invitations TO :app;

-- Where a person is known, as a member or by an invitation: ids of organizations only, and only of the one person named.
CREATE POLICY knowing ON invitations FOR SELECT TO :loops USING (true);
GRANT SELECT (organization_id, email_blind, invited_by, accepted_by) ON invitations TO :loops;
GRANT SELECT (user_id, blind, verified_at) ON identities TO :loops;

CREATE FUNCTION organizations_of_user(person uuid) RETURNS TABLE (organization_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT m.organization_id FROM members AS m WHERE m.user_id = person
        UNION
        SELECT i.organization_id FROM invitations AS i WHERE i.invited_by = person
        UNION
        SELECT i.organization_id FROM invitations AS i WHERE i.accepted_by = person
        UNION
        SELECT i.organization_id
        FROM identities AS own JOIN invitations AS i ON i.email_blind = own.blind
        WHERE own.user_id = person AND own.verified_at IS NOT NULL
    $$;
REVOKE ALL ON FUNCTION organizations_of_user(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION organizations_of_user(uuid) TO :app;
ALTER FUNCTION organizations_of_user(uuid) OWNER TO :loops;
