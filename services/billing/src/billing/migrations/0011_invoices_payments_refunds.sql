-- What Stripe has told us of money: invoices, what was paid on them, given back, corrected and disputed. Rows follow
-- Stripe's objects; what a finalised invoice says never changes, and more is never given back than was received.

CREATE TABLE invoices (
    id                     uuid PRIMARY KEY,
    organization_id        uuid NOT NULL,
    stripe_id              text NOT NULL UNIQUE,
    stripe_subscription_id text,
    number                 text,
    status                 text NOT NULL CHECK (status IN ('draft', 'open', 'paid', 'uncollectible', 'void')),
    reason                 text NOT NULL,
    currency               text NOT NULL CHECK (currency ~ '^[a-z]{3}$'),
    subtotal               bigint NOT NULL,
    discount               bigint NOT NULL CHECK (discount >= 0),
    tax                    bigint NOT NULL,
    total                  bigint NOT NULL,
    due                    bigint NOT NULL,
    paid                   bigint NOT NULL CHECK (paid >= 0),
    remaining              bigint NOT NULL CHECK (remaining >= 0),
    credited               bigint NOT NULL DEFAULT 0,
    lines                  jsonb NOT NULL,
    period_start           timestamptz NOT NULL,
    period_end             timestamptz NOT NULL,
    due_at                 timestamptz,
    next_attempt_at        timestamptz,
    attempts               integer NOT NULL,
    finalized_at           timestamptz,
    paid_at                timestamptz,
    version                bigint NOT NULL DEFAULT 1,
    created_at             timestamptz NOT NULL,
    CONSTRAINT invoices_not_over_credited CHECK (credited BETWEEN 0 AND greatest(total, 0)),
    CONSTRAINT invoices_final CHECK (status = 'draft' OR finalized_at IS NOT NULL)
);
COMMENT ON TABLE invoices IS 'Invoices as Stripe issued them, amounts in the minor unit of the currency. `credited` is what credit notes of ours and of Stripe''s take off, asked for or issued.';
CREATE INDEX invoices_of_organization ON invoices (organization_id, created_at DESC, id DESC);
CREATE INDEX invoices_open ON invoices (organization_id, finalized_at) WHERE status = 'open';
ALTER TABLE invoices ENABLE ROW LEVEL SECURITY;
ALTER TABLE invoices FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON invoices TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON invoices TO :app;

CREATE FUNCTION invoices_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.finalized_at IS NULL THEN
        RETURN coalesce(NEW, OLD);
    END IF;
    IF TG_OP = 'DELETE' OR
       (NEW.organization_id, NEW.stripe_id, NEW.number, NEW.currency, NEW.subtotal, NEW.discount, NEW.tax, NEW.total,
        NEW.lines, NEW.period_start, NEW.period_end, NEW.finalized_at)
       IS DISTINCT FROM
       (OLD.organization_id, OLD.stripe_id, OLD.number, OLD.currency, OLD.subtotal, OLD.discount, OLD.tax, OLD.total,
        OLD.lines, OLD.period_start, OLD.period_end, OLD.finalized_at)
    THEN
        RAISE EXCEPTION 'a finalised invoice does not change' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER invoices_stay BEFORE UPDATE OR DELETE ON invoices FOR EACH ROW EXECUTE FUNCTION invoices_stay();

CREATE TABLE payments (
    id               uuid PRIMARY KEY,
    organization_id  uuid NOT NULL,
    stripe_id        text NOT NULL UNIQUE,
    stripe_charge_id text,
    currency         text NOT NULL CHECK (currency ~ '^[a-z]{3}$'),
    amount           bigint NOT NULL CHECK (amount >= 0),
    received         bigint NOT NULL CHECK (received >= 0),
    refunded         bigint NOT NULL DEFAULT 0,
    state            text NOT NULL
        CHECK (state IN ('pending', 'action_required', 'processing', 'failed', 'succeeded', 'cancelled')),
    failure          text NOT NULL DEFAULT '',
    attempt          text NOT NULL DEFAULT '',
    faltered         boolean NOT NULL DEFAULT false,
    version          bigint NOT NULL DEFAULT 1,
    created_at       timestamptz NOT NULL,
    CONSTRAINT payments_not_over_refunded CHECK (refunded BETWEEN 0 AND received)
);
COMMENT ON TABLE payments IS 'Payment intents. `refunded` is the sum of all refunds that have not failed, kept by a trigger; `attempt` names the try that the state comes from; `faltered` says that one failed or needed its payer.';
CREATE INDEX payments_of_organization ON payments (organization_id, created_at DESC, id DESC);
CREATE INDEX payments_by_charge ON payments (stripe_charge_id);
ALTER TABLE payments ENABLE ROW LEVEL SECURITY;
ALTER TABLE payments FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON payments TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
CREATE POLICY finding ON payments FOR SELECT TO :loops USING (true);
GRANT SELECT, INSERT, UPDATE ON payments TO :app;
GRANT SELECT (organization_id, stripe_id, stripe_charge_id) ON payments TO :loops;

-- Which intent pays which invoice; whichever of the two is read first.
CREATE TABLE invoice_payments (
    stripe_payment_id text PRIMARY KEY,
    organization_id   uuid NOT NULL,
    invoice_id        uuid NOT NULL REFERENCES invoices ON DELETE CASCADE
);
COMMENT ON TABLE invoice_payments IS 'Which payment intent pays which invoice.';
CREATE INDEX invoice_payments_of_invoice ON invoice_payments (invoice_id);
ALTER TABLE invoice_payments ENABLE ROW LEVEL SECURITY;
ALTER TABLE invoice_payments FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON invoice_payments TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON invoice_payments TO :app;

CREATE TABLE payment_setups (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    stripe_id       text NOT NULL UNIQUE,
    state           text NOT NULL
        CHECK (state IN ('pending', 'action_required', 'processing', 'failed', 'succeeded', 'cancelled')),
    failure         text NOT NULL DEFAULT '',
    attempt         text NOT NULL DEFAULT '',
    version         bigint NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL
);
COMMENT ON TABLE payment_setups IS 'Setup intents: a way to pay that is to be kept for later payments.';
CREATE INDEX payment_setups_of_organization ON payment_setups (organization_id, created_at DESC, id DESC);
ALTER TABLE payment_setups ENABLE ROW LEVEL SECURITY;
ALTER TABLE payment_setups FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON payment_setups TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE ON payment_setups TO :app;

-- An owner wants an open invoice to be paid again; one wish at a time for each.
CREATE TABLE invoice_pays (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    invoice_id      uuid NOT NULL REFERENCES invoices,
    state           text NOT NULL DEFAULT 'asked'
        CHECK (state IN ('asked', 'succeeded', 'action_required', 'failed', 'unknown')),
    failure         text NOT NULL DEFAULT '',
    created_at      timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE invoice_pays IS 'Wishes to pay an open invoice again, each once; the id of the row is the key under which Stripe is asked.';
CREATE UNIQUE INDEX invoice_pays_one_at_a_time ON invoice_pays (invoice_id) WHERE state IN ('asked', 'unknown');
CREATE INDEX invoice_pays_of_invoice ON invoice_pays (invoice_id, id DESC);
ALTER TABLE invoice_pays ENABLE ROW LEVEL SECURITY;
ALTER TABLE invoice_pays FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON invoice_pays TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE (state, failure) ON invoice_pays TO :app;

CREATE TABLE refunds (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    payment_id      uuid NOT NULL REFERENCES payments,
    stripe_id       text UNIQUE,
    currency        text NOT NULL CHECK (currency ~ '^[a-z]{3}$'),
    amount          bigint NOT NULL CHECK (amount > 0),
    reason          text NOT NULL,
    state           text NOT NULL
        CHECK (state IN ('asked', 'pending', 'action_required', 'succeeded', 'failed', 'cancelled')),
    failure         text NOT NULL DEFAULT '',
    version         bigint NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE refunds IS 'Refunds that staff asked for here, or at Stripe; the id of a row of ours is the key under which Stripe is asked.';
CREATE INDEX refunds_of_organization ON refunds (organization_id, id DESC);
CREATE INDEX refunds_of_payment ON refunds (payment_id);
ALTER TABLE refunds ENABLE ROW LEVEL SECURITY;
ALTER TABLE refunds FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON refunds TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE (stripe_id, state, failure, version) ON refunds TO :app;

-- By the difference and not by a sum: a sum would not see what another transaction is about to commit.
CREATE FUNCTION refunds_count() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    gone CONSTANT text[] := ARRAY['failed', 'cancelled'];
    difference bigint := CASE WHEN NEW.state = ANY (gone) THEN 0 ELSE NEW.amount END;
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.state <> ALL (gone) THEN
        difference := difference - OLD.amount;
    END IF;
    IF difference <> 0 THEN
        UPDATE payments SET refunded = refunded + difference WHERE id = NEW.payment_id;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER refunds_count AFTER INSERT OR UPDATE OF state ON refunds
    FOR EACH ROW EXECUTE FUNCTION refunds_count();

CREATE TABLE credit_notes (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    invoice_id      uuid NOT NULL REFERENCES invoices,
    stripe_id       text UNIQUE,
    number          text,
    currency        text NOT NULL CHECK (currency ~ '^[a-z]{3}$'),
    amount          bigint NOT NULL CHECK (amount > 0),
    reason          text NOT NULL,
    state           text NOT NULL CHECK (state IN ('asked', 'issued', 'void', 'refused')),
    failure         text NOT NULL DEFAULT '',
    version         bigint NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE credit_notes IS 'Corrections of finalised invoices: the only ones there are.';
CREATE INDEX credit_notes_of_organization ON credit_notes (organization_id, id DESC);
CREATE INDEX credit_notes_of_invoice ON credit_notes (invoice_id);
ALTER TABLE credit_notes ENABLE ROW LEVEL SECURITY;
ALTER TABLE credit_notes FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON credit_notes TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE (stripe_id, number, state, failure, version) ON credit_notes TO :app;

CREATE FUNCTION credit_notes_count() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    gone CONSTANT text[] := ARRAY['void', 'refused'];
    difference bigint := CASE WHEN NEW.state = ANY (gone) THEN 0 ELSE NEW.amount END;
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.state <> ALL (gone) THEN
        difference := difference - OLD.amount;
    END IF;
    IF difference <> 0 THEN
        UPDATE invoices SET credited = credited + difference WHERE id = NEW.invoice_id;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER credit_notes_count AFTER INSERT OR UPDATE OF state ON credit_notes
    FOR EACH ROW EXECUTE FUNCTION credit_notes_count();

CREATE TABLE disputes (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    payment_id      uuid NOT NULL REFERENCES payments,
    stripe_id       text NOT NULL UNIQUE,
    currency        text NOT NULL CHECK (currency ~ '^[a-z]{3}$'),
    amount          bigint NOT NULL CHECK (amount >= 0),
    reason          text NOT NULL,
    state           text NOT NULL CHECK (state IN ('inquiry', 'opened', 'under_review', 'won', 'lost', 'closed')),
    evidence_due_at timestamptz,
    withholds       boolean NOT NULL DEFAULT false,
    version         bigint NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL,
    CONSTRAINT disputes_withhold CHECK (state = 'lost' OR NOT withholds)
);
COMMENT ON TABLE disputes IS 'Payments that their payer''s bank took back or asked about. One that is lost withholds the plan that was paid for until staff lift that.';
CREATE INDEX disputes_of_organization ON disputes (organization_id, created_at DESC, id DESC);
CREATE INDEX disputes_of_payment ON disputes (payment_id);
CREATE INDEX disputes_withholding ON disputes (organization_id) WHERE withholds;
ALTER TABLE disputes ENABLE ROW LEVEL SECURITY;
ALTER TABLE disputes FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON disputes TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE ON disputes TO :app;

-- Refunds and disputes name the payment and no customer: whose it is.
CREATE FUNCTION owners_of_payments(named text[])
    RETURNS TABLE (stripe_id text, organization_id uuid) LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT p.stripe_id, p.organization_id FROM payments AS p WHERE p.stripe_id = ANY (named)
        UNION ALL
        SELECT p.stripe_charge_id, p.organization_id FROM payments AS p WHERE p.stripe_charge_id = ANY (named)
    $$;
REVOKE ALL ON FUNCTION owners_of_payments(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION owners_of_payments(text[]) TO :app;
ALTER FUNCTION owners_of_payments(text[]) OWNER TO :loops;
