-- A number that a contact has left may be somebody else's tomorrow: it leads to them no more, and nothing is sent there.

ALTER TABLE contact_identities ADD COLUMN left_at timestamptz;
COMMENT ON COLUMN contact_identities.left_at IS 'When the contact moved on to another number, as the platform told; what came before still leads to them.';
