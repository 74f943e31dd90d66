-- Nothing leaves for an account, or for any of an organization, until a person lifts it.

CREATE TABLE publishing_stops (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    account_id      uuid REFERENCES connected_accounts,
    reason          text NOT NULL,
    stopped_by      uuid,
    stopped_at      timestamptz NOT NULL DEFAULT kit_now(),
    lifted_by       uuid,
    lifted_at       timestamptz,
    overdue         text CHECK (overdue IN ('spread', 'cancel')),
    minutes_apart   integer,
    affected        integer NOT NULL DEFAULT 0,
    version         bigint NOT NULL DEFAULT 1,
    CHECK ((lifted_at IS NULL) = (overdue IS NULL))
);
COMMENT ON TABLE publishing_stops IS 'Stops of all that leaves, for one account or (account_id null) all of them, and what was done with what came due meanwhile; the lanes are held in ledger_holds.';
CREATE UNIQUE INDEX publishing_stops_standing ON publishing_stops (organization_id, account_id)
    NULLS NOT DISTINCT WHERE lifted_at IS NULL;
CREATE INDEX publishing_stops_newest ON publishing_stops (organization_id, id DESC);
CREATE INDEX publishing_stops_stopped_by ON publishing_stops (stopped_by, id);
CREATE INDEX publishing_stops_lifted_by ON publishing_stops (lifted_by, id);
ALTER TABLE publishing_stops ENABLE ROW LEVEL SECURITY;
ALTER TABLE publishing_stops FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON publishing_stops TO :app USING (
    organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[])
);
GRANT SELECT, INSERT, UPDATE ON publishing_stops TO :app;
