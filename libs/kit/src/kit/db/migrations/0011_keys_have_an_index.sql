-- Under row-level security an index on coalesce(…) is not used: PostgreSQL takes such an expression for one that might
-- tell what it sees. Each look-up of a key read the whole table.

DROP INDEX seal_keys_by_owner;
CREATE UNIQUE INDEX seal_keys_by_owner ON seal_keys (organization_id, subject, version) NULLS NOT DISTINCT;
