-- A note stands in a conversation, or at a contact; whoever works in the inbox sees the latter, as they see contacts.
ALTER TABLE notes ALTER COLUMN conversation_id DROP NOT NULL;
ALTER TABLE notes ADD COLUMN contact_id uuid REFERENCES contacts;
ALTER TABLE notes ADD CONSTRAINT notes_stand_somewhere CHECK ((conversation_id IS NULL) <> (contact_id IS NULL));
COMMENT ON TABLE notes IS 'What the team writes to itself in a conversation or about a contact. It is no message: nothing that sends reads this table.';
CREATE INDEX notes_about ON notes (contact_id, created_at, id) WHERE contact_id IS NOT NULL;
ALTER TABLE mentions ALTER COLUMN conversation_id DROP NOT NULL;
ALTER TABLE note_words ALTER COLUMN conversation_id DROP NOT NULL;

DROP POLICY seen ON notes;
CREATE POLICY seen ON notes AS RESTRICTIVE TO :app
    USING ((SELECT channels_hidden() = '{}') OR conversation_id IS NULL OR conversation_seen(conversation_id));
DROP POLICY seen ON mentions;
CREATE POLICY seen ON mentions AS RESTRICTIVE TO :app
    USING ((SELECT channels_hidden() = '{}') OR conversation_id IS NULL OR conversation_seen(conversation_id));
