-- Credits: prepaid units in lots. Every movement takes from one account and puts into another, so that nothing is made
-- or lost on the way; a lot's balances are what its movements sum up to, and none is ever negative.

CREATE TABLE credit_accounts (
    organization_id uuid PRIMARY KEY,
    version         bigint NOT NULL DEFAULT 0
);
COMMENT ON TABLE credit_accounts IS 'One row per organization that was ever granted credits: what changes its lots holds this row, and its version rises with each change.';
ALTER TABLE credit_accounts ENABLE ROW LEVEL SECURITY;
ALTER TABLE credit_accounts FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON credit_accounts TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
CREATE POLICY checking ON credit_accounts FOR SELECT TO :loops USING (true);
GRANT SELECT, INSERT, UPDATE ON credit_accounts TO :app;
GRANT SELECT (organization_id) ON credit_accounts TO :loops;

CREATE TABLE credit_lots (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES credit_accounts,
    reason          text NOT NULL,
    priority        smallint NOT NULL CHECK (priority BETWEEN 0 AND 100),
    expires_at      timestamptz,
    granted         bigint NOT NULL CHECK (granted BETWEEN 1 AND 1000000000000),
    available       bigint NOT NULL CHECK (available >= 0),
    spent           bigint NOT NULL DEFAULT 0 CHECK (spent >= 0),
    expired         bigint NOT NULL DEFAULT 0 CHECK (expired >= 0),
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    CONSTRAINT credit_lots_conserve CHECK (granted = available + spent + expired)
);
COMMENT ON TABLE credit_lots IS 'Credits granted together. Lower priorities are spent first, and of one priority what ends first. Its terms never change; its balances are the sums of its movements.';
CREATE INDEX credit_lots_of_organization ON credit_lots (organization_id, id);
CREATE INDEX credit_lots_to_spend ON credit_lots (organization_id, priority, expires_at, id) WHERE available > 0;
CREATE INDEX credit_lots_to_expire ON credit_lots (expires_at) WHERE available > 0 AND expires_at IS NOT NULL;
ALTER TABLE credit_lots ENABLE ROW LEVEL SECURITY;
ALTER TABLE credit_lots FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON credit_lots TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
CREATE POLICY checking ON credit_lots FOR SELECT TO :loops USING (true);
GRANT SELECT, INSERT, UPDATE (available, spent, expired) ON credit_lots TO :app;
GRANT SELECT (id, organization_id, expires_at, granted, available, spent, expired) ON credit_lots TO :loops;

CREATE TABLE credit_spends (
    organization_id uuid NOT NULL REFERENCES credit_accounts,
    id              uuid NOT NULL,
    purpose         text NOT NULL,
    amount          bigint NOT NULL CHECK (amount BETWEEN 1 AND 1000000000000),
    returned        bigint NOT NULL DEFAULT 0,
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    PRIMARY KEY (organization_id, id),
    CONSTRAINT credit_spends_return CHECK (returned BETWEEN 0 AND amount)
);
COMMENT ON TABLE credit_spends IS 'What was spent at once; its id comes from whoever spends, so that a spend asked for twice is one.';
ALTER TABLE credit_spends ENABLE ROW LEVEL SECURITY;
ALTER TABLE credit_spends FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON credit_spends TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE (returned) ON credit_spends TO :app;

CREATE TABLE credit_movements (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    lot_id          uuid NOT NULL REFERENCES credit_lots,
    spend_id        uuid,
    taken_from      text NOT NULL,
    put_into        text NOT NULL,
    amount          bigint NOT NULL CHECK (amount > 0),
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    FOREIGN KEY (organization_id, spend_id) REFERENCES credit_spends (organization_id, id),
    CONSTRAINT credit_movements_double CHECK (
        (taken_from, put_into, spend_id IS NOT NULL) IN (
            ('issued', 'available', false), ('available', 'spent', true), ('spent', 'available', true),
            ('available', 'expired', false)
        )
    )
);
COMMENT ON TABLE credit_movements IS 'Append-only double entry: one row takes from one account of a lot and puts into another.';
CREATE INDEX credit_movements_of_organization ON credit_movements (organization_id, id);
CREATE INDEX credit_movements_of_lot ON credit_movements (lot_id);
CREATE INDEX credit_movements_of_spend ON credit_movements (organization_id, spend_id) WHERE spend_id IS NOT NULL;
ALTER TABLE credit_movements ENABLE ROW LEVEL SECURITY;
ALTER TABLE credit_movements FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON credit_movements TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
CREATE POLICY checking ON credit_movements FOR SELECT TO :loops USING (true);
GRANT SELECT, INSERT ON credit_movements TO :app;
GRANT SELECT (lot_id, taken_from, put_into, amount) ON credit_movements TO :loops;

CREATE FUNCTION credit_movements_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a movement of credits does not change' USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER movements_stay BEFORE UPDATE OR DELETE ON credit_movements
    FOR EACH ROW EXECUTE FUNCTION credit_movements_stay();

CREATE FUNCTION organizations_with_lapsed_credits(at_most integer)
    RETURNS TABLE (organization_id uuid) LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT DISTINCT due.organization_id FROM (
            SELECT lot.organization_id FROM credit_lots AS lot
            WHERE lot.available > 0 AND lot.expires_at IS NOT NULL AND lot.expires_at <= kit_now()
            ORDER BY lot.expires_at LIMIT at_most
        ) AS due
    $$;
REVOKE ALL ON FUNCTION organizations_with_lapsed_credits(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION organizations_with_lapsed_credits(integer) TO :app;
ALTER FUNCTION organizations_with_lapsed_credits(integer) OWNER TO :loops;

-- One page of the books: after which organization to go on (nothing at the end), and whose lots are not the sum of
-- their movements.
CREATE FUNCTION credits_out_of_balance(after uuid, at_most integer)
    RETURNS TABLE (last uuid, wrong uuid[]) LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        WITH page AS (
            SELECT account.organization_id FROM credit_accounts AS account
            WHERE account.organization_id > after ORDER BY account.organization_id LIMIT at_most
        ), summed AS (
            SELECT lot.organization_id, lot.id,
                   lot.granted IS DISTINCT FROM sum(m.amount) FILTER (WHERE m.taken_from = 'issued')
                   OR lot.available IS DISTINCT FROM
                        coalesce(sum(m.amount) FILTER (WHERE m.put_into = 'available'), 0)
                        - coalesce(sum(m.amount) FILTER (WHERE m.taken_from = 'available'), 0)
                   OR lot.spent IS DISTINCT FROM
                        coalesce(sum(m.amount) FILTER (WHERE m.put_into = 'spent'), 0)
                        - coalesce(sum(m.amount) FILTER (WHERE m.taken_from = 'spent'), 0)
                   OR lot.expired IS DISTINCT FROM coalesce(sum(m.amount) FILTER (WHERE m.put_into = 'expired'), 0)
                   AS unequal
            FROM page JOIN credit_lots AS lot ON lot.organization_id = page.organization_id
            LEFT JOIN credit_movements AS m ON m.lot_id = lot.id
            GROUP BY lot.id, lot.organization_id, lot.granted, lot.available, lot.spent, lot.expired
        )
        SELECT (SELECT max(page.organization_id::text)::uuid FROM page),
               coalesce((SELECT array_agg(DISTINCT s.organization_id) FROM summed AS s WHERE s.unequal), '{}')
    $$;
REVOKE ALL ON FUNCTION credits_out_of_balance(uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION credits_out_of_balance(uuid, integer) TO :app;
ALTER FUNCTION credits_out_of_balance(uuid, integer) OWNER TO :loops;
