-- Several may hold a lane for reasons of their own; it goes on when the last of them lets it go.

ALTER TABLE ledger_holds
    ADD COLUMN cause text NOT NULL DEFAULT '',
    DROP CONSTRAINT ledger_holds_organization_id_lane_key_key,
    ADD CONSTRAINT ledger_holds_once UNIQUE NULLS NOT DISTINCT (organization_id, lane_key, cause);
COMMENT ON COLUMN ledger_holds.cause IS 'Who holds it: empty for whatever is in the way at the other side, else a name that whoever holds it lets it go by.';
CREATE INDEX ledger_holds_by_cause ON ledger_holds (organization_id, cause);
