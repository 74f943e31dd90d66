-- Contacts are listed in the order of their ids, which is that of time, as segments already read them: one index answers
-- both, and holds what segments ask of each contact besides.
DROP INDEX contacts_listed;
DROP INDEX contacts_in_order;
CREATE INDEX contacts_in_order ON contacts (organization_id, id) INCLUDE (created_at, blocked_at) WHERE merged_into IS NULL;

-- A contact has a handful of identities: sorting them costs less than keeping an index up to date whenever one is used.
DROP INDEX contact_identities_by_contact;
CREATE INDEX contact_identities_by_contact ON contact_identities (contact_id);
