-- When contacts become one, what the team has put on a conversation goes on with it, and comes back when they are two.

ALTER TABLE notes ADD COLUMN origin_id uuid;
ALTER TABLE conversation_labels ADD COLUMN origin_id uuid;
ALTER TABLE drafts ADD COLUMN origin_id uuid;
ALTER TABLE conversation_attributes ADD COLUMN origin_id uuid;
ALTER TABLE conversation_participants ADD COLUMN origin_id uuid;
COMMENT ON COLUMN notes.origin_id IS 'The conversation it was written in, where that goes on in this one.';
COMMENT ON COLUMN conversation_labels.origin_id IS 'The conversation it was put on, where that goes on in this one.';
COMMENT ON COLUMN drafts.origin_id IS 'The conversation it was begun in, where that goes on in this one.';
COMMENT ON COLUMN conversation_attributes.origin_id IS 'The conversation it was said of, where that goes on in this one.';
COMMENT ON COLUMN conversation_participants.origin_id IS 'The conversation that is followed, where that goes on in this one.';
CREATE INDEX notes_of_origin ON notes (origin_id) WHERE origin_id IS NOT NULL;
CREATE INDEX conversation_labels_of_origin ON conversation_labels (origin_id) WHERE origin_id IS NOT NULL;
CREATE INDEX drafts_of_origin ON drafts (origin_id) WHERE origin_id IS NOT NULL;
CREATE INDEX conversation_attributes_of_origin ON conversation_attributes (origin_id) WHERE origin_id IS NOT NULL;
CREATE INDEX conversation_participants_of_origin ON conversation_participants (origin_id) WHERE origin_id IS NOT NULL;
GRANT UPDATE ON note_words, conversation_participants TO :app;
