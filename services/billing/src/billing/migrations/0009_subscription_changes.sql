-- What was asked to be changed of a subscription, and what became of it.

CREATE TABLE subscription_changes (
    id                uuid PRIMARY KEY,
    organization_id   uuid NOT NULL,
    subscription_id   uuid NOT NULL REFERENCES subscriptions,
    action            text NOT NULL CHECK (action IN ('switch', 'cancel', 'keep', 'pause', 'unpause')),
    state             text NOT NULL CHECK (state IN (
        'pending', 'scheduled', 'requires_action', 'applied', 'refused', 'superseded', 'lapsed')),
    effective         text CHECK (effective IN ('now', 'period_end')),
    plan              text,
    catalogue_version integer,
    billed_every      text CHECK (billed_every IN ('month', 'year')),
    currency          text NOT NULL CHECK (currency ~ '^[a-z]{3}$'),
    seats             integer CHECK (seats >= 0),
    basis             jsonb NOT NULL,
    proration_at      timestamptz,
    total             bigint,
    amount_due        bigint CHECK (amount_due >= 0),
    stripe_invoice_id text,
    expires_at        timestamptz,
    reason            text NOT NULL DEFAULT '',
    code              text NOT NULL DEFAULT '',
    read_from         bigint,
    version           bigint NOT NULL DEFAULT 1,
    created_at        timestamptz NOT NULL DEFAULT kit_now(),
    changed_at        timestamptz NOT NULL DEFAULT kit_now(),
    CHECK ((action = 'switch') = (plan IS NOT NULL AND catalogue_version IS NOT NULL AND billed_every IS NOT NULL
                                  AND seats IS NOT NULL AND effective IS NOT NULL))
);
COMMENT ON TABLE subscription_changes IS 'Changes of subscriptions; the id makes the idempotency keys. basis is what the parameters are made of, kept so that every attempt sends the same; a reading of the subscription says what became of an open change from the ticket read_from on. total and amount_due are as invoiced, in the smallest unit.';
CREATE UNIQUE INDEX subscription_changes_one_under_way ON subscription_changes (subscription_id) WHERE state = 'pending';
CREATE INDEX subscription_changes_open ON subscription_changes (subscription_id)
    WHERE state IN ('pending', 'scheduled', 'requires_action');
CREATE INDEX subscription_changes_of_organization ON subscription_changes (organization_id, id DESC);
ALTER TABLE subscription_changes ENABLE ROW LEVEL SECURITY;
ALTER TABLE subscription_changes FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON subscription_changes TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE ON subscription_changes TO :app;
