-- What platforms say of how many posts an account may still publish.

CREATE TABLE account_budgets (
    account_id      uuid PRIMARY KEY REFERENCES connected_accounts,
    organization_id uuid NOT NULL,
    told_limit      integer CHECK (told_limit >= 0),
    elsewhere       integer NOT NULL DEFAULT 0 CHECK (elsewhere >= 0),
    window_seconds  double precision,
    resets_at       timestamptz,
    told_at         timestamptz,
    reading_id      uuid UNIQUE,
    asked_at        timestamptz,
    look_at         timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE account_budgets IS 'What a platform last said of an account, with how much of it was used otherwise than by us; reading_id is the question that was asked last, look_at when it is asked again.';
CREATE INDEX account_budgets_due ON account_budgets (look_at);
ALTER TABLE account_budgets ENABLE ROW LEVEL SECURITY;
ALTER TABLE account_budgets FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON account_budgets TO :app USING (
    organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[])
);
GRANT SELECT, INSERT, UPDATE ON account_budgets TO :app;

CREATE POLICY asking ON account_budgets FOR SELECT TO :loops USING (true);
GRANT SELECT ON account_budgets TO :loops;
CREATE FUNCTION budgets_due(at_most integer) RETURNS TABLE (account_id uuid, organization_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT due.account_id, due.organization_id FROM account_budgets AS due
        WHERE due.look_at <= kit_now() ORDER BY due.look_at LIMIT at_most
    $$;
REVOKE ALL ON FUNCTION budgets_due(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION budgets_due(integer) TO :app;
ALTER FUNCTION budgets_due(integer) OWNER TO :loops;
