-- No index of deliveries begins with the organization: what is asked by post would be read with it besides, which for a
-- large organization is all that it ever published. And accounts are listed in the order of their ids.

DROP INDEX deliveries_by_account;
CREATE INDEX deliveries_by_account ON deliveries (account_id, post_id, organization_id);
CREATE INDEX connected_accounts_of ON connected_accounts (organization_id, id);
