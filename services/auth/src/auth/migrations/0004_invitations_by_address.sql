-- How often an address was invited lately: revoking an invitation must not open the way to another mail without end.

CREATE INDEX invitations_by_address ON invitations (organization_id, email_value, created_at);
