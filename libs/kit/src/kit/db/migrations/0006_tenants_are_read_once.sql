-- The organizations of a transaction are read once per statement instead of once per row: inserting rows of 100
-- organizations took 160 microseconds a row, and takes 12.

ALTER POLICY tenant ON seal_keys USING (
    organization_id IS NULL
    OR organization_id = ANY ((SELECT nullif(current_setting('app.orgs', true), '')::uuid[])::uuid[])
);
ALTER POLICY tenant ON outgoing_mails USING (
    organization_id IS NULL
    OR organization_id = ANY ((SELECT nullif(current_setting('app.orgs', true), '')::uuid[])::uuid[])
);
ALTER POLICY tenant ON ledger_lanes USING (
    organization_id IS NULL
    OR organization_id = ANY ((SELECT coalesce(nullif(current_setting('app.orgs', true), ''), '{}')::uuid[])::uuid[])
);
ALTER POLICY tenant ON ledger_entries USING (
    organization_id IS NULL
    OR organization_id = ANY ((SELECT coalesce(nullif(current_setting('app.orgs', true), ''), '{}')::uuid[])::uuid[])
);
ALTER POLICY tenant ON ledger_attempts USING (
    organization_id IS NULL
    OR organization_id = ANY ((SELECT coalesce(nullif(current_setting('app.orgs', true), ''), '{}')::uuid[])::uuid[])
);
ALTER POLICY tenant ON ledger_wakes USING (
    organization_id IS NULL
    OR organization_id = ANY ((SELECT coalesce(nullif(current_setting('app.orgs', true), ''), '{}')::uuid[])::uuid[])
);
ALTER POLICY tenant ON ledger_holds USING (
    organization_id IS NULL
    OR organization_id = ANY ((SELECT coalesce(nullif(current_setting('app.orgs', true), ''), '{}')::uuid[])::uuid[])
);
