-- Conversations are listed by the values of their attributes: text and days by how they begin, numbers by what they are.

ALTER TABLE conversation_attributes
    ADD COLUMN value_key text COLLATE "C" GENERATED ALWAYS AS ("left"(value, 200)) STORED,
    ADD COLUMN value_number double precision;
COMMENT ON COLUMN conversation_attributes.value_key IS 'The beginning of the value: of all of it an index would be refused.';
COMMENT ON COLUMN conversation_attributes.value_number IS 'The value of a number.';
CREATE POLICY backfill ON attributes TO :owner USING (true);
CREATE POLICY backfill ON conversation_attributes TO :owner USING (true);
UPDATE conversation_attributes AS v SET value_number = v.value::double precision
FROM attributes AS a WHERE a.id = v.attribute_id AND a.type = 'number' AND v.value IS NOT NULL;
DROP POLICY backfill ON conversation_attributes;
DROP POLICY backfill ON attributes;
CREATE INDEX conversation_attributes_by_value ON conversation_attributes (attribute_id, value_key, conversation_id);
CREATE INDEX conversation_attributes_by_number ON conversation_attributes (attribute_id, value_number, conversation_id)
    WHERE value_number IS NOT NULL;
DROP INDEX conversation_attributes_by_attribute;  -- the first column of another one now
