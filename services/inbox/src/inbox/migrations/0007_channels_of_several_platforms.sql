-- Channels of several platforms: Messenger, Instagram and text messages beside WhatsApp. The columns phone_number_id and
-- waba_id keep their names and hold the platform's id of our end and of its account, whatever the platform.

ALTER TABLE channels DROP CONSTRAINT channels_kind_check;
ALTER TABLE channels ADD CONSTRAINT channels_kind_check CHECK (kind IN ('whatsapp', 'messenger', 'instagram', 'sms'));
COMMENT ON TABLE channels IS 'Our end on a platform: a number, a page, an account; while connected, it is nobody else''s here.';
COMMENT ON COLUMN channels.phone_number_id IS 'The platform''s id of our end: of a number, a page, an account, or the number itself where it has no other.';
COMMENT ON COLUMN channels.waba_id IS 'The account our end belongs to, where the platform knows one.';

ALTER TABLE channel_checks ADD COLUMN kind text NOT NULL DEFAULT 'whatsapp';

ALTER TABLE contact_identities DROP CONSTRAINT contact_identities_kind_check;
ALTER TABLE contact_identities ADD CONSTRAINT contact_identities_kind_check
    CHECK (kind IN ('whatsapp_id', 'bsuid', 'parent_bsuid', 'phone', 'messenger_id', 'instagram_id'));

ALTER TABLE conversations
    ADD COLUMN channel_kind text NOT NULL DEFAULT 'whatsapp',
    ADD COLUMN opted_out boolean NOT NULL DEFAULT false,
    ADD COLUMN opted_at timestamptz,
    ADD COLUMN delivered_until timestamptz,
    ADD COLUMN read_until timestamptz;
COMMENT ON COLUMN conversations.channel_kind IS 'The kind of its channel, which never changes: what may be said here and when depends on it.';
COMMENT ON COLUMN conversations.opted_at IS 'When the contact last said that they want no messages here, or want them again.';
COMMENT ON COLUMN conversations.read_until IS 'The platform told that the contact has read all that was sent until then.';

-- A message that waits for the contact to write: it is sent when their window opens.
ALTER TABLE messages DROP CONSTRAINT messages_status_check;
ALTER TABLE messages ADD CONSTRAINT messages_status_check
    CHECK (status IN ('received', 'held', 'queued', 'unconfirmed', 'sent', 'failed', 'delivered', 'read'));
CREATE INDEX messages_held ON messages (conversation_id, sequence) WHERE status = 'held';
CREATE INDEX messages_on_their_way ON messages (conversation_id, sequence)
    WHERE direction = 'out' AND status IN ('queued', 'unconfirmed', 'sent', 'delivered');

-- Platforms that give no id of a medium give an address, which opens it for whoever has it.
ALTER TABLE media ADD COLUMN source_sealed bytea;
