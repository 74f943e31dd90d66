-- The sum of all migrations; written by `make schemas`, compared by a test. Not to be edited.

CREATE TABLE aggregate_versions (
    gate text NOT NULL,
    subject text NOT NULL,
    version bigint NOT NULL,
    CONSTRAINT aggregate_versions_pkey PRIMARY KEY (gate, subject)
);
COMMENT ON TABLE aggregate_versions IS 'The newest version applied per gate and aggregate; older events are ignored.';
GRANT DELETE, INSERT, SELECT, UPDATE ON aggregate_versions TO billing_app;

CREATE TABLE checkouts (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    kind text NOT NULL,
    plan text,
    catalogue_version integer,
    billed_every text,
    currency text,
    seats integer NOT NULL DEFAULT 0,
    trial_days integer NOT NULL DEFAULT 0,
    promotion_code text,
    state text NOT NULL DEFAULT 'opening'::text,
    reason text NOT NULL DEFAULT ''::text,
    code text NOT NULL DEFAULT ''::text,
    stripe_session_id text,
    stripe_subscription_id text,
    stripe_setup_id text,
    url bytea,
    created_by uuid,
    expires_at timestamp with time zone,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    changed_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT checkouts_billed_every_check CHECK ((billed_every = ANY (ARRAY['month'::text, 'year'::text]))),
    CONSTRAINT checkouts_check CHECK (((kind = 'subscription'::text) = ((plan IS NOT NULL) AND (catalogue_version IS NOT NULL) AND (billed_every IS NOT NULL) AND (currency IS NOT NULL)))),
    CONSTRAINT checkouts_check1 CHECK (((url IS NULL) OR (state = 'open'::text))),
    CONSTRAINT checkouts_currency_check CHECK ((currency ~ '^[a-z]{3}$'::text)),
    CONSTRAINT checkouts_kind_check CHECK ((kind = ANY (ARRAY['subscription'::text, 'card'::text, 'portal'::text]))),
    CONSTRAINT checkouts_pkey PRIMARY KEY (id),
    CONSTRAINT checkouts_seats_check CHECK (((seats >= 0) AND (seats <= 1000))),
    CONSTRAINT checkouts_state_check CHECK ((state = ANY (ARRAY['opening'::text, 'open'::text, 'completed'::text, 'expired'::text, 'refused'::text]))),
    CONSTRAINT checkouts_stripe_session_id_key UNIQUE (stripe_session_id),
    CONSTRAINT checkouts_stripe_subscription_id_key UNIQUE (stripe_subscription_id),
    CONSTRAINT checkouts_trial_days_check CHECK ((trial_days >= 0))
);
COMMENT ON TABLE checkouts IS 'Pages of Stripe''s to which a browser is sent: to subscribe, to give another card, to manage what there is. The address is sealed, and gone when the page is.';
ALTER TABLE checkouts ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX checkouts_by_person ON checkouts USING btree (created_by) WHERE (created_by IS NOT NULL);
CREATE INDEX checkouts_newest ON checkouts USING btree (organization_id, id DESC);
CREATE UNIQUE INDEX checkouts_one_at_a_time ON checkouts USING btree (organization_id) WHERE ((kind = 'subscription'::text) AND (state = ANY (ARRAY['opening'::text, 'open'::text])));
CREATE INDEX checkouts_to_expire ON checkouts USING btree (expires_at) WHERE (state = 'open'::text);
CREATE POLICY finding ON checkouts FOR SELECT TO billing_loops USING (true);
CREATE POLICY tenant ON checkouts FOR ALL TO billing_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON checkouts TO billing_app;
GRANT SELECT (id) ON checkouts TO billing_loops;
GRANT SELECT (organization_id) ON checkouts TO billing_loops;
GRANT SELECT (kind) ON checkouts TO billing_loops;
GRANT SELECT (state) ON checkouts TO billing_loops;
GRANT SELECT (stripe_session_id) ON checkouts TO billing_loops;
GRANT SELECT (created_by) ON checkouts TO billing_loops;
GRANT SELECT (expires_at) ON checkouts TO billing_loops;

CREATE TABLE claims (
    claim_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    code_hash bytea,
    state text NOT NULL,
    reason text NOT NULL DEFAULT ''::text,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT claims_check CHECK (((state = 'withdrawn'::text) OR (code_hash IS NOT NULL))),
    CONSTRAINT claims_pkey PRIMARY KEY (claim_id),
    CONSTRAINT claims_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'linked'::text, 'refused'::text, 'withdrawn'::text])))
);
COMMENT ON TABLE claims IS 'Purchases that organizations have claimed, as auth says, and what came of it.';
ALTER TABLE claims ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX claims_of_organization ON claims USING btree (organization_id);
CREATE POLICY tenant ON claims FOR ALL TO billing_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT ON claims TO billing_app;
GRANT UPDATE (code_hash) ON claims TO billing_app;
GRANT UPDATE (state) ON claims TO billing_app;
GRANT UPDATE (reason) ON claims TO billing_app;

CREATE TABLE coupons (
    id uuid NOT NULL,
    name text NOT NULL,
    percent_off integer,
    amount_off bigint,
    currency text,
    duration text NOT NULL,
    months integer,
    plans text[] NOT NULL DEFAULT '{}'::text[],
    first_only boolean NOT NULL DEFAULT false,
    most integer,
    taken integer NOT NULL DEFAULT 0,
    expires_at timestamp with time zone,
    state text NOT NULL DEFAULT 'making'::text,
    reason text NOT NULL DEFAULT ''::text,
    stripe_id text,
    created_by uuid NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT coupons_amount_off_check CHECK (((amount_off >= 1) AND (amount_off <= 99999999))),
    CONSTRAINT coupons_cap CHECK (((most IS NULL) OR (taken <= most))),
    CONSTRAINT coupons_check CHECK ((num_nonnulls(percent_off, amount_off) = 1)),
    CONSTRAINT coupons_check1 CHECK (((amount_off IS NULL) = (currency IS NULL))),
    CONSTRAINT coupons_check2 CHECK (((duration = 'repeating'::text) = (months IS NOT NULL))),
    CONSTRAINT coupons_currency_check CHECK ((currency ~ '^[a-z]{3}$'::text)),
    CONSTRAINT coupons_duration_check CHECK ((duration = ANY (ARRAY['once'::text, 'repeating'::text, 'forever'::text]))),
    CONSTRAINT coupons_months_check CHECK (((months >= 1) AND (months <= 36))),
    CONSTRAINT coupons_most_check CHECK ((most > 0)),
    CONSTRAINT coupons_percent_off_check CHECK (((percent_off >= 1) AND (percent_off <= 100))),
    CONSTRAINT coupons_pkey PRIMARY KEY (id),
    CONSTRAINT coupons_state_check CHECK ((state = ANY (ARRAY['making'::text, 'made'::text, 'refused'::text, 'ended'::text]))),
    CONSTRAINT coupons_stripe_id_key UNIQUE (stripe_id),
    CONSTRAINT coupons_taken_check CHECK ((taken >= 0))
);
COMMENT ON TABLE coupons IS 'Discounts. taken counts redemptions, those that wait for a payment included; it never exceeds most. No plans means all.';
GRANT INSERT, SELECT, UPDATE ON coupons TO billing_app;

CREATE TABLE credit_accounts (
    organization_id uuid NOT NULL,
    version bigint NOT NULL DEFAULT 0,
    CONSTRAINT credit_accounts_pkey PRIMARY KEY (organization_id)
);
COMMENT ON TABLE credit_accounts IS 'One row per organization that was ever granted credits: what changes its lots holds this row, and its version rises with each change.';
ALTER TABLE credit_accounts ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY checking ON credit_accounts FOR SELECT TO billing_loops USING (true);
CREATE POLICY tenant ON credit_accounts FOR ALL TO billing_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON credit_accounts TO billing_app;
GRANT SELECT (organization_id) ON credit_accounts TO billing_loops;

CREATE TABLE credit_lots (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    reason text NOT NULL,
    priority smallint NOT NULL,
    expires_at timestamp with time zone,
    granted bigint NOT NULL,
    available bigint NOT NULL,
    spent bigint NOT NULL DEFAULT 0,
    expired bigint NOT NULL DEFAULT 0,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT credit_lots_available_check CHECK ((available >= 0)),
    CONSTRAINT credit_lots_conserve CHECK ((granted = ((available + spent) + expired))),
    CONSTRAINT credit_lots_expired_check CHECK ((expired >= 0)),
    CONSTRAINT credit_lots_granted_check CHECK (((granted >= 1) AND (granted <= '1000000000000'::bigint))),
    CONSTRAINT credit_lots_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES credit_accounts(organization_id),
    CONSTRAINT credit_lots_pkey PRIMARY KEY (id),
    CONSTRAINT credit_lots_priority_check CHECK (((priority >= 0) AND (priority <= 100))),
    CONSTRAINT credit_lots_spent_check CHECK ((spent >= 0))
);
COMMENT ON TABLE credit_lots IS 'Credits granted together. Lower priorities are spent first, and of one priority what ends first. Its terms never change; its balances are the sums of its movements.';
ALTER TABLE credit_lots ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX credit_lots_of_organization ON credit_lots USING btree (organization_id, id);
CREATE INDEX credit_lots_to_expire ON credit_lots USING btree (expires_at) WHERE ((available > 0) AND (expires_at IS NOT NULL));
CREATE INDEX credit_lots_to_spend ON credit_lots USING btree (organization_id, priority, expires_at, id) WHERE (available > 0);
CREATE POLICY checking ON credit_lots FOR SELECT TO billing_loops USING (true);
CREATE POLICY tenant ON credit_lots FOR ALL TO billing_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT ON credit_lots TO billing_app;
GRANT SELECT (id) ON credit_lots TO billing_loops;
GRANT SELECT (organization_id) ON credit_lots TO billing_loops;
GRANT SELECT (expires_at) ON credit_lots TO billing_loops;
GRANT SELECT (granted) ON credit_lots TO billing_loops;
GRANT UPDATE (available) ON credit_lots TO billing_app;
GRANT SELECT (available) ON credit_lots TO billing_loops;
GRANT UPDATE (spent) ON credit_lots TO billing_app;
GRANT SELECT (spent) ON credit_lots TO billing_loops;
GRANT UPDATE (expired) ON credit_lots TO billing_app;
GRANT SELECT (expired) ON credit_lots TO billing_loops;

CREATE TABLE credit_movements (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    lot_id uuid NOT NULL,
    spend_id uuid,
    taken_from text NOT NULL,
    put_into text NOT NULL,
    amount bigint NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT credit_movements_amount_check CHECK ((amount > 0)),
    CONSTRAINT credit_movements_double CHECK ((((((taken_from = 'issued'::text) AND (put_into = 'available'::text) AND ((spend_id IS NOT NULL) = false)) OR ((taken_from = 'available'::text) AND (put_into = 'spent'::text) AND ((spend_id IS NOT NULL) = true))) OR ((taken_from = 'spent'::text) AND (put_into = 'available'::text) AND ((spend_id IS NOT NULL) = true))) OR ((taken_from = 'available'::text) AND (put_into = 'expired'::text) AND ((spend_id IS NOT NULL) = false)))),
    CONSTRAINT credit_movements_lot_id_fkey FOREIGN KEY (lot_id) REFERENCES credit_lots(id),
    CONSTRAINT credit_movements_organization_id_spend_id_fkey FOREIGN KEY (organization_id, spend_id) REFERENCES credit_spends(organization_id, id),
    CONSTRAINT credit_movements_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE credit_movements IS 'Append-only double entry: one row takes from one account of a lot and puts into another.';
ALTER TABLE credit_movements ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX credit_movements_of_lot ON credit_movements USING btree (lot_id);
CREATE INDEX credit_movements_of_organization ON credit_movements USING btree (organization_id, id);
CREATE INDEX credit_movements_of_spend ON credit_movements USING btree (organization_id, spend_id) WHERE (spend_id IS NOT NULL);
CREATE POLICY checking ON credit_movements FOR SELECT TO billing_loops USING (true);
CREATE POLICY tenant ON credit_movements FOR ALL TO billing_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT ON credit_movements TO billing_app;
GRANT SELECT (lot_id) ON credit_movements TO billing_loops;
GRANT SELECT (taken_from) ON credit_movements TO billing_loops;
GRANT SELECT (put_into) ON credit_movements TO billing_loops;
GRANT SELECT (amount) ON credit_movements TO billing_loops;

CREATE TABLE credit_notes (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    stripe_id text,
    number text,
    currency text NOT NULL,
    amount bigint NOT NULL,
    reason text NOT NULL,
    state text NOT NULL,
    failure text NOT NULL DEFAULT ''::text,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    stripe_created_at timestamp with time zone,
    CONSTRAINT credit_notes_amount_check CHECK ((amount > 0)),
    CONSTRAINT credit_notes_currency_check CHECK ((currency ~ '^[a-z]{3}$'::text)),
    CONSTRAINT credit_notes_invoice_id_fkey FOREIGN KEY (invoice_id) REFERENCES invoices(id),
    CONSTRAINT credit_notes_pkey PRIMARY KEY (id),
    CONSTRAINT credit_notes_state_check CHECK ((state = ANY (ARRAY['asked'::text, 'issued'::text, 'void'::text, 'refused'::text]))),
    CONSTRAINT credit_notes_stripe_id_key UNIQUE (stripe_id)
);
COMMENT ON TABLE credit_notes IS 'Corrections of finalised invoices: the only ones there are.';
ALTER TABLE credit_notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX credit_notes_by_creation ON credit_notes USING btree (COALESCE(stripe_created_at, created_at), id) WHERE (stripe_id IS NOT NULL);
CREATE INDEX credit_notes_of_invoice ON credit_notes USING btree (invoice_id);
CREATE INDEX credit_notes_of_organization ON credit_notes USING btree (organization_id, id DESC);
CREATE POLICY comparing ON credit_notes FOR SELECT TO billing_loops USING (true);
CREATE POLICY tenant ON credit_notes FOR ALL TO billing_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT ON credit_notes TO billing_app;
GRANT SELECT (id) ON credit_notes TO billing_loops;
GRANT SELECT (organization_id) ON credit_notes TO billing_loops;
GRANT UPDATE (stripe_id) ON credit_notes TO billing_app;
GRANT SELECT (stripe_id) ON credit_notes TO billing_loops;
GRANT UPDATE (number) ON credit_notes TO billing_app;
GRANT UPDATE (state) ON credit_notes TO billing_app;
GRANT UPDATE (failure) ON credit_notes TO billing_app;
GRANT UPDATE (version) ON credit_notes TO billing_app;
GRANT SELECT (created_at) ON credit_notes TO billing_loops;
GRANT UPDATE (stripe_created_at) ON credit_notes TO billing_app;
GRANT SELECT (stripe_created_at) ON credit_notes TO billing_loops;

CREATE TABLE credit_spends (
    organization_id uuid NOT NULL,
    id uuid NOT NULL,
    purpose text NOT NULL,
    amount bigint NOT NULL,
    returned bigint NOT NULL DEFAULT 0,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT credit_spends_amount_check CHECK (((amount >= 1) AND (amount <= '1000000000000'::bigint))),
    CONSTRAINT credit_spends_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES credit_accounts(organization_id),
    CONSTRAINT credit_spends_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT credit_spends_return CHECK (((returned >= 0) AND (returned <= amount)))
);
COMMENT ON TABLE credit_spends IS 'What was spent at once; its id comes from whoever spends, so that a spend asked for twice is one.';
ALTER TABLE credit_spends ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON credit_spends FOR ALL TO billing_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT ON credit_spends TO billing_app;
GRANT UPDATE (returned) ON credit_spends TO billing_app;

CREATE TABLE customers (
    organization_id uuid NOT NULL,
    id uuid NOT NULL,
    stripe_id text,
    state text NOT NULL DEFAULT 'making'::text,
    details bytea,
    details_id uuid,
    details_by uuid,
    details_state text NOT NULL DEFAULT 'none'::text,
    details_reason text NOT NULL DEFAULT ''::text,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    changed_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT customers_check CHECK (((state = 'made'::text) = (stripe_id IS NOT NULL))),
    CONSTRAINT customers_check1 CHECK (((details IS NULL) OR (details_id IS NOT NULL))),
    CONSTRAINT customers_details_id_key UNIQUE (details_id),
    CONSTRAINT customers_details_state_check CHECK ((details_state = ANY (ARRAY['none'::text, 'telling'::text, 'told'::text, 'refused'::text]))),
    CONSTRAINT customers_id_key UNIQUE (id),
    CONSTRAINT customers_pkey PRIMARY KEY (organization_id),
    CONSTRAINT customers_state_check CHECK ((state = ANY (ARRAY['making'::text, 'made'::text, 'refused'::text]))),
    CONSTRAINT customers_stripe_id_key UNIQUE (stripe_id)
);
COMMENT ON TABLE customers IS 'The customer that an organization is at Stripe. id is our row''s, from which the idempotency key is made. details are sealed; details_id names this version of them, details_state whether Stripe has it.';
ALTER TABLE customers ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX customers_by_giver ON customers USING btree (details_by) WHERE (details_by IS NOT NULL);
CREATE POLICY finding ON customers FOR SELECT TO billing_loops USING (true);
CREATE POLICY tenant ON customers FOR ALL TO billing_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON customers TO billing_app;
GRANT SELECT (organization_id) ON customers TO billing_loops;
GRANT SELECT (stripe_id) ON customers TO billing_loops;
GRANT SELECT (details_by) ON customers TO billing_loops;

CREATE TABLE dead_letters (
    id uuid NOT NULL,
    queue text NOT NULL,
    message_id uuid,
    generation bigint NOT NULL DEFAULT 0,
    type text,
    organization_id uuid,
    body bytea NOT NULL,
    reason text NOT NULL,
    error text NOT NULL,
    attempts integer NOT NULL,
    first_failed_at timestamp with time zone NOT NULL,
    dead_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    state text NOT NULL DEFAULT 'dead'::text,
    settled_at timestamp with time zone,
    settled_by text,
    CONSTRAINT dead_letters_pkey PRIMARY KEY (id),
    CONSTRAINT dead_letters_queue_message_id_generation_key UNIQUE (queue, message_id, generation),
    CONSTRAINT dead_letters_state_check CHECK ((state = ANY (ARRAY['dead'::text, 'replayed'::text, 'discarded'::text])))
);
COMMENT ON TABLE dead_letters IS 'Messages that could not be applied, for an operator to replay or discard.';
CREATE INDEX dead_letters_by_state ON dead_letters USING btree (state, id);
GRANT DELETE, INSERT, SELECT, UPDATE ON dead_letters TO billing_app;

CREATE TABLE delegations (
    delegation_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    agency_id uuid NOT NULL,
    ends_at timestamp with time zone,
    revoked boolean NOT NULL,
    version bigint NOT NULL,
    CONSTRAINT delegations_pkey PRIMARY KEY (delegation_id)
);
COMMENT ON TABLE delegations IS 'Projection of auth''s delegations: for whom (agency_id) people may act in whose organization.';
ALTER TABLE delegations ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX delegations_of_agency ON delegations USING btree (agency_id, organization_id);
CREATE INDEX delegations_of_client ON delegations USING btree (organization_id);
CREATE POLICY tenant ON delegations FOR ALL TO billing_app USING (((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])) OR (agency_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[]))));
GRANT INSERT, SELECT, UPDATE ON delegations TO billing_app;

CREATE TABLE disputes (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    payment_id uuid NOT NULL,
    stripe_id text NOT NULL,
    currency text NOT NULL,
    amount bigint NOT NULL,
    reason text NOT NULL,
    state text NOT NULL,
    evidence_due_at timestamp with time zone,
    withholds boolean NOT NULL DEFAULT false,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT disputes_amount_check CHECK ((amount >= 0)),
    CONSTRAINT disputes_currency_check CHECK ((currency ~ '^[a-z]{3}$'::text)),
    CONSTRAINT disputes_payment_id_fkey FOREIGN KEY (payment_id) REFERENCES payments(id),
    CONSTRAINT disputes_pkey PRIMARY KEY (id),
    CONSTRAINT disputes_state_check CHECK ((state = ANY (ARRAY['inquiry'::text, 'opened'::text, 'under_review'::text, 'won'::text, 'lost'::text, 'closed'::text]))),
    CONSTRAINT disputes_stripe_id_key UNIQUE (stripe_id),
    CONSTRAINT disputes_withhold CHECK (((state = 'lost'::text) OR (NOT withholds)))
);
COMMENT ON TABLE disputes IS 'Payments that their payer''s bank took back or asked about. One that is lost withholds the plan that was paid for until staff lift that.';
ALTER TABLE disputes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX disputes_by_creation ON disputes USING btree (created_at, id);
CREATE INDEX disputes_of_organization ON disputes USING btree (organization_id, created_at DESC, id DESC);
CREATE INDEX disputes_of_payment ON disputes USING btree (payment_id);
CREATE INDEX disputes_withholding ON disputes USING btree (organization_id) WHERE withholds;
CREATE POLICY comparing ON disputes FOR SELECT TO billing_loops USING (true);
CREATE POLICY tenant ON disputes FOR ALL TO billing_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON disputes TO billing_app;
GRANT SELECT (id) ON disputes TO billing_loops;
GRANT SELECT (organization_id) ON disputes TO billing_loops;
GRANT SELECT (stripe_id) ON disputes TO billing_loops;
GRANT SELECT (created_at) ON disputes TO billing_loops;

CREATE TABLE drifts (
    id uuid NOT NULL,
    reconciliation_id uuid NOT NULL,
    organization_id uuid,
    object_type text NOT NULL,
    object_id text NOT NULL,
    finding text NOT NULL,
    fields text[] NOT NULL,
    found_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    repaired_at timestamp with time zone,
    CONSTRAINT drifts_finding_check CHECK ((finding = ANY (ARRAY['differs'::text, 'missing_here'::text, 'missing_there'::text, 'nobodys'::text]))),
    CONSTRAINT drifts_pkey PRIMARY KEY (id),
    CONSTRAINT drifts_reconciliation_id_fkey FOREIGN KEY (reconciliation_id) REFERENCES reconciliations(id)
);
COMMENT ON TABLE drifts IS 'What was found to differ from Stripe. repaired_at is when the object had been read again, or was found to be the same.';
CREATE INDEX drifts_by_age ON drifts USING btree (id DESC);
CREATE UNIQUE INDEX drifts_unrepaired ON drifts USING btree (object_id) WHERE (repaired_at IS NULL);
GRANT INSERT, SELECT, UPDATE ON drifts TO billing_app;

CREATE TABLE entitlements (
    organization_id uuid NOT NULL,
    plan text NOT NULL,
    limits jsonb NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    changed_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    own_plan text NOT NULL DEFAULT 'free'::text,
    own_version integer NOT NULL DEFAULT 1,
    own_seats integer NOT NULL DEFAULT 0,
    CONSTRAINT entitlements_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(organization_id),
    CONSTRAINT entitlements_own_seats_check CHECK ((own_seats >= 0)),
    CONSTRAINT entitlements_own_version_check CHECK ((own_version > 0)),
    CONSTRAINT entitlements_pkey PRIMARY KEY (organization_id)
);
COMMENT ON TABLE entitlements IS 'What an organization may use now: the plan''s limits as they were when it was granted. own_plan, own_version and own_seats are what it has without any grant: the plan, the version of the catalogue it was bought in, and the seats beside those included.';
ALTER TABLE entitlements ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY telling ON entitlements FOR SELECT TO billing_loops USING (true);
CREATE POLICY tenant ON entitlements FOR ALL TO billing_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON entitlements TO billing_app;
GRANT SELECT (organization_id) ON entitlements TO billing_loops;
GRANT SELECT (plan) ON entitlements TO billing_loops;
GRANT SELECT (version) ON entitlements TO billing_loops;

CREATE TABLE grants (
    grant_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    plan text NOT NULL,
    until timestamp with time zone NOT NULL,
    revoked boolean NOT NULL,
    version bigint NOT NULL,
    ended_at timestamp with time zone,
    CONSTRAINT grants_pkey PRIMARY KEY (grant_id)
);
COMMENT ON TABLE grants IS 'Granted plans with the newest version applied; ended_at is when the end of one was acted upon.';
ALTER TABLE grants ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX grants_of_organization ON grants USING btree (organization_id, until);
CREATE INDEX grants_to_end ON grants USING btree (until) WHERE (ended_at IS NULL);
CREATE POLICY ending ON grants FOR SELECT TO billing_loops USING (true);
CREATE POLICY tenant ON grants FOR ALL TO billing_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON grants TO billing_app;
GRANT SELECT (organization_id) ON grants TO billing_loops;
GRANT SELECT (until) ON grants TO billing_loops;
GRANT SELECT (ended_at) ON grants TO billing_loops;

CREATE TABLE idempotency_keys (
    principal text NOT NULL,
    key text NOT NULL,
    operation text NOT NULL,
    fingerprint bytea NOT NULL,
    resource_id uuid,
    version integer,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (principal, key)
);
COMMENT ON TABLE idempotency_keys IS 'What an unsafe request with this key made; the answer is rendered again from it.';
CREATE INDEX idempotency_keys_by_age ON idempotency_keys USING brin (created_at);
GRANT DELETE, INSERT, SELECT, UPDATE ON idempotency_keys TO billing_app;

CREATE TABLE intake_deliveries (
    id uuid NOT NULL,
    seq bigint NOT NULL,
    source text NOT NULL,
    body bytea NOT NULL,
    bytes integer NOT NULL,
    state text NOT NULL DEFAULT 'received'::text,
    reason text,
    items integer NOT NULL DEFAULT 0,
    attempts integer NOT NULL DEFAULT 0,
    generation integer NOT NULL DEFAULT 0,
    traceparent text,
    received_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT intake_deliveries_pkey PRIMARY KEY (id),
    CONSTRAINT intake_deliveries_state_check CHECK ((state = ANY (ARRAY['received'::text, 'split'::text, 'unreadable'::text, 'discarded'::text])))
);
COMMENT ON TABLE intake_deliveries IS 'Genuine deliveries, sealed; seq is the order of arrival, items how many were found in it.';
CREATE INDEX intake_deliveries_by_age ON intake_deliveries USING brin (received_at);
CREATE INDEX intake_deliveries_unreadable ON intake_deliveries USING btree (source, id) WHERE (state = 'unreadable'::text);
CREATE INDEX intake_deliveries_waiting ON intake_deliveries USING btree (source, seq) WHERE (state = 'received'::text);
GRANT DELETE, INSERT, SELECT, UPDATE ON intake_deliveries TO billing_app;

CREATE TABLE intake_items (
    id uuid NOT NULL,
    seq bigint NOT NULL,
    delivery_id uuid NOT NULL,
    "position" integer NOT NULL,
    source text NOT NULL,
    item_id text NOT NULL,
    generation integer NOT NULL DEFAULT 0,
    lane bytea NOT NULL,
    tenant text NOT NULL,
    kind text NOT NULL,
    content bytea NOT NULL,
    traceparent text,
    occurred_at timestamp with time zone,
    received_at timestamp with time zone NOT NULL,
    verdict text,
    reason text,
    attempts integer NOT NULL DEFAULT 0,
    organization_id uuid,
    decided_at timestamp with time zone,
    CONSTRAINT intake_items_check CHECK (((verdict IS NULL) = (decided_at IS NULL))),
    CONSTRAINT intake_items_pkey PRIMARY KEY (id),
    CONSTRAINT intake_items_verdict_check CHECK ((verdict = ANY (ARRAY['applied'::text, 'duplicate'::text, 'quarantined'::text, 'discarded'::text])))
);
COMMENT ON TABLE intake_items IS 'Each thing in a delivery and what became of it; lane is the digest of its key, which is sealed with the content. A duplicate holds no content.';
CREATE INDEX intake_items_by_age ON intake_items USING brin (received_at);
CREATE UNIQUE INDEX intake_items_by_delivery ON intake_items USING btree (delivery_id, "position");
CREATE INDEX intake_items_of_lane ON intake_items USING btree (lane) WHERE (verdict IS NOT NULL);
CREATE UNIQUE INDEX intake_items_once ON intake_items USING btree (source, item_id) WHERE (verdict IS DISTINCT FROM 'duplicate'::text);
CREATE INDEX intake_items_quarantined ON intake_items USING btree (source, id) WHERE (verdict = 'quarantined'::text);
CREATE INDEX intake_items_waiting ON intake_items USING btree (source, lane, seq) WHERE (verdict IS NULL);
GRANT DELETE, INSERT, SELECT, UPDATE ON intake_items TO billing_app;

CREATE TABLE intake_keys (
    source text NOT NULL,
    lane bytea NOT NULL,
    wake_at timestamp with time zone NOT NULL DEFAULT statement_timestamp(),
    holder uuid,
    failures integer NOT NULL DEFAULT 0,
    CONSTRAINT intake_keys_pkey PRIMARY KEY (source, lane)
);
COMMENT ON TABLE intake_keys IS 'Lanes with undecided items; while a worker holds one, wake_at is the end of its lease. A lane that is empty is deleted.';
CREATE INDEX intake_keys_due ON intake_keys USING btree (source, wake_at);
GRANT DELETE, INSERT, SELECT, UPDATE ON intake_keys TO billing_app;

CREATE TABLE intake_sources (
    source text NOT NULL,
    holder uuid,
    leased_until timestamp with time zone NOT NULL DEFAULT '-infinity'::timestamp with time zone,
    CONSTRAINT intake_sources_pkey PRIMARY KEY (source)
);
COMMENT ON TABLE intake_sources IS 'Which worker takes the deliveries of a source apart: one at a time, so that items keep the order of arrival.';
GRANT INSERT, SELECT, UPDATE ON intake_sources TO billing_app;

CREATE TABLE invoice_payments (
    stripe_payment_id text NOT NULL,
    organization_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    CONSTRAINT invoice_payments_invoice_id_fkey FOREIGN KEY (invoice_id) REFERENCES invoices(id) ON DELETE CASCADE,
    CONSTRAINT invoice_payments_pkey PRIMARY KEY (stripe_payment_id)
);
COMMENT ON TABLE invoice_payments IS 'Which payment intent pays which invoice.';
ALTER TABLE invoice_payments ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX invoice_payments_of_invoice ON invoice_payments USING btree (invoice_id);
CREATE POLICY tenant ON invoice_payments FOR ALL TO billing_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON invoice_payments TO billing_app;

CREATE TABLE invoice_pays (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    state text NOT NULL DEFAULT 'asked'::text,
    failure text NOT NULL DEFAULT ''::text,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT invoice_pays_invoice_id_fkey FOREIGN KEY (invoice_id) REFERENCES invoices(id),
    CONSTRAINT invoice_pays_pkey PRIMARY KEY (id),
    CONSTRAINT invoice_pays_state_check CHECK ((state = ANY (ARRAY['asked'::text, 'succeeded'::text, 'action_required'::text, 'failed'::text, 'unknown'::text])))
);
COMMENT ON TABLE invoice_pays IS 'Wishes to pay an open invoice again, each once; the id of the row is the key under which Stripe is asked.';
ALTER TABLE invoice_pays ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX invoice_pays_of_invoice ON invoice_pays USING btree (invoice_id, id DESC);
CREATE UNIQUE INDEX invoice_pays_one_at_a_time ON invoice_pays USING btree (invoice_id) WHERE (state = ANY (ARRAY['asked'::text, 'unknown'::text]));
CREATE POLICY tenant ON invoice_pays FOR ALL TO billing_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT ON invoice_pays TO billing_app;
GRANT UPDATE (state) ON invoice_pays TO billing_app;
GRANT UPDATE (failure) ON invoice_pays TO billing_app;

CREATE TABLE invoices (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    stripe_id text NOT NULL,
    stripe_subscription_id text,
    number text,
    status text NOT NULL,
    reason text NOT NULL,
    currency text NOT NULL,
    subtotal bigint NOT NULL,
    discount bigint NOT NULL,
    tax bigint NOT NULL,
    total bigint NOT NULL,
    due bigint NOT NULL,
    paid bigint NOT NULL,
    remaining bigint NOT NULL,
    credited bigint NOT NULL DEFAULT 0,
    lines jsonb NOT NULL,
    period_start timestamp with time zone NOT NULL,
    period_end timestamp with time zone NOT NULL,
    due_at timestamp with time zone,
    next_attempt_at timestamp with time zone,
    attempts integer NOT NULL,
    finalized_at timestamp with time zone,
    paid_at timestamp with time zone,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT invoices_currency_check CHECK ((currency ~ '^[a-z]{3}$'::text)),
    CONSTRAINT invoices_discount_check CHECK ((discount >= 0)),
    CONSTRAINT invoices_final CHECK (((status = 'draft'::text) OR (finalized_at IS NOT NULL))),
    CONSTRAINT invoices_not_over_credited CHECK (((credited >= 0) AND (credited <= GREATEST(total, (0)::bigint)))),
    CONSTRAINT invoices_paid_check CHECK ((paid >= 0)),
    CONSTRAINT invoices_pkey PRIMARY KEY (id),
    CONSTRAINT invoices_remaining_check CHECK ((remaining >= 0)),
    CONSTRAINT invoices_status_check CHECK ((status = ANY (ARRAY['draft'::text, 'open'::text, 'paid'::text, 'uncollectible'::text, 'void'::text]))),
    CONSTRAINT invoices_stripe_id_key UNIQUE (stripe_id)
);
COMMENT ON TABLE invoices IS 'Invoices as Stripe issued them, amounts in the minor unit of the currency. `credited` is what credit notes of ours and of Stripe''s take off, asked for or issued.';
ALTER TABLE invoices ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX invoices_by_creation ON invoices USING btree (created_at, id);
CREATE INDEX invoices_of_organization ON invoices USING btree (organization_id, created_at DESC, id DESC);
CREATE INDEX invoices_open ON invoices USING btree (organization_id, finalized_at) WHERE (status = 'open'::text);
CREATE POLICY comparing ON invoices FOR SELECT TO billing_loops USING (true);
CREATE POLICY tenant ON invoices FOR ALL TO billing_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON invoices TO billing_app;
GRANT SELECT (id) ON invoices TO billing_loops;
GRANT SELECT (organization_id) ON invoices TO billing_loops;
GRANT SELECT (stripe_id) ON invoices TO billing_loops;
GRANT SELECT (created_at) ON invoices TO billing_loops;

CREATE TABLE job_items (
    job_id uuid NOT NULL,
    number bigint NOT NULL,
    organization_id uuid,
    subject_id uuid,
    state text NOT NULL DEFAULT 'waiting'::text,
    code text NOT NULL DEFAULT ''::text,
    reason text NOT NULL DEFAULT ''::text,
    settled_at timestamp with time zone,
    CONSTRAINT job_items_pkey PRIMARY KEY (job_id, number),
    CONSTRAINT job_items_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'handed'::text, 'done'::text, 'failed'::text, 'skipped'::text])))
);
COMMENT ON TABLE job_items IS 'One row per item of a job, in the order in which they were found; a subject is at most once in a job.';
ALTER TABLE job_items ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX job_items_by_subject ON job_items USING btree (subject_id) WHERE (subject_id IS NOT NULL);
CREATE INDEX job_items_failed ON job_items USING btree (job_id, number) WHERE (state = 'failed'::text);
CREATE UNIQUE INDEX job_items_once ON job_items USING btree (job_id, subject_id) WHERE (subject_id IS NOT NULL);
CREATE INDEX job_items_skipped ON job_items USING btree (job_id, number) WHERE (state = 'skipped'::text);
CREATE INDEX job_items_waiting ON job_items USING btree (job_id, number) WHERE (state = ANY (ARRAY['waiting'::text, 'handed'::text]));
CREATE POLICY tenant ON job_items FOR ALL TO billing_app USING (((organization_id IS NULL) OR (organization_id = ANY (( SELECT (COALESCE(NULLIF(current_setting('app.orgs'::text, true), ''::text), '{}'::text))::uuid[] AS "coalesce")::uuid[]))));
CREATE POLICY working ON job_items FOR ALL TO billing_loops USING (true);
GRANT INSERT, SELECT, UPDATE ON job_items TO billing_app;
GRANT DELETE, SELECT ON job_items TO billing_loops;

CREATE TABLE jobs (
    id uuid NOT NULL,
    organization_id uuid,
    kind text NOT NULL,
    submit_key text NOT NULL,
    submitted_by uuid,
    parameters jsonb NOT NULL DEFAULT '{}'::jsonb,
    state text NOT NULL DEFAULT 'queued'::text,
    listed boolean NOT NULL,
    cursor jsonb,
    numbered bigint NOT NULL DEFAULT 0,
    total bigint NOT NULL DEFAULT 0,
    done bigint NOT NULL DEFAULT 0,
    failed bigint NOT NULL DEFAULT 0,
    skipped bigint NOT NULL DEFAULT 0,
    handed bigint NOT NULL DEFAULT 0,
    ready_at timestamp with time zone NOT NULL,
    served_at timestamp with time zone,
    troubles integer NOT NULL DEFAULT 0,
    code text NOT NULL DEFAULT ''::text,
    rate double precision,
    marked_at timestamp with time zone,
    marked bigint NOT NULL DEFAULT 0,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    started_at timestamp with time zone,
    ended_at timestamp with time zone,
    CONSTRAINT jobs_check CHECK (((state = ANY (ARRAY['finished'::text, 'cancelled'::text, 'failed'::text])) = (ended_at IS NOT NULL))),
    CONSTRAINT jobs_organization_id_kind_submit_key_key UNIQUE NULLS NOT DISTINCT (organization_id, kind, submit_key),
    CONSTRAINT jobs_pkey PRIMARY KEY (id),
    CONSTRAINT jobs_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'finding'::text, 'working'::text, 'reviving'::text, 'finished'::text, 'cancelled'::text, 'failed'::text]))),
    CONSTRAINT jobs_submit_key_check CHECK (((length(submit_key) >= 1) AND (length(submit_key) <= 200)))
);
COMMENT ON TABLE jobs IS 'One row per bulk work; counts are moved in the commit that works a batch, handed are items that the ledger has now.';
ALTER TABLE jobs ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX jobs_by_submitter ON jobs USING btree (submitted_by) WHERE (submitted_by IS NOT NULL);
CREATE INDEX jobs_by_tenant ON jobs USING btree (organization_id, id);
CREATE INDEX jobs_ended ON jobs USING btree (ended_at) WHERE (ended_at IS NOT NULL);
CREATE INDEX jobs_open ON jobs USING btree (ready_at) WHERE (ended_at IS NULL);
CREATE POLICY tenant ON jobs FOR ALL TO billing_app USING (((organization_id IS NULL) OR (organization_id = ANY (( SELECT (COALESCE(NULLIF(current_setting('app.orgs'::text, true), ''::text), '{}'::text))::uuid[] AS "coalesce")::uuid[]))));
CREATE POLICY working ON jobs FOR ALL TO billing_loops USING (true);
GRANT INSERT, SELECT, UPDATE ON jobs TO billing_app;
GRANT DELETE, SELECT, UPDATE ON jobs TO billing_loops;

CREATE TABLE ledger_attempts (
    id bigint NOT NULL,
    entry_id uuid NOT NULL,
    organization_id uuid,
    number integer NOT NULL,
    what text NOT NULL,
    started_at timestamp with time zone NOT NULL,
    seconds double precision NOT NULL,
    outcome text NOT NULL,
    code text NOT NULL DEFAULT ''::text,
    said text NOT NULL DEFAULT ''::text,
    CONSTRAINT ledger_attempts_pkey PRIMARY KEY (entry_id, id),
    CONSTRAINT ledger_attempts_what_check CHECK ((what = ANY (ARRAY['call'::text, 'look'::text])))
);
COMMENT ON TABLE ledger_attempts IS 'One row per call or look: when, how long, what the other side said (redacted).';
ALTER TABLE ledger_attempts ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON ledger_attempts FOR ALL TO billing_app USING (((organization_id IS NULL) OR (organization_id = ANY (( SELECT (COALESCE(NULLIF(current_setting('app.orgs'::text, true), ''::text), '{}'::text))::uuid[] AS "coalesce")::uuid[]))));
CREATE POLICY working ON ledger_attempts FOR ALL TO billing_loops USING (true);
GRANT DELETE, INSERT, SELECT ON ledger_attempts TO billing_app;
GRANT DELETE, SELECT ON ledger_attempts TO billing_loops;

CREATE TABLE ledger_blocks (
    id bigint NOT NULL,
    begin_by timestamp with time zone NOT NULL,
    entry_ids uuid[] NOT NULL,
    CONSTRAINT ledger_blocks_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE ledger_blocks IS 'Effects that are claimed together and whose calls have not begun; what is calling without a row here may have left.';
CREATE INDEX ledger_blocks_begin_by ON ledger_blocks USING btree (begin_by);
GRANT DELETE, INSERT, SELECT, UPDATE ON ledger_blocks TO billing_loops;

CREATE TABLE ledger_entries (
    id uuid NOT NULL,
    kind text NOT NULL,
    organization_id uuid,
    lane_id bigint NOT NULL,
    subject_id uuid NOT NULL,
    status text NOT NULL DEFAULT 'pending'::text,
    due_at timestamp with time zone NOT NULL,
    first_due_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone,
    attempt integer NOT NULL DEFAULT 0,
    called_at timestamp with time zone,
    began_by timestamp with time zone,
    leased_until timestamp with time zone,
    look_at timestamp with time zone,
    looks integer NOT NULL DEFAULT 0,
    blanks integer NOT NULL DEFAULT 0,
    external_id text,
    reason text NOT NULL DEFAULT ''::text,
    code text NOT NULL DEFAULT ''::text,
    settled_at timestamp with time zone,
    settled_by text,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    block_id bigint,
    CONSTRAINT ledger_entries_kind_subject_id_key UNIQUE (kind, subject_id),
    CONSTRAINT ledger_entries_pkey PRIMARY KEY (id),
    CONSTRAINT ledger_entries_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'calling'::text, 'unknown'::text, 'done'::text, 'refused'::text, 'cancelled'::text, 'unconfirmed'::text])))
);
COMMENT ON TABLE ledger_entries IS 'One row per effect outside; attempt is the fence of a claim, began_by the latest time its call can have begun, blanks the looks that found nothing.';
ALTER TABLE ledger_entries ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX ledger_entries_calling ON ledger_entries USING btree (leased_until) WHERE (status = 'calling'::text);
CREATE INDEX ledger_entries_due ON ledger_entries USING btree (kind, due_at) WHERE (status = 'pending'::text);
CREATE INDEX ledger_entries_expiring ON ledger_entries USING btree (expires_at) WHERE ((status = 'pending'::text) AND (expires_at IS NOT NULL));
CREATE INDEX ledger_entries_open ON ledger_entries USING btree (kind, status) WHERE (status = ANY (ARRAY['unknown'::text, 'unconfirmed'::text]));
CREATE INDEX ledger_entries_pending ON ledger_entries USING btree (lane_id, due_at, id) WHERE (status = 'pending'::text);
CREATE INDEX ledger_entries_settled ON ledger_entries USING btree (settled_at) WHERE (settled_at IS NOT NULL);
CREATE INDEX ledger_entries_troubled ON ledger_entries USING btree (status, id) WHERE (status = ANY (ARRAY['unknown'::text, 'refused'::text, 'cancelled'::text, 'unconfirmed'::text]));
CREATE INDEX ledger_entries_unknown ON ledger_entries USING btree (lane_id, look_at) WHERE (status = 'unknown'::text);
CREATE POLICY tenant ON ledger_entries FOR ALL TO billing_app USING (((organization_id IS NULL) OR (organization_id = ANY (( SELECT (COALESCE(NULLIF(current_setting('app.orgs'::text, true), ''::text), '{}'::text))::uuid[] AS "coalesce")::uuid[]))));
CREATE POLICY working ON ledger_entries FOR ALL TO billing_loops USING (true);
GRANT DELETE, INSERT, SELECT, UPDATE ON ledger_entries TO billing_app;
GRANT DELETE, SELECT, UPDATE ON ledger_entries TO billing_loops;

CREATE TABLE ledger_holds (
    organization_id uuid,
    lane_key text,
    reason text NOT NULL,
    held_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    cause text NOT NULL DEFAULT ''::text,
    CONSTRAINT ledger_holds_once UNIQUE NULLS NOT DISTINCT (organization_id, lane_key, cause)
);
COMMENT ON TABLE ledger_holds IS 'Nothing leaves on this lane, or (lane_key null) on any lane of the organization.';
ALTER TABLE ledger_holds ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX ledger_holds_by_cause ON ledger_holds USING btree (organization_id, cause);
CREATE POLICY tenant ON ledger_holds FOR ALL TO billing_app USING (((organization_id IS NULL) OR (organization_id = ANY (( SELECT (COALESCE(NULLIF(current_setting('app.orgs'::text, true), ''::text), '{}'::text))::uuid[] AS "coalesce")::uuid[]))));
CREATE POLICY working ON ledger_holds FOR SELECT TO billing_loops USING (true);
GRANT DELETE, INSERT, SELECT, UPDATE ON ledger_holds TO billing_app;
GRANT SELECT ON ledger_holds TO billing_loops;

CREATE TABLE ledger_lanes (
    id bigint NOT NULL,
    organization_id uuid,
    key text NOT NULL,
    rate double precision,
    next_slot timestamp with time zone,
    parked_until timestamp with time zone,
    ready_at timestamp with time zone,
    released_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    parked_reason text NOT NULL DEFAULT ''::text,
    parked_code text NOT NULL DEFAULT ''::text,
    CONSTRAINT ledger_lanes_organization_id_key_key UNIQUE NULLS NOT DISTINCT (organization_id, key),
    CONSTRAINT ledger_lanes_pkey PRIMARY KEY (id),
    CONSTRAINT ledger_lanes_rate_check CHECK ((rate > (0)::double precision))
);
COMMENT ON TABLE ledger_lanes IS 'What shares one pace and takes turns with others; ready_at is its place in the queue, null when nothing waits.';
ALTER TABLE ledger_lanes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX ledger_lanes_ready ON ledger_lanes USING btree (ready_at) WHERE (ready_at IS NOT NULL);
CREATE POLICY tenant ON ledger_lanes FOR ALL TO billing_app USING (((organization_id IS NULL) OR (organization_id = ANY (( SELECT (COALESCE(NULLIF(current_setting('app.orgs'::text, true), ''::text), '{}'::text))::uuid[] AS "coalesce")::uuid[]))));
CREATE POLICY working ON ledger_lanes FOR ALL TO billing_loops USING (true);
GRANT INSERT, SELECT, UPDATE ON ledger_lanes TO billing_app;
GRANT SELECT, UPDATE ON ledger_lanes TO billing_loops;

CREATE TABLE ledger_wakes (
    id bigint NOT NULL,
    organization_id uuid,
    lane_id bigint NOT NULL,
    due_at timestamp with time zone NOT NULL,
    parked_until timestamp with time zone,
    parked_reason text,
    parked_code text,
    CONSTRAINT ledger_wakes_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE ledger_wakes IS 'Lanes that have something to do from a time on; written beside the entries so that nobody who adds waits for a lane, drained by workers.';
ALTER TABLE ledger_wakes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON ledger_wakes FOR ALL TO billing_app USING (((organization_id IS NULL) OR (organization_id = ANY (( SELECT (COALESCE(NULLIF(current_setting('app.orgs'::text, true), ''::text), '{}'::text))::uuid[] AS "coalesce")::uuid[]))));
CREATE POLICY working ON ledger_wakes FOR ALL TO billing_loops USING (true);
GRANT INSERT, SELECT ON ledger_wakes TO billing_app;
GRANT DELETE, INSERT, SELECT, UPDATE ON ledger_wakes TO billing_loops;

CREATE TABLE mail_suppressions (
    address_hash bytea NOT NULL,
    reason text NOT NULL,
    category text NOT NULL DEFAULT ''::text,
    until timestamp with time zone,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT mail_suppressions_check CHECK (((category <> ''::text) = (reason = 'unsubscribed'::text))),
    CONSTRAINT mail_suppressions_pkey PRIMARY KEY (address_hash, reason, category),
    CONSTRAINT mail_suppressions_reason_check CHECK ((reason = ANY (ARRAY['hard-bounce'::text, 'complaint'::text, 'unsubscribed'::text])))
);
COMMENT ON TABLE mail_suppressions IS 'Addresses, as keyed hashes, that are not mailed: they do not exist, complained, or do not want a category.';
GRANT DELETE, INSERT, SELECT, UPDATE ON mail_suppressions TO billing_app;

CREATE TABLE migrations (
    origin text NOT NULL,
    number integer NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT migrations_pkey PRIMARY KEY (origin, number)
);
GRANT SELECT ON migrations TO billing_app;

CREATE TABLE organizations (
    organization_id uuid NOT NULL,
    status text NOT NULL DEFAULT 'active'::text,
    version bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT organizations_pkey PRIMARY KEY (organization_id),
    CONSTRAINT organizations_status_check CHECK ((status = 'active'::text))
);
COMMENT ON TABLE organizations IS 'Projection of auth''s organizations; version and created_at are those of auth.';
ALTER TABLE organizations ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON organizations FOR ALL TO billing_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON organizations TO billing_app;

CREATE TABLE outbox (
    id uuid NOT NULL,
    type text NOT NULL,
    organization_id uuid,
    body bytea NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT outbox_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE outbox IS 'Events committed with their state and not yet confirmed by the broker; the relay deletes them.';
GRANT DELETE, INSERT, SELECT ON outbox TO billing_app;
GRANT UPDATE (created_at) ON outbox TO billing_app;

CREATE TABLE outgoing_mails (
    id uuid NOT NULL,
    organization_id uuid,
    category text NOT NULL,
    template text NOT NULL,
    locale text NOT NULL,
    about uuid,
    detail uuid,
    address bytea,
    address_hash bytea,
    parameters bytea,
    message_id text NOT NULL,
    dedupe_key text NOT NULL,
    status text NOT NULL DEFAULT 'pending'::text,
    tries integer NOT NULL DEFAULT 0,
    unknowns integer NOT NULL DEFAULT 0,
    code text NOT NULL DEFAULT ''::text,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    settled_at timestamp with time zone,
    CONSTRAINT outgoing_mails_check CHECK ((((address IS NULL) = (parameters IS NULL)) AND ((address IS NULL) OR (address_hash IS NOT NULL)))),
    CONSTRAINT outgoing_mails_check1 CHECK (((status = ANY (ARRAY['pending'::text, 'unknown'::text])) = (settled_at IS NULL))),
    CONSTRAINT outgoing_mails_dedupe_key_check CHECK ((length(dedupe_key) <= 200)),
    CONSTRAINT outgoing_mails_pkey PRIMARY KEY (id),
    CONSTRAINT outgoing_mails_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'sent'::text, 'refused'::text, 'unknown'::text, 'unconfirmed'::text, 'withdrawn'::text])))
);
COMMENT ON TABLE outgoing_mails IS 'Mails by reference, or with address and parameters sealed; neither address nor text stands here in clear. The ledger says when each is sent.';
ALTER TABLE outgoing_mails ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX outgoing_mails_about ON outgoing_mails USING btree (about, created_at) WHERE (about IS NOT NULL);
CREATE INDEX outgoing_mails_by_end ON outgoing_mails USING btree (settled_at) WHERE (settled_at IS NOT NULL);
CREATE UNIQUE INDEX outgoing_mails_once ON outgoing_mails USING btree (COALESCE(organization_id, '00000000-0000-0000-0000-000000000000'::uuid), dedupe_key);
CREATE INDEX outgoing_mails_to ON outgoing_mails USING btree (address_hash) WHERE (address_hash IS NOT NULL);
CREATE POLICY forgetting ON outgoing_mails FOR ALL TO billing_loops USING (true);
CREATE POLICY tenant ON outgoing_mails FOR ALL TO billing_app USING (((organization_id IS NULL) OR (organization_id = ANY (( SELECT (NULLIF(current_setting('app.orgs'::text, true), ''::text))::uuid[] AS "nullif")::uuid[]))));
GRANT DELETE, INSERT, SELECT, UPDATE ON outgoing_mails TO billing_app;
GRANT DELETE, SELECT ON outgoing_mails TO billing_loops;

CREATE TABLE payment_setups (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    stripe_id text NOT NULL,
    state text NOT NULL,
    failure text NOT NULL DEFAULT ''::text,
    attempt text NOT NULL DEFAULT ''::text,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT payment_setups_pkey PRIMARY KEY (id),
    CONSTRAINT payment_setups_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'action_required'::text, 'processing'::text, 'failed'::text, 'succeeded'::text, 'cancelled'::text]))),
    CONSTRAINT payment_setups_stripe_id_key UNIQUE (stripe_id)
);
COMMENT ON TABLE payment_setups IS 'Setup intents: a way to pay that is to be kept for later payments.';
ALTER TABLE payment_setups ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX payment_setups_of_organization ON payment_setups USING btree (organization_id, created_at DESC, id DESC);
CREATE POLICY tenant ON payment_setups FOR ALL TO billing_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON payment_setups TO billing_app;

CREATE TABLE payments (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    stripe_id text NOT NULL,
    stripe_charge_id text,
    currency text NOT NULL,
    amount bigint NOT NULL,
    received bigint NOT NULL,
    refunded bigint NOT NULL DEFAULT 0,
    state text NOT NULL,
    failure text NOT NULL DEFAULT ''::text,
    attempt text NOT NULL DEFAULT ''::text,
    faltered boolean NOT NULL DEFAULT false,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT payments_amount_check CHECK ((amount >= 0)),
    CONSTRAINT payments_currency_check CHECK ((currency ~ '^[a-z]{3}$'::text)),
    CONSTRAINT payments_not_over_refunded CHECK (((refunded >= 0) AND (refunded <= received))),
    CONSTRAINT payments_pkey PRIMARY KEY (id),
    CONSTRAINT payments_received_check CHECK ((received >= 0)),
    CONSTRAINT payments_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'action_required'::text, 'processing'::text, 'failed'::text, 'succeeded'::text, 'cancelled'::text]))),
    CONSTRAINT payments_stripe_id_key UNIQUE (stripe_id)
);
COMMENT ON TABLE payments IS 'Payment intents. `refunded` is the sum of all refunds that have not failed, kept by a trigger; `attempt` names the try that the state comes from; `faltered` says that one failed or needed its payer.';
ALTER TABLE payments ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX payments_by_charge ON payments USING btree (stripe_charge_id);
CREATE INDEX payments_by_creation ON payments USING btree (created_at, id);
CREATE INDEX payments_of_organization ON payments USING btree (organization_id, created_at DESC, id DESC);
CREATE POLICY finding ON payments FOR SELECT TO billing_loops USING (true);
CREATE POLICY tenant ON payments FOR ALL TO billing_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON payments TO billing_app;
GRANT SELECT (id) ON payments TO billing_loops;
GRANT SELECT (organization_id) ON payments TO billing_loops;
GRANT SELECT (stripe_id) ON payments TO billing_loops;
GRANT SELECT (stripe_charge_id) ON payments TO billing_loops;
GRANT SELECT (created_at) ON payments TO billing_loops;

CREATE TABLE prices (
    lookup_key text NOT NULL,
    id uuid NOT NULL,
    stripe_id text,
    reason text NOT NULL DEFAULT ''::text,
    changed_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT prices_id_key UNIQUE (id),
    CONSTRAINT prices_pkey PRIMARY KEY (lookup_key),
    CONSTRAINT prices_stripe_id_key UNIQUE (stripe_id)
);
COMMENT ON TABLE prices IS 'Prices of the catalogue by the key that names them at Stripe; stripe_id once Stripe has the price, reason why it will not.';
GRANT INSERT, SELECT, UPDATE ON prices TO billing_app;

CREATE TABLE privacy_tasks (
    id uuid NOT NULL,
    what text NOT NULL,
    organization_id uuid,
    person_kind text NOT NULL,
    person_id uuid NOT NULL,
    way text NOT NULL DEFAULT ''::text,
    state text NOT NULL DEFAULT 'open'::text,
    attempt integer NOT NULL DEFAULT 0,
    failures integer NOT NULL DEFAULT 0,
    answers integer NOT NULL DEFAULT 0,
    due_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    leased_until timestamp with time zone,
    blocked_by text NOT NULL DEFAULT ''::text,
    removed jsonb NOT NULL DEFAULT '{}'::jsonb,
    anonymised jsonb NOT NULL DEFAULT '{}'::jsonb,
    kept jsonb NOT NULL DEFAULT '{}'::jsonb,
    kept_because jsonb NOT NULL DEFAULT '{}'::jsonb,
    keys text[] NOT NULL DEFAULT '{}'::text[],
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    done_at timestamp with time zone,
    unlinked jsonb NOT NULL DEFAULT '{}'::jsonb,
    CONSTRAINT privacy_tasks_pkey PRIMARY KEY (id),
    CONSTRAINT privacy_tasks_state_check CHECK ((state = ANY (ARRAY['open'::text, 'done'::text]))),
    CONSTRAINT privacy_tasks_what_check CHECK ((what = ANY (ARRAY['export'::text, 'erasure'::text])))
);
COMMENT ON TABLE privacy_tasks IS 'An export or erasure that was asked of this service, and how far it got; ids and counts only.';
CREATE INDEX privacy_tasks_done ON privacy_tasks USING btree (done_at) WHERE (state = 'done'::text);
CREATE INDEX privacy_tasks_open ON privacy_tasks USING btree (due_at) WHERE (state = 'open'::text);
GRANT DELETE, INSERT, SELECT, UPDATE ON privacy_tasks TO billing_app;

CREATE TABLE processed_messages (
    queue text NOT NULL,
    message_id uuid NOT NULL,
    generation bigint NOT NULL DEFAULT 0,
    processed_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT processed_messages_pkey PRIMARY KEY (queue, message_id, generation)
);
COMMENT ON TABLE processed_messages IS 'Messages whose effect is committed; a replay carries another generation.';
CREATE INDEX processed_messages_by_age ON processed_messages USING brin (processed_at);
GRANT DELETE, INSERT, SELECT ON processed_messages TO billing_app;

CREATE TABLE promotion_codes (
    code text NOT NULL,
    id uuid NOT NULL,
    coupon_id uuid NOT NULL,
    most integer,
    taken integer NOT NULL DEFAULT 0,
    expires_at timestamp with time zone,
    ended_at timestamp with time zone,
    created_by uuid NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT promotion_codes_cap CHECK (((most IS NULL) OR (taken <= most))),
    CONSTRAINT promotion_codes_code_check CHECK ((code ~ '^[A-Z0-9-]{3,40}$'::text)),
    CONSTRAINT promotion_codes_coupon_id_fkey FOREIGN KEY (coupon_id) REFERENCES coupons(id),
    CONSTRAINT promotion_codes_id_key UNIQUE (id),
    CONSTRAINT promotion_codes_most_check CHECK ((most > 0)),
    CONSTRAINT promotion_codes_pkey PRIMARY KEY (code),
    CONSTRAINT promotion_codes_taken_check CHECK ((taken >= 0))
);
COMMENT ON TABLE promotion_codes IS 'What people type to redeem a coupon; taken never exceeds most.';
CREATE INDEX promotion_codes_of_coupon ON promotion_codes USING btree (coupon_id);
GRANT INSERT, SELECT, UPDATE ON promotion_codes TO billing_app;

CREATE TABLE purchases (
    id uuid NOT NULL,
    code_hash bytea NOT NULL,
    plan text NOT NULL,
    plan_version integer NOT NULL,
    "interval" text NOT NULL,
    currency text NOT NULL,
    state text NOT NULL DEFAULT 'opening'::text,
    stripe_session_id text,
    claim_id uuid,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT purchases_claim_id_key UNIQUE (claim_id),
    CONSTRAINT purchases_code_hash_check CHECK ((length(code_hash) = 32)),
    CONSTRAINT purchases_code_hash_key UNIQUE (code_hash),
    CONSTRAINT purchases_currency_check CHECK ((currency ~ '^[a-z]{3}$'::text)),
    CONSTRAINT purchases_interval_check CHECK (("interval" = ANY (ARRAY['month'::text, 'year'::text]))),
    CONSTRAINT purchases_pkey PRIMARY KEY (id),
    CONSTRAINT purchases_state_check CHECK ((state = ANY (ARRAY['opening'::text, 'open'::text, 'bought'::text]))),
    CONSTRAINT purchases_stripe_session_id_key UNIQUE (stripe_session_id)
);
COMMENT ON TABLE purchases IS 'Subscriptions that are bought without an account, until an organization claims them by their code; one that was not paid is deleted after a day.';
GRANT DELETE, INSERT, SELECT, UPDATE ON purchases TO billing_app;

CREATE TABLE quota_limits (
    organization_id uuid NOT NULL,
    plan text NOT NULL,
    limits jsonb NOT NULL,
    version bigint NOT NULL,
    heard_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT quota_limits_pkey PRIMARY KEY (organization_id)
);
COMMENT ON TABLE quota_limits IS 'Projection of billing''s entitlements: the newest snapshot heard of; a meter that is absent is not included, null is without limit.';
ALTER TABLE quota_limits ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON quota_limits FOR ALL TO billing_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON quota_limits TO billing_app;

CREATE TABLE quota_reservations (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    meter text NOT NULL,
    period date NOT NULL,
    amount bigint NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    lapsed_at timestamp with time zone,
    CONSTRAINT quota_reservations_amount_check CHECK ((amount > 0)),
    CONSTRAINT quota_reservations_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE quota_reservations IS 'What was set aside for work under way. One that nobody settled in time lapses: its amount is free again, the row tells for a month that it was there.';
ALTER TABLE quota_reservations ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX quota_reservations_due ON quota_reservations USING btree (expires_at) WHERE (lapsed_at IS NULL);
CREATE INDEX quota_reservations_lapsed ON quota_reservations USING btree (lapsed_at) WHERE (lapsed_at IS NOT NULL);
CREATE POLICY lapsing ON quota_reservations FOR ALL TO billing_loops USING (true) WITH CHECK (true);
CREATE POLICY tenant ON quota_reservations FOR ALL TO billing_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON quota_reservations TO billing_app;
GRANT DELETE, SELECT, UPDATE ON quota_reservations TO billing_loops;

CREATE TABLE quota_usage (
    organization_id uuid NOT NULL,
    meter text NOT NULL,
    period date NOT NULL,
    used bigint NOT NULL DEFAULT 0,
    reserved bigint NOT NULL DEFAULT 0,
    warned smallint NOT NULL DEFAULT 0,
    CONSTRAINT quota_usage_pkey PRIMARY KEY (organization_id, meter, period),
    CONSTRAINT quota_usage_reserved_check CHECK ((reserved >= 0)),
    CONSTRAINT quota_usage_used_check CHECK ((used >= 0))
);
COMMENT ON TABLE quota_usage IS 'Per meter and month (or, for what is held, for ever) what was used and what is reserved; warned is the highest threshold, in percent, that was told.';
ALTER TABLE quota_usage ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX quota_usage_by_period ON quota_usage USING btree (period);
CREATE POLICY lapsing ON quota_usage FOR ALL TO billing_loops USING (true) WITH CHECK (true);
CREATE POLICY tenant ON quota_usage FOR ALL TO billing_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON quota_usage TO billing_app;
GRANT DELETE, SELECT, UPDATE ON quota_usage TO billing_loops;

CREATE TABLE readings (
    organization_id uuid NOT NULL,
    object_id text NOT NULL,
    object_type text NOT NULL,
    asked bigint NOT NULL DEFAULT 1,
    applied bigint NOT NULL DEFAULT 0,
    effect_id uuid,
    asked_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    applied_at timestamp with time zone,
    CONSTRAINT readings_check CHECK ((applied <= asked)),
    CONSTRAINT readings_object_id_check CHECK (((length(object_id) >= 1) AND (length(object_id) <= 255))),
    CONSTRAINT readings_pkey PRIMARY KEY (organization_id, object_id)
);
COMMENT ON TABLE readings IS 'Objects of Stripe that we follow. asked counts the hints; a reading takes the count before it reads as its ticket and is applied only over an older one; effect_id is the one reading under way.';
ALTER TABLE readings ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE UNIQUE INDEX readings_by_effect ON readings USING btree (effect_id) WHERE (effect_id IS NOT NULL);
CREATE POLICY tenant ON readings FOR ALL TO billing_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON readings TO billing_app;

CREATE TABLE reconciliations (
    id uuid NOT NULL,
    asked_by text NOT NULL,
    state text NOT NULL DEFAULT 'waiting'::text,
    due_at timestamp with time zone NOT NULL,
    leased_until timestamp with time zone,
    fence bigint NOT NULL DEFAULT 0,
    object_type text,
    compared_to timestamp with time zone,
    compared bigint NOT NULL DEFAULT 0,
    found bigint NOT NULL DEFAULT 0,
    failures integer NOT NULL DEFAULT 0,
    trouble text NOT NULL DEFAULT ''::text,
    started_at timestamp with time zone,
    ended_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT reconciliations_asked_by_check CHECK ((asked_by = ANY (ARRAY['night'::text, 'staff'::text]))),
    CONSTRAINT reconciliations_pkey PRIMARY KEY (id),
    CONSTRAINT reconciliations_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'running'::text, 'done'::text])))
);
COMMENT ON TABLE reconciliations IS 'Comparisons of everything with Stripe, which go through the types and their windows of time: object_type and compared_to say how far. One that died goes on where it was.';
CREATE INDEX reconciliations_due ON reconciliations USING btree (due_at) WHERE (state <> 'done'::text);
CREATE UNIQUE INDEX reconciliations_one_waiting ON reconciliations USING btree (asked_by) WHERE (state <> 'done'::text);
GRANT INSERT, SELECT, UPDATE ON reconciliations TO billing_app;

CREATE TABLE redemptions (
    organization_id uuid NOT NULL,
    coupon_id uuid NOT NULL,
    code text NOT NULL,
    checkout_id uuid NOT NULL,
    redeemed_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT redemptions_checkout_id_fkey FOREIGN KEY (checkout_id) REFERENCES checkouts(id),
    CONSTRAINT redemptions_checkout_id_key UNIQUE (checkout_id),
    CONSTRAINT redemptions_code_fkey FOREIGN KEY (code) REFERENCES promotion_codes(code),
    CONSTRAINT redemptions_coupon_id_fkey FOREIGN KEY (coupon_id) REFERENCES coupons(id),
    CONSTRAINT redemptions_pkey PRIMARY KEY (organization_id, coupon_id)
);
COMMENT ON TABLE redemptions IS 'A coupon is redeemed once by an organization; without redeemed_at it waits for the payment, and is given back when the checkout ends without one.';
ALTER TABLE redemptions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON redemptions FOR ALL TO billing_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON redemptions TO billing_app;

CREATE TABLE refunds (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    payment_id uuid NOT NULL,
    stripe_id text,
    currency text NOT NULL,
    amount bigint NOT NULL,
    reason text NOT NULL,
    state text NOT NULL,
    failure text NOT NULL DEFAULT ''::text,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    stripe_created_at timestamp with time zone,
    CONSTRAINT refunds_amount_check CHECK ((amount > 0)),
    CONSTRAINT refunds_currency_check CHECK ((currency ~ '^[a-z]{3}$'::text)),
    CONSTRAINT refunds_payment_id_fkey FOREIGN KEY (payment_id) REFERENCES payments(id),
    CONSTRAINT refunds_pkey PRIMARY KEY (id),
    CONSTRAINT refunds_state_check CHECK ((state = ANY (ARRAY['asked'::text, 'pending'::text, 'action_required'::text, 'succeeded'::text, 'failed'::text, 'cancelled'::text]))),
    CONSTRAINT refunds_stripe_id_key UNIQUE (stripe_id)
);
COMMENT ON TABLE refunds IS 'Refunds that staff asked for here, or at Stripe; the id of a row of ours is the key under which Stripe is asked.';
ALTER TABLE refunds ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX refunds_by_creation ON refunds USING btree (COALESCE(stripe_created_at, created_at), id) WHERE (stripe_id IS NOT NULL);
CREATE INDEX refunds_of_organization ON refunds USING btree (organization_id, id DESC);
CREATE INDEX refunds_of_payment ON refunds USING btree (payment_id);
CREATE POLICY comparing ON refunds FOR SELECT TO billing_loops USING (true);
CREATE POLICY tenant ON refunds FOR ALL TO billing_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT ON refunds TO billing_app;
GRANT SELECT (id) ON refunds TO billing_loops;
GRANT SELECT (organization_id) ON refunds TO billing_loops;
GRANT UPDATE (stripe_id) ON refunds TO billing_app;
GRANT SELECT (stripe_id) ON refunds TO billing_loops;
GRANT UPDATE (state) ON refunds TO billing_app;
GRANT UPDATE (failure) ON refunds TO billing_app;
GRANT UPDATE (version) ON refunds TO billing_app;
GRANT SELECT (created_at) ON refunds TO billing_loops;
GRANT UPDATE (stripe_created_at) ON refunds TO billing_app;
GRANT SELECT (stripe_created_at) ON refunds TO billing_loops;

CREATE TABLE seal_keys (
    id uuid NOT NULL,
    organization_id uuid,
    subject text NOT NULL DEFAULT ''::text,
    version integer NOT NULL DEFAULT 1,
    parent_id uuid,
    master_key_id text,
    wrapped bytea,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    retired_at timestamp with time zone,
    shredded_at timestamp with time zone,
    with_organization boolean NOT NULL DEFAULT false,
    CONSTRAINT seal_keys_check CHECK (((wrapped IS NULL) = (shredded_at IS NOT NULL))),
    CONSTRAINT seal_keys_check1 CHECK (((wrapped IS NULL) OR ((parent_id IS NULL) = (subject = ''::text)))),
    CONSTRAINT seal_keys_check2 CHECK (((wrapped IS NULL) OR ((master_key_id IS NULL) = (subject <> ''::text)))),
    CONSTRAINT seal_keys_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES seal_keys(id),
    CONSTRAINT seal_keys_pkey PRIMARY KEY (id),
    CONSTRAINT seal_keys_subject_check CHECK (((subject = ''::text) OR (subject ~ '^[a-z][a-z_-]{0,40}:[0-9a-f-]{32,64}$'::text)))
);
COMMENT ON TABLE seal_keys IS 'Wrapped keys by owner and version; an organization of NULL is the platform itself, a subject of '''' the organization itself; a shredded key has no bytes left.';
ALTER TABLE seal_keys ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE UNIQUE INDEX seal_keys_by_owner ON seal_keys USING btree (organization_id, subject, version) NULLS NOT DISTINCT;
CREATE INDEX seal_keys_by_parent ON seal_keys USING btree (parent_id) WHERE (parent_id IS NOT NULL);
CREATE INDEX seal_keys_shredded ON seal_keys USING btree (shredded_at) WHERE ((shredded_at IS NOT NULL) AND (NOT with_organization));
CREATE INDEX seal_keys_under_master ON seal_keys USING btree (id) WHERE ((master_key_id IS NOT NULL) AND (wrapped IS NOT NULL));
CREATE POLICY looking ON seal_keys FOR SELECT TO billing_loops USING (true);
CREATE POLICY tenant ON seal_keys FOR ALL TO billing_app USING (((organization_id IS NULL) OR (organization_id = ANY (( SELECT (NULLIF(current_setting('app.orgs'::text, true), ''::text))::uuid[] AS "nullif")::uuid[]))));
GRANT INSERT, SELECT ON seal_keys TO billing_app;
GRANT SELECT ON seal_keys TO billing_loops;
GRANT UPDATE (master_key_id) ON seal_keys TO billing_app;
GRANT UPDATE (wrapped) ON seal_keys TO billing_app;
GRANT UPDATE (retired_at) ON seal_keys TO billing_app;
GRANT UPDATE (shredded_at) ON seal_keys TO billing_app;
GRANT UPDATE (with_organization) ON seal_keys TO billing_app;

CREATE TABLE seats (
    member_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    taken boolean NOT NULL,
    version bigint NOT NULL,
    CONSTRAINT seats_pkey PRIMARY KEY (member_id)
);
COMMENT ON TABLE seats IS 'One row per member ever heard of, with the newest version applied; seats in use are counted, never kept.';
ALTER TABLE seats ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX seats_by_organization ON seats USING btree (organization_id);
CREATE POLICY tenant ON seats FOR ALL TO billing_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON seats TO billing_app;

CREATE TABLE sponsorships (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    agency_id uuid NOT NULL,
    delegation_id uuid NOT NULL,
    plan text NOT NULL,
    settled boolean NOT NULL DEFAULT false,
    ended_because text,
    ended_at timestamp with time zone,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT sponsorships_check CHECK ((organization_id <> agency_id)),
    CONSTRAINT sponsorships_check1 CHECK (((ended_at IS NULL) = (ended_because IS NULL))),
    CONSTRAINT sponsorships_delegation_id_fkey FOREIGN KEY (delegation_id) REFERENCES delegations(delegation_id),
    CONSTRAINT sponsorships_ended_because_check CHECK ((ended_because = ANY (ARRAY['client'::text, 'agency'::text, 'delegation'::text]))),
    CONSTRAINT sponsorships_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE sponsorships IS 'Clients that an agency pays for. plan is what the agency''s own plan gives them now; settled says whether the client''s entitlements were brought up to it.';
ALTER TABLE sponsorships ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX sponsorships_of_agency ON sponsorships USING btree (agency_id, id DESC);
CREATE INDEX sponsorships_of_client ON sponsorships USING btree (organization_id, id DESC);
CREATE INDEX sponsorships_of_delegation ON sponsorships USING btree (delegation_id);
CREATE UNIQUE INDEX sponsorships_one_sponsor ON sponsorships USING btree (organization_id) WHERE (ended_at IS NULL);
CREATE INDEX sponsorships_to_settle ON sponsorships USING btree (created_at) WHERE (NOT settled);
CREATE POLICY settling ON sponsorships FOR SELECT TO billing_loops USING (true);
CREATE POLICY tenant ON sponsorships FOR ALL TO billing_app USING (((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])) OR (agency_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[]))));
GRANT INSERT, SELECT ON sponsorships TO billing_app;
GRANT SELECT (organization_id) ON sponsorships TO billing_loops;
GRANT UPDATE (plan) ON sponsorships TO billing_app;
GRANT UPDATE (settled) ON sponsorships TO billing_app;
GRANT SELECT (settled) ON sponsorships TO billing_loops;
GRANT UPDATE (ended_because) ON sponsorships TO billing_app;
GRANT UPDATE (ended_at) ON sponsorships TO billing_app;
GRANT UPDATE (version) ON sponsorships TO billing_app;
GRANT SELECT (created_at) ON sponsorships TO billing_loops;

CREATE TABLE subscription_changes (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    subscription_id uuid NOT NULL,
    action text NOT NULL,
    state text NOT NULL,
    effective text,
    plan text,
    catalogue_version integer,
    billed_every text,
    currency text NOT NULL,
    seats integer,
    basis jsonb NOT NULL,
    proration_at timestamp with time zone,
    total bigint,
    amount_due bigint,
    stripe_invoice_id text,
    expires_at timestamp with time zone,
    reason text NOT NULL DEFAULT ''::text,
    code text NOT NULL DEFAULT ''::text,
    read_from bigint,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    changed_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT subscription_changes_action_check CHECK ((action = ANY (ARRAY['switch'::text, 'cancel'::text, 'keep'::text, 'pause'::text, 'unpause'::text]))),
    CONSTRAINT subscription_changes_amount_due_check CHECK ((amount_due >= 0)),
    CONSTRAINT subscription_changes_billed_every_check CHECK ((billed_every = ANY (ARRAY['month'::text, 'year'::text]))),
    CONSTRAINT subscription_changes_check CHECK (((action = 'switch'::text) = ((plan IS NOT NULL) AND (catalogue_version IS NOT NULL) AND (billed_every IS NOT NULL) AND (seats IS NOT NULL) AND (effective IS NOT NULL)))),
    CONSTRAINT subscription_changes_currency_check CHECK ((currency ~ '^[a-z]{3}$'::text)),
    CONSTRAINT subscription_changes_effective_check CHECK ((effective = ANY (ARRAY['now'::text, 'period_end'::text]))),
    CONSTRAINT subscription_changes_pkey PRIMARY KEY (id),
    CONSTRAINT subscription_changes_seats_check CHECK ((seats >= 0)),
    CONSTRAINT subscription_changes_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'scheduled'::text, 'requires_action'::text, 'applied'::text, 'refused'::text, 'superseded'::text, 'lapsed'::text]))),
    CONSTRAINT subscription_changes_subscription_id_fkey FOREIGN KEY (subscription_id) REFERENCES subscriptions(id)
);
COMMENT ON TABLE subscription_changes IS 'Changes of subscriptions; the id makes the idempotency keys. basis is what the parameters are made of, kept so that every attempt sends the same; a reading of the subscription says what became of an open change from the ticket read_from on. total and amount_due are as invoiced, in the smallest unit.';
ALTER TABLE subscription_changes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX subscription_changes_of_organization ON subscription_changes USING btree (organization_id, id DESC);
CREATE UNIQUE INDEX subscription_changes_one_under_way ON subscription_changes USING btree (subscription_id) WHERE (state = 'pending'::text);
CREATE INDEX subscription_changes_open ON subscription_changes USING btree (subscription_id) WHERE (state = ANY (ARRAY['pending'::text, 'scheduled'::text, 'requires_action'::text]));
CREATE POLICY tenant ON subscription_changes FOR ALL TO billing_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON subscription_changes TO billing_app;

CREATE TABLE subscriptions (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    stripe_subscription_id text NOT NULL,
    stripe_customer_id text NOT NULL,
    stripe_item_id text NOT NULL,
    stripe_seat_item_id text,
    stripe_schedule_id text,
    stripe_created_at timestamp with time zone NOT NULL,
    status text NOT NULL,
    state text NOT NULL,
    plan text NOT NULL,
    catalogue_version integer NOT NULL,
    billed_every text NOT NULL,
    currency text NOT NULL,
    seats integer NOT NULL,
    period_start timestamp with time zone NOT NULL,
    period_end timestamp with time zone NOT NULL,
    started_at timestamp with time zone NOT NULL,
    trial_ends_at timestamp with time zone,
    cancel_at timestamp with time zone,
    ended_at timestamp with time zone,
    end_reason text NOT NULL,
    collection_paused boolean NOT NULL,
    past_due_since timestamp with time zone,
    grace_until timestamp with time zone,
    pending_until timestamp with time zone,
    trial_ending_told_at timestamp with time zone,
    version bigint NOT NULL DEFAULT 1,
    changed_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT subscriptions_billed_every_check CHECK ((billed_every = ANY (ARRAY['month'::text, 'year'::text]))),
    CONSTRAINT subscriptions_check CHECK ((period_start <= period_end)),
    CONSTRAINT subscriptions_currency_check CHECK ((currency ~ '^[a-z]{3}$'::text)),
    CONSTRAINT subscriptions_pkey PRIMARY KEY (id),
    CONSTRAINT subscriptions_seats_check CHECK ((seats >= 0)),
    CONSTRAINT subscriptions_state_check CHECK ((state = ANY (ARRAY['incomplete'::text, 'trialing'::text, 'active'::text, 'past_due'::text, 'restricted'::text, 'paused'::text, 'cancelling'::text, 'ended'::text]))),
    CONSTRAINT subscriptions_stripe_subscription_id_key UNIQUE (stripe_subscription_id)
);
COMMENT ON TABLE subscriptions IS 'The mirror of Stripe''s subscriptions, written by readings alone. A period is half open: period_start belongs to it, period_end to the next.';
ALTER TABLE subscriptions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX subscriptions_by_creation ON subscriptions USING btree (stripe_created_at, id);
CREATE INDEX subscriptions_grace_to_end ON subscriptions USING btree (grace_until) WHERE (state = 'past_due'::text);
CREATE INDEX subscriptions_of_organization ON subscriptions USING btree (organization_id, started_at DESC, id);
CREATE INDEX subscriptions_trial_to_tell ON subscriptions USING btree (trial_ends_at) WHERE ((trial_ending_told_at IS NULL) AND (status = 'trialing'::text));
CREATE POLICY following ON subscriptions FOR SELECT TO billing_loops USING (true);
CREATE POLICY tenant ON subscriptions FOR ALL TO billing_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON subscriptions TO billing_app;
GRANT SELECT (id) ON subscriptions TO billing_loops;
GRANT SELECT (organization_id) ON subscriptions TO billing_loops;
GRANT SELECT (stripe_subscription_id) ON subscriptions TO billing_loops;
GRANT SELECT (stripe_created_at) ON subscriptions TO billing_loops;
GRANT SELECT (status) ON subscriptions TO billing_loops;
GRANT SELECT (state) ON subscriptions TO billing_loops;
GRANT SELECT (trial_ends_at) ON subscriptions TO billing_loops;
GRANT SELECT (grace_until) ON subscriptions TO billing_loops;
GRANT SELECT (trial_ending_told_at) ON subscriptions TO billing_loops;

CREATE TABLE suspect_messages (
    queue text NOT NULL,
    message_id uuid NOT NULL,
    generation bigint NOT NULL DEFAULT 0,
    attempts integer NOT NULL DEFAULT 0,
    last_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT suspect_messages_pkey PRIMARY KEY (queue, message_id, generation)
);
COMMENT ON TABLE suspect_messages IS 'Redelivered messages counted before their handler runs: some kill the process.';
GRANT DELETE, INSERT, SELECT, UPDATE ON suspect_messages TO billing_app;

CREATE TABLE trials (
    organization_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    checkout_id uuid NOT NULL,
    plan text NOT NULL,
    redeemed_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT trials_checkout_id_fkey FOREIGN KEY (checkout_id) REFERENCES checkouts(id),
    CONSTRAINT trials_checkout_id_key UNIQUE (checkout_id),
    CONSTRAINT trials_customer_id_key UNIQUE (customer_id),
    CONSTRAINT trials_pkey PRIMARY KEY (organization_id)
);
COMMENT ON TABLE trials IS 'An organization tries once, whatever the plan; without redeemed_at the trial waits for its checkout.';
ALTER TABLE trials ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON trials FOR ALL TO billing_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON trials TO billing_app;

CREATE OR REPLACE FUNCTION billing.checkouts_overdue(at_most integer)
 RETURNS TABLE(id uuid, organization_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'billing', 'kit', 'pg_temp'
AS $function$
        SELECT c.id, c.organization_id FROM checkouts AS c
        WHERE c.state = 'open' AND c.expires_at < kit_now() - interval '5 minutes'
        ORDER BY c.expires_at LIMIT at_most
    $function$;
-- owner: billing_loops
-- may be called by: billing_app

CREATE OR REPLACE FUNCTION billing.clients_to_settle(at_most integer)
 RETURNS TABLE(organization_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'billing', 'kit', 'pg_temp'
AS $function$
        SELECT DISTINCT due.organization_id FROM (
            SELECT s.organization_id FROM sponsorships AS s WHERE NOT s.settled ORDER BY s.created_at LIMIT at_most
        ) AS due
    $function$;
-- owner: billing_loops
-- may be called by: billing_app

CREATE OR REPLACE FUNCTION billing.credit_movements_stay()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    RAISE EXCEPTION 'a movement of credits does not change' USING ERRCODE = 'restrict_violation';
END
$function$;
-- owner: billing_owner
-- may be called by: PUBLIC

CREATE OR REPLACE FUNCTION billing.credit_notes_count()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
$function$;
-- owner: billing_owner
-- may be called by: PUBLIC

CREATE OR REPLACE FUNCTION billing.credits_out_of_balance(after uuid, at_most integer)
 RETURNS TABLE(last uuid, wrong uuid[])
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'billing', 'kit', 'pg_temp'
AS $function$
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
    $function$;
-- owner: billing_loops
-- may be called by: billing_app

CREATE OR REPLACE FUNCTION billing.forget_mails(older_than interval, at_most integer)
 RETURNS bigint
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'billing', 'kit', 'pg_temp'
AS $function$
        WITH forgotten AS (
            DELETE FROM outgoing_mails
            WHERE id IN (SELECT id FROM outgoing_mails WHERE settled_at < kit_now() - older_than LIMIT at_most)
            RETURNING id
        )
        SELECT count(*) FROM forgotten
    $function$;
-- owner: billing_loops
-- may be called by: billing_app

CREATE OR REPLACE FUNCTION billing.held_of_stripe(kind text, since timestamp with time zone, until timestamp with time zone, after uuid, at_most integer)
 RETURNS TABLE(id uuid, organization_id uuid, object_id text, created_at timestamp with time zone)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'billing', 'kit', 'pg_temp'
AS $function$
    BEGIN
        CASE kind
        WHEN 'subscription' THEN RETURN QUERY
            SELECT s.id, s.organization_id, s.stripe_subscription_id, s.stripe_created_at FROM subscriptions AS s
            WHERE (s.stripe_created_at, s.id) > (since, after) AND s.stripe_created_at < until
            ORDER BY s.stripe_created_at, s.id LIMIT at_most;
        WHEN 'invoice' THEN RETURN QUERY
            SELECT i.id, i.organization_id, i.stripe_id, i.created_at FROM invoices AS i
            WHERE (i.created_at, i.id) > (since, after) AND i.created_at < until
            ORDER BY i.created_at, i.id LIMIT at_most;
        WHEN 'payment_intent' THEN RETURN QUERY
            SELECT p.id, p.organization_id, p.stripe_id, p.created_at FROM payments AS p
            WHERE (p.created_at, p.id) > (since, after) AND p.created_at < until
            ORDER BY p.created_at, p.id LIMIT at_most;
        WHEN 'refund' THEN RETURN QUERY
            SELECT r.id, r.organization_id, r.stripe_id, coalesce(r.stripe_created_at, r.created_at) FROM refunds AS r
            WHERE r.stripe_id IS NOT NULL AND (coalesce(r.stripe_created_at, r.created_at), r.id) > (since, after)
              AND coalesce(r.stripe_created_at, r.created_at) < until
            ORDER BY coalesce(r.stripe_created_at, r.created_at), r.id LIMIT at_most;
        WHEN 'credit_note' THEN RETURN QUERY
            SELECT n.id, n.organization_id, n.stripe_id, coalesce(n.stripe_created_at, n.created_at)
            FROM credit_notes AS n
            WHERE n.stripe_id IS NOT NULL AND (coalesce(n.stripe_created_at, n.created_at), n.id) > (since, after)
              AND coalesce(n.stripe_created_at, n.created_at) < until
            ORDER BY coalesce(n.stripe_created_at, n.created_at), n.id LIMIT at_most;
        WHEN 'dispute' THEN RETURN QUERY
            SELECT d.id, d.organization_id, d.stripe_id, d.created_at FROM disputes AS d
            WHERE (d.created_at, d.id) > (since, after) AND d.created_at < until
            ORDER BY d.created_at, d.id LIMIT at_most;
        END CASE;
    END
    $function$;
-- owner: billing_loops
-- may be called by: billing_app

CREATE OR REPLACE FUNCTION billing.invoices_stay()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
$function$;
-- owner: billing_owner
-- may be called by: PUBLIC

CREATE OR REPLACE FUNCTION billing.jobs_measure(kinds text[])
 RETURNS TABLE(kind text, queued bigint, running bigint, left_over bigint, rate double precision, oldest double precision, finished bigint, cancelled bigint, failed bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'billing', 'kit', 'pg_temp'
AS $function$
        SELECT wanted.kind, coalesce(o.queued, 0), coalesce(o.running, 0), coalesce(o.left_over, 0)::bigint,
               coalesce(o.rate, 0), coalesce(o.oldest, 0),
               coalesce(e.finished, 0), coalesce(e.cancelled, 0), coalesce(e.failed, 0)
        FROM unnest(kinds) AS wanted (kind)
        LEFT JOIN (
            SELECT j.kind, count(*) FILTER (WHERE j.state = 'queued') AS queued,
                   count(*) FILTER (WHERE j.state <> 'queued') AS running,
                   sum(j.total - j.done - j.failed - j.skipped) AS left_over, sum(j.rate) AS rate,
                   extract(epoch FROM kit_now() - min(j.ready_at) FILTER (WHERE j.ready_at <= kit_now()))::float8 AS oldest
            FROM jobs AS j WHERE j.ended_at IS NULL GROUP BY j.kind
        ) AS o ON o.kind = wanted.kind
        LEFT JOIN (
            SELECT j.kind, count(*) FILTER (WHERE j.state = 'finished') AS finished,
                   count(*) FILTER (WHERE j.state = 'cancelled') AS cancelled,
                   count(*) FILTER (WHERE j.state = 'failed') AS failed
            FROM jobs AS j WHERE j.ended_at > kit_now() - interval '1 day' GROUP BY j.kind
        ) AS e ON e.kind = wanted.kind
    $function$;
-- owner: billing_loops
-- may be called by: billing_app

CREATE OR REPLACE FUNCTION billing.jobs_next(kinds text[])
 RETURNS double precision
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'billing', 'kit', 'pg_temp'
AS $function$
        SELECT extract(epoch FROM min(ready_at) - kit_now())::double precision
        FROM jobs WHERE ended_at IS NULL AND kind = ANY (kinds)
    $function$;
-- owner: billing_loops
-- may be called by: billing_app

CREATE OR REPLACE FUNCTION billing.jobs_purge(older_than interval, at_most integer)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'billing', 'kit', 'pg_temp'
AS $function$
    DECLARE
        ended uuid;
        items bigint := 0;
    BEGIN
        SELECT id INTO ended FROM jobs WHERE ended_at < kit_now() - older_than
        ORDER BY ended_at LIMIT 1 FOR UPDATE SKIP LOCKED;
        IF ended IS NULL THEN
            RETURN 0;
        END IF;
        DELETE FROM job_items WHERE job_id = ended
            AND number IN (SELECT number FROM job_items WHERE job_id = ended ORDER BY number LIMIT at_most);
        GET DIAGNOSTICS items = ROW_COUNT;
        IF items < at_most THEN
            DELETE FROM jobs WHERE id = ended;
            items := items + 1;
        END IF;
        RETURN items;
    END
    $function$;
-- owner: billing_loops
-- may be called by: billing_app

CREATE OR REPLACE FUNCTION billing.jobs_turn(kinds text[])
 RETURNS TABLE(id uuid, organization_id uuid)
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'billing', 'kit', 'pg_temp'
AS $function$
        WITH tenants AS (
            SELECT coalesce(organization_id, '00000000-0000-0000-0000-000000000000') AS tenant,
                   max(served_at) AS served_at
            FROM jobs WHERE ended_at IS NULL GROUP BY 1
        )
        UPDATE jobs SET served_at = clock_timestamp()
        WHERE jobs.id = (
            SELECT j.id FROM jobs AS j
            JOIN tenants AS t ON t.tenant = coalesce(j.organization_id, '00000000-0000-0000-0000-000000000000')
            WHERE j.ended_at IS NULL AND j.ready_at <= kit_now() AND j.kind = ANY (kinds)
            ORDER BY t.served_at NULLS FIRST, j.served_at NULLS FIRST, j.id
            LIMIT 1 FOR NO KEY UPDATE OF j
        )
        RETURNING jobs.id, jobs.organization_id
    $function$;
-- owner: billing_loops
-- may be called by: billing_app

CREATE OR REPLACE FUNCTION billing.ledger_begin(blocks bigint[])
 RETURNS TABLE(block_id bigint)
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'billing', 'kit', 'pg_temp'
AS $function$DELETE FROM ledger_blocks WHERE id = ANY (blocks) RETURNING id$function$;
-- owner: billing_loops
-- may be called by: billing_app

CREATE OR REPLACE FUNCTION billing.ledger_claim(kinds text[], leases double precision[], most integer, most_lanes integer, pace double precision, lead double precision, ahead double precision, slice double precision, unpaced integer, busy bigint[], block double precision, patience double precision)
 RETURNS TABLE(id uuid, kind text, organization_id uuid, lane_id bigint, lane_key text, subject_id uuid, attempt integer, due_at timestamp with time zone, created_at timestamp with time zone, called_at timestamp with time zone, age double precision, lease double precision, slot double precision, step double precision, slots_end timestamp with time zone, server timestamp with time zone, block_id bigint)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'billing', 'kit', 'pg_temp'
AS $function$
    #variable_conflict use_column
    DECLARE
        platform timestamptz := kit_now();
        own timestamptz := statement_timestamp();
        lane record;
        apart double precision;
        first double precision;
        room integer;
        together integer;
        taken integer;
        left_over integer := most;
        rest timestamptz;
        known boolean;
        free_slot timestamptz;
    BEGIN
        FOR lane IN
            WITH ready AS MATERIALIZED (
                SELECT l.id, l.organization_id, l.ready_at FROM ledger_lanes AS l
                WHERE l.ready_at <= platform AND l.id <> ALL (busy)
                ORDER BY l.ready_at LIMIT 4 * most_lanes
            ), queued AS MATERIALIZED (
                SELECT r.id, row_number() OVER (PARTITION BY r.organization_id ORDER BY r.ready_at, r.id) AS turn,
                       count(*) OVER (PARTITION BY r.organization_id) AS lanes,
                       (SELECT count(DISTINCT coalesce(o.organization_id, '00000000-0000-0000-0000-000000000000'))
                        FROM ready AS o) AS organizations
                FROM ready AS r
            )
            SELECT l.id, l.organization_id, l.key, l.rate, l.next_slot, l.parked_until,
                   ceil(most::double precision / (q.organizations * q.lanes))::integer AS share
            FROM queued AS q JOIN ledger_lanes AS l ON l.id = q.id
            WHERE l.ready_at <= platform
            ORDER BY q.turn, l.ready_at LIMIT most_lanes FOR UPDATE OF l SKIP LOCKED
        LOOP
            EXIT WHEN left_over <= 0;
            PERFORM FROM ledger_holds AS h
            WHERE (h.organization_id = lane.organization_id
                   OR (h.organization_id IS NULL AND lane.organization_id IS NULL))
              AND (h.lane_key = lane.key OR h.lane_key IS NULL);
            IF FOUND THEN
                UPDATE ledger_lanes AS l SET ready_at = NULL WHERE l.id = lane.id;
                CONTINUE;
            END IF;
            IF lane.parked_until > platform THEN
                UPDATE ledger_lanes AS l SET ready_at = lane.parked_until WHERE l.id = lane.id;
                CONTINUE;
            END IF;
            apart := coalesce(1 / (lane.rate * pace), 0);
            first := CASE WHEN lane.rate IS NULL THEN 0 ELSE lead END;
            room := CASE WHEN lane.rate IS NULL THEN unpaced
                         ELSE least(greatest(1, floor(slice / apart)), greatest(unpaced, lane.share)) END;
            together := CASE WHEN lane.rate IS NULL THEN unpaced ELSE greatest(1, floor(block / apart)) END;
            IF lane.rate IS NOT NULL AND lane.next_slot <= own + make_interval(secs => ahead + 2 * slice + apart + 5) THEN
                first := greatest(first, extract(epoch FROM lane.next_slot - own));
            END IF;
            IF first > greatest(ahead, lead) THEN
                UPDATE ledger_lanes AS l SET ready_at = platform + make_interval(secs => first - ahead)
                WHERE l.id = lane.id;
                CONTINUE;
            END IF;
            RETURN QUERY
            WITH chosen AS MATERIALIZED (
                SELECT e.id, e.kind, e.due_at FROM ledger_entries AS e
                WHERE e.lane_id = lane.id AND e.status = 'pending' AND e.due_at <= platform AND e.kind = ANY (kinds)
                  AND (e.expires_at IS NULL OR e.expires_at > platform)
                ORDER BY e.due_at, e.id LIMIT least(room, left_over) FOR UPDATE SKIP LOCKED
            ), placed AS MATERIALIZED (
                SELECT c.id, c.kind, first + apart * (row_number() OVER (ORDER BY c.due_at, c.id) - 1) AS slot,
                       (row_number() OVER (ORDER BY c.due_at, c.id) - 1) / together AS part,
                       own + make_interval(secs => first + apart * count(*) OVER ()) AS slots_end
                FROM chosen AS c
            ), blocks AS (
                INSERT INTO ledger_blocks (begin_by, entry_ids)
                SELECT own + make_interval(secs => min(p.slot) + patience), array_agg(p.id)
                FROM placed AS p GROUP BY p.part, p.kind ORDER BY p.part
                RETURNING id, entry_ids
            ), members AS (
                SELECT b.id AS block_id, unnest(b.entry_ids) AS id FROM blocks AS b
            )
            UPDATE ledger_entries AS e
            SET status = 'calling', attempt = e.attempt + 1, called_at = platform + make_interval(secs => p.slot),
                began_by = NULL, look_at = NULL, looks = 0, blanks = 0,
                leased_until = own + make_interval(secs => p.slot + held.seconds), block_id = m.block_id
            FROM placed AS p JOIN members AS m ON m.id = p.id, unnest(kinds, leases) AS held (kind, seconds)
            WHERE e.id = p.id AND held.kind = e.kind
            RETURNING e.id, e.kind, e.organization_id, e.lane_id, lane.key, e.subject_id, e.attempt, e.due_at,
                      e.created_at, e.called_at, extract(epoch FROM platform - e.first_due_at)::double precision,
                      p.slot + held.seconds, p.slot, apart, p.slots_end, own, m.block_id;
            GET DIAGNOSTICS taken = ROW_COUNT;
            left_over := left_over - taken;
            free_slot := CASE WHEN lane.rate IS NOT NULL AND taken > 0
                              THEN own + make_interval(secs => first + apart * taken) ELSE lane.next_slot END;
            SELECT e.due_at, e.kind = ANY (kinds) INTO rest, known FROM ledger_entries AS e
            WHERE e.lane_id = lane.id AND e.status = 'pending' AND (e.expires_at IS NULL OR e.expires_at > platform)
            ORDER BY e.due_at LIMIT 1;
            UPDATE ledger_lanes AS l
            SET next_slot = free_slot,
                ready_at = CASE WHEN rest IS NULL THEN NULL ELSE greatest(rest,
                    platform + make_interval(secs => CASE WHEN taken > 0 THEN 0 WHEN known THEN 0.1 ELSE 2 END),
                    platform + CASE WHEN lane.rate IS NULL THEN NULL
                                    ELSE free_slot - own - make_interval(secs => ahead) END) END
            WHERE l.id = lane.id;
        END LOOP;
    END
    $function$;
-- owner: billing_loops
-- may be called by: billing_app

CREATE OR REPLACE FUNCTION billing.ledger_claim_looks(kinds text[], leases double precision[], most integer, per_lane integer, after_lane bigint)
 RETURNS TABLE(walked bigint, id uuid, kind text, organization_id uuid, lane_id bigint, lane_key text, subject_id uuid, attempt integer, due_at timestamp with time zone, created_at timestamp with time zone, called_at timestamp with time zone, age double precision, since_call double precision, quiet double precision, looks integer, blanks integer)
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'billing', 'kit', 'pg_temp'
AS $function$
        WITH RECURSIVE walk AS (
            (SELECT e.lane_id, e.look_at, 1 AS steps FROM ledger_entries AS e
             WHERE e.status = 'unknown' AND e.lane_id > ledger_claim_looks.after_lane
             ORDER BY e.lane_id, e.look_at LIMIT 1)
            UNION ALL
            SELECT found.lane_id, found.look_at, walk.steps + 1 FROM walk, LATERAL (
                SELECT e.lane_id, e.look_at FROM ledger_entries AS e
                WHERE e.status = 'unknown' AND e.lane_id > walk.lane_id
                ORDER BY e.lane_id, e.look_at LIMIT 1) AS found
            WHERE walk.steps < 500
        ), chosen AS MATERIALIZED (
            SELECT due.id FROM walk, LATERAL (
                SELECT e.id FROM ledger_entries AS e
                WHERE e.lane_id = walk.lane_id AND e.status = 'unknown' AND e.look_at <= kit_now()
                  AND e.kind = ANY (kinds)
                ORDER BY e.look_at LIMIT per_lane FOR UPDATE SKIP LOCKED) AS due
            WHERE walk.look_at <= kit_now() LIMIT most
        ), taken AS (
            UPDATE ledger_entries AS e
            SET looks = e.looks + 1, look_at = kit_now() + make_interval(secs => patience.seconds)
            FROM unnest(kinds, leases) AS patience (kind, seconds), ledger_lanes AS lane
            WHERE e.id = ANY (ARRAY(SELECT chosen.id FROM chosen)) AND e.status = 'unknown' AND patience.kind = e.kind
              AND lane.id = e.lane_id
            RETURNING e.id, e.kind, e.organization_id, e.lane_id, lane.key, e.subject_id, e.attempt, e.due_at,
                      e.created_at, e.called_at, extract(epoch FROM kit_now() - e.first_due_at)::double precision,
                      extract(epoch FROM kit_now() - e.called_at)::double precision,
                      extract(epoch FROM kit_now() - coalesce(e.began_by, e.called_at))::double precision,
                      e.looks, e.blanks
        )
        SELECT reach.lane_id, taken.*
        FROM (SELECT CASE WHEN count(*) < 500 THEN 0 ELSE max(walk.lane_id) END AS lane_id FROM walk) AS reach
        LEFT JOIN taken ON true
    $function$;
-- owner: billing_loops
-- may be called by: billing_app

CREATE OR REPLACE FUNCTION billing.ledger_drain_wakes(most integer)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'billing', 'kit', 'pg_temp'
AS $function$
    DECLARE
        wakes bigint[];
        lanes bigint[];
        free bigint[];
        drained bigint;
    BEGIN
        SELECT array_agg(w.id), array_agg(DISTINCT w.lane_id) INTO wakes, lanes
        FROM (SELECT id, lane_id FROM ledger_wakes ORDER BY id LIMIT most FOR UPDATE SKIP LOCKED) AS w;
        IF wakes IS NULL THEN
            RETURN 0;
        END IF;
        SELECT array_agg(l.id) INTO free
        FROM (SELECT id FROM ledger_lanes WHERE id = ANY (lanes) FOR UPDATE SKIP LOCKED) AS l;
        WITH gone AS (
            DELETE FROM ledger_wakes WHERE id = ANY (wakes) AND lane_id = ANY (free)
            RETURNING lane_id, due_at, parked_until, parked_reason, parked_code
        ), news AS (
            SELECT lane_id, min(due_at) AS due_at, max(parked_until) AS parked_until, count(*) AS wakes FROM gone
            GROUP BY lane_id
        ), longest AS (
            SELECT DISTINCT ON (lane_id) lane_id, parked_until, parked_reason, parked_code FROM gone
            WHERE parked_until IS NOT NULL ORDER BY lane_id, parked_until DESC
        ), told AS (
            UPDATE ledger_lanes AS lane
            SET parked_until = greatest(lane.parked_until, news.parked_until),
                parked_reason = CASE WHEN longest.parked_until >= coalesce(lane.parked_until, '-infinity')
                                     THEN coalesce(longest.parked_reason, '') ELSE lane.parked_reason END,
                parked_code = CASE WHEN longest.parked_until >= coalesce(lane.parked_until, '-infinity')
                                   THEN coalesce(longest.parked_code, '') ELSE lane.parked_code END,
                ready_at = greatest(least(lane.ready_at, greatest(news.due_at, kit_now())), lane.parked_until,
                                    news.parked_until)
            FROM news LEFT JOIN longest ON longest.lane_id = news.lane_id WHERE lane.id = news.lane_id
        )
        SELECT coalesce(sum(news.wakes), 0) INTO drained FROM news;
        RETURN cardinality(wakes) - drained;
    END
    $function$;
-- owner: billing_loops
-- may be called by: billing_app

CREATE OR REPLACE FUNCTION billing.ledger_give_back(most integer)
 RETURNS bigint
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'billing', 'kit', 'pg_temp'
AS $function$
        WITH late AS MATERIALIZED (
            SELECT b.id FROM ledger_blocks AS b WHERE b.begin_by < statement_timestamp()
            ORDER BY b.begin_by LIMIT most FOR UPDATE SKIP LOCKED
        ), gone AS (
            DELETE FROM ledger_blocks AS b USING late WHERE b.id = late.id RETURNING b.id, b.entry_ids
        ), back AS (
            UPDATE ledger_entries AS e SET status = 'pending', leased_until = NULL
            FROM (SELECT gone.id AS block_id, unnest(gone.entry_ids) AS id FROM gone) AS member
            WHERE e.id = member.id AND e.block_id = member.block_id AND e.status = 'calling'
            RETURNING e.organization_id, e.lane_id, e.due_at
        ), woken AS (
            INSERT INTO ledger_wakes (organization_id, lane_id, due_at)
            SELECT organization_id, lane_id, min(due_at) FROM back GROUP BY organization_id, lane_id
        )
        SELECT count(*) FROM gone
    $function$;
-- owner: billing_loops
-- may be called by: billing_app

CREATE OR REPLACE FUNCTION billing.ledger_list(statuses text[], of_kind text, kinds text[], before uuid, older_than interval, most integer)
 RETURNS TABLE(id uuid, kind text, organization_id uuid, lane_key text, subject_id uuid, status text, attempt integer, due_at timestamp with time zone, created_at timestamp with time zone, called_at timestamp with time zone, look_at timestamp with time zone, external_id text, reason text, code text, settled_at timestamp with time zone, settled_by text, held text)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'billing', 'kit', 'pg_temp'
 SET plan_cache_mode TO 'force_custom_plan'
AS $function$
    #variable_conflict use_column
    BEGIN
        RETURN QUERY
        SELECT e.id, e.kind, e.organization_id, lane.key, e.subject_id, e.status, e.attempt, e.due_at, e.created_at,
               e.called_at, e.look_at, e.external_id, e.reason, e.code, e.settled_at, e.settled_by,
               (SELECT h.reason FROM ledger_holds AS h
                WHERE h.organization_id IS NOT DISTINCT FROM e.organization_id
                  AND (h.lane_key = lane.key OR h.lane_key IS NULL) ORDER BY h.lane_key LIMIT 1)
        FROM (
            SELECT other.* FROM unnest(statuses) AS wanted (status), LATERAL (
                SELECT * FROM ledger_entries AS each
                WHERE each.status = wanted.status AND each.status IN ('unknown', 'refused', 'cancelled', 'unconfirmed')
                  AND (of_kind IS NULL OR each.kind = of_kind)
                  AND (before IS NULL OR each.id < before) AND each.due_at <= kit_now() - older_than
                ORDER BY each.id DESC LIMIT most) AS other
            UNION ALL
            (SELECT * FROM ledger_entries AS each
             WHERE 'done' = ANY (statuses) AND each.status = 'done' AND (of_kind IS NULL OR each.kind = of_kind)
               AND (before IS NULL OR each.id < before) AND each.due_at <= kit_now() - older_than
             ORDER BY each.id DESC LIMIT most)
            UNION ALL
            (SELECT called.* FROM (
                SELECT * FROM ledger_entries AS each
                WHERE 'calling' = ANY (statuses) AND each.status = 'calling' AND (of_kind IS NULL OR each.kind = of_kind)
                  AND (before IS NULL OR each.id < before) AND each.due_at <= kit_now() - older_than
                OFFSET 0) AS called
             ORDER BY called.id DESC LIMIT most)
            UNION ALL
            (SELECT waiting.* FROM (
                SELECT * FROM ledger_entries AS each
                WHERE 'pending' = ANY (statuses) AND each.status = 'pending' AND each.kind = ANY (kinds)
                  AND each.due_at <= kit_now() - older_than AND (before IS NULL OR each.id < before)
                OFFSET 0) AS waiting
             ORDER BY waiting.id DESC LIMIT most)
        ) AS e
        JOIN ledger_lanes AS lane ON lane.id = e.lane_id
        ORDER BY e.id DESC LIMIT most;
    END
    $function$;
-- owner: billing_loops
-- may be called by: billing_app

CREATE OR REPLACE FUNCTION billing.ledger_measure(kinds text[], most integer)
 RETURNS TABLE(kind text, oldest double precision, due bigint, unknown bigint, unconfirmed bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'billing', 'kit', 'pg_temp'
AS $function$
        SELECT k.kind,
               coalesce((SELECT extract(epoch FROM kit_now() - e.due_at) FROM ledger_entries AS e
                         WHERE e.kind = k.kind AND e.status = 'pending' AND e.due_at <= kit_now()
                         ORDER BY e.due_at LIMIT 1), 0)::double precision,
               (SELECT count(*) FROM (SELECT FROM ledger_entries AS e WHERE e.kind = k.kind AND e.status = 'pending'
                                      AND e.due_at <= kit_now() LIMIT most) AS counted),
               (SELECT count(*) FROM (SELECT FROM ledger_entries AS e WHERE e.kind = k.kind AND e.status = 'unknown'
                                      LIMIT most) AS counted),
               (SELECT count(*) FROM (SELECT FROM ledger_entries AS e WHERE e.kind = k.kind
                                      AND e.status = 'unconfirmed' LIMIT most) AS counted)
        FROM unnest(kinds) AS k (kind)
    $function$;
-- owner: billing_loops
-- may be called by: billing_app

CREATE OR REPLACE FUNCTION billing.ledger_mend_lanes(after_lane bigint, most integer)
 RETURNS TABLE(last_lane bigint, mended bigint)
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'billing', 'kit', 'pg_temp'
AS $function$
        WITH part AS MATERIALIZED (
            SELECT lane.id, lane.ready_at, lane.parked_until FROM ledger_lanes AS lane
            WHERE lane.id > after_lane ORDER BY lane.id LIMIT most FOR UPDATE SKIP LOCKED
        ), wanted AS (
            SELECT part.id, part.ready_at,
                   greatest(first.due_at, part.parked_until) AS should
            FROM part LEFT JOIN LATERAL (
                SELECT e.due_at FROM ledger_entries AS e WHERE e.lane_id = part.id AND e.status = 'pending'
                ORDER BY e.due_at LIMIT 1) AS first ON true
            WHERE first.due_at IS NOT NULL
        ), mended AS (
            UPDATE ledger_lanes AS lane SET ready_at = wanted.should FROM wanted
            WHERE lane.id = wanted.id AND NOT EXISTS (
                      SELECT FROM ledger_holds AS h
                      WHERE h.organization_id IS NOT DISTINCT FROM lane.organization_id
                        AND (h.lane_key = lane.key OR h.lane_key IS NULL))
              AND (wanted.ready_at IS NULL OR wanted.ready_at > wanted.should + interval '5 seconds')
              AND (lane.next_slot IS NULL OR lane.next_slot < statement_timestamp() + interval '5 seconds'
                   OR lane.next_slot > statement_timestamp() + interval '1 hour')
            RETURNING lane.id
        )
        SELECT (SELECT max(part.id) FROM part), (SELECT count(*) FROM mended)
    $function$;
-- owner: billing_loops
-- may be called by: billing_app

CREATE OR REPLACE FUNCTION billing.ledger_next()
 RETURNS double precision
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'billing', 'kit', 'pg_temp'
AS $function$
        SELECT extract(epoch FROM min(ready_at) - kit_now())::double precision FROM ledger_lanes
        WHERE ready_at IS NOT NULL
    $function$;
-- owner: billing_loops
-- may be called by: billing_app

CREATE OR REPLACE FUNCTION billing.ledger_overdue(kinds text[], most integer, but_for uuid[])
 RETURNS TABLE(id uuid, kind text, organization_id uuid, lane_id bigint, lane_key text, subject_id uuid, attempt integer, due_at timestamp with time zone, created_at timestamp with time zone, called_at timestamp with time zone, status text)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'billing', 'kit', 'pg_temp'
AS $function$
        SELECT e.id, e.kind, e.organization_id, e.lane_id, lane.key, e.subject_id, e.attempt, e.due_at, e.created_at,
               coalesce(e.called_at, e.created_at), e.status
        FROM (
            (SELECT * FROM ledger_entries AS c WHERE c.status = 'calling' AND c.leased_until < statement_timestamp()
             AND c.kind = ANY (kinds) AND c.id <> ALL (but_for)
             AND NOT EXISTS (SELECT FROM ledger_blocks AS b WHERE b.id = c.block_id) ORDER BY c.leased_until LIMIT most)
            UNION ALL
            (SELECT * FROM ledger_entries AS p WHERE p.status = 'pending' AND p.expires_at IS NOT NULL
             AND p.expires_at <= kit_now() AND p.kind = ANY (kinds) AND p.id <> ALL (but_for)
             ORDER BY p.expires_at LIMIT most)
        ) AS e JOIN ledger_lanes AS lane ON lane.id = e.lane_id
    $function$;
-- owner: billing_loops
-- may be called by: billing_app

CREATE OR REPLACE FUNCTION billing.ledger_owner(entry uuid)
 RETURNS TABLE(organization_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'billing', 'kit', 'pg_temp'
AS $function$SELECT e.organization_id FROM ledger_entries AS e WHERE e.id = entry$function$;
-- owner: billing_loops
-- may be called by: billing_app

CREATE OR REPLACE FUNCTION billing.ledger_purge(older_than interval, most integer)
 RETURNS bigint
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'billing', 'kit', 'pg_temp'
AS $function$
        WITH gone AS (
            DELETE FROM ledger_entries WHERE id = ANY (ARRAY(
                SELECT e.id FROM ledger_entries AS e
                WHERE e.settled_at < kit_now() - older_than AND e.status IN ('done', 'refused', 'cancelled')
                ORDER BY e.settled_at LIMIT most FOR UPDATE SKIP LOCKED))
            RETURNING id
        ), forgotten AS (
            DELETE FROM ledger_attempts WHERE entry_id IN (SELECT id FROM gone)
        )
        SELECT count(*) FROM gone
    $function$;
-- owner: billing_loops
-- may be called by: billing_app

CREATE OR REPLACE FUNCTION billing.ledger_reserve(lane bigint, wanted integer, pace double precision, lead double precision, unused_from timestamp with time zone, reserved_until timestamp with time zone)
 RETURNS TABLE(slot double precision, step double precision, slots_end timestamp with time zone, server timestamp with time zone)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'billing', 'kit', 'pg_temp'
AS $function$
    #variable_conflict use_variable
    DECLARE
        own timestamptz := statement_timestamp();
        apart double precision;
        free_slot timestamptz;
    BEGIN
        SELECT 1 / (l.rate * pace), l.next_slot INTO apart, free_slot FROM ledger_lanes AS l
        WHERE l.id = lane AND l.rate IS NOT NULL FOR UPDATE;
        IF NOT FOUND THEN
            RETURN QUERY SELECT 0::double precision, 0::double precision, own, own;
            RETURN;
        END IF;
        IF free_slot = reserved_until THEN
            free_slot := unused_from;
        END IF;
        free_slot := greatest(free_slot, own + make_interval(secs => lead));
        UPDATE ledger_lanes AS l SET next_slot = free_slot + make_interval(secs => apart * wanted) WHERE l.id = lane;
        RETURN QUERY SELECT extract(epoch FROM free_slot - own)::double precision, apart,
                            free_slot + make_interval(secs => apart * wanted), own;
    END
    $function$;
-- owner: billing_loops
-- may be called by: billing_app

CREATE OR REPLACE FUNCTION billing.organizations_of_user(wanted uuid)
 RETURNS TABLE(organization_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'billing', 'kit', 'pg_temp'
AS $function$
        SELECT one.organization_id FROM customers AS one WHERE one.details_by = wanted
        UNION
        SELECT one.organization_id FROM checkouts AS one WHERE one.created_by = wanted
    $function$;
-- owner: billing_loops
-- may be called by: billing_app

CREATE OR REPLACE FUNCTION billing.organizations_with_ended_grace(at_most integer)
 RETURNS TABLE(organization_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'billing', 'kit', 'pg_temp'
AS $function$
        SELECT DISTINCT due.organization_id FROM (
            SELECT s.organization_id FROM subscriptions AS s
            WHERE s.state = 'past_due' AND s.grace_until <= kit_now() ORDER BY s.grace_until LIMIT at_most
        ) AS due
    $function$;
-- owner: billing_loops
-- may be called by: billing_app

CREATE OR REPLACE FUNCTION billing.organizations_with_ended_grants(at_most integer)
 RETURNS TABLE(organization_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'billing', 'kit', 'pg_temp'
AS $function$
        SELECT DISTINCT due.organization_id FROM (
            SELECT g.organization_id FROM grants AS g
            WHERE g.ended_at IS NULL AND g.until <= kit_now() ORDER BY g.until LIMIT at_most
        ) AS due
    $function$;
-- owner: billing_loops
-- may be called by: billing_app

CREATE OR REPLACE FUNCTION billing.organizations_with_ending_trials(within interval, at_most integer)
 RETURNS TABLE(organization_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'billing', 'kit', 'pg_temp'
AS $function$
        SELECT DISTINCT due.organization_id FROM (
            SELECT s.organization_id FROM subscriptions AS s
            WHERE s.trial_ending_told_at IS NULL AND s.status = 'trialing'
              AND s.trial_ends_at <= kit_now() + within
            ORDER BY s.trial_ends_at LIMIT at_most
        ) AS due
    $function$;
-- owner: billing_loops
-- may be called by: billing_app

CREATE OR REPLACE FUNCTION billing.organizations_with_lapsed_credits(at_most integer)
 RETURNS TABLE(organization_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'billing', 'kit', 'pg_temp'
AS $function$
        SELECT DISTINCT due.organization_id FROM (
            SELECT lot.organization_id FROM credit_lots AS lot
            WHERE lot.available > 0 AND lot.expires_at IS NOT NULL AND lot.expires_at <= kit_now()
            ORDER BY lot.expires_at LIMIT at_most
        ) AS due
    $function$;
-- owner: billing_loops
-- may be called by: billing_app

CREATE OR REPLACE FUNCTION billing.owner_of_checkout(wanted uuid, session text)
 RETURNS uuid
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'billing', 'kit', 'pg_temp'
AS $function$ SELECT c.organization_id FROM checkouts AS c WHERE c.id = wanted AND c.stripe_session_id = session $function$;
-- owner: billing_loops
-- may be called by: billing_app

CREATE OR REPLACE FUNCTION billing.owners_of_customers(wanted text[])
 RETURNS TABLE(stripe_id text, organization_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'billing', 'kit', 'pg_temp'
AS $function$
        SELECT c.stripe_id, c.organization_id FROM customers AS c WHERE c.stripe_id = ANY (wanted)
    $function$;
-- owner: billing_loops
-- may be called by: billing_app

CREATE OR REPLACE FUNCTION billing.owners_of_payments(named text[])
 RETURNS TABLE(stripe_id text, organization_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'billing', 'kit', 'pg_temp'
AS $function$
        SELECT p.stripe_id, p.organization_id FROM payments AS p WHERE p.stripe_id = ANY (named)
        UNION ALL
        SELECT p.stripe_charge_id, p.organization_id FROM payments AS p WHERE p.stripe_charge_id = ANY (named)
    $function$;
-- owner: billing_loops
-- may be called by: billing_app

CREATE OR REPLACE FUNCTION billing.plans_after(after uuid, at_most integer)
 RETURNS TABLE(organization_id uuid, plan text, version bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'billing', 'kit', 'pg_temp'
AS $function$
        SELECT held.organization_id, held.plan, held.version FROM entitlements AS held
        WHERE held.organization_id > after
        ORDER BY held.organization_id LIMIT at_most
    $function$;
-- owner: billing_loops
-- may be called by: billing_app

CREATE OR REPLACE FUNCTION billing.queue_mail(mail_id uuid, for_organization uuid, of_category text, by_template text, in_locale text, is_about uuid, has_detail uuid, to_address bytea, to_hash bytea, with_parameters bytea, has_message_id text, once text, of_kind text, on_lane text, entry_id uuid, until timestamp with time zone)
 RETURNS boolean
 LANGUAGE plpgsql
AS $function$
    DECLARE
        lane bigint;
    BEGIN
        INSERT INTO outgoing_mails (id, organization_id, category, template, locale, about, detail,
                                    address, address_hash, parameters, message_id, dedupe_key)
        VALUES (mail_id, for_organization, of_category, by_template, in_locale, is_about, has_detail,
                to_address, to_hash, with_parameters, has_message_id, once)
        ON CONFLICT (coalesce(organization_id, '00000000-0000-0000-0000-000000000000'), dedupe_key) DO NOTHING;
        IF NOT FOUND THEN
            RETURN false;
        END IF;
        LOOP
            SELECT id INTO lane FROM ledger_lanes
            WHERE key = on_lane
              AND (organization_id = for_organization OR (organization_id IS NULL AND for_organization IS NULL));
            EXIT WHEN FOUND;
            INSERT INTO ledger_lanes (organization_id, key) VALUES (for_organization, on_lane)
            ON CONFLICT (organization_id, key) DO NOTHING;
        END LOOP;
        INSERT INTO ledger_entries
            (id, kind, organization_id, lane_id, subject_id, due_at, first_due_at, expires_at)
        VALUES (entry_id, of_kind, for_organization, lane, mail_id, kit_now(), kit_now(), until)
        ON CONFLICT (kind, subject_id) DO NOTHING;
        INSERT INTO ledger_wakes (organization_id, lane_id, due_at) VALUES (for_organization, lane, kit_now());
        RETURN true;
    END
    $function$;
-- owner: billing_owner
-- may be called by: billing_app

CREATE OR REPLACE FUNCTION billing.quota_forget(at_most integer)
 RETURNS integer
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'billing', 'kit', 'pg_temp'
AS $function$
        WITH reservations AS (
            DELETE FROM quota_reservations WHERE id IN (
                SELECT r.id FROM quota_reservations AS r
                WHERE r.lapsed_at < kit_now() - interval '31 days' LIMIT at_most
            )
            RETURNING 1
        ), months AS (
            DELETE FROM quota_usage WHERE ctid IN (
                SELECT u.ctid FROM quota_usage AS u
                WHERE u.period > '-infinity' AND u.period < (kit_now() - interval '25 months')::date LIMIT at_most
            )
            RETURNING 1
        )
        SELECT greatest((SELECT count(*) FROM reservations), (SELECT count(*) FROM months))::integer
    $function$;
-- owner: billing_loops
-- may be called by: billing_app

CREATE OR REPLACE FUNCTION billing.quota_lapse(at_most integer)
 RETURNS integer
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'billing', 'kit', 'pg_temp'
AS $function$
        WITH due AS (
            SELECT r.id FROM quota_reservations AS r
            WHERE r.lapsed_at IS NULL AND r.expires_at <= kit_now()
            ORDER BY r.expires_at LIMIT at_most FOR UPDATE SKIP LOCKED
        ), lapsed AS (
            UPDATE quota_reservations AS r SET lapsed_at = kit_now()
            FROM due WHERE r.id = due.id
            RETURNING r.organization_id, r.meter, r.period, r.amount
        ), freed AS (
            UPDATE quota_usage AS u SET reserved = u.reserved - sums.amount
            FROM (
                SELECT l.organization_id, l.meter, l.period, sum(l.amount)::bigint AS amount
                FROM lapsed AS l GROUP BY 1, 2, 3
            ) AS sums
            WHERE u.organization_id = sums.organization_id AND u.meter = sums.meter AND u.period = sums.period
        )
        SELECT count(*)::integer FROM lapsed
    $function$;
-- owner: billing_loops
-- may be called by: billing_app

CREATE OR REPLACE FUNCTION billing.refunds_count()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
$function$;
-- owner: billing_owner
-- may be called by: PUBLIC

CREATE OR REPLACE FUNCTION billing.seal_keys_shredded_within(seconds double precision, at_most integer)
 RETURNS TABLE(organization_id uuid, subject text)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'billing', 'kit', 'pg_temp'
AS $function$
        SELECT k.organization_id, k.subject FROM seal_keys AS k
        WHERE k.shredded_at > kit_now() - make_interval(secs => seconds) AND NOT k.with_organization
        ORDER BY k.shredded_at DESC LIMIT at_most
    $function$;
-- owner: billing_loops
-- may be called by: billing_app

CREATE OR REPLACE FUNCTION billing.seal_keys_under_master(after_key uuid, at_most integer)
 RETURNS TABLE(id uuid, organization_id uuid, master_key_id text, wrapped bytea)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'billing', 'kit', 'pg_temp'
AS $function$
        SELECT k.id, k.organization_id, k.master_key_id, k.wrapped FROM seal_keys AS k
        WHERE k.id > after_key AND k.master_key_id IS NOT NULL AND k.wrapped IS NOT NULL
        ORDER BY k.id LIMIT at_most
    $function$;
-- owner: billing_loops
-- may be called by: billing_app

CREATE OR REPLACE FUNCTION billing.subscriptions_created(since timestamp with time zone, until timestamp with time zone, after uuid, at_most integer)
 RETURNS TABLE(id uuid, organization_id uuid, object_id text)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'billing', 'kit', 'pg_temp'
AS $function$
        SELECT s.id, s.organization_id, s.stripe_subscription_id FROM subscriptions AS s
        WHERE s.stripe_created_at >= since AND s.stripe_created_at < until AND s.id > after
        ORDER BY s.id LIMIT at_most
    $function$;
-- owner: billing_loops
-- may be called by: billing_app
