-- Contacts that turn out to be one person. Nothing of either is rewritten: each keeps its row, its key and what it is
-- known by, and points to the one it is shown as; what was said keeps whose it is, so that a merge can be undone.

ALTER TABLE contacts ADD COLUMN merged_into uuid REFERENCES contacts;
CREATE INDEX contacts_merged ON contacts (merged_into) WHERE merged_into IS NOT NULL;
COMMENT ON COLUMN contacts.merged_into IS 'The contact it is shown as, itself never merged; empty when it stands for itself.';

ALTER TABLE conversations
    ADD COLUMN origin_id    uuid,
    ADD COLUMN speaker_id   uuid,
    ADD COLUMN continued_in uuid REFERENCES conversations,
    ADD COLUMN paused       jsonb;
CREATE INDEX conversations_by_origin ON conversations (origin_id) WHERE origin_id IS NOT NULL;
CREATE INDEX conversations_continued ON conversations (continued_in) WHERE continued_in IS NOT NULL;
COMMENT ON COLUMN conversations.origin_id IS 'With whom it was begun, when that contact is merged into another; empty: with contact_id.';
COMMENT ON COLUMN conversations.speaker_id IS 'Who of the merged contacts wrote last, whom answers go to; empty: with whom it was begun.';
COMMENT ON COLUMN conversations.continued_in IS 'Where it goes on since its contact was merged; meanwhile it is resolved and empty.';
COMMENT ON COLUMN conversations.paused IS 'State and assignee it comes back with when the merge is undone.';

ALTER TABLE messages ADD COLUMN owner_id uuid;
CREATE INDEX messages_by_owner ON messages (owner_id, channel_id) WHERE owner_id IS NOT NULL;
COMMENT ON COLUMN messages.owner_id IS 'Whose it is, under whose key: empty when it is the contact''s with whom the conversation was begun.';
ALTER TABLE message_marks ADD COLUMN owner_id uuid;
CREATE INDEX message_marks_by_owner ON message_marks (owner_id, channel_id) WHERE owner_id IS NOT NULL;
COMMENT ON COLUMN message_marks.owner_id IS 'As of messages.';
GRANT UPDATE (conversation_id, owner_id) ON message_marks TO :app;

CREATE TABLE contact_merges (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    kept_id         uuid NOT NULL REFERENCES contacts,
    merged_id       uuid NOT NULL REFERENCES contacts,
    rule            text NOT NULL,
    merged_at       timestamptz NOT NULL DEFAULT kit_now(),
    undone_at       timestamptz,
    CHECK (kept_id <> merged_id)
);
COMMENT ON TABLE contact_merges IS 'Two contacts are one since then, and by which rule; undone ones stay, so that it can be told.';
CREATE UNIQUE INDEX contact_merges_active ON contact_merges (merged_id) WHERE undone_at IS NULL;
CREATE INDEX contact_merges_by_kept ON contact_merges (kept_id, merged_at);
CREATE INDEX contact_merges_by_merged ON contact_merges (merged_id, merged_at);
CREATE INDEX contact_merges_by_organization ON contact_merges (organization_id, merged_at, id);
ALTER TABLE contact_merges ENABLE ROW LEVEL SECURITY;
ALTER TABLE contact_merges FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON contact_merges TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON contact_merges TO :app;

-- What speaks for two contacts being one. `due` is merged by a loop, `suggested` waits for somebody to decide.
CREATE TABLE contact_matches (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    first_id        uuid NOT NULL REFERENCES contacts DEFERRABLE INITIALLY DEFERRED,
    second_id       uuid NOT NULL REFERENCES contacts DEFERRABLE INITIALLY DEFERRED,
    rule            text NOT NULL,
    state           text NOT NULL CHECK (state IN ('due', 'suggested', 'merged', 'dismissed')),
    attempts        integer NOT NULL DEFAULT 0,
    due_at          timestamptz NOT NULL DEFAULT kit_now(),
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    CHECK (first_id < second_id),
    UNIQUE (organization_id, first_id, second_id)
);
COMMENT ON TABLE contact_matches IS 'Two contacts that may be one, each pair once; what somebody has taken apart is never matched again by itself.';
CREATE INDEX contact_matches_suggested ON contact_matches (organization_id, created_at, id) WHERE state = 'suggested';
CREATE INDEX contact_matches_due ON contact_matches (due_at) WHERE state = 'due';
CREATE INDEX contact_matches_by_first ON contact_matches (first_id);
CREATE INDEX contact_matches_by_second ON contact_matches (second_id);
ALTER TABLE contact_matches ENABLE ROW LEVEL SECURITY;
ALTER TABLE contact_matches FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON contact_matches TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON contact_matches TO :app;

-- Claimed in whichever organization: the next attempt is put off, so that what fails does not hold up the others.
CREATE POLICY matching ON contact_matches TO :loops USING (true);
GRANT SELECT, UPDATE (attempts, due_at) ON contact_matches TO :loops;
CREATE FUNCTION claim_contact_matches(at_most integer)
    RETURNS TABLE (id uuid, organization_id uuid, first_id uuid, second_id uuid, rule text)
    LANGUAGE sql SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        UPDATE contact_matches AS m
        SET attempts = m.attempts + 1, due_at = kit_now() + least(3600, 10 * 2 ^ least(m.attempts, 9)) * interval '1 second'
        WHERE m.id = ANY (ARRAY(
            SELECT due.id FROM contact_matches AS due WHERE due.state = 'due' AND due.due_at <= kit_now()
            ORDER BY due.due_at LIMIT at_most FOR UPDATE SKIP LOCKED
        ))
        RETURNING m.id, m.organization_id, m.first_id, m.second_id, m.rule
    $$;
REVOKE ALL ON FUNCTION claim_contact_matches(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION claim_contact_matches(integer) TO :app;
ALTER FUNCTION claim_contact_matches(integer) OWNER TO :loops;

-- How identities moved, as the platform told: the row of an identity only knows whose it is now.
CREATE TABLE identity_changes (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    contact_id      uuid NOT NULL,
    from_id         uuid,
    kind            text NOT NULL,
    change          text NOT NULL CHECK (change IN ('left', 'taken')),
    sealed          bytea NOT NULL,
    at              timestamptz NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE identity_changes IS 'A contact has left a number or an id, or has one that another contact had before.';
CREATE INDEX identity_changes_by_contact ON identity_changes (contact_id, at);
CREATE INDEX identity_changes_by_former ON identity_changes (from_id, at) WHERE from_id IS NOT NULL;
CREATE INDEX identity_changes_by_organization ON identity_changes (organization_id);
ALTER TABLE identity_changes ENABLE ROW LEVEL SECURITY;
ALTER TABLE identity_changes FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON identity_changes TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, DELETE ON identity_changes TO :app;
