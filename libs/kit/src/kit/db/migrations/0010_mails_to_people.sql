-- Mails to somebody who is to be forgotten are found by the keyed hash of the address that they went to, and go.
CREATE INDEX outgoing_mails_to ON outgoing_mails (address_hash) WHERE address_hash IS NOT NULL;
GRANT DELETE ON outgoing_mails TO :app;
