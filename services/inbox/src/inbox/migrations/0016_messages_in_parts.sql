-- A message that leaves in several parts: one row for the whole, which never leaves itself, and one for each part.

ALTER TABLE messages
    ADD COLUMN whole_id uuid,
    ADD COLUMN part_number smallint,
    ADD COLUMN part_attempt smallint,
    ADD CONSTRAINT messages_part_check CHECK ((whole_id IS NULL) = (part_number IS NULL));
COMMENT ON COLUMN messages.whole_id IS 'The message that this is a part of; of a part that was tried again the newest attempt counts.';
CREATE INDEX messages_parts ON messages (whole_id, part_number, part_attempt) WHERE whole_id IS NOT NULL;

-- What is found is the whole; its parts say nothing that it does not.
CREATE OR REPLACE FUNCTION search_messages_added() RETURNS trigger LANGUAGE plpgsql SET search_path = :schema, kit, pg_temp AS $$
BEGIN
    INSERT INTO search_due (organization_id, kind, subject_id)
    SELECT a.organization_id, 'message', a.id FROM added AS a WHERE a.whole_id IS NULL;
    RETURN NULL;
END
$$;
