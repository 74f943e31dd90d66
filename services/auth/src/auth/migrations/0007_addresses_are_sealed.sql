-- Mail addresses are sealed, and found by a keyed hash. The old columns go at once and not a release later, since no
-- release has had them. SQL has no keys, so rows that are there cannot be sealed here: then nothing is changed.

-- Under forced row-level security the owner sees no row of any tenant, and would find every table empty.
ALTER TABLE invitations NO FORCE ROW LEVEL SECURITY;
DO $$
BEGIN
    IF EXISTS (SELECT FROM identities) OR EXISTS (SELECT FROM invitations) THEN
        RAISE EXCEPTION 'There are accounts or invitations whose addresses lie in clear and cannot be sealed by a '
            'migration; nothing was changed. No release has made such rows: `make clean-data` deletes this '
            'installation''s data, or go back to the version that made them.';
    END IF;
END
$$;
ALTER TABLE invitations FORCE ROW LEVEL SECURITY;

ALTER TABLE identities
    DROP COLUMN value,
    DROP COLUMN display,
    ADD COLUMN blind bytea NOT NULL CHECK (length(blind) = 32),
    ADD COLUMN sealed bytea NOT NULL CHECK (length(sealed) <= 2048),
    ADD UNIQUE (kind, blind);
COMMENT ON TABLE identities IS 'By what a person may be reached and recognised; blind is a keyed hash of the normalised address, sealed holds it as it was typed: under the platform''s key until it is proven, then under the person''s own.';

ALTER TABLE invitations
    DROP COLUMN email_value,
    DROP COLUMN email,
    ADD COLUMN email_blind bytea NOT NULL CHECK (length(email_blind) = 32),
    ADD COLUMN email_sealed bytea NOT NULL CHECK (length(email_sealed) <= 2048);
COMMENT ON TABLE invitations IS 'Offers of a membership to an address; email_blind is the hash that identities.blind holds, email_sealed is under a key of the invitation''s own. A pending one past expires_at has expired, and is revoked when the address is invited anew.';
CREATE UNIQUE INDEX invitations_pending_once ON invitations (organization_id, email_blind) WHERE state = 'pending';
-- The address comes first: how often one organization invited it lately, and where a person who asks was ever invited.
CREATE INDEX invitations_by_address ON invitations (email_blind, organization_id, created_at);
