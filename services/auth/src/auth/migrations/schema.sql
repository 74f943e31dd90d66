-- The sum of all migrations; written by `make schemas`, compared by a test. Not to be edited.

CREATE TABLE activity (
    user_id uuid NOT NULL,
    day date NOT NULL,
    sign_ins integer NOT NULL DEFAULT 0,
    refusals integer NOT NULL DEFAULT 0,
    minutes integer NOT NULL DEFAULT 0,
    CONSTRAINT activity_pkey PRIMARY KEY (user_id, day),
    CONSTRAINT activity_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id)
);
COMMENT ON TABLE activity IS 'One day of one person: how often they signed in, how often somebody was refused who tried to, and in how many minutes they were seen.';
CREATE INDEX activity_by_day ON activity USING btree (day);
GRANT DELETE, INSERT, SELECT, UPDATE ON activity TO auth_app;

CREATE TABLE aggregate_versions (
    gate text NOT NULL,
    subject text NOT NULL,
    version bigint NOT NULL,
    CONSTRAINT aggregate_versions_pkey PRIMARY KEY (gate, subject)
);
COMMENT ON TABLE aggregate_versions IS 'The newest version applied per gate and aggregate; older events are ignored.';
GRANT DELETE, INSERT, SELECT, UPDATE ON aggregate_versions TO auth_app;

CREATE TABLE announcement_recipients (
    announcement_id uuid NOT NULL,
    user_id uuid NOT NULL,
    told_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    read_at timestamp with time zone,
    CONSTRAINT announcement_recipients_announcement_id_fkey FOREIGN KEY (announcement_id) REFERENCES announcements(id),
    CONSTRAINT announcement_recipients_pkey PRIMARY KEY (announcement_id, user_id),
    CONSTRAINT announcement_recipients_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id)
);
COMMENT ON TABLE announcement_recipients IS 'Who was told, each at most once, and who has read it.';
CREATE INDEX announcement_recipients_by_user ON announcement_recipients USING btree (user_id, announcement_id DESC);
GRANT DELETE, INSERT, SELECT, UPDATE ON announcement_recipients TO auth_app;

CREATE TABLE announcements (
    id uuid NOT NULL,
    texts jsonb NOT NULL,
    audience jsonb NOT NULL,
    by_mail boolean NOT NULL,
    state text NOT NULL DEFAULT 'draft'::text,
    send_at timestamp with time zone,
    job_id uuid,
    version integer NOT NULL DEFAULT 1,
    created_by uuid NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    ended_at timestamp with time zone,
    CONSTRAINT announcements_check CHECK (((state = 'draft'::text) = (job_id IS NULL))),
    CONSTRAINT announcements_pkey PRIMARY KEY (id),
    CONSTRAINT announcements_state_check CHECK ((state = ANY (ARRAY['draft'::text, 'scheduled'::text, 'sent'::text, 'cancelled'::text, 'failed'::text])))
);
COMMENT ON TABLE announcements IS 'What staff tells users: title and text by language, to whom, and the job that brings it.';
CREATE UNIQUE INDEX announcements_by_job ON announcements USING btree (job_id) WHERE (job_id IS NOT NULL);
GRANT DELETE, INSERT, SELECT, UPDATE ON announcements TO auth_app;

CREATE TABLE api_keys (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    name text NOT NULL,
    role text NOT NULL,
    scopes text[] NOT NULL,
    allowed_addresses text[] NOT NULL,
    secret_hash bytea NOT NULL,
    hint text NOT NULL,
    made_by uuid,
    replaced_by uuid,
    version bigint NOT NULL DEFAULT 1,
    expires_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    last_used_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT api_keys_allowed_addresses_check CHECK ((cardinality(allowed_addresses) <= 50)),
    CONSTRAINT api_keys_made_by_fkey FOREIGN KEY (made_by) REFERENCES users(id),
    CONSTRAINT api_keys_name_check CHECK (((length(name) >= 1) AND (length(name) <= 200))),
    CONSTRAINT api_keys_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id),
    CONSTRAINT api_keys_pkey PRIMARY KEY (id),
    CONSTRAINT api_keys_role_check CHECK ((role = ANY (ARRAY['admin'::text, 'editor'::text, 'approver'::text, 'agent'::text, 'analyst'::text, 'client'::text, 'provider'::text, 'navigator'::text]))),
    CONSTRAINT api_keys_scopes_check CHECK (((cardinality(scopes) >= 1) AND (cardinality(scopes) <= 50))),
    CONSTRAINT api_keys_secret_hash_check CHECK ((length(secret_hash) = 32))
);
COMMENT ON TABLE api_keys IS 'Keys of organizations for their own programs: secret_hash is keyed, no key is an owner. replaced_by names the successor of one that was rotated, which is good until expires_at. They belong to the organization and outlive who made them.';
ALTER TABLE api_keys ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX api_keys_by_maker ON api_keys USING btree (made_by, id) WHERE (made_by IS NOT NULL);
CREATE INDEX api_keys_in_order ON api_keys USING btree (organization_id, id);
CREATE POLICY knowing ON api_keys FOR SELECT TO auth_loops USING (true);
CREATE POLICY tenant ON api_keys FOR ALL TO auth_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON api_keys TO auth_app;
GRANT SELECT (organization_id) ON api_keys TO auth_loops;
GRANT SELECT (made_by) ON api_keys TO auth_loops;

CREATE TABLE challenges (
    id uuid NOT NULL,
    purpose text NOT NULL,
    kind text NOT NULL,
    blind bytea NOT NULL,
    identity_id uuid NOT NULL,
    user_id uuid NOT NULL,
    known boolean NOT NULL,
    sealed bytea,
    password_hash text NOT NULL DEFAULT ''::text,
    sessions_from_epoch bigint,
    locale text NOT NULL,
    tries integer NOT NULL DEFAULT 0,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT challenges_blind_check CHECK ((length(blind) = 32)),
    CONSTRAINT challenges_kind_check CHECK ((kind = ANY (ARRAY['email'::text, 'phone'::text]))),
    CONSTRAINT challenges_locale_check CHECK ((locale ~ '^[a-z]{2}$'::text)),
    CONSTRAINT challenges_pkey PRIMARY KEY (id),
    CONSTRAINT challenges_purpose_check CHECK ((purpose = ANY (ARRAY['sign-up'::text, 'reset'::text, 'magic-link'::text, 'change'::text, 'undo'::text]))),
    CONSTRAINT challenges_sealed_check CHECK ((length(sealed) <= 2048))
);
COMMENT ON TABLE challenges IS 'What was asked for, for an address, whether or not somebody has it: a row is the same for both. identity_id and user_id are whose it was, or the ids they would get. A link or code is computed from the id and stands nowhere.';
CREATE INDEX challenges_by_address ON challenges USING btree (blind, purpose, id);
CREATE INDEX challenges_by_expiry ON challenges USING btree (expires_at);
CREATE INDEX challenges_by_user ON challenges USING btree (user_id);
GRANT DELETE, INSERT, SELECT, UPDATE ON challenges TO auth_app;

CREATE TABLE counted_facts (
    kind text NOT NULL,
    fact_id uuid NOT NULL,
    counted_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT counted_facts_pkey PRIMARY KEY (kind, fact_id)
);
COMMENT ON TABLE counted_facts IS 'What stands in a sum already, so that it is added once however often, and in however many messages, it is told.';
CREATE INDEX counted_facts_by_age ON counted_facts USING btree (counted_at);
GRANT DELETE, INSERT, SELECT ON counted_facts TO auth_app;

CREATE TABLE daily_figures (
    day date NOT NULL,
    users bigint NOT NULL,
    verified_users bigint NOT NULL,
    suspended_users bigint NOT NULL,
    with_second_factor bigint NOT NULL,
    sign_ups bigint NOT NULL,
    active_users bigint NOT NULL,
    weekly_active_users bigint NOT NULL,
    sign_ins bigint NOT NULL,
    refusals bigint NOT NULL,
    sessions bigint NOT NULL,
    organizations bigint NOT NULL,
    new_organizations bigint NOT NULL,
    impersonations bigint NOT NULL,
    counted_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT daily_figures_pkey PRIMARY KEY (day)
);
COMMENT ON TABLE daily_figures IS 'What there was at the end of a day, or is by now, and what happened on it, in UTC; see docs/runbooks/staff.md for what each number is.';
GRANT DELETE, INSERT, SELECT, UPDATE ON daily_figures TO auth_app;

CREATE TABLE daily_generations (
    day date NOT NULL,
    kind text NOT NULL,
    finished bigint NOT NULL,
    cost_micros bigint NOT NULL,
    CONSTRAINT daily_generations_pkey PRIMARY KEY (day, kind)
);
COMMENT ON TABLE daily_generations IS 'Generations that finished on a day in UTC, and what their calls cost in millionths of a US dollar.';
GRANT DELETE, INSERT, SELECT, UPDATE ON daily_generations TO auth_app;

CREATE TABLE daily_revenue (
    day date NOT NULL,
    currency text NOT NULL,
    payments bigint NOT NULL,
    received bigint NOT NULL,
    refunds bigint NOT NULL,
    refunded bigint NOT NULL,
    CONSTRAINT daily_revenue_currency_check CHECK ((currency ~ '^[a-z]{3}$'::text)),
    CONSTRAINT daily_revenue_pkey PRIMARY KEY (day, currency)
);
COMMENT ON TABLE daily_revenue IS 'Money in the minor unit of its currency, on the day in UTC on which billing told of it. A refund that failed is taken off on the day of its failure.';
GRANT DELETE, INSERT, SELECT, UPDATE ON daily_revenue TO auth_app;

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
GRANT DELETE, INSERT, SELECT, UPDATE ON dead_letters TO auth_app;

CREATE TABLE delegation_assignments (
    id uuid NOT NULL,
    delegation_id uuid NOT NULL,
    agency_id uuid NOT NULL,
    member_id uuid,
    team_id uuid,
    role text NOT NULL,
    CONSTRAINT delegation_assignments_agency_id_fkey FOREIGN KEY (agency_id) REFERENCES organizations(id),
    CONSTRAINT delegation_assignments_check CHECK (((member_id IS NULL) OR (team_id IS NULL))),
    CONSTRAINT delegation_assignments_delegation_id_fkey FOREIGN KEY (delegation_id) REFERENCES delegations(id) ON DELETE CASCADE,
    CONSTRAINT delegation_assignments_delegation_id_member_id_team_id_key UNIQUE NULLS NOT DISTINCT (delegation_id, member_id, team_id),
    CONSTRAINT delegation_assignments_member_id_fkey FOREIGN KEY (member_id) REFERENCES members(id) ON DELETE CASCADE,
    CONSTRAINT delegation_assignments_pkey PRIMARY KEY (id),
    CONSTRAINT delegation_assignments_team_id_fkey FOREIGN KEY (team_id) REFERENCES teams(id) ON DELETE CASCADE
);
COMMENT ON TABLE delegation_assignments IS 'Whom an agency sends to a client, in which of the roles it was given: a member, a team, or (neither) everybody.';
ALTER TABLE delegation_assignments ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX delegation_assignments_by_member ON delegation_assignments USING btree (member_id) WHERE (member_id IS NOT NULL);
CREATE INDEX delegation_assignments_by_team ON delegation_assignments USING btree (team_id) WHERE (team_id IS NOT NULL);
CREATE POLICY delegating ON delegation_assignments FOR SELECT TO auth_loops USING (true);
CREATE POLICY tenant ON delegation_assignments FOR ALL TO auth_app USING ((agency_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT ON delegation_assignments TO auth_app;
GRANT SELECT ON delegation_assignments TO auth_loops;

CREATE TABLE delegations (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    agency_id uuid NOT NULL,
    roles text[] NOT NULL,
    state text NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    granted_at timestamp with time zone,
    ended_because text,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT delegations_agency_id_fkey FOREIGN KEY (agency_id) REFERENCES organizations(id),
    CONSTRAINT delegations_check CHECK ((organization_id <> agency_id)),
    CONSTRAINT delegations_check1 CHECK (((state = 'ended'::text) = (ended_because IS NOT NULL))),
    CONSTRAINT delegations_check2 CHECK (((state <> 'active'::text) OR (granted_at IS NOT NULL))),
    CONSTRAINT delegations_ended_because_check CHECK ((ended_because = ANY (ARRAY['client'::text, 'agency'::text, 'expired'::text]))),
    CONSTRAINT delegations_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id),
    CONSTRAINT delegations_pkey PRIMARY KEY (id),
    CONSTRAINT delegations_roles_check CHECK (((cardinality(roles) > 0) AND (roles <@ ARRAY['admin'::text, 'editor'::text, 'approver'::text, 'agent'::text, 'analyst'::text, 'client'::text, 'provider'::text, 'navigator'::text]))),
    CONSTRAINT delegations_state_check CHECK ((state = ANY (ARRAY['asked'::text, 'offered'::text, 'active'::text, 'ended'::text])))
);
COMMENT ON TABLE delegations IS 'organization_id is the client, which is acted in; asked waits for the client, offered for the agency. One that is active past ends_at has ended, and is marked so by a loop.';
ALTER TABLE delegations ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX delegations_by_end ON delegations USING btree (ends_at) WHERE (state <> 'ended'::text);
CREATE INDEX delegations_of_agency ON delegations USING btree (agency_id, id);
CREATE INDEX delegations_of_client ON delegations USING btree (organization_id, id);
CREATE UNIQUE INDEX delegations_once ON delegations USING btree (organization_id, agency_id) WHERE (state <> 'ended'::text);
CREATE POLICY delegating ON delegations FOR SELECT TO auth_loops USING (true);
CREATE POLICY tenant ON delegations FOR ALL TO auth_app USING (((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])) OR (agency_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[]))));
GRANT INSERT, SELECT, UPDATE ON delegations TO auth_app;
GRANT SELECT ON delegations TO auth_loops;

CREATE TABLE devices (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    token_id uuid NOT NULL,
    name_sealed bytea,
    remembered_until timestamp with time zone,
    remembered_epoch bigint,
    version bigint NOT NULL DEFAULT 1,
    seen_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT devices_check CHECK (((remembered_until IS NULL) = (remembered_epoch IS NULL))),
    CONSTRAINT devices_pkey PRIMARY KEY (id),
    CONSTRAINT devices_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id),
    CONSTRAINT devices_user_id_token_id_key UNIQUE (user_id, token_id)
);
COMMENT ON TABLE devices IS 'A browser or program in which this person has signed in; token_id is what its token proves, the same for all persons who use it. remembered_until: the second factor is spared, while the oldest epoch of the person''s sessions is still remembered_epoch.';
CREATE INDEX devices_by_age ON devices USING btree (seen_at);
GRANT DELETE, INSERT, SELECT, UPDATE ON devices TO auth_app;

CREATE TABLE factor_recoveries (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    reason_sealed bytea NOT NULL,
    state text NOT NULL DEFAULT 'pending'::text,
    cancelled_by text,
    begun_by uuid NOT NULL,
    due_at timestamp with time zone NOT NULL,
    settled_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT factor_recoveries_cancelled_by_check CHECK ((cancelled_by = ANY (ARRAY['link'::text, 'factor'::text, 'staff'::text]))),
    CONSTRAINT factor_recoveries_check CHECK (((state = 'pending'::text) = (settled_at IS NULL))),
    CONSTRAINT factor_recoveries_check1 CHECK (((state = 'cancelled'::text) = (cancelled_by IS NOT NULL))),
    CONSTRAINT factor_recoveries_pkey PRIMARY KEY (id),
    CONSTRAINT factor_recoveries_reason_sealed_check CHECK ((length(reason_sealed) <= 8192)),
    CONSTRAINT factor_recoveries_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'cancelled'::text, 'done'::text]))),
    CONSTRAINT factor_recoveries_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id)
);
COMMENT ON TABLE factor_recoveries IS 'What staff began for people who have lost their second factors: pending until due_at, cancelled by a link, by a factor that was shown, or by staff, else done by a loop.';
CREATE INDEX factor_recoveries_due ON factor_recoveries USING btree (due_at) WHERE (state = 'pending'::text);
CREATE INDEX factor_recoveries_listed ON factor_recoveries USING btree (id) WHERE (state = 'pending'::text);
CREATE INDEX factor_recoveries_of_user ON factor_recoveries USING btree (user_id, id);
CREATE UNIQUE INDEX factor_recoveries_pending ON factor_recoveries USING btree (user_id) WHERE (state = 'pending'::text);
GRANT DELETE, INSERT, SELECT, UPDATE ON factor_recoveries TO auth_app;

CREATE TABLE federated_identities (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    kind text NOT NULL,
    provider_id uuid,
    organization_id uuid,
    blind bytea NOT NULL,
    sealed bytea NOT NULL,
    used_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT federated_identities_blind_check CHECK ((length(blind) = 32)),
    CONSTRAINT federated_identities_blind_key UNIQUE (blind),
    CONSTRAINT federated_identities_check CHECK (((kind = 'organization'::text) = (provider_id IS NOT NULL))),
    CONSTRAINT federated_identities_check1 CHECK (((kind = 'organization'::text) = (organization_id IS NOT NULL))),
    CONSTRAINT federated_identities_kind_check CHECK ((kind = ANY (ARRAY['google'::text, 'github'::text, 'organization'::text]))),
    CONSTRAINT federated_identities_pkey PRIMARY KEY (id),
    CONSTRAINT federated_identities_sealed_check CHECK ((length(sealed) <= 4096)),
    CONSTRAINT federated_identities_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id)
);
COMMENT ON TABLE federated_identities IS 'An account at a provider that belongs to a person here. blind is a keyed hash of the provider and its subject, never of an address; sealed holds subject and address as the provider last said them, under the person''s key.';
CREATE INDEX federated_identities_by_provider ON federated_identities USING btree (provider_id) WHERE (provider_id IS NOT NULL);
CREATE INDEX federated_identities_by_user ON federated_identities USING btree (user_id, id);
GRANT DELETE, INSERT, SELECT, UPDATE ON federated_identities TO auth_app;

CREATE TABLE federation_flows (
    id uuid NOT NULL,
    purpose text NOT NULL,
    kind text NOT NULL,
    provider_id uuid,
    organization_id uuid,
    redirect text NOT NULL,
    user_id uuid,
    session_id uuid,
    wished_organization_id uuid,
    state text NOT NULL DEFAULT 'asked'::text,
    returned bytea,
    expires_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT federation_flows_check CHECK (((kind = 'organization'::text) = (provider_id IS NOT NULL))),
    CONSTRAINT federation_flows_check1 CHECK (((purpose = 'link'::text) = (user_id IS NOT NULL))),
    CONSTRAINT federation_flows_check2 CHECK (((state = 'returned'::text) = (returned IS NOT NULL))),
    CONSTRAINT federation_flows_kind_check CHECK ((kind = ANY (ARRAY['google'::text, 'github'::text, 'organization'::text]))),
    CONSTRAINT federation_flows_pkey PRIMARY KEY (id),
    CONSTRAINT federation_flows_purpose_check CHECK ((purpose = ANY (ARRAY['sign_in'::text, 'link'::text]))),
    CONSTRAINT federation_flows_redirect_check CHECK ((length(redirect) <= 2048)),
    CONSTRAINT federation_flows_returned_check CHECK ((length(returned) <= 8192)),
    CONSTRAINT federation_flows_state_check CHECK ((state = ANY (ARRAY['asked'::text, 'returned'::text, 'claimed'::text, 'over'::text]))),
    CONSTRAINT federation_flows_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id)
);
COMMENT ON TABLE federation_flows IS 'A way to a provider and back: asked, returned with a code (sealed in returned), claimed by whoever exchanges it, over. Each step is taken once. State, verifier, nonce and tokens are computed from the id and stand nowhere.';
CREATE INDEX federation_flows_by_expiry ON federation_flows USING btree (expires_at);
CREATE INDEX federation_flows_by_user ON federation_flows USING btree (user_id) WHERE (user_id IS NOT NULL);
GRANT DELETE, INSERT, SELECT, UPDATE ON federation_flows TO auth_app;

CREATE TABLE flag_users (
    flag_key text NOT NULL,
    user_id uuid NOT NULL,
    CONSTRAINT flag_users_flag_key_fkey FOREIGN KEY (flag_key) REFERENCES flags(key) ON DELETE CASCADE,
    CONSTRAINT flag_users_pkey PRIMARY KEY (flag_key, user_id)
);
COMMENT ON TABLE flag_users IS 'People for whom a flag is switched on by name.';
CREATE INDEX flag_users_by_user ON flag_users USING btree (user_id);
GRANT DELETE, INSERT, SELECT ON flag_users TO auth_app;

CREATE TABLE flags (
    id uuid NOT NULL,
    key text NOT NULL,
    sentence text NOT NULL,
    by_default boolean NOT NULL DEFAULT false,
    killed boolean NOT NULL DEFAULT false,
    percentage numeric(5,2) NOT NULL DEFAULT 0,
    counted_by text NOT NULL DEFAULT 'organization'::text,
    organizations uuid[] NOT NULL DEFAULT '{}'::uuid[],
    plans text[] NOT NULL DEFAULT '{}'::text[],
    version integer NOT NULL DEFAULT 1,
    changed_by uuid NOT NULL,
    changed_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT flags_counted_by_check CHECK ((counted_by = ANY (ARRAY['organization'::text, 'user'::text]))),
    CONSTRAINT flags_id_key UNIQUE (id),
    CONSTRAINT flags_key_check CHECK ((key ~ '^[a-z][a-z0-9_.-]{0,59}$'::text)),
    CONSTRAINT flags_organizations_check CHECK ((cardinality(organizations) <= 1000)),
    CONSTRAINT flags_percentage_check CHECK (((percentage >= (0)::numeric) AND (percentage <= (100)::numeric))),
    CONSTRAINT flags_pkey PRIMARY KEY (key),
    CONSTRAINT flags_plans_check CHECK ((cardinality(plans) <= 50)),
    CONSTRAINT flags_sentence_check CHECK (((length(sentence) >= 1) AND (length(sentence) <= 200)))
);
COMMENT ON TABLE flags IS 'What is switched on for some: by name, plan or share; killed switches it off for everybody.';
GRANT DELETE, INSERT, SELECT, UPDATE ON flags TO auth_app;

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
GRANT DELETE, INSERT, SELECT, UPDATE ON idempotency_keys TO auth_app;

CREATE TABLE identities (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    kind text NOT NULL,
    verified_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    blind bytea NOT NULL,
    sealed bytea NOT NULL,
    CONSTRAINT identities_blind_check CHECK ((length(blind) = 32)),
    CONSTRAINT identities_kind_blind_key UNIQUE (kind, blind),
    CONSTRAINT identities_kind_check CHECK ((kind = ANY (ARRAY['email'::text, 'phone'::text]))),
    CONSTRAINT identities_pkey PRIMARY KEY (id),
    CONSTRAINT identities_sealed_check CHECK ((length(sealed) <= 2048)),
    CONSTRAINT identities_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id)
);
COMMENT ON TABLE identities IS 'By what a person may be reached and recognised; blind is a keyed hash of the normalised mail address or number, sealed holds it as it was typed, under the person''s own key.';
CREATE INDEX identities_by_user ON identities USING btree (user_id);
CREATE UNIQUE INDEX identities_one_phone ON identities USING btree (user_id) WHERE (kind = 'phone'::text);
GRANT DELETE, INSERT, SELECT, UPDATE ON identities TO auth_app;
GRANT SELECT ON identities TO auth_loops;
GRANT SELECT (user_id) ON identities TO auth_loops;
GRANT SELECT (verified_at) ON identities TO auth_loops;
GRANT SELECT (blind) ON identities TO auth_loops;

CREATE TABLE identity_provider_domains (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    provider_id uuid NOT NULL,
    domain text NOT NULL,
    challenge text NOT NULL,
    proven_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT identity_provider_domains_challenge_check CHECK (((length(challenge) >= 20) AND (length(challenge) <= 100))),
    CONSTRAINT identity_provider_domains_domain_check CHECK (((length(domain) <= 253) AND (domain = lower(domain)))),
    CONSTRAINT identity_provider_domains_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id),
    CONSTRAINT identity_provider_domains_pkey PRIMARY KEY (id),
    CONSTRAINT identity_provider_domains_provider_id_domain_key UNIQUE (provider_id, domain),
    CONSTRAINT identity_provider_domains_provider_id_fkey FOREIGN KEY (provider_id) REFERENCES identity_providers(id) ON DELETE CASCADE
);
COMMENT ON TABLE identity_provider_domains IS 'Domains whose people a provider may vouch for once the challenge was found in their DNS; a domain is proven by one organization at a time.';
ALTER TABLE identity_provider_domains ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX identity_provider_domains_in_order ON identity_provider_domains USING btree (organization_id, id);
CREATE UNIQUE INDEX identity_provider_domains_proven_once ON identity_provider_domains USING btree (domain) WHERE (proven_at IS NOT NULL);
CREATE POLICY routing ON identity_provider_domains FOR SELECT TO auth_loops USING (true);
CREATE POLICY tenant ON identity_provider_domains FOR ALL TO auth_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON identity_provider_domains TO auth_app;
GRANT SELECT (organization_id) ON identity_provider_domains TO auth_loops;
GRANT SELECT (provider_id) ON identity_provider_domains TO auth_loops;
GRANT SELECT (domain) ON identity_provider_domains TO auth_loops;
GRANT SELECT (proven_at) ON identity_provider_domains TO auth_loops;

CREATE TABLE identity_providers (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    name text NOT NULL,
    issuer text NOT NULL,
    client_id text NOT NULL,
    secret_sealed bytea NOT NULL,
    default_role text NOT NULL,
    joins boolean NOT NULL,
    silence_is_verified boolean NOT NULL,
    enforced boolean NOT NULL,
    active boolean NOT NULL DEFAULT true,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT identity_providers_client_id_check CHECK (((length(client_id) >= 1) AND (length(client_id) <= 255))),
    CONSTRAINT identity_providers_default_role_check CHECK ((default_role = ANY (ARRAY['editor'::text, 'approver'::text, 'agent'::text, 'analyst'::text, 'client'::text, 'provider'::text, 'navigator'::text]))),
    CONSTRAINT identity_providers_issuer_check CHECK (((length(issuer) >= 1) AND (length(issuer) <= 2048))),
    CONSTRAINT identity_providers_name_check CHECK (((length(name) >= 1) AND (length(name) <= 200))),
    CONSTRAINT identity_providers_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id),
    CONSTRAINT identity_providers_pkey PRIMARY KEY (id),
    CONSTRAINT identity_providers_secret_sealed_check CHECK ((length(secret_sealed) <= 4096))
);
COMMENT ON TABLE identity_providers IS 'By whose word members of an organization sign in. joins: who is no member becomes one, in default_role; silence_is_verified: an address counts as verified when the provider does not say; enforced: members of its proven domains act here through it only, owners excepted.';
ALTER TABLE identity_providers ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX identity_providers_in_order ON identity_providers USING btree (organization_id, id);
CREATE POLICY routing ON identity_providers FOR SELECT TO auth_loops USING (true);
CREATE POLICY tenant ON identity_providers FOR ALL TO auth_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON identity_providers TO auth_app;
GRANT SELECT (id) ON identity_providers TO auth_loops;
GRANT SELECT (organization_id) ON identity_providers TO auth_loops;
GRANT SELECT (active) ON identity_providers TO auth_loops;

CREATE TABLE impersonations (
    id uuid NOT NULL,
    staff_id uuid NOT NULL,
    staff_session_id uuid NOT NULL,
    user_id uuid NOT NULL,
    organization_id uuid,
    reason_sealed bytea NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    ended_by text,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT impersonations_check CHECK (((ended_at IS NULL) = (ended_by IS NULL))),
    CONSTRAINT impersonations_ended_by_check CHECK ((ended_by = ANY (ARRAY['staff'::text, 'user'::text, 'organization'::text, 'session'::text]))),
    CONSTRAINT impersonations_pkey PRIMARY KEY (id),
    CONSTRAINT impersonations_reason_sealed_check CHECK ((length(reason_sealed) <= 4096)),
    CONSTRAINT impersonations_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id)
);
COMMENT ON TABLE impersonations IS 'Each time a member of staff acted in a person''s place, for the person and the organization to see; the id is the session of its tokens. Over at ends_at, or before when somebody ended it.';
CREATE INDEX impersonations_by_creation ON impersonations USING btree (created_at);
CREATE INDEX impersonations_by_end ON impersonations USING btree (ends_at);
CREATE INDEX impersonations_of_organization ON impersonations USING btree (organization_id, id) WHERE (organization_id IS NOT NULL);
CREATE INDEX impersonations_of_staff ON impersonations USING btree (staff_id, id);
CREATE INDEX impersonations_of_user ON impersonations USING btree (user_id, id);
GRANT DELETE, INSERT, SELECT, UPDATE ON impersonations TO auth_app;

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
GRANT DELETE, INSERT, SELECT, UPDATE ON intake_deliveries TO auth_app;

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
GRANT DELETE, INSERT, SELECT, UPDATE ON intake_items TO auth_app;

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
GRANT DELETE, INSERT, SELECT, UPDATE ON intake_keys TO auth_app;

CREATE TABLE intake_sources (
    source text NOT NULL,
    holder uuid,
    leased_until timestamp with time zone NOT NULL DEFAULT '-infinity'::timestamp with time zone,
    CONSTRAINT intake_sources_pkey PRIMARY KEY (source)
);
COMMENT ON TABLE intake_sources IS 'Which worker takes the deliveries of a source apart: one at a time, so that items keep the order of arrival.';
GRANT INSERT, SELECT, UPDATE ON intake_sources TO auth_app;

CREATE TABLE invitations (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    role text NOT NULL,
    state text NOT NULL DEFAULT 'pending'::text,
    invited_by uuid,
    accepted_by uuid,
    mails integer NOT NULL DEFAULT 1,
    version bigint NOT NULL DEFAULT 1,
    expires_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    email_blind bytea NOT NULL,
    email_sealed bytea NOT NULL,
    CONSTRAINT invitations_accepted_by_fkey FOREIGN KEY (accepted_by) REFERENCES users(id),
    CONSTRAINT invitations_email_blind_check CHECK ((length(email_blind) = 32)),
    CONSTRAINT invitations_email_sealed_check CHECK ((length(email_sealed) <= 2048)),
    CONSTRAINT invitations_invited_by_fkey FOREIGN KEY (invited_by) REFERENCES users(id),
    CONSTRAINT invitations_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id),
    CONSTRAINT invitations_pkey PRIMARY KEY (id),
    CONSTRAINT invitations_role_check CHECK ((role = ANY (ARRAY['owner'::text, 'admin'::text, 'editor'::text, 'approver'::text, 'agent'::text, 'analyst'::text, 'client'::text, 'provider'::text, 'navigator'::text]))),
    CONSTRAINT invitations_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'accepted'::text, 'revoked'::text])))
);
COMMENT ON TABLE invitations IS 'Offers of a membership to an address; email_blind is the hash that identities.blind holds, email_sealed is under a key of the invitation''s own. A pending one past expires_at has expired, and is revoked when the address is invited anew.';
ALTER TABLE invitations ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX invitations_by_address ON invitations USING btree (email_blind, organization_id, created_at);
CREATE INDEX invitations_by_invited ON invitations USING btree (accepted_by) WHERE (accepted_by IS NOT NULL);
CREATE INDEX invitations_by_inviter ON invitations USING btree (invited_by) WHERE (invited_by IS NOT NULL);
CREATE INDEX invitations_in_order ON invitations USING btree (organization_id, id);
CREATE UNIQUE INDEX invitations_pending_once ON invitations USING btree (organization_id, email_blind) WHERE (state = 'pending'::text);
CREATE POLICY knowing ON invitations FOR SELECT TO auth_loops USING (true);
CREATE POLICY tenant ON invitations FOR ALL TO auth_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON invitations TO auth_app;
GRANT SELECT (organization_id) ON invitations TO auth_loops;
GRANT SELECT (invited_by) ON invitations TO auth_loops;
GRANT SELECT (accepted_by) ON invitations TO auth_loops;
GRANT SELECT (email_blind) ON invitations TO auth_loops;

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
CREATE POLICY tenant ON job_items FOR ALL TO auth_app USING (((organization_id IS NULL) OR (organization_id = ANY (( SELECT (COALESCE(NULLIF(current_setting('app.orgs'::text, true), ''::text), '{}'::text))::uuid[] AS "coalesce")::uuid[]))));
CREATE POLICY working ON job_items FOR ALL TO auth_loops USING (true);
GRANT INSERT, SELECT, UPDATE ON job_items TO auth_app;
GRANT DELETE, SELECT ON job_items TO auth_loops;

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
CREATE POLICY tenant ON jobs FOR ALL TO auth_app USING (((organization_id IS NULL) OR (organization_id = ANY (( SELECT (COALESCE(NULLIF(current_setting('app.orgs'::text, true), ''::text), '{}'::text))::uuid[] AS "coalesce")::uuid[]))));
CREATE POLICY working ON jobs FOR ALL TO auth_loops USING (true);
GRANT INSERT, SELECT, UPDATE ON jobs TO auth_app;
GRANT DELETE, SELECT, UPDATE ON jobs TO auth_loops;

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
CREATE POLICY tenant ON ledger_attempts FOR ALL TO auth_app USING (((organization_id IS NULL) OR (organization_id = ANY (( SELECT (COALESCE(NULLIF(current_setting('app.orgs'::text, true), ''::text), '{}'::text))::uuid[] AS "coalesce")::uuid[]))));
CREATE POLICY working ON ledger_attempts FOR ALL TO auth_loops USING (true);
GRANT DELETE, INSERT, SELECT ON ledger_attempts TO auth_app;
GRANT DELETE, SELECT ON ledger_attempts TO auth_loops;

CREATE TABLE ledger_blocks (
    id bigint NOT NULL,
    begin_by timestamp with time zone NOT NULL,
    entry_ids uuid[] NOT NULL,
    CONSTRAINT ledger_blocks_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE ledger_blocks IS 'Effects that are claimed together and whose calls have not begun; what is calling without a row here may have left.';
CREATE INDEX ledger_blocks_begin_by ON ledger_blocks USING btree (begin_by);
GRANT DELETE, INSERT, SELECT, UPDATE ON ledger_blocks TO auth_loops;

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
CREATE POLICY tenant ON ledger_entries FOR ALL TO auth_app USING (((organization_id IS NULL) OR (organization_id = ANY (( SELECT (COALESCE(NULLIF(current_setting('app.orgs'::text, true), ''::text), '{}'::text))::uuid[] AS "coalesce")::uuid[]))));
CREATE POLICY working ON ledger_entries FOR ALL TO auth_loops USING (true);
GRANT DELETE, INSERT, SELECT, UPDATE ON ledger_entries TO auth_app;
GRANT DELETE, SELECT, UPDATE ON ledger_entries TO auth_loops;

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
CREATE POLICY tenant ON ledger_holds FOR ALL TO auth_app USING (((organization_id IS NULL) OR (organization_id = ANY (( SELECT (COALESCE(NULLIF(current_setting('app.orgs'::text, true), ''::text), '{}'::text))::uuid[] AS "coalesce")::uuid[]))));
CREATE POLICY working ON ledger_holds FOR SELECT TO auth_loops USING (true);
GRANT DELETE, INSERT, SELECT, UPDATE ON ledger_holds TO auth_app;
GRANT SELECT ON ledger_holds TO auth_loops;

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
CREATE POLICY tenant ON ledger_lanes FOR ALL TO auth_app USING (((organization_id IS NULL) OR (organization_id = ANY (( SELECT (COALESCE(NULLIF(current_setting('app.orgs'::text, true), ''::text), '{}'::text))::uuid[] AS "coalesce")::uuid[]))));
CREATE POLICY working ON ledger_lanes FOR ALL TO auth_loops USING (true);
GRANT INSERT, SELECT, UPDATE ON ledger_lanes TO auth_app;
GRANT SELECT, UPDATE ON ledger_lanes TO auth_loops;

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
CREATE POLICY tenant ON ledger_wakes FOR ALL TO auth_app USING (((organization_id IS NULL) OR (organization_id = ANY (( SELECT (COALESCE(NULLIF(current_setting('app.orgs'::text, true), ''::text), '{}'::text))::uuid[] AS "coalesce")::uuid[]))));
CREATE POLICY working ON ledger_wakes FOR ALL TO auth_loops USING (true);
GRANT INSERT, SELECT ON ledger_wakes TO auth_app;
GRANT DELETE, INSERT, SELECT, UPDATE ON ledger_wakes TO auth_loops;

CREATE TABLE mail_preferences (
    user_id uuid NOT NULL,
    unwanted text[] NOT NULL DEFAULT '{}'::text[],
    version bigint NOT NULL DEFAULT 0,
    changed_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT mail_preferences_pkey PRIMARY KEY (user_id),
    CONSTRAINT mail_preferences_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id)
);
COMMENT ON TABLE mail_preferences IS 'The categories of mails that a person does not want; who has no row wants all.';
GRANT DELETE, INSERT, SELECT, UPDATE ON mail_preferences TO auth_app;

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
GRANT DELETE, INSERT, SELECT, UPDATE ON mail_suppressions TO auth_app;

CREATE TABLE members (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    user_id uuid NOT NULL,
    role text NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    joined_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT members_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id),
    CONSTRAINT members_organization_id_user_id_key UNIQUE (organization_id, user_id),
    CONSTRAINT members_pkey PRIMARY KEY (id),
    CONSTRAINT members_role_check CHECK ((role = ANY (ARRAY['owner'::text, 'admin'::text, 'editor'::text, 'approver'::text, 'agent'::text, 'analyst'::text, 'client'::text, 'provider'::text, 'navigator'::text]))),
    CONSTRAINT members_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id)
);
COMMENT ON TABLE members IS 'Who belongs to an organization in which role; who leaves loses the row, who comes back is a new member.';
ALTER TABLE members ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX members_by_user ON members USING btree (user_id, organization_id);
CREATE INDEX members_in_order ON members USING btree (organization_id, id);
CREATE POLICY own_memberships ON members FOR SELECT TO auth_loops USING (true);
CREATE POLICY tenant ON members FOR ALL TO auth_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON members TO auth_app;
GRANT SELECT ON members TO auth_loops;

CREATE TABLE migrations (
    origin text NOT NULL,
    number integer NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT migrations_pkey PRIMARY KEY (origin, number)
);
GRANT SELECT ON migrations TO auth_app;

CREATE TABLE oauth_clients (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    name text NOT NULL,
    public boolean NOT NULL,
    redirect_uris text[] NOT NULL,
    scopes text[] NOT NULL,
    role text,
    secret_hash bytea,
    old_secret_hash bytea,
    old_secret_until timestamp with time zone,
    made_by uuid,
    version bigint NOT NULL DEFAULT 1,
    ended_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT oauth_clients_check CHECK ((public = (secret_hash IS NULL))),
    CONSTRAINT oauth_clients_check1 CHECK (((role IS NULL) OR (NOT public))),
    CONSTRAINT oauth_clients_made_by_fkey FOREIGN KEY (made_by) REFERENCES users(id),
    CONSTRAINT oauth_clients_name_check CHECK (((length(name) >= 1) AND (length(name) <= 200))),
    CONSTRAINT oauth_clients_old_secret_hash_check CHECK ((length(old_secret_hash) = 32)),
    CONSTRAINT oauth_clients_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id),
    CONSTRAINT oauth_clients_pkey PRIMARY KEY (id),
    CONSTRAINT oauth_clients_redirect_uris_check CHECK ((cardinality(redirect_uris) <= 20)),
    CONSTRAINT oauth_clients_role_check CHECK ((role = ANY (ARRAY['admin'::text, 'editor'::text, 'approver'::text, 'agent'::text, 'analyst'::text, 'client'::text, 'provider'::text, 'navigator'::text]))),
    CONSTRAINT oauth_clients_scopes_check CHECK (((cardinality(scopes) >= 1) AND (cardinality(scopes) <= 50))),
    CONSTRAINT oauth_clients_secret_hash_check CHECK ((length(secret_hash) = 32))
);
COMMENT ON TABLE oauth_clients IS 'Programs that organizations have registered: public ones prove nothing of themselves, others show a secret of which a keyed hash is kept, the old one until old_secret_until. role is what a program is in its own organization when it acts for nobody.';
ALTER TABLE oauth_clients ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX oauth_clients_by_maker ON oauth_clients USING btree (made_by, id) WHERE (made_by IS NOT NULL);
CREATE INDEX oauth_clients_in_order ON oauth_clients USING btree (organization_id, id);
CREATE POLICY knowing ON oauth_clients FOR SELECT TO auth_loops USING (true);
CREATE POLICY tenant ON oauth_clients FOR ALL TO auth_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON oauth_clients TO auth_app;
GRANT SELECT (id) ON oauth_clients TO auth_loops;
GRANT SELECT (organization_id) ON oauth_clients TO auth_loops;
GRANT SELECT (name) ON oauth_clients TO auth_loops;
GRANT SELECT (made_by) ON oauth_clients TO auth_loops;
GRANT SELECT (ended_at) ON oauth_clients TO auth_loops;

CREATE TABLE oauth_consents (
    user_id uuid NOT NULL,
    client_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    scopes text[] NOT NULL,
    given_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT oauth_consents_client_id_fkey FOREIGN KEY (client_id) REFERENCES oauth_clients(id),
    CONSTRAINT oauth_consents_pkey PRIMARY KEY (user_id, client_id, organization_id),
    CONSTRAINT oauth_consents_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id)
);
COMMENT ON TABLE oauth_consents IS 'What a person has agreed to and need not be asked again.';
GRANT DELETE, INSERT, SELECT, UPDATE ON oauth_consents TO auth_app;

CREATE TABLE oauth_grants (
    id uuid NOT NULL,
    client_id uuid NOT NULL,
    user_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    scopes text[] NOT NULL,
    epoch bigint NOT NULL,
    redirect_uri text,
    code_challenge text NOT NULL,
    nonce text,
    authenticated_at timestamp with time zone NOT NULL,
    code_expires_at timestamp with time zone NOT NULL,
    code_used_at timestamp with time zone,
    counter integer NOT NULL DEFAULT 0,
    rotated_at timestamp with time zone,
    used_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    expires_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    ended_because text,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    strong boolean NOT NULL DEFAULT false,
    CONSTRAINT oauth_grants_client_id_fkey FOREIGN KEY (client_id) REFERENCES oauth_clients(id),
    CONSTRAINT oauth_grants_pkey PRIMARY KEY (id),
    CONSTRAINT oauth_grants_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id)
);
COMMENT ON TABLE oauth_grants IS 'What a person let a program do in an organization: a code that is good once and for a minute, then a family of refresh tokens of which counter is the current one. Nothing that opens is kept.';
CREATE INDEX oauth_grants_by_expiry ON oauth_grants USING btree (expires_at);
CREATE INDEX oauth_grants_ended ON oauth_grants USING btree (ended_at) WHERE (ended_at IS NOT NULL);
CREATE INDEX oauth_grants_of_person ON oauth_grants USING btree (user_id, client_id, id);
CREATE INDEX oauth_grants_weak ON oauth_grants USING btree (organization_id) WHERE ((NOT strong) AND (ended_at IS NULL));
GRANT DELETE, INSERT, SELECT, UPDATE ON oauth_grants TO auth_app;

CREATE TABLE oauth_requests (
    id uuid NOT NULL,
    client_id uuid NOT NULL,
    redirect_uri text NOT NULL,
    stated boolean NOT NULL,
    scopes text[] NOT NULL,
    state text,
    nonce text,
    code_challenge text NOT NULL,
    asks_again boolean NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT oauth_requests_client_id_fkey FOREIGN KEY (client_id) REFERENCES oauth_clients(id),
    CONSTRAINT oauth_requests_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE oauth_requests IS 'Requests of programs that nobody has decided yet; stated says whether the program named the address, asks_again that a consent given before is not enough.';
CREATE INDEX oauth_requests_by_expiry ON oauth_requests USING btree (expires_at);
GRANT DELETE, INSERT, SELECT, UPDATE ON oauth_requests TO auth_app;

CREATE TABLE onboardings (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    member_id uuid NOT NULL,
    done text[] NOT NULL DEFAULT '{}'::text[],
    skipped text[] NOT NULL DEFAULT '{}'::text[],
    goals text[] NOT NULL DEFAULT '{}'::text[],
    template text,
    post_id uuid,
    completed_at timestamp with time zone,
    version bigint NOT NULL DEFAULT 1,
    changed_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT onboardings_check CHECK (((completed_at IS NULL) = (post_id IS NULL))),
    CONSTRAINT onboardings_member_id_fkey FOREIGN KEY (member_id) REFERENCES members(id) ON DELETE CASCADE,
    CONSTRAINT onboardings_member_id_key UNIQUE (member_id),
    CONSTRAINT onboardings_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id),
    CONSTRAINT onboardings_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE onboardings IS 'First steps of a member: which are done or skipped, what was chosen; post_id is that of the draft that completion has made.';
ALTER TABLE onboardings ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON onboardings FOR ALL TO auth_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON onboardings TO auth_app;

CREATE TABLE organizations (
    id uuid NOT NULL,
    name text NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    requires_second_factor boolean NOT NULL DEFAULT false,
    suspended_at timestamp with time zone,
    CONSTRAINT organizations_name_check CHECK (((length(name) >= 1) AND (length(name) <= 200))),
    CONSTRAINT organizations_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE organizations IS 'The tenants; a lock on the row orders all changes of its members.';
ALTER TABLE organizations ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX organizations_by_creation ON organizations USING btree (created_at);
CREATE INDEX organizations_by_name ON organizations USING btree (lower(name) text_pattern_ops);
CREATE INDEX organizations_suspended ON organizations USING btree (id) WHERE (suspended_at IS NOT NULL);
CREATE POLICY own_memberships ON organizations FOR SELECT TO auth_loops USING (true);
CREATE POLICY tenant ON organizations FOR ALL TO auth_app USING ((id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON organizations TO auth_app;
GRANT SELECT ON organizations TO auth_loops;

CREATE TABLE outbox (
    id uuid NOT NULL,
    type text NOT NULL,
    organization_id uuid,
    body bytea NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT outbox_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE outbox IS 'Events committed with their state and not yet confirmed by the broker; the relay deletes them.';
GRANT DELETE, INSERT, SELECT ON outbox TO auth_app;
GRANT UPDATE (created_at) ON outbox TO auth_app;

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
CREATE INDEX outgoing_mails_waiting ON outgoing_mails USING btree (detail) WHERE ((status = 'pending'::text) AND (detail IS NOT NULL));
CREATE POLICY forgetting ON outgoing_mails FOR ALL TO auth_loops USING (true);
CREATE POLICY tenant ON outgoing_mails FOR ALL TO auth_app USING (((organization_id IS NULL) OR (organization_id = ANY (( SELECT (NULLIF(current_setting('app.orgs'::text, true), ''::text))::uuid[] AS "nullif")::uuid[]))));
GRANT DELETE, INSERT, SELECT, UPDATE ON outgoing_mails TO auth_app;
GRANT DELETE, SELECT ON outgoing_mails TO auth_loops;

CREATE TABLE outgoing_texts (
    id uuid NOT NULL,
    challenge_id uuid NOT NULL,
    about uuid NOT NULL,
    blind bytea NOT NULL,
    network bytea NOT NULL,
    status text NOT NULL DEFAULT 'pending'::text,
    message_id text,
    unknowns integer NOT NULL DEFAULT 0,
    code text NOT NULL DEFAULT ''::text,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    settled_at timestamp with time zone,
    CONSTRAINT outgoing_texts_blind_check CHECK ((length(blind) = 32)),
    CONSTRAINT outgoing_texts_network_check CHECK ((length(network) = 32)),
    CONSTRAINT outgoing_texts_pkey PRIMARY KEY (id),
    CONSTRAINT outgoing_texts_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'sent'::text, 'refused'::text, 'unknown'::text, 'unconfirmed'::text, 'withdrawn'::text])))
);
COMMENT ON TABLE outgoing_texts IS 'Text messages by reference, without number, words or code; blind and network are keyed hashes of the number and of its first digits, by which they are counted.';
CREATE INDEX outgoing_texts_about ON outgoing_texts USING btree (about);
CREATE INDEX outgoing_texts_by_age ON outgoing_texts USING btree (created_at);
CREATE INDEX outgoing_texts_by_challenge ON outgoing_texts USING btree (challenge_id, created_at);
CREATE INDEX outgoing_texts_by_network ON outgoing_texts USING btree (network, created_at);
CREATE INDEX outgoing_texts_to ON outgoing_texts USING btree (blind, created_at);
GRANT DELETE, INSERT, SELECT, UPDATE ON outgoing_texts TO auth_app;

CREATE TABLE ownership_transfers (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    from_member_id uuid NOT NULL,
    to_member_id uuid NOT NULL,
    state text NOT NULL DEFAULT 'pending'::text,
    version bigint NOT NULL DEFAULT 1,
    expires_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT ownership_transfers_check CHECK ((from_member_id <> to_member_id)),
    CONSTRAINT ownership_transfers_from_member_id_fkey FOREIGN KEY (from_member_id) REFERENCES members(id) ON DELETE CASCADE,
    CONSTRAINT ownership_transfers_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id),
    CONSTRAINT ownership_transfers_pkey PRIMARY KEY (id),
    CONSTRAINT ownership_transfers_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'accepted'::text, 'withdrawn'::text]))),
    CONSTRAINT ownership_transfers_to_member_id_fkey FOREIGN KEY (to_member_id) REFERENCES members(id) ON DELETE CASCADE
);
COMMENT ON TABLE ownership_transfers IS 'An owner offers an organization to another member; a pending one past expires_at has expired. It goes with either membership.';
ALTER TABLE ownership_transfers ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX ownership_transfers_by_giver ON ownership_transfers USING btree (from_member_id);
CREATE INDEX ownership_transfers_by_taker ON ownership_transfers USING btree (to_member_id);
CREATE INDEX ownership_transfers_in_order ON ownership_transfers USING btree (organization_id, id);
CREATE UNIQUE INDEX ownership_transfers_one_at_a_time ON ownership_transfers USING btree (organization_id) WHERE (state = 'pending'::text);
CREATE POLICY tenant ON ownership_transfers FOR ALL TO auth_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON ownership_transfers TO auth_app;

CREATE TABLE passkey_challenges (
    challenge bytea NOT NULL,
    purpose text NOT NULL,
    user_id uuid,
    about uuid,
    expires_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT passkey_challenges_check CHECK (((purpose = 'sign-in'::text) = (user_id IS NULL))),
    CONSTRAINT passkey_challenges_check1 CHECK (((user_id IS NULL) = (about IS NULL))),
    CONSTRAINT passkey_challenges_pkey PRIMARY KEY (challenge),
    CONSTRAINT passkey_challenges_purpose_check CHECK ((purpose = ANY (ARRAY['registration'::text, 'sign-in'::text, 'second-factor'::text, 'step-up'::text]))),
    CONSTRAINT passkey_challenges_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id)
);
COMMENT ON TABLE passkey_challenges IS 'Questions to authenticators, each answered once at most; about is the session or the sign-in that it was asked for.';
CREATE INDEX passkey_challenges_by_expiry ON passkey_challenges USING btree (expires_at);
CREATE INDEX passkey_challenges_by_user ON passkey_challenges USING btree (user_id, about, purpose) WHERE (user_id IS NOT NULL);
GRANT DELETE, INSERT, SELECT ON passkey_challenges TO auth_app;

CREATE TABLE passkeys (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    credential_id bytea NOT NULL,
    public_key bytea NOT NULL,
    sign_count bigint NOT NULL,
    transports text[] NOT NULL,
    backup_eligible boolean NOT NULL,
    backed_up boolean NOT NULL,
    sealed_name bytea NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    last_used_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT passkeys_credential_id_check CHECK (((length(credential_id) >= 16) AND (length(credential_id) <= 1023))),
    CONSTRAINT passkeys_credential_id_key UNIQUE (credential_id),
    CONSTRAINT passkeys_pkey PRIMARY KEY (id),
    CONSTRAINT passkeys_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id)
);
COMMENT ON TABLE passkeys IS 'Passkeys by the id that their authenticator gave them; sign_count is the highest that was seen.';
CREATE INDEX passkeys_by_user ON passkeys USING btree (user_id, id);
GRANT DELETE, INSERT, SELECT, UPDATE ON passkeys TO auth_app;

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
GRANT DELETE, INSERT, SELECT, UPDATE ON privacy_tasks TO auth_app;

CREATE TABLE processed_messages (
    queue text NOT NULL,
    message_id uuid NOT NULL,
    generation bigint NOT NULL DEFAULT 0,
    processed_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT processed_messages_pkey PRIMARY KEY (queue, message_id, generation)
);
COMMENT ON TABLE processed_messages IS 'Messages whose effect is committed; a replay carries another generation.';
CREATE INDEX processed_messages_by_age ON processed_messages USING brin (processed_at);
GRANT DELETE, INSERT, SELECT ON processed_messages TO auth_app;

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
CREATE POLICY selecting ON quota_limits FOR SELECT TO auth_loops USING (true);
CREATE POLICY tenant ON quota_limits FOR ALL TO auth_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON quota_limits TO auth_app;
GRANT SELECT ON quota_limits TO auth_loops;

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
CREATE POLICY lapsing ON quota_reservations FOR ALL TO auth_loops USING (true) WITH CHECK (true);
CREATE POLICY tenant ON quota_reservations FOR ALL TO auth_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON quota_reservations TO auth_app;
GRANT DELETE, SELECT, UPDATE ON quota_reservations TO auth_loops;

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
CREATE POLICY lapsing ON quota_usage FOR ALL TO auth_loops USING (true) WITH CHECK (true);
CREATE POLICY tenant ON quota_usage FOR ALL TO auth_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON quota_usage TO auth_app;
GRANT DELETE, SELECT, UPDATE ON quota_usage TO auth_loops;

CREATE TABLE recovery_codes (
    user_id uuid NOT NULL,
    code_hash bytea NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT recovery_codes_pkey PRIMARY KEY (user_id, code_hash),
    CONSTRAINT recovery_codes_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id)
);
COMMENT ON TABLE recovery_codes IS 'Codes for who has lost every other second factor; a used one is gone.';
GRANT DELETE, INSERT, SELECT ON recovery_codes TO auth_app;

CREATE TABLE removed_keys (
    kid text NOT NULL,
    removed_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT removed_keys_pkey PRIMARY KEY (kid)
);
COMMENT ON TABLE removed_keys IS 'Signing keys whose tokens are refused at once; kept longer than any token lives and any key set is kept.';
GRANT DELETE, INSERT, SELECT ON removed_keys TO auth_app;

CREATE TABLE revocations (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    session_id uuid,
    epoch bigint NOT NULL,
    revoked_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT revocations_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE revocations IS 'What ended lately, for gateways that start or were cut off; kept longer than any access token lives.';
CREATE INDEX revocations_by_age ON revocations USING btree (revoked_at);
CREATE INDEX revocations_by_user ON revocations USING btree (user_id);
GRANT DELETE, INSERT, SELECT ON revocations TO auth_app;

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
CREATE POLICY looking ON seal_keys FOR SELECT TO auth_loops USING (true);
CREATE POLICY tenant ON seal_keys FOR ALL TO auth_app USING (((organization_id IS NULL) OR (organization_id = ANY (( SELECT (NULLIF(current_setting('app.orgs'::text, true), ''::text))::uuid[] AS "nullif")::uuid[]))));
GRANT INSERT, SELECT ON seal_keys TO auth_app;
GRANT SELECT ON seal_keys TO auth_loops;
GRANT UPDATE (master_key_id) ON seal_keys TO auth_app;
GRANT UPDATE (wrapped) ON seal_keys TO auth_app;
GRANT UPDATE (retired_at) ON seal_keys TO auth_app;
GRANT UPDATE (shredded_at) ON seal_keys TO auth_app;
GRANT UPDATE (with_organization) ON seal_keys TO auth_app;

CREATE TABLE security_notices (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    notice text NOT NULL,
    cause uuid NOT NULL,
    happened_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT security_notices_notice_check CHECK ((notice ~ '^[a-z_]{1,40}$'::text)),
    CONSTRAINT security_notices_pkey PRIMARY KEY (id),
    CONSTRAINT security_notices_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id),
    CONSTRAINT security_notices_user_id_notice_cause_key UNIQUE (user_id, notice, cause)
);
COMMENT ON TABLE security_notices IS 'What a person was told by mail about the safety of the account, once for each cause.';
CREATE INDEX security_notices_by_age ON security_notices USING btree (happened_at);
CREATE INDEX security_notices_lately ON security_notices USING btree (user_id, notice, happened_at);
GRANT DELETE, INSERT, SELECT ON security_notices TO auth_app;

CREATE TABLE sessions (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    epoch bigint NOT NULL,
    organization_id uuid,
    counter bigint NOT NULL DEFAULT 0,
    rotated_at timestamp with time zone,
    used_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    expires_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    ended_because text,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    proofs text[] NOT NULL,
    proven_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    strong_at timestamp with time zone,
    device_id uuid,
    visitor_sealed bytea,
    confirmed boolean NOT NULL DEFAULT false,
    retried boolean NOT NULL DEFAULT false,
    seen_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    identity_provider_id uuid,
    CONSTRAINT sessions_check CHECK (((ended_at IS NULL) = (ended_because IS NULL))),
    CONSTRAINT sessions_ended_because_check CHECK ((ended_because = ANY (ARRAY['signed-out'::text, 'token-reused'::text, 'ended'::text, 'device-forgotten'::text, 'displaced'::text]))),
    CONSTRAINT sessions_pkey PRIMARY KEY (id),
    CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id)
);
COMMENT ON TABLE sessions IS 'A family of refresh tokens: counter is the current one, its parent is accepted for seconds after rotated_at, and once later by the same device while the current one was never shown (confirmed, retried). proofs is what the person has shown since it began; proven_at when last anything, strong_at when last two distinct factors.';
CREATE INDEX sessions_by_device ON sessions USING btree (device_id) WHERE (device_id IS NOT NULL);
CREATE INDEX sessions_by_expiry ON sessions USING btree (expires_at);
CREATE INDEX sessions_by_provider ON sessions USING btree (identity_provider_id) WHERE (identity_provider_id IS NOT NULL);
CREATE INDEX sessions_going_on ON sessions USING btree (user_id, used_at) WHERE (ended_at IS NULL);
CREATE INDEX sessions_of_user ON sessions USING btree (user_id, id);
GRANT DELETE, INSERT, SELECT, UPDATE ON sessions TO auth_app;
GRANT SELECT ON sessions TO auth_loops;

CREATE TABLE sign_ins (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    proofs text[] NOT NULL,
    organization_id uuid,
    attempts integer NOT NULL DEFAULT 0,
    expires_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    identity_provider_id uuid,
    CONSTRAINT sign_ins_pkey PRIMARY KEY (id),
    CONSTRAINT sign_ins_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id)
);
COMMENT ON TABLE sign_ins IS 'Sign-ins that wait for a second factor: what was shown so far, and how often a factor was tried.';
CREATE INDEX sign_ins_by_expiry ON sign_ins USING btree (expires_at);
CREATE INDEX sign_ins_by_user ON sign_ins USING btree (user_id);
GRANT DELETE, INSERT, SELECT, UPDATE ON sign_ins TO auth_app;

CREATE TABLE signing_keys (
    kid text NOT NULL,
    public_key bytea NOT NULL,
    sealed_private bytea NOT NULL,
    signs_from timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT signing_keys_pkey PRIMARY KEY (kid)
);
COMMENT ON TABLE signing_keys IS 'Ed25519 keys: the newest whose signs_from has come signs; the private half is sealed to its kid.';
GRANT DELETE, INSERT, SELECT, UPDATE ON signing_keys TO auth_app;

CREATE TABLE staff (
    id uuid NOT NULL,
    email_blind bytea NOT NULL,
    email_sealed bytea NOT NULL,
    role text NOT NULL,
    password_hash text,
    totp_sealed bytea,
    totp_step bigint NOT NULL DEFAULT 0,
    enrolment_id uuid,
    enrolment_until timestamp with time zone,
    enrolled_at timestamp with time zone,
    epoch bigint NOT NULL DEFAULT 0,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT staff_check CHECK (((enrolment_id IS NULL) = (enrolment_until IS NULL))),
    CONSTRAINT staff_check1 CHECK (((enrolled_at IS NULL) OR ((password_hash IS NOT NULL) AND (totp_sealed IS NOT NULL)))),
    CONSTRAINT staff_email_blind_check CHECK ((length(email_blind) = 32)),
    CONSTRAINT staff_email_blind_key UNIQUE (email_blind),
    CONSTRAINT staff_email_sealed_check CHECK ((length(email_sealed) <= 2048)),
    CONSTRAINT staff_enrolment_id_key UNIQUE (enrolment_id),
    CONSTRAINT staff_pkey PRIMARY KEY (id),
    CONSTRAINT staff_role_check CHECK ((role = ANY (ARRAY['support'::text, 'operator'::text, 'admin'::text]))),
    CONSTRAINT staff_totp_sealed_check CHECK ((length(totp_sealed) <= 512))
);
COMMENT ON TABLE staff IS 'Members of staff. Nobody signs in before enrolled_at; totp_step is the last step whose code was taken, enrolment_id the one link by which password and code app are set.';
GRANT DELETE, INSERT, SELECT, UPDATE ON staff TO auth_app;

CREATE TABLE staff_attempts (
    identifier bytea NOT NULL,
    failures integer NOT NULL,
    last_at timestamp with time zone NOT NULL,
    blocked_until timestamp with time zone NOT NULL,
    CONSTRAINT staff_attempts_identifier_check CHECK ((length(identifier) = 32)),
    CONSTRAINT staff_attempts_pkey PRIMARY KEY (identifier)
);
COMMENT ON TABLE staff_attempts IS 'Sign-ins of staff without success per keyed hash of what was typed, whether or not there is such a member.';
CREATE INDEX staff_attempts_by_age ON staff_attempts USING btree (last_at);
GRANT DELETE, INSERT, SELECT, UPDATE ON staff_attempts TO auth_app;

CREATE TABLE staff_export_pieces (
    export_id uuid NOT NULL,
    number bigint NOT NULL,
    sealed bytea NOT NULL,
    CONSTRAINT staff_export_pieces_export_id_fkey FOREIGN KEY (export_id) REFERENCES staff_exports(id),
    CONSTRAINT staff_export_pieces_pkey PRIMARY KEY (export_id, number)
);
COMMENT ON TABLE staff_export_pieces IS 'An export in the order of its rows: lines of CSV of one batch, sealed under the key of the platform.';
GRANT DELETE, INSERT, SELECT ON staff_export_pieces TO auth_app;

CREATE TABLE staff_exports (
    id uuid NOT NULL,
    what text NOT NULL,
    audience jsonb NOT NULL,
    job_id uuid NOT NULL,
    requested_by uuid NOT NULL,
    state text NOT NULL DEFAULT 'under_way'::text,
    bytes bigint NOT NULL DEFAULT 0,
    expires_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT staff_exports_pkey PRIMARY KEY (id),
    CONSTRAINT staff_exports_state_check CHECK ((state = ANY (ARRAY['under_way'::text, 'ready'::text, 'failed'::text, 'expired'::text]))),
    CONSTRAINT staff_exports_what_check CHECK ((what = ANY (ARRAY['users'::text, 'organizations'::text])))
);
COMMENT ON TABLE staff_exports IS 'Lists of users or organizations that staff has asked for.';
CREATE INDEX staff_exports_by_expiry ON staff_exports USING btree (expires_at) WHERE (state <> 'expired'::text);
CREATE UNIQUE INDEX staff_exports_by_job ON staff_exports USING btree (job_id);
CREATE INDEX staff_exports_in_order ON staff_exports USING btree (requested_by, id);
GRANT INSERT, SELECT, UPDATE ON staff_exports TO auth_app;

CREATE TABLE staff_sessions (
    id uuid NOT NULL,
    staff_id uuid NOT NULL,
    counter bigint NOT NULL DEFAULT 0,
    rotated_at timestamp with time zone,
    used_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    proven_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    expires_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    ended_because text,
    agent text NOT NULL DEFAULT ''::text,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT staff_sessions_agent_check CHECK ((length(agent) <= 200)),
    CONSTRAINT staff_sessions_check CHECK (((ended_at IS NULL) = (ended_because IS NULL))),
    CONSTRAINT staff_sessions_ended_because_check CHECK ((ended_because = ANY (ARRAY['signed-out'::text, 'token-reused'::text, 'ended-by-admin'::text, 'role-changed'::text, 'removed'::text, 'enrolled-anew'::text]))),
    CONSTRAINT staff_sessions_pkey PRIMARY KEY (id),
    CONSTRAINT staff_sessions_staff_id_fkey FOREIGN KEY (staff_id) REFERENCES staff(id) ON DELETE CASCADE
);
COMMENT ON TABLE staff_sessions IS 'Sessions of staff: counter is the current refresh token, its parent is accepted for seconds after rotated_at; proven_at is when password and code were last shown.';
CREATE INDEX staff_sessions_by_expiry ON staff_sessions USING btree (expires_at);
CREATE INDEX staff_sessions_of ON staff_sessions USING btree (staff_id, id);
GRANT DELETE, INSERT, SELECT, UPDATE ON staff_sessions TO auth_app;

CREATE TABLE subscription_claims (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    code_hash bytea NOT NULL,
    claimed_by uuid,
    state text NOT NULL DEFAULT 'pending'::text,
    version bigint NOT NULL DEFAULT 1,
    expires_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT subscription_claims_claimed_by_fkey FOREIGN KEY (claimed_by) REFERENCES members(id) ON DELETE SET NULL,
    CONSTRAINT subscription_claims_code_hash_check CHECK ((length(code_hash) = 32)),
    CONSTRAINT subscription_claims_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id),
    CONSTRAINT subscription_claims_pkey PRIMARY KEY (id),
    CONSTRAINT subscription_claims_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'linked'::text, 'withdrawn'::text])))
);
COMMENT ON TABLE subscription_claims IS 'Codes of subscriptions bought before signing up, as organizations have claimed them: a pending one past expires_at has lapsed.';
ALTER TABLE subscription_claims ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX subscription_claims_by_member ON subscription_claims USING btree (claimed_by) WHERE (claimed_by IS NOT NULL);
CREATE INDEX subscription_claims_in_order ON subscription_claims USING btree (organization_id, id);
CREATE UNIQUE INDEX subscription_claims_of_a_code ON subscription_claims USING btree (code_hash) WHERE (state <> 'withdrawn'::text);
CREATE UNIQUE INDEX subscription_claims_pending_once ON subscription_claims USING btree (organization_id) WHERE (state = 'pending'::text);
CREATE POLICY lapsing ON subscription_claims FOR ALL TO auth_loops USING (true);
CREATE POLICY tenant ON subscription_claims FOR ALL TO auth_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON subscription_claims TO auth_app;
GRANT SELECT, UPDATE ON subscription_claims TO auth_loops;

CREATE TABLE subscription_grants (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    plan text NOT NULL,
    until timestamp with time zone NOT NULL,
    reason text NOT NULL,
    note_sealed bytea,
    granted_by uuid NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    revoked_by uuid,
    revoked_at timestamp with time zone,
    CONSTRAINT subscription_grants_check CHECK (((revoked_by IS NULL) = (revoked_at IS NULL))),
    CONSTRAINT subscription_grants_note_sealed_check CHECK ((length(note_sealed) <= 8192)),
    CONSTRAINT subscription_grants_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id),
    CONSTRAINT subscription_grants_pkey PRIMARY KEY (id),
    CONSTRAINT subscription_grants_plan_check CHECK ((length(plan) <= 40)),
    CONSTRAINT subscription_grants_reason_check CHECK ((reason = ANY (ARRAY['goodwill'::text, 'trial'::text, 'partner'::text, 'incident'::text, 'internal'::text, 'other'::text])))
);
COMMENT ON TABLE subscription_grants IS 'Plans given by staff until a date; never a subscription that somebody pays for.';
ALTER TABLE subscription_grants ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX subscription_grants_in_order ON subscription_grants USING btree (organization_id, id);
CREATE POLICY tenant ON subscription_grants FOR ALL TO auth_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON subscription_grants TO auth_app;

CREATE TABLE suspect_messages (
    queue text NOT NULL,
    message_id uuid NOT NULL,
    generation bigint NOT NULL DEFAULT 0,
    attempts integer NOT NULL DEFAULT 0,
    last_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT suspect_messages_pkey PRIMARY KEY (queue, message_id, generation)
);
COMMENT ON TABLE suspect_messages IS 'Redelivered messages counted before their handler runs: some kill the process.';
GRANT DELETE, INSERT, SELECT, UPDATE ON suspect_messages TO auth_app;

CREATE TABLE suspensions (
    id uuid NOT NULL,
    user_id uuid,
    organization_id uuid,
    reason text NOT NULL,
    note_sealed bytea,
    suspended_by uuid NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    lifted_by uuid,
    lifted_at timestamp with time zone,
    CONSTRAINT suspensions_check CHECK (((user_id IS NULL) <> (organization_id IS NULL))),
    CONSTRAINT suspensions_check1 CHECK (((lifted_by IS NULL) = (lifted_at IS NULL))),
    CONSTRAINT suspensions_note_sealed_check CHECK ((length(note_sealed) <= 8192)),
    CONSTRAINT suspensions_pkey PRIMARY KEY (id),
    CONSTRAINT suspensions_reason_check CHECK ((reason = ANY (ARRAY['abuse'::text, 'fraud'::text, 'payment'::text, 'compromised'::text, 'legal'::text, 'requested'::text, 'other'::text]))),
    CONSTRAINT suspensions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id)
);
COMMENT ON TABLE suspensions IS 'Why and by whom somebody, or an organization, was suspended and restored; users.suspended_at and organizations.suspended_at are what counts.';
CREATE INDEX suspensions_of_organization ON suspensions USING btree (organization_id, id) WHERE (organization_id IS NOT NULL);
CREATE INDEX suspensions_of_user ON suspensions USING btree (user_id, id) WHERE (user_id IS NOT NULL);
CREATE UNIQUE INDEX suspensions_open_of_organization ON suspensions USING btree (organization_id) WHERE ((lifted_at IS NULL) AND (organization_id IS NOT NULL));
CREATE UNIQUE INDEX suspensions_open_of_user ON suspensions USING btree (user_id) WHERE ((lifted_at IS NULL) AND (user_id IS NOT NULL));
GRANT DELETE, INSERT, SELECT, UPDATE ON suspensions TO auth_app;

CREATE TABLE system_setting_changes (
    name text NOT NULL,
    version integer NOT NULL,
    value jsonb NOT NULL,
    changed_by uuid NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    CONSTRAINT system_setting_changes_pkey PRIMARY KEY (name, version)
);
COMMENT ON TABLE system_setting_changes IS 'Every value that a setting had, who gave it and when.';
GRANT INSERT, SELECT ON system_setting_changes TO auth_app;

CREATE TABLE system_settings (
    name text NOT NULL,
    value jsonb NOT NULL,
    version integer NOT NULL,
    changed_by uuid NOT NULL,
    changed_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT system_settings_pkey PRIMARY KEY (name)
);
COMMENT ON TABLE system_settings IS 'Settings that were changed from what they are by default; which there are stands in settings/registry.py.';
GRANT INSERT, SELECT, UPDATE ON system_settings TO auth_app;

CREATE TABLE team_members (
    team_id uuid NOT NULL,
    member_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    added_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT team_members_member_id_fkey FOREIGN KEY (member_id) REFERENCES members(id) ON DELETE CASCADE,
    CONSTRAINT team_members_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id),
    CONSTRAINT team_members_pkey PRIMARY KEY (team_id, member_id),
    CONSTRAINT team_members_team_id_fkey FOREIGN KEY (team_id) REFERENCES teams(id) ON DELETE CASCADE
);
COMMENT ON TABLE team_members IS 'Who is in which team; goes with the team and with the membership.';
ALTER TABLE team_members ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX team_members_by_member ON team_members USING btree (member_id);
CREATE POLICY delegating ON team_members FOR SELECT TO auth_loops USING (true);
CREATE POLICY tenant ON team_members FOR ALL TO auth_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT ON team_members TO auth_app;
GRANT SELECT ON team_members TO auth_loops;

CREATE TABLE teams (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    name text NOT NULL,
    name_key text NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT teams_name_check CHECK (((length(name) >= 1) AND (length(name) <= 200))),
    CONSTRAINT teams_name_key_check CHECK ((length(name_key) <= 800)),
    CONSTRAINT teams_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id),
    CONSTRAINT teams_organization_id_name_key_key UNIQUE (organization_id, name_key),
    CONSTRAINT teams_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE teams IS 'Named groups of members; name_key is the name as it is compared. The version rises with the name and with who is in it.';
ALTER TABLE teams ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX teams_in_order ON teams USING btree (organization_id, id);
CREATE POLICY tenant ON teams FOR ALL TO auth_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON teams TO auth_app;

CREATE TABLE throttles (
    scope text NOT NULL,
    key bytea NOT NULL,
    recent integer NOT NULL DEFAULT 0,
    failures integer NOT NULL DEFAULT 0,
    since timestamp with time zone NOT NULL DEFAULT kit_now(),
    last_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    blocked_until timestamp with time zone,
    identifiers bytea,
    lock_id uuid,
    CONSTRAINT throttles_pkey PRIMARY KEY (scope, key),
    CONSTRAINT throttles_scope_check CHECK ((scope = ANY (ARRAY['account'::text, 'device'::text, 'factor'::text, 'factor-device'::text, 'address'::text, 'network'::text])))
);
COMMENT ON TABLE throttles IS 'Guesses without success: on a known device by the id of its row, else by keyed hash of on what or from where. recent makes the wait, failures counts since the last success; identifiers is a sketch of how many were tried from a network; lock_id is what the mail unlocks.';
CREATE INDEX throttles_by_age ON throttles USING btree (last_at);
CREATE UNIQUE INDEX throttles_by_lock ON throttles USING btree (lock_id) WHERE (lock_id IS NOT NULL);
GRANT DELETE, INSERT, SELECT, UPDATE ON throttles TO auth_app;

CREATE TABLE totp_factors (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    sealed_name bytea NOT NULL,
    sealed_secret bytea NOT NULL,
    last_step bigint NOT NULL DEFAULT 0,
    activated_at timestamp with time zone,
    last_used_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT totp_factors_pkey PRIMARY KEY (id),
    CONSTRAINT totp_factors_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id)
);
COMMENT ON TABLE totp_factors IS 'Authenticator apps; one counts once its first code was right. No code of last_step or earlier is taken again.';
CREATE INDEX totp_factors_by_user ON totp_factors USING btree (user_id, id);
CREATE INDEX totp_factors_never_activated ON totp_factors USING btree (created_at) WHERE (activated_at IS NULL);
GRANT DELETE, INSERT, SELECT, UPDATE ON totp_factors TO auth_app;

CREATE TABLE users (
    id uuid NOT NULL,
    password_hash text NOT NULL,
    verified_at timestamp with time zone,
    epoch bigint NOT NULL DEFAULT 0,
    sessions_from_epoch bigint NOT NULL DEFAULT 0,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    suspended_at timestamp with time zone,
    locale text NOT NULL DEFAULT 'en'::text,
    passkey_handle bytea,
    password_needs_factor boolean NOT NULL DEFAULT false,
    CONSTRAINT users_check CHECK ((sessions_from_epoch <= epoch)),
    CONSTRAINT users_locale_check CHECK ((locale ~ '^[a-z]{2}$'::text)),
    CONSTRAINT users_passkey_handle_key UNIQUE (passkey_handle),
    CONSTRAINT users_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE users IS 'People. Access tokens of an older epoch are void; sessions begun before sessions_from_epoch have ended.';
CREATE INDEX users_by_creation ON users USING btree (created_at, id);
CREATE INDEX users_suspended ON users USING btree (created_at, id) WHERE (suspended_at IS NOT NULL);
GRANT DELETE, INSERT, SELECT, UPDATE ON users TO auth_app;
GRANT SELECT ON users TO auth_loops;

CREATE OR REPLACE FUNCTION auth.begin_challenge(alone bigint, challenge_id uuid, of_purpose text, of_kind text, at_blind bytea, new_identity uuid, new_user uuid, as_sealed bytea, hashed text, in_locale text, life interval, at_most integer, again boolean, within interval)
 RETURNS SETOF challenges
 LANGUAGE plpgsql
AS $function$
    BEGIN
        PERFORM pg_advisory_xact_lock(alone);
        RETURN QUERY
        INSERT INTO challenges (id, purpose, kind, blind, identity_id, user_id, known, sealed, password_hash,
                                sessions_from_epoch, locale, expires_at)
        SELECT challenge_id, of_purpose, of_kind, at_blind, coalesce(i.id, new_identity), coalesce(i.user_id, new_user),
               i.id IS NOT NULL, as_sealed,
               CASE WHEN again THEN coalesce((SELECT held.password_hash FROM challenges AS held
                                              WHERE held.blind = at_blind AND held.purpose = of_purpose
                                              ORDER BY held.id DESC LIMIT 1), '')
                    ELSE hashed END,
               u.sessions_from_epoch, in_locale, kit_now() + life
        FROM (SELECT) AS one
        LEFT JOIN identities AS i ON i.kind = of_kind AND i.blind = at_blind AND i.verified_at IS NOT NULL
        LEFT JOIN users AS u ON u.id = i.user_id
        WHERE (SELECT count(*) FROM challenges AS lately
               WHERE lately.blind = at_blind AND lately.purpose = of_purpose
                 AND lately.created_at > kit_now() - within) < at_most
        RETURNING *;
    END
    $function$;
-- owner: auth_owner
-- may be called by: auth_app

CREATE OR REPLACE FUNCTION auth.begin_session_on_known_device(session_id uuid, of_user uuid, as_of bigint, on_device uuid, life interval, shown text[], sealed bytea, room_for integer)
 RETURNS TABLE(epoch bigint, sessions_from_epoch bigint)
 LANGUAGE plpgsql
AS $function$
    #variable_conflict use_column
    BEGIN
        DELETE FROM throttles WHERE scope = 'device' AND key = uuid_send(on_device);
        RETURN QUERY
        WITH person AS (
            SELECT u.epoch, u.sessions_from_epoch
            FROM users AS u
            WHERE u.id = of_user AND u.suspended_at IS NULL AND u.sessions_from_epoch <= as_of
              AND NOT EXISTS (SELECT FROM passkeys WHERE user_id = of_user)
              AND NOT EXISTS (SELECT FROM totp_factors WHERE user_id = of_user AND activated_at IS NOT NULL)
              AND (SELECT count(*) FROM (
                       SELECT FROM sessions WHERE user_id = of_user AND ended_at IS NULL LIMIT room_for
                   ) AS going_on) < room_for
            FOR KEY SHARE OF u
        ), device AS (
            UPDATE devices AS d SET seen_at = kit_now()
            FROM person WHERE d.id = on_device AND d.user_id = of_user
            RETURNING d.id, person.epoch, person.sessions_from_epoch
        ), session AS (
            INSERT INTO sessions (id, user_id, epoch, expires_at, proofs, device_id, visitor_sealed)
            SELECT session_id, of_user, device.epoch, kit_now() + life, shown, device.id, sealed FROM device
        ), counted AS (
            INSERT INTO activity AS held (user_id, day, sign_ins)
            SELECT of_user, (kit_now() AT TIME ZONE 'UTC')::date, 1 FROM device
            ON CONFLICT (user_id, day) DO UPDATE SET sign_ins = least(held.sign_ins + 1, 1000000)
        )
        SELECT device.epoch, device.sessions_from_epoch FROM device;
    END
    $function$;
-- owner: auth_owner
-- may be called by: auth_app

CREATE OR REPLACE FUNCTION auth.count_organizations(since timestamp with time zone, before timestamp with time zone)
 RETURNS TABLE(organizations bigint, new_organizations bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'auth', 'kit', 'pg_temp'
AS $function$
        SELECT (SELECT count(*) FROM organizations AS o WHERE o.created_at < before),
               (SELECT count(*) FROM organizations AS o WHERE o.created_at >= since AND o.created_at < before)
    $function$;
-- owner: auth_loops
-- may be called by: auth_app

CREATE OR REPLACE FUNCTION auth.delegated_to(person uuid, client uuid)
 RETURNS TABLE(delegation_id uuid, agency_id uuid, role text, granted_at timestamp with time zone, ends_at timestamp with time zone)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'auth', 'kit', 'pg_temp'
AS $function$
        SELECT d.id, d.agency_id, a.role, d.granted_at, d.ends_at
        FROM delegations AS d
        JOIN organizations AS agency ON agency.id = d.agency_id AND agency.suspended_at IS NULL
        JOIN members AS m ON m.organization_id = d.agency_id AND m.user_id = person
        JOIN delegation_assignments AS a ON a.delegation_id = d.id AND a.role = ANY (d.roles) AND (
            a.member_id = m.id
            OR a.team_id IN (SELECT t.team_id FROM team_members AS t WHERE t.member_id = m.id)
            OR (a.member_id IS NULL AND a.team_id IS NULL)
        )
        WHERE d.organization_id = client AND d.state = 'active' AND d.ends_at > kit_now()
        -- What was said of the member counts before what was said of a team, and that before what holds for all;
        -- of several teams the one with the most powerful role.
        ORDER BY a.member_id IS NULL, a.team_id IS NULL, array_position(
            ARRAY['admin', 'editor', 'approver', 'agent', 'analyst', 'client', 'provider', 'navigator'], a.role), d.id
        LIMIT 1
    $function$;
-- owner: auth_loops
-- may be called by: auth_app

CREATE OR REPLACE FUNCTION auth.delegations_due(at_most integer)
 RETURNS TABLE(id uuid, organization_id uuid, agency_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'auth', 'kit', 'pg_temp'
AS $function$
        SELECT d.id, d.organization_id, d.agency_id FROM delegations AS d
        WHERE d.state <> 'ended' AND d.ends_at <= kit_now()
        ORDER BY d.ends_at
        LIMIT at_most
    $function$;
-- owner: auth_loops
-- may be called by: auth_app

CREATE OR REPLACE FUNCTION auth.demanding_organizations_of(person uuid, at_most integer)
 RETURNS TABLE(organization_id uuid, name text)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'auth', 'kit', 'pg_temp'
AS $function$
        SELECT o.id, o.name
        FROM organizations AS o
        WHERE o.requires_second_factor AND o.id IN (
            SELECT m.organization_id FROM members AS m WHERE m.user_id = person
            UNION
            SELECT client.organization_id
            FROM (
                SELECT DISTINCT d.organization_id
                FROM members AS m JOIN delegations AS d ON d.agency_id = m.organization_id AND d.state = 'active'
                WHERE m.user_id = person
            ) AS client
            CROSS JOIN LATERAL delegated_to(person, client.organization_id) AS sent
        )
        ORDER BY o.id
        LIMIT at_most
    $function$;
-- owner: auth_loops
-- may be called by: auth_app

CREATE OR REPLACE FUNCTION auth.forget_mails(older_than interval, at_most integer)
 RETURNS bigint
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'auth', 'kit', 'pg_temp'
AS $function$
        WITH forgotten AS (
            DELETE FROM outgoing_mails
            WHERE id IN (SELECT id FROM outgoing_mails WHERE settled_at < kit_now() - older_than LIMIT at_most)
            RETURNING id
        )
        SELECT count(*) FROM forgotten
    $function$;
-- owner: auth_loops
-- may be called by: auth_app

CREATE OR REPLACE FUNCTION auth.jobs_measure(kinds text[])
 RETURNS TABLE(kind text, queued bigint, running bigint, left_over bigint, rate double precision, oldest double precision, finished bigint, cancelled bigint, failed bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'auth', 'kit', 'pg_temp'
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
-- owner: auth_loops
-- may be called by: auth_app

CREATE OR REPLACE FUNCTION auth.jobs_next(kinds text[])
 RETURNS double precision
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'auth', 'kit', 'pg_temp'
AS $function$
        SELECT extract(epoch FROM min(ready_at) - kit_now())::double precision
        FROM jobs WHERE ended_at IS NULL AND kind = ANY (kinds)
    $function$;
-- owner: auth_loops
-- may be called by: auth_app

CREATE OR REPLACE FUNCTION auth.jobs_purge(older_than interval, at_most integer)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'auth', 'kit', 'pg_temp'
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
-- owner: auth_loops
-- may be called by: auth_app

CREATE OR REPLACE FUNCTION auth.jobs_turn(kinds text[])
 RETURNS TABLE(id uuid, organization_id uuid)
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'auth', 'kit', 'pg_temp'
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
-- owner: auth_loops
-- may be called by: auth_app

CREATE OR REPLACE FUNCTION auth.lapse_claims_of(code bytea)
 RETURNS bigint
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'auth', 'kit', 'pg_temp'
AS $function$
        WITH lapsed AS (
            UPDATE subscription_claims SET state = 'withdrawn', version = version + 1
            WHERE code_hash = code AND state = 'pending' AND expires_at <= kit_now()
            RETURNING id
        )
        SELECT count(*) FROM lapsed
    $function$;
-- owner: auth_loops
-- may be called by: auth_app

CREATE OR REPLACE FUNCTION auth.ledger_begin(blocks bigint[])
 RETURNS TABLE(block_id bigint)
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'auth', 'kit', 'pg_temp'
AS $function$DELETE FROM ledger_blocks WHERE id = ANY (blocks) RETURNING id$function$;
-- owner: auth_loops
-- may be called by: auth_app

CREATE OR REPLACE FUNCTION auth.ledger_claim(kinds text[], leases double precision[], most integer, most_lanes integer, pace double precision, lead double precision, ahead double precision, slice double precision, unpaced integer, busy bigint[], block double precision, patience double precision)
 RETURNS TABLE(id uuid, kind text, organization_id uuid, lane_id bigint, lane_key text, subject_id uuid, attempt integer, due_at timestamp with time zone, created_at timestamp with time zone, called_at timestamp with time zone, age double precision, lease double precision, slot double precision, step double precision, slots_end timestamp with time zone, server timestamp with time zone, block_id bigint)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'auth', 'kit', 'pg_temp'
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
-- owner: auth_loops
-- may be called by: auth_app

CREATE OR REPLACE FUNCTION auth.ledger_claim_looks(kinds text[], leases double precision[], most integer, per_lane integer, after_lane bigint)
 RETURNS TABLE(walked bigint, id uuid, kind text, organization_id uuid, lane_id bigint, lane_key text, subject_id uuid, attempt integer, due_at timestamp with time zone, created_at timestamp with time zone, called_at timestamp with time zone, age double precision, since_call double precision, quiet double precision, looks integer, blanks integer)
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'auth', 'kit', 'pg_temp'
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
-- owner: auth_loops
-- may be called by: auth_app

CREATE OR REPLACE FUNCTION auth.ledger_drain_wakes(most integer)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'auth', 'kit', 'pg_temp'
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
-- owner: auth_loops
-- may be called by: auth_app

CREATE OR REPLACE FUNCTION auth.ledger_give_back(most integer)
 RETURNS bigint
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'auth', 'kit', 'pg_temp'
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
-- owner: auth_loops
-- may be called by: auth_app

CREATE OR REPLACE FUNCTION auth.ledger_list(statuses text[], of_kind text, kinds text[], before uuid, older_than interval, most integer)
 RETURNS TABLE(id uuid, kind text, organization_id uuid, lane_key text, subject_id uuid, status text, attempt integer, due_at timestamp with time zone, created_at timestamp with time zone, called_at timestamp with time zone, look_at timestamp with time zone, external_id text, reason text, code text, settled_at timestamp with time zone, settled_by text, held text)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'auth', 'kit', 'pg_temp'
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
-- owner: auth_loops
-- may be called by: auth_app

CREATE OR REPLACE FUNCTION auth.ledger_measure(kinds text[], most integer)
 RETURNS TABLE(kind text, oldest double precision, due bigint, unknown bigint, unconfirmed bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'auth', 'kit', 'pg_temp'
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
-- owner: auth_loops
-- may be called by: auth_app

CREATE OR REPLACE FUNCTION auth.ledger_mend_lanes(after_lane bigint, most integer)
 RETURNS TABLE(last_lane bigint, mended bigint)
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'auth', 'kit', 'pg_temp'
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
-- owner: auth_loops
-- may be called by: auth_app

CREATE OR REPLACE FUNCTION auth.ledger_next()
 RETURNS double precision
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'auth', 'kit', 'pg_temp'
AS $function$
        SELECT extract(epoch FROM min(ready_at) - kit_now())::double precision FROM ledger_lanes
        WHERE ready_at IS NOT NULL
    $function$;
-- owner: auth_loops
-- may be called by: auth_app

CREATE OR REPLACE FUNCTION auth.ledger_overdue(kinds text[], most integer, but_for uuid[])
 RETURNS TABLE(id uuid, kind text, organization_id uuid, lane_id bigint, lane_key text, subject_id uuid, attempt integer, due_at timestamp with time zone, created_at timestamp with time zone, called_at timestamp with time zone, status text)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'auth', 'kit', 'pg_temp'
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
-- owner: auth_loops
-- may be called by: auth_app

CREATE OR REPLACE FUNCTION auth.ledger_owner(entry uuid)
 RETURNS TABLE(organization_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'auth', 'kit', 'pg_temp'
AS $function$SELECT e.organization_id FROM ledger_entries AS e WHERE e.id = entry$function$;
-- owner: auth_loops
-- may be called by: auth_app

CREATE OR REPLACE FUNCTION auth.ledger_purge(older_than interval, most integer)
 RETURNS bigint
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'auth', 'kit', 'pg_temp'
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
-- owner: auth_loops
-- may be called by: auth_app

CREATE OR REPLACE FUNCTION auth.ledger_reserve(lane bigint, wanted integer, pace double precision, lead double precision, unused_from timestamp with time zone, reserved_until timestamp with time zone)
 RETURNS TABLE(slot double precision, step double precision, slots_end timestamp with time zone, server timestamp with time zone)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'auth', 'kit', 'pg_temp'
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
-- owner: auth_loops
-- may be called by: auth_app

CREATE OR REPLACE FUNCTION auth.oauth_client(client uuid)
 RETURNS TABLE(organization_id uuid, name text, ended boolean)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'auth', 'kit', 'pg_temp'
AS $function$
        SELECT c.organization_id, c.name, c.ended_at IS NOT NULL FROM oauth_clients AS c WHERE c.id = client
    $function$;
-- owner: auth_loops
-- may be called by: auth_app

CREATE OR REPLACE FUNCTION auth.organizations_for_staff(before uuid, only_suspended boolean, at_most integer)
 RETURNS TABLE(id uuid, name text, version bigint, created_at timestamp with time zone, suspended_at timestamp with time zone)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'auth', 'kit', 'pg_temp'
AS $function$
    #variable_conflict use_column
    BEGIN
        IF only_suspended THEN
            RETURN QUERY SELECT o.id, o.name, o.version, o.created_at, o.suspended_at FROM organizations AS o
                WHERE o.id < before AND o.suspended_at IS NOT NULL ORDER BY o.id DESC LIMIT at_most;
        ELSE
            RETURN QUERY SELECT o.id, o.name, o.version, o.created_at, o.suspended_at FROM organizations AS o
                WHERE o.id < before ORDER BY o.id DESC LIMIT at_most;
        END IF;
    END
    $function$;
-- owner: auth_loops
-- may be called by: auth_app

CREATE OR REPLACE FUNCTION auth.organizations_listed(after uuid, at_most bigint, among uuid[])
 RETURNS TABLE(id uuid, name text, created_at timestamp with time zone, members bigint, plan text)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'auth', 'kit', 'pg_temp'
AS $function$
        SELECT o.id, o.name, o.created_at,
               (SELECT count(*) FROM members AS m WHERE m.organization_id = o.id),
               coalesce((SELECT q.plan FROM quota_limits AS q WHERE q.organization_id = o.id), '')
        FROM organizations AS o
        WHERE o.id > after AND (among IS NULL OR o.id = ANY (among))
        ORDER BY o.id LIMIT at_most
    $function$;
-- owner: auth_loops
-- may be called by: auth_app

CREATE OR REPLACE FUNCTION auth.organizations_named(prefix text, at_most integer)
 RETURNS TABLE(id uuid, name text, version bigint, created_at timestamp with time zone, suspended_at timestamp with time zone)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'auth', 'kit', 'pg_temp'
AS $function$
        SELECT o.id, o.name, o.version, o.created_at, o.suspended_at FROM organizations AS o
        WHERE lower(o.name) ^@ lower(prefix)
          AND lower(o.name) ~>=~ lower(prefix) AND lower(o.name) ~<~ (lower(prefix) || chr(1114111))
        ORDER BY lower(o.name) USING ~<~ LIMIT at_most
    $function$;
-- owner: auth_loops
-- may be called by: auth_app

CREATE OR REPLACE FUNCTION auth.organizations_of_maker(person uuid)
 RETURNS TABLE(organization_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'auth', 'kit', 'pg_temp'
AS $function$
        SELECT DISTINCT k.organization_id FROM api_keys AS k WHERE k.made_by = person
    $function$;
-- owner: auth_loops
-- may be called by: auth_app

CREATE OR REPLACE FUNCTION auth.organizations_of_registrar(person uuid)
 RETURNS TABLE(organization_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'auth', 'kit', 'pg_temp'
AS $function$
        SELECT DISTINCT c.organization_id FROM oauth_clients AS c WHERE c.made_by = person
    $function$;
-- owner: auth_loops
-- may be called by: auth_app

CREATE OR REPLACE FUNCTION auth.organizations_of_user(person uuid)
 RETURNS TABLE(organization_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'auth', 'kit', 'pg_temp'
AS $function$
        SELECT m.organization_id FROM members AS m WHERE m.user_id = person
        UNION
        SELECT i.organization_id FROM invitations AS i WHERE i.invited_by = person
        UNION
        SELECT i.organization_id FROM invitations AS i WHERE i.accepted_by = person
        UNION
        SELECT i.organization_id
        FROM identities AS own JOIN invitations AS i ON i.email_blind = own.blind
        WHERE own.user_id = person AND own.verified_at IS NOT NULL
    $function$;
-- owner: auth_loops
-- may be called by: auth_app

CREATE OR REPLACE FUNCTION auth.organizations_open_to(person uuid, after_organization uuid, at_most integer)
 RETURNS TABLE(organization_id uuid, name text, role text, member_id uuid, version bigint, created_at timestamp with time zone, joined_at timestamp with time zone, agency_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'auth', 'kit', 'pg_temp'
AS $function$
        SELECT o.id, o.name, mine.role, mine.member_id, o.version, o.created_at, mine.since, mine.agency_id
        FROM (
            SELECT m.organization_id, m.role, m.id AS member_id, m.joined_at AS since, NULL::uuid AS agency_id
            FROM members AS m WHERE m.user_id = person
            UNION ALL
            SELECT client.organization_id, sent.role, NULL, sent.granted_at, sent.agency_id
            FROM (
                SELECT DISTINCT d.organization_id
                FROM members AS m JOIN delegations AS d ON d.agency_id = m.organization_id AND d.state = 'active'
                WHERE m.user_id = person
            ) AS client
            CROSS JOIN LATERAL delegated_to(person, client.organization_id) AS sent
            WHERE NOT EXISTS (
                SELECT FROM members AS own WHERE own.user_id = person AND own.organization_id = client.organization_id
            )
        ) AS mine
        JOIN organizations AS o ON o.id = mine.organization_id
        WHERE o.id > after_organization
        ORDER BY o.id
        LIMIT at_most
    $function$;
-- owner: auth_loops
-- may be called by: auth_app

CREATE OR REPLACE FUNCTION auth.people_sent_to(client uuid)
 RETURNS TABLE(user_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'auth', 'kit', 'pg_temp'
AS $function$
        SELECT DISTINCT m.user_id
        FROM delegations AS d
        JOIN delegation_assignments AS a ON a.delegation_id = d.id
        JOIN members AS m ON m.organization_id = d.agency_id AND (
            a.member_id = m.id
            OR a.team_id IN (SELECT t.team_id FROM team_members AS t WHERE t.member_id = m.id)
            OR (a.member_id IS NULL AND a.team_id IS NULL)
        )
        WHERE d.organization_id = client AND d.state = 'active'
    $function$;
-- owner: auth_loops
-- may be called by: auth_app

CREATE OR REPLACE FUNCTION auth.prover_of_domain(wanted text)
 RETURNS uuid
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'auth', 'kit', 'pg_temp'
AS $function$
        SELECT d.provider_id FROM identity_provider_domains AS d WHERE d.domain = wanted AND d.proven_at IS NOT NULL
    $function$;
-- owner: auth_loops
-- may be called by: auth_app

CREATE OR REPLACE FUNCTION auth.provider_is_active(wanted uuid)
 RETURNS boolean
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'auth', 'kit', 'pg_temp'
AS $function$ SELECT EXISTS (SELECT FROM identity_providers AS p WHERE p.id = wanted AND p.active) $function$;
-- owner: auth_loops
-- may be called by: auth_app

CREATE OR REPLACE FUNCTION auth.provider_of_domain(wanted text)
 RETURNS TABLE(organization_id uuid, provider_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'auth', 'kit', 'pg_temp'
AS $function$
        SELECT d.organization_id, d.provider_id
        FROM identity_provider_domains AS d JOIN identity_providers AS p ON p.id = d.provider_id
        WHERE d.domain = wanted AND d.proven_at IS NOT NULL AND p.active
    $function$;
-- owner: auth_loops
-- may be called by: auth_app

CREATE OR REPLACE FUNCTION auth.queue_mail(mail_id uuid, for_organization uuid, of_category text, by_template text, in_locale text, is_about uuid, has_detail uuid, to_address bytea, to_hash bytea, with_parameters bytea, has_message_id text, once text, of_kind text, on_lane text, entry_id uuid, until timestamp with time zone)
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
-- owner: auth_owner
-- may be called by: auth_app

CREATE OR REPLACE FUNCTION auth.quota_forget(at_most integer)
 RETURNS integer
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'auth', 'kit', 'pg_temp'
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
-- owner: auth_loops
-- may be called by: auth_app

CREATE OR REPLACE FUNCTION auth.quota_lapse(at_most integer)
 RETURNS integer
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'auth', 'kit', 'pg_temp'
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
-- owner: auth_loops
-- may be called by: auth_app

CREATE OR REPLACE FUNCTION auth.seal_keys_shredded_within(seconds double precision, at_most integer)
 RETURNS TABLE(organization_id uuid, subject text)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'auth', 'kit', 'pg_temp'
AS $function$
        SELECT k.organization_id, k.subject FROM seal_keys AS k
        WHERE k.shredded_at > kit_now() - make_interval(secs => seconds) AND NOT k.with_organization
        ORDER BY k.shredded_at DESC LIMIT at_most
    $function$;
-- owner: auth_loops
-- may be called by: auth_app

CREATE OR REPLACE FUNCTION auth.seal_keys_under_master(after_key uuid, at_most integer)
 RETURNS TABLE(id uuid, organization_id uuid, master_key_id text, wrapped bytea)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'auth', 'kit', 'pg_temp'
AS $function$
        SELECT k.id, k.organization_id, k.master_key_id, k.wrapped FROM seal_keys AS k
        WHERE k.id > after_key AND k.master_key_id IS NOT NULL AND k.wrapped IS NOT NULL
        ORDER BY k.id LIMIT at_most
    $function$;
-- owner: auth_loops
-- may be called by: auth_app

CREATE OR REPLACE FUNCTION auth.users_selected(after uuid, at_most bigint, verified boolean, suspended boolean, created_from timestamp with time zone, created_until timestamp with time zone, active_since timestamp with time zone, organization uuid, roles text[], plans text[], languages text[])
 RETURNS TABLE(id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'auth', 'kit', 'pg_temp'
AS $function$
        SELECT u.id FROM users AS u
        WHERE u.id > after
          AND (verified IS NULL OR (u.verified_at IS NOT NULL) = verified)
          AND (suspended IS NULL OR (u.suspended_at IS NOT NULL) = suspended)
          AND (created_from IS NULL OR u.created_at >= created_from)
          AND (created_until IS NULL OR u.created_at < created_until)
          AND (languages IS NULL OR u.locale = ANY (languages))
          AND (active_since IS NULL OR EXISTS (
              SELECT FROM sessions AS s WHERE s.user_id = u.id AND s.used_at >= active_since))
          AND ((organization IS NULL AND roles IS NULL AND plans IS NULL) OR EXISTS (
              SELECT FROM members AS m
              WHERE m.user_id = u.id AND (organization IS NULL OR m.organization_id = organization)
                AND (roles IS NULL OR m.role = ANY (roles))
                AND (plans IS NULL OR EXISTS (
                    SELECT FROM quota_limits AS q
                    WHERE q.organization_id = m.organization_id AND q.plan = ANY (plans)))))
        ORDER BY u.id LIMIT at_most
    $function$;
-- owner: auth_loops
-- may be called by: auth_app
