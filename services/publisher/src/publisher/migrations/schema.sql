-- The sum of all migrations; written by `make schemas`, compared by a test. Not to be edited.

CREATE TABLE account_budgets (
    account_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    told_limit integer,
    elsewhere integer NOT NULL DEFAULT 0,
    window_seconds double precision,
    resets_at timestamp with time zone,
    told_at timestamp with time zone,
    reading_id uuid,
    asked_at timestamp with time zone,
    look_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    bounds jsonb,
    CONSTRAINT account_budgets_account_id_fkey FOREIGN KEY (account_id) REFERENCES connected_accounts(id),
    CONSTRAINT account_budgets_elsewhere_check CHECK ((elsewhere >= 0)),
    CONSTRAINT account_budgets_pkey PRIMARY KEY (account_id),
    CONSTRAINT account_budgets_reading_id_key UNIQUE (reading_id),
    CONSTRAINT account_budgets_told_limit_check CHECK ((told_limit >= 0))
);
COMMENT ON TABLE account_budgets IS 'What a platform last said of an account, with how much of it was used otherwise than by us; reading_id is the question that was asked last, look_at when it is asked again.';
ALTER TABLE account_budgets ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX account_budgets_due ON account_budgets USING btree (look_at);
CREATE POLICY asking ON account_budgets FOR SELECT TO publisher_loops USING (true);
CREATE POLICY tenant ON account_budgets FOR ALL TO publisher_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON account_budgets TO publisher_app;
GRANT SELECT ON account_budgets TO publisher_loops;

CREATE TABLE aggregate_versions (
    gate text NOT NULL,
    subject text NOT NULL,
    version bigint NOT NULL,
    CONSTRAINT aggregate_versions_pkey PRIMARY KEY (gate, subject)
);
COMMENT ON TABLE aggregate_versions IS 'The newest version applied per gate and aggregate; older events are ignored.';
GRANT DELETE, INSERT, SELECT, UPDATE ON aggregate_versions TO publisher_app;

CREATE TABLE connected_accounts (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    platform text NOT NULL,
    kind text NOT NULL,
    scopes text[] NOT NULL,
    state text NOT NULL,
    reason text NOT NULL DEFAULT ''::text,
    told text NOT NULL DEFAULT 'connected'::text,
    connected_by uuid,
    access_token bytea,
    access_expires_at timestamp with time zone,
    refresh_token bytea,
    refresh_expires_at timestamp with time zone,
    tokens_id uuid NOT NULL,
    tokens_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    good_until timestamp with time zone,
    judge_at timestamp with time zone,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    changed_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    notifications text NOT NULL DEFAULT 'off'::text,
    notifications_reason text NOT NULL DEFAULT ''::text,
    notifications_id uuid,
    external_blind bytea,
    external_sealed bytea,
    name_sealed bytea,
    grantor_blind bytea,
    CONSTRAINT connected_accounts_external_blind_check CHECK ((length(external_blind) = 32)),
    CONSTRAINT connected_accounts_grantor_blind_check CHECK ((length(grantor_blind) = 32)),
    CONSTRAINT connected_accounts_kind_check CHECK ((kind = ANY (ARRAY['member'::text, 'organization'::text]))),
    CONSTRAINT connected_accounts_notifications_check CHECK ((notifications = ANY (ARRAY['off'::text, 'waiting'::text, 'on'::text, 'refused'::text, 'ending'::text]))),
    CONSTRAINT connected_accounts_organization_id_platform_external_blind_key UNIQUE (organization_id, platform, external_blind),
    CONSTRAINT connected_accounts_pkey PRIMARY KEY (id),
    CONSTRAINT connected_accounts_platform_check CHECK ((platform = ANY (ARRAY['facebook'::text, 'instagram'::text, 'threads'::text, 'linkedin'::text, 'x'::text, 'youtube'::text, 'tiktok'::text]))),
    CONSTRAINT connected_accounts_state_check CHECK ((state = ANY (ARRAY['connected'::text, 'reconnect_needed'::text, 'disconnected'::text]))),
    CONSTRAINT connected_accounts_told_check CHECK ((told = ANY (ARRAY['connected'::text, 'expiring'::text, 'reconnect_needed'::text]))),
    CONSTRAINT only_the_forgotten_are_nameless CHECK ((((external_blind IS NOT NULL) AND (external_sealed IS NOT NULL) AND (name_sealed IS NOT NULL)) OR ((external_blind IS NULL) AND (external_sealed IS NULL) AND (name_sealed IS NULL) AND (access_token IS NULL) AND (refresh_token IS NULL) AND (connected_by IS NULL) AND (state = 'disconnected'::text))))
);
COMMENT ON TABLE connected_accounts IS 'Accounts on platforms; tokens, name and the platform''s id are sealed under a key of the account''s own; external_blind is a keyed hash of that id, under a secret of the organization for a person''s account and of the platform for a page''s. tokens_id names this version of the tokens, good_until is when a person must reconnect at the latest, judge_at when its health is to be looked at again, told the health that was last told.';
ALTER TABLE connected_accounts ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX connected_accounts_by_user ON connected_accounts USING btree (connected_by, id) WHERE (connected_by IS NOT NULL);
CREATE INDEX connected_accounts_external ON connected_accounts USING btree (platform, external_blind);
CREATE INDEX connected_accounts_grantor ON connected_accounts USING btree (platform, grantor_blind) WHERE (grantor_blind IS NOT NULL);
CREATE INDEX connected_accounts_judge ON connected_accounts USING btree (judge_at) WHERE (judge_at IS NOT NULL);
CREATE UNIQUE INDEX connected_accounts_notifications ON connected_accounts USING btree (notifications_id) WHERE (notifications_id IS NOT NULL);
CREATE INDEX connected_accounts_of ON connected_accounts USING btree (organization_id, id);
CREATE UNIQUE INDEX connected_accounts_tokens ON connected_accounts USING btree (tokens_id);
CREATE POLICY judging ON connected_accounts FOR SELECT TO publisher_loops USING (true);
CREATE POLICY tenant ON connected_accounts FOR ALL TO publisher_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON connected_accounts TO publisher_app;
GRANT SELECT ON connected_accounts TO publisher_loops;

CREATE TABLE connections (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    user_id uuid NOT NULL,
    session_id uuid NOT NULL,
    platform text NOT NULL,
    kind text NOT NULL,
    state_hash bytea NOT NULL,
    browser_hash bytea NOT NULL,
    code bytea,
    connected uuid[] NOT NULL DEFAULT '{}'::uuid[],
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    refused integer NOT NULL DEFAULT 0,
    CONSTRAINT connections_pkey PRIMARY KEY (id),
    CONSTRAINT connections_refused_check CHECK ((refused >= 0)),
    CONSTRAINT connections_state_hash_key UNIQUE (state_hash)
);
COMMENT ON TABLE connections IS 'Consents that were asked for: whose, from which session and browser; only hashes of their secrets, and the sealed code until it is exchanged.';
ALTER TABLE connections ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX connections_by_user ON connections USING btree (user_id, id);
CREATE INDEX connections_old ON connections USING btree (expires_at);
CREATE POLICY spending ON connections FOR UPDATE TO publisher_loops USING (true);
CREATE POLICY sweeping ON connections FOR DELETE TO publisher_loops USING (true);
CREATE POLICY taking ON connections FOR SELECT TO publisher_loops USING (true);
CREATE POLICY tenant ON connections FOR ALL TO publisher_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON connections TO publisher_app;
GRANT DELETE, SELECT ON connections TO publisher_loops;
GRANT UPDATE (used_at) ON connections TO publisher_loops;

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
GRANT DELETE, INSERT, SELECT, UPDATE ON dead_letters TO publisher_app;

CREATE TABLE deliveries (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    post_id uuid NOT NULL,
    account_id uuid NOT NULL,
    platform text NOT NULL,
    text text,
    status text NOT NULL,
    external_id text,
    url text,
    reason text NOT NULL DEFAULT ''::text,
    code text NOT NULL DEFAULT ''::text,
    first_called_at timestamp with time zone,
    published_at timestamp with time zone,
    resolved_by uuid,
    version bigint NOT NULL DEFAULT 1,
    changed_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    content jsonb,
    CONSTRAINT deliveries_account_id_external_id_key UNIQUE (account_id, external_id),
    CONSTRAINT deliveries_account_id_fkey FOREIGN KEY (account_id) REFERENCES connected_accounts(id),
    CONSTRAINT deliveries_pkey PRIMARY KEY (id),
    CONSTRAINT deliveries_post_id_account_id_key UNIQUE (post_id, account_id),
    CONSTRAINT deliveries_post_id_fkey FOREIGN KEY (post_id) REFERENCES posts(id) ON DELETE CASCADE,
    CONSTRAINT deliveries_status_check CHECK ((status = ANY (ARRAY['draft'::text, 'scheduled'::text, 'processing'::text, 'published'::text, 'failed'::text, 'checking'::text, 'unconfirmed'::text, 'cancelled'::text])))
);
COMMENT ON TABLE deliveries IS 'The way of one post to one account; its status follows the ledger. Published ones never change.';
ALTER TABLE deliveries ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX deliveries_by_account ON deliveries USING btree (account_id, post_id, organization_id);
CREATE INDEX deliveries_by_resolver ON deliveries USING btree (resolved_by, id) WHERE (resolved_by IS NOT NULL);
CREATE INDEX deliveries_checking ON deliveries USING btree (account_id, id) WHERE (status = 'checking'::text);
CREATE INDEX deliveries_live ON deliveries USING btree (external_id) WHERE (external_id IS NOT NULL);
CREATE INDEX deliveries_published ON deliveries USING btree (account_id, published_at) WHERE (published_at IS NOT NULL);
CREATE INDEX deliveries_to_upload ON deliveries USING btree (post_id) WHERE ((platform = 'youtube'::text) AND (status = ANY (ARRAY['scheduled'::text, 'processing'::text, 'checking'::text, 'unconfirmed'::text])));
CREATE INDEX deliveries_uploaded ON deliveries USING btree (published_at) WHERE ((platform = 'youtube'::text) AND (status = 'published'::text));
CREATE INDEX deliveries_use ON deliveries USING gin (content jsonb_path_ops) WHERE (content IS NOT NULL);
CREATE POLICY owning ON deliveries FOR SELECT TO publisher_loops USING (true);
CREATE POLICY tenant ON deliveries FOR ALL TO publisher_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON deliveries TO publisher_app;
GRANT SELECT ON deliveries TO publisher_loops;

CREATE TABLE delivery_steps (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    delivery_id uuid NOT NULL,
    what text NOT NULL,
    part smallint NOT NULL DEFAULT 0,
    status text NOT NULL DEFAULT 'scheduled'::text,
    handle bytea,
    external_id text,
    url text,
    reason text NOT NULL DEFAULT ''::text,
    code text NOT NULL DEFAULT ''::text,
    began_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    first_called_at timestamp with time zone,
    changed_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT delivery_steps_delivery_id_fkey FOREIGN KEY (delivery_id) REFERENCES deliveries(id) ON DELETE CASCADE,
    CONSTRAINT delivery_steps_part_check CHECK (((part >= 0) AND (part <= 100))),
    CONSTRAINT delivery_steps_pkey PRIMARY KEY (id),
    CONSTRAINT delivery_steps_status_check CHECK ((status = ANY (ARRAY['scheduled'::text, 'processing'::text, 'published'::text, 'failed'::text, 'checking'::text, 'unconfirmed'::text, 'cancelled'::text, 'ended'::text]))),
    CONSTRAINT delivery_steps_what_check CHECK ((what = ANY (ARRAY['processing'::text, 'finalize'::text, 'part'::text, 'comment'::text, 'cover'::text, 'removal'::text])))
);
COMMENT ON TABLE delivery_steps IS 'What comes after the first call of a delivery, each the subject of its own effect: waiting for the platform''s processing and the next step with what is ready (both are ended once they are done, and go when the ledger has forgotten what was tried), the parts of a thread, the first comment, the cover of a film, taking it down. Part 0 is the post itself; handle is what the platform calls what it works on, sealed.';
ALTER TABLE delivery_steps ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX delivery_steps_ended ON delivery_steps USING btree (changed_at) WHERE (status = 'ended'::text);
CREATE INDEX delivery_steps_of ON delivery_steps USING btree (delivery_id, part);
CREATE UNIQUE INDEX delivery_steps_once ON delivery_steps USING btree (delivery_id, what, part) WHERE (what = ANY (ARRAY['part'::text, 'comment'::text, 'cover'::text, 'removal'::text]));
CREATE POLICY forgetting ON delivery_steps FOR ALL TO publisher_loops USING ((status = 'ended'::text));
CREATE POLICY tenant ON delivery_steps FOR ALL TO publisher_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON delivery_steps TO publisher_app;
GRANT DELETE, SELECT ON delivery_steps TO publisher_loops;
GRANT UPDATE (changed_at) ON delivery_steps TO publisher_loops;

CREATE TABLE engagements (
    delivery_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    reactions bigint NOT NULL DEFAULT 0,
    comments bigint NOT NULL DEFAULT 0,
    shares bigint NOT NULL DEFAULT 0,
    version bigint NOT NULL DEFAULT 1,
    changed_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT engagements_delivery_id_fkey FOREIGN KEY (delivery_id) REFERENCES deliveries(id) ON DELETE CASCADE,
    CONSTRAINT engagements_pkey PRIMARY KEY (delivery_id)
);
COMMENT ON TABLE engagements IS 'What people did to what was published, as far as the platform told us.';
ALTER TABLE engagements ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON engagements FOR ALL TO publisher_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON engagements TO publisher_app;

CREATE TABLE first_posts (
    onboarding_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    post_id uuid NOT NULL,
    written_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT first_posts_pkey PRIMARY KEY (onboarding_id)
);
COMMENT ON TABLE first_posts IS 'Which first steps have had their draft; it stays when the draft is deleted, so that hearing of them once more writes none.';
ALTER TABLE first_posts ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON first_posts FOR ALL TO publisher_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT ON first_posts TO publisher_app;

CREATE TABLE handovers (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    what text NOT NULL,
    user_id uuid,
    account_ids uuid[] NOT NULL,
    texts_sealed bytea,
    at_most integer NOT NULL,
    state text NOT NULL,
    reason text NOT NULL DEFAULT ''::text,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    ended_at timestamp with time zone,
    CONSTRAINT handovers_pkey PRIMARY KEY (id),
    CONSTRAINT handovers_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'done'::text, 'failed'::text]))),
    CONSTRAINT handovers_what_check CHECK ((what = ANY (ARRAY['draft'::text, 'samples'::text])))
);
COMMENT ON TABLE handovers IS 'Texts that are to become a draft, by the draft''s id, or published texts that are wanted, by the sample''s; when it is done what it held goes, and the row stays, so that hearing of it once more does nothing.';
ALTER TABLE handovers ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX handovers_by ON handovers USING btree (user_id, id) WHERE (user_id IS NOT NULL);
CREATE INDEX handovers_waiting ON handovers USING btree (id) WHERE (state = 'waiting'::text);
CREATE POLICY looking ON handovers FOR SELECT TO publisher_loops USING (true);
CREATE POLICY tenant ON handovers FOR ALL TO publisher_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON handovers TO publisher_app;
GRANT SELECT (id) ON handovers TO publisher_loops;
GRANT SELECT (organization_id) ON handovers TO publisher_loops;
GRANT SELECT (user_id) ON handovers TO publisher_loops;
GRANT SELECT (state) ON handovers TO publisher_loops;

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
GRANT DELETE, INSERT, SELECT, UPDATE ON idempotency_keys TO publisher_app;

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
GRANT DELETE, INSERT, SELECT, UPDATE ON intake_deliveries TO publisher_app;

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
GRANT DELETE, INSERT, SELECT, UPDATE ON intake_items TO publisher_app;

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
GRANT DELETE, INSERT, SELECT, UPDATE ON intake_keys TO publisher_app;

CREATE TABLE intake_sources (
    source text NOT NULL,
    holder uuid,
    leased_until timestamp with time zone NOT NULL DEFAULT '-infinity'::timestamp with time zone,
    CONSTRAINT intake_sources_pkey PRIMARY KEY (source)
);
COMMENT ON TABLE intake_sources IS 'Which worker takes the deliveries of a source apart: one at a time, so that items keep the order of arrival.';
GRANT INSERT, SELECT, UPDATE ON intake_sources TO publisher_app;

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
CREATE POLICY tenant ON job_items FOR ALL TO publisher_app USING (((organization_id IS NULL) OR (organization_id = ANY (( SELECT (COALESCE(NULLIF(current_setting('app.orgs'::text, true), ''::text), '{}'::text))::uuid[] AS "coalesce")::uuid[]))));
CREATE POLICY working ON job_items FOR ALL TO publisher_loops USING (true);
GRANT INSERT, SELECT, UPDATE ON job_items TO publisher_app;
GRANT DELETE, SELECT ON job_items TO publisher_loops;

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
CREATE POLICY tenant ON jobs FOR ALL TO publisher_app USING (((organization_id IS NULL) OR (organization_id = ANY (( SELECT (COALESCE(NULLIF(current_setting('app.orgs'::text, true), ''::text), '{}'::text))::uuid[] AS "coalesce")::uuid[]))));
CREATE POLICY working ON jobs FOR ALL TO publisher_loops USING (true);
GRANT INSERT, SELECT, UPDATE ON jobs TO publisher_app;
GRANT DELETE, SELECT, UPDATE ON jobs TO publisher_loops;

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
CREATE POLICY tenant ON ledger_attempts FOR ALL TO publisher_app USING (((organization_id IS NULL) OR (organization_id = ANY (( SELECT (COALESCE(NULLIF(current_setting('app.orgs'::text, true), ''::text), '{}'::text))::uuid[] AS "coalesce")::uuid[]))));
CREATE POLICY working ON ledger_attempts FOR ALL TO publisher_loops USING (true);
GRANT DELETE, INSERT, SELECT ON ledger_attempts TO publisher_app;
GRANT DELETE, SELECT ON ledger_attempts TO publisher_loops;

CREATE TABLE ledger_blocks (
    id bigint NOT NULL,
    begin_by timestamp with time zone NOT NULL,
    entry_ids uuid[] NOT NULL,
    CONSTRAINT ledger_blocks_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE ledger_blocks IS 'Effects that are claimed together and whose calls have not begun; what is calling without a row here may have left.';
CREATE INDEX ledger_blocks_begin_by ON ledger_blocks USING btree (begin_by);
GRANT DELETE, INSERT, SELECT, UPDATE ON ledger_blocks TO publisher_loops;

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
CREATE POLICY tenant ON ledger_entries FOR ALL TO publisher_app USING (((organization_id IS NULL) OR (organization_id = ANY (( SELECT (COALESCE(NULLIF(current_setting('app.orgs'::text, true), ''::text), '{}'::text))::uuid[] AS "coalesce")::uuid[]))));
CREATE POLICY working ON ledger_entries FOR ALL TO publisher_loops USING (true);
GRANT DELETE, INSERT, SELECT, UPDATE ON ledger_entries TO publisher_app;
GRANT DELETE, SELECT, UPDATE ON ledger_entries TO publisher_loops;

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
CREATE POLICY tenant ON ledger_holds FOR ALL TO publisher_app USING (((organization_id IS NULL) OR (organization_id = ANY (( SELECT (COALESCE(NULLIF(current_setting('app.orgs'::text, true), ''::text), '{}'::text))::uuid[] AS "coalesce")::uuid[]))));
CREATE POLICY working ON ledger_holds FOR SELECT TO publisher_loops USING (true);
GRANT DELETE, INSERT, SELECT, UPDATE ON ledger_holds TO publisher_app;
GRANT SELECT ON ledger_holds TO publisher_loops;

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
CREATE POLICY tenant ON ledger_lanes FOR ALL TO publisher_app USING (((organization_id IS NULL) OR (organization_id = ANY (( SELECT (COALESCE(NULLIF(current_setting('app.orgs'::text, true), ''::text), '{}'::text))::uuid[] AS "coalesce")::uuid[]))));
CREATE POLICY working ON ledger_lanes FOR ALL TO publisher_loops USING (true);
GRANT INSERT, SELECT, UPDATE ON ledger_lanes TO publisher_app;
GRANT SELECT, UPDATE ON ledger_lanes TO publisher_loops;

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
CREATE POLICY tenant ON ledger_wakes FOR ALL TO publisher_app USING (((organization_id IS NULL) OR (organization_id = ANY (( SELECT (COALESCE(NULLIF(current_setting('app.orgs'::text, true), ''::text), '{}'::text))::uuid[] AS "coalesce")::uuid[]))));
CREATE POLICY working ON ledger_wakes FOR ALL TO publisher_loops USING (true);
GRANT INSERT, SELECT ON ledger_wakes TO publisher_app;
GRANT DELETE, INSERT, SELECT, UPDATE ON ledger_wakes TO publisher_loops;

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
GRANT DELETE, INSERT, SELECT, UPDATE ON mail_suppressions TO publisher_app;

CREATE TABLE media (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    state text NOT NULL,
    name text NOT NULL,
    alt text NOT NULL,
    declared_type text NOT NULL,
    declared_bytes bigint NOT NULL,
    received bigint NOT NULL DEFAULT 0,
    facts jsonb,
    object text NOT NULL DEFAULT ''::text,
    code text NOT NULL DEFAULT ''::text,
    reason text NOT NULL DEFAULT ''::text,
    created_by uuid,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    changed_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT media_check CHECK (((received >= 0) AND (received <= declared_bytes))),
    CONSTRAINT media_check1 CHECK (((state = 'ready'::text) = ((facts IS NOT NULL) AND (object <> ''::text)))),
    CONSTRAINT media_declared_bytes_check CHECK ((declared_bytes > 0)),
    CONSTRAINT media_pkey PRIMARY KEY (id),
    CONSTRAINT media_state_check CHECK ((state = ANY (ARRAY['uploading'::text, 'examining'::text, 'ready'::text, 'refused'::text])))
);
COMMENT ON TABLE media IS 'What an organization has uploaded to publish. facts are what was seen in it (kind, type, size, duration, codecs); object is the key of its bytes in the store, cleaned of metadata; expires_at is when an upload that is not finished lapses.';
ALTER TABLE media ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX media_newest ON media USING btree (organization_id, id DESC);
CREATE INDEX media_of_user ON media USING btree (created_by) WHERE (created_by IS NOT NULL);
CREATE INDEX media_uploading ON media USING btree (organization_id) WHERE (state = 'uploading'::text);
CREATE POLICY knowing ON media FOR SELECT TO publisher_loops USING (true);
CREATE POLICY tenant ON media FOR ALL TO publisher_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON media TO publisher_app;
GRANT SELECT (organization_id) ON media TO publisher_loops;
GRANT SELECT (created_by) ON media TO publisher_loops;

CREATE TABLE media_pieces (
    media_id uuid NOT NULL,
    start bigint NOT NULL,
    organization_id uuid NOT NULL,
    size bigint NOT NULL,
    object text NOT NULL,
    CONSTRAINT media_pieces_media_id_fkey FOREIGN KEY (media_id) REFERENCES media(id) ON DELETE CASCADE,
    CONSTRAINT media_pieces_pkey PRIMARY KEY (media_id, start),
    CONSTRAINT media_pieces_size_check CHECK ((size > 0))
);
COMMENT ON TABLE media_pieces IS 'The pieces of an upload, each an object in the store that was there before its row.';
ALTER TABLE media_pieces ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON media_pieces FOR ALL TO publisher_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON media_pieces TO publisher_app;

CREATE TABLE migrations (
    origin text NOT NULL,
    number integer NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT migrations_pkey PRIMARY KEY (origin, number)
);
GRANT SELECT ON migrations TO publisher_app;

CREATE TABLE occurrences (
    recurrence_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    local timestamp without time zone NOT NULL,
    at timestamp with time zone NOT NULL,
    fate text NOT NULL,
    post_id uuid,
    reason text NOT NULL DEFAULT ''::text,
    CONSTRAINT occurrences_fate_check CHECK ((fate = ANY (ARRAY['planned'::text, 'refused'::text, 'missed'::text]))),
    CONSTRAINT occurrences_pkey PRIMARY KEY (recurrence_id, local),
    CONSTRAINT occurrences_post_id_fkey FOREIGN KEY (post_id) REFERENCES posts(id) ON DELETE SET NULL,
    CONSTRAINT occurrences_recurrence_id_fkey FOREIGN KEY (recurrence_id) REFERENCES recurrences(id) ON DELETE CASCADE
);
COMMENT ON TABLE occurrences IS 'What became of each time of a post that recurs, once it came into the horizon.';
ALTER TABLE occurrences ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX occurrences_of_post ON occurrences USING btree (post_id) WHERE (post_id IS NOT NULL);
CREATE POLICY tenant ON occurrences FOR ALL TO publisher_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT ON occurrences TO publisher_app;

CREATE TABLE outbox (
    id uuid NOT NULL,
    type text NOT NULL,
    organization_id uuid,
    body bytea NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT outbox_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE outbox IS 'Events committed with their state and not yet confirmed by the broker; the relay deletes them.';
GRANT DELETE, INSERT, SELECT ON outbox TO publisher_app;
GRANT UPDATE (created_at) ON outbox TO publisher_app;

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
CREATE POLICY forgetting ON outgoing_mails FOR ALL TO publisher_loops USING (true);
CREATE POLICY tenant ON outgoing_mails FOR ALL TO publisher_app USING (((organization_id IS NULL) OR (organization_id = ANY (( SELECT (NULLIF(current_setting('app.orgs'::text, true), ''::text))::uuid[] AS "nullif")::uuid[]))));
GRANT DELETE, INSERT, SELECT, UPDATE ON outgoing_mails TO publisher_app;
GRANT DELETE, SELECT ON outgoing_mails TO publisher_loops;

CREATE TABLE partner_queues (
    organization_id uuid NOT NULL,
    state text NOT NULL DEFAULT 'closed'::text,
    version bigint NOT NULL DEFAULT 0,
    attempt bigint NOT NULL DEFAULT 0,
    failures integer NOT NULL DEFAULT 0,
    due_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    claimed_until timestamp with time zone,
    changed_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT partner_queues_pkey PRIMARY KEY (organization_id),
    CONSTRAINT partner_queues_state_check CHECK ((state = ANY (ARRAY['opening'::text, 'open'::text, 'closing'::text, 'closed'::text])))
);
COMMENT ON TABLE partner_queues IS 'What each organization wants of its partner queue, and whether the broker has it; attempt is the fence of a claim.';
ALTER TABLE partner_queues ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX partner_queues_due ON partner_queues USING btree (due_at) WHERE (state = ANY (ARRAY['opening'::text, 'closing'::text]));
CREATE POLICY claiming ON partner_queues FOR UPDATE TO publisher_loops USING (true);
CREATE POLICY looking ON partner_queues FOR SELECT TO publisher_loops USING (true);
CREATE POLICY tenant ON partner_queues FOR ALL TO publisher_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON partner_queues TO publisher_app;
GRANT SELECT ON partner_queues TO publisher_loops;
GRANT UPDATE (attempt) ON partner_queues TO publisher_loops;
GRANT UPDATE (claimed_until) ON partner_queues TO publisher_loops;

CREATE TABLE post_import_rows (
    id uuid NOT NULL,
    import_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    line integer NOT NULL,
    cells jsonb NOT NULL,
    post_id uuid,
    faults jsonb NOT NULL DEFAULT '[]'::jsonb,
    CONSTRAINT post_import_rows_import_id_fkey FOREIGN KEY (import_id) REFERENCES post_imports(id) ON DELETE CASCADE,
    CONSTRAINT post_import_rows_import_id_line_key UNIQUE (import_id, line),
    CONSTRAINT post_import_rows_pkey PRIMARY KEY (id),
    CONSTRAINT post_import_rows_post_id_fkey FOREIGN KEY (post_id) REFERENCES posts(id) ON DELETE SET NULL
);
COMMENT ON TABLE post_import_rows IS 'The rows of a file, and what became of each; the cells of one that is a post by now are empty.';
ALTER TABLE post_import_rows ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX post_import_rows_of_post ON post_import_rows USING btree (post_id) WHERE (post_id IS NOT NULL);
CREATE POLICY tenant ON post_import_rows FOR ALL TO publisher_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON post_import_rows TO publisher_app;

CREATE TABLE post_imports (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    name text NOT NULL,
    zone text NOT NULL,
    job_id uuid NOT NULL,
    total integer NOT NULL,
    created_by uuid,
    digest bytea NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT post_imports_job_id_key UNIQUE (job_id),
    CONSTRAINT post_imports_organization_id_digest_key UNIQUE (organization_id, digest),
    CONSTRAINT post_imports_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE post_imports IS 'Files of posts, each once by its digest; how far an import is says its job.';
ALTER TABLE post_imports ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX post_imports_by ON post_imports USING btree (created_by, id);
CREATE INDEX post_imports_newest ON post_imports USING btree (organization_id, id DESC);
CREATE POLICY looking ON post_imports FOR SELECT TO publisher_loops USING (true);
CREATE POLICY tenant ON post_imports FOR ALL TO publisher_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON post_imports TO publisher_app;
GRANT SELECT (organization_id) ON post_imports TO publisher_loops;
GRANT SELECT (created_by) ON post_imports TO publisher_loops;

CREATE TABLE posting_queues (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    name text NOT NULL,
    zone text NOT NULL,
    slots jsonb NOT NULL,
    accounts uuid[] NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    changed_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT posting_queues_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE posting_queues IS 'Weekly slots, as [day from Monday, time on the wall], of one account or several.';
ALTER TABLE posting_queues ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX posting_queues_of ON posting_queues USING btree (organization_id, id);
CREATE POLICY tenant ON posting_queues FOR ALL TO publisher_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON posting_queues TO publisher_app;

CREATE TABLE posts (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    text text NOT NULL,
    status text NOT NULL,
    publish_at timestamp with time zone,
    local_time timestamp without time zone,
    zone text,
    fold smallint,
    created_by uuid,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    changed_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    content jsonb NOT NULL DEFAULT '{}'::jsonb,
    queue_id uuid,
    CONSTRAINT posts_check CHECK (((local_time IS NULL) = (zone IS NULL))),
    CONSTRAINT posts_check1 CHECK (((status = 'draft'::text) OR (publish_at IS NOT NULL))),
    CONSTRAINT posts_fold_check CHECK ((fold = ANY (ARRAY[0, 1]))),
    CONSTRAINT posts_pkey PRIMARY KEY (id),
    CONSTRAINT posts_queue_id_fkey FOREIGN KEY (queue_id) REFERENCES posting_queues(id) ON DELETE SET NULL,
    CONSTRAINT posts_status_check CHECK ((status = ANY (ARRAY['draft'::text, 'scheduled'::text, 'processing'::text, 'published'::text, 'failed'::text, 'checking'::text, 'unconfirmed'::text, 'cancelled'::text])))
);
COMMENT ON TABLE posts IS 'What is to be said, and when: the instant, and beside it the wall clock and zone in which a person chose it.';
ALTER TABLE posts ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX posts_by_author ON posts USING btree (created_by, id) WHERE (created_by IS NOT NULL);
CREATE INDEX posts_by_queue ON posts USING btree (queue_id) WHERE (queue_id IS NOT NULL);
CREATE INDEX posts_by_status ON posts USING btree (organization_id, status, id DESC);
CREATE INDEX posts_by_time ON posts USING btree (organization_id, publish_at);
CREATE INDEX posts_newest ON posts USING btree (organization_id, id DESC);
CREATE INDEX posts_use ON posts USING gin (content jsonb_path_ops) WHERE (content <> '{}'::jsonb);
CREATE POLICY looking ON posts FOR SELECT TO publisher_loops USING (true);
CREATE POLICY tenant ON posts FOR ALL TO publisher_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON posts TO publisher_app;
GRANT SELECT (id) ON posts TO publisher_loops;
GRANT SELECT (organization_id) ON posts TO publisher_loops;
GRANT SELECT (status) ON posts TO publisher_loops;
GRANT SELECT (publish_at) ON posts TO publisher_loops;
GRANT SELECT (created_by) ON posts TO publisher_loops;
GRANT SELECT (content) ON posts TO publisher_loops;

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
GRANT DELETE, INSERT, SELECT, UPDATE ON privacy_tasks TO publisher_app;

CREATE TABLE processed_messages (
    queue text NOT NULL,
    message_id uuid NOT NULL,
    generation bigint NOT NULL DEFAULT 0,
    processed_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT processed_messages_pkey PRIMARY KEY (queue, message_id, generation)
);
COMMENT ON TABLE processed_messages IS 'Messages whose effect is committed; a replay carries another generation.';
CREATE INDEX processed_messages_by_age ON processed_messages USING brin (processed_at);
GRANT DELETE, INSERT, SELECT ON processed_messages TO publisher_app;

CREATE TABLE project_limits (
    platform text NOT NULL,
    full_until timestamp with time zone NOT NULL,
    told_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT project_limits_pkey PRIMARY KEY (platform)
);
COMMENT ON TABLE project_limits IS 'Until when a platform takes nothing more from our application, whoever wants to publish, as it last said.';
GRANT INSERT, SELECT, UPDATE ON project_limits TO publisher_app;

CREATE TABLE publishing_stops (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    account_id uuid,
    reason text NOT NULL,
    stopped_by uuid,
    stopped_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    lifted_by uuid,
    lifted_at timestamp with time zone,
    overdue text,
    minutes_apart integer,
    affected integer NOT NULL DEFAULT 0,
    version bigint NOT NULL DEFAULT 1,
    CONSTRAINT publishing_stops_account_id_fkey FOREIGN KEY (account_id) REFERENCES connected_accounts(id),
    CONSTRAINT publishing_stops_check CHECK (((lifted_at IS NULL) = (overdue IS NULL))),
    CONSTRAINT publishing_stops_overdue_check CHECK ((overdue = ANY (ARRAY['spread'::text, 'cancel'::text]))),
    CONSTRAINT publishing_stops_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE publishing_stops IS 'Stops of all that leaves, for one account or (account_id null) all of them, and what was done with what came due meanwhile; the lanes are held in ledger_holds.';
ALTER TABLE publishing_stops ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX publishing_stops_lifted_by ON publishing_stops USING btree (lifted_by, id);
CREATE INDEX publishing_stops_newest ON publishing_stops USING btree (organization_id, id DESC);
CREATE UNIQUE INDEX publishing_stops_standing ON publishing_stops USING btree (organization_id, account_id) NULLS NOT DISTINCT WHERE (lifted_at IS NULL);
CREATE INDEX publishing_stops_stopped_by ON publishing_stops USING btree (stopped_by, id);
CREATE POLICY looking ON publishing_stops FOR SELECT TO publisher_loops USING (true);
CREATE POLICY tenant ON publishing_stops FOR ALL TO publisher_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON publishing_stops TO publisher_app;
GRANT SELECT (organization_id) ON publishing_stops TO publisher_loops;
GRANT SELECT (stopped_by) ON publishing_stops TO publisher_loops;
GRANT SELECT (lifted_by) ON publishing_stops TO publisher_loops;

CREATE TABLE queue_places (
    queue_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    post_id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT queue_places_pkey PRIMARY KEY (queue_id, at),
    CONSTRAINT queue_places_post_id_fkey FOREIGN KEY (post_id) REFERENCES posts(id) ON DELETE CASCADE,
    CONSTRAINT queue_places_post_id_key UNIQUE (post_id),
    CONSTRAINT queue_places_queue_id_fkey FOREIGN KEY (queue_id) REFERENCES posting_queues(id) ON DELETE CASCADE
);
COMMENT ON TABLE queue_places IS 'Which post has which slot: each slot at most one.';
ALTER TABLE queue_places ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON queue_places FOR ALL TO publisher_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT ON queue_places TO publisher_app;

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
CREATE POLICY tenant ON quota_limits FOR ALL TO publisher_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON quota_limits TO publisher_app;

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
CREATE POLICY lapsing ON quota_reservations FOR ALL TO publisher_loops USING (true) WITH CHECK (true);
CREATE POLICY tenant ON quota_reservations FOR ALL TO publisher_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON quota_reservations TO publisher_app;
GRANT DELETE, SELECT, UPDATE ON quota_reservations TO publisher_loops;

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
CREATE POLICY lapsing ON quota_usage FOR ALL TO publisher_loops USING (true) WITH CHECK (true);
CREATE POLICY tenant ON quota_usage FOR ALL TO publisher_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON quota_usage TO publisher_app;
GRANT DELETE, SELECT, UPDATE ON quota_usage TO publisher_loops;

CREATE TABLE recurrences (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    rule text NOT NULL,
    starts timestamp without time zone NOT NULL,
    zone text NOT NULL,
    count integer,
    until timestamp without time zone,
    text text NOT NULL,
    content jsonb NOT NULL,
    targets jsonb NOT NULL,
    planned_until timestamp without time zone,
    look_at timestamp with time zone,
    ended_at timestamp with time zone,
    created_by uuid,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    changed_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT recurrences_count_check CHECK ((count >= 0)),
    CONSTRAINT recurrences_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE recurrences IS 'Posts that recur by a rule of RFC 5545, by the clocks of a zone (starts, until, planned_until are wall clocks); posts were made of it up to planned_until, and it is looked at again at look_at.';
ALTER TABLE recurrences ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX recurrences_by ON recurrences USING btree (created_by, id);
CREATE INDEX recurrences_look ON recurrences USING btree (look_at) WHERE (look_at IS NOT NULL);
CREATE INDEX recurrences_newest ON recurrences USING btree (organization_id, id DESC);
CREATE POLICY making ON recurrences FOR SELECT TO publisher_loops USING (true);
CREATE POLICY tenant ON recurrences FOR ALL TO publisher_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON recurrences TO publisher_app;
GRANT SELECT ON recurrences TO publisher_loops;

CREATE TABLE renditions (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    media_id uuid NOT NULL,
    shape text NOT NULL,
    fit jsonb NOT NULL,
    state text NOT NULL DEFAULT 'waiting'::text,
    facts jsonb,
    object text NOT NULL DEFAULT ''::text,
    code text NOT NULL DEFAULT ''::text,
    reason text NOT NULL DEFAULT ''::text,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    changed_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT renditions_check CHECK (((state = 'ready'::text) = ((facts IS NOT NULL) AND (object <> ''::text)))),
    CONSTRAINT renditions_media_id_fkey FOREIGN KEY (media_id) REFERENCES media(id) ON DELETE CASCADE,
    CONSTRAINT renditions_media_id_shape_key UNIQUE (media_id, shape),
    CONSTRAINT renditions_pkey PRIMARY KEY (id),
    CONSTRAINT renditions_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'ready'::text, 'failed'::text])))
);
COMMENT ON TABLE renditions IS 'A medium as some platform takes it, made ahead: fit says what it is to become, shape is its fingerprint, so that platforms that want the same share one.';
ALTER TABLE renditions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON renditions FOR ALL TO publisher_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON renditions TO publisher_app;

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
CREATE POLICY looking ON seal_keys FOR SELECT TO publisher_loops USING (true);
CREATE POLICY tenant ON seal_keys FOR ALL TO publisher_app USING (((organization_id IS NULL) OR (organization_id = ANY (( SELECT (NULLIF(current_setting('app.orgs'::text, true), ''::text))::uuid[] AS "nullif")::uuid[]))));
GRANT INSERT, SELECT ON seal_keys TO publisher_app;
GRANT SELECT ON seal_keys TO publisher_loops;
GRANT UPDATE (master_key_id) ON seal_keys TO publisher_app;
GRANT UPDATE (wrapped) ON seal_keys TO publisher_app;
GRANT UPDATE (retired_at) ON seal_keys TO publisher_app;
GRANT UPDATE (shredded_at) ON seal_keys TO publisher_app;
GRANT UPDATE (with_organization) ON seal_keys TO publisher_app;

CREATE TABLE suspect_messages (
    queue text NOT NULL,
    message_id uuid NOT NULL,
    generation bigint NOT NULL DEFAULT 0,
    attempts integer NOT NULL DEFAULT 0,
    last_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT suspect_messages_pkey PRIMARY KEY (queue, message_id, generation)
);
COMMENT ON TABLE suspect_messages IS 'Redelivered messages counted before their handler runs: some kill the process.';
GRANT DELETE, INSERT, SELECT, UPDATE ON suspect_messages TO publisher_app;

CREATE TABLE withdrawals (
    id uuid NOT NULL,
    platform text NOT NULL,
    wish text NOT NULL,
    code_hash bytea NOT NULL,
    grantor_blind bytea,
    issued_at timestamp with time zone NOT NULL,
    asked_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    done_at timestamp with time zone,
    accounts integer NOT NULL DEFAULT 0,
    due_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    failures smallint NOT NULL DEFAULT 0,
    CONSTRAINT withdrawals_check CHECK (((done_at IS NOT NULL) OR (grantor_blind IS NOT NULL))),
    CONSTRAINT withdrawals_code_hash_key UNIQUE (code_hash),
    CONSTRAINT withdrawals_grantor_blind_check CHECK ((length(grantor_blind) = 32)),
    CONSTRAINT withdrawals_pkey PRIMARY KEY (id),
    CONSTRAINT withdrawals_wish_check CHECK ((wish = ANY (ARRAY['deauthorize'::text, 'data-deletion'::text])))
);
COMMENT ON TABLE withdrawals IS 'Somebody took a permission back at a platform, or wants their data deleted; whose accounts they let us use is found by the keyed hash, which goes when it was carried out. The hash of the confirmation code shows them how far it is.';
CREATE INDEX withdrawals_due ON withdrawals USING btree (due_at) WHERE (done_at IS NULL);
GRANT INSERT, SELECT, UPDATE ON withdrawals TO publisher_app;

CREATE OR REPLACE FUNCTION publisher.accounts_of_grantor(account_platform text, grantor bytea)
 RETURNS TABLE(id uuid, organization_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'publisher', 'kit', 'pg_temp'
AS $function$
        SELECT one.id, one.organization_id FROM connected_accounts AS one
        WHERE one.platform = account_platform AND one.grantor_blind = grantor ORDER BY one.id
    $function$;
-- owner: publisher_loops
-- may be called by: publisher_app

CREATE OR REPLACE FUNCTION publisher.accounts_to_judge(at_most integer)
 RETURNS TABLE(id uuid, organization_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'publisher', 'kit', 'pg_temp'
AS $function$
        SELECT due.id, due.organization_id FROM connected_accounts AS due
        WHERE due.judge_at <= kit_now() ORDER BY due.judge_at LIMIT at_most
    $function$;
-- owner: publisher_loops
-- may be called by: publisher_app

CREATE OR REPLACE FUNCTION publisher.budgets_due(at_most integer)
 RETURNS TABLE(account_id uuid, organization_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'publisher', 'kit', 'pg_temp'
AS $function$
        SELECT due.account_id, due.organization_id FROM account_budgets AS due
        WHERE due.look_at <= kit_now() ORDER BY due.look_at LIMIT at_most
    $function$;
-- owner: publisher_loops
-- may be called by: publisher_app

CREATE OR REPLACE FUNCTION publisher.claim_partner_queue(lease interval)
 RETURNS TABLE(organization_id uuid, state text, attempt bigint)
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'publisher', 'kit', 'pg_temp'
AS $function$
        UPDATE partner_queues AS queue
        SET attempt = queue.attempt + 1, claimed_until = kit_now() + lease
        WHERE queue.organization_id = (
            SELECT due.organization_id FROM partner_queues AS due
            WHERE due.state IN ('opening', 'closing') AND due.due_at <= kit_now()
              AND (due.claimed_until IS NULL OR due.claimed_until <= kit_now())
            ORDER BY due.due_at LIMIT 1 FOR UPDATE SKIP LOCKED
        )
        RETURNING queue.organization_id, queue.state, queue.attempt
    $function$;
-- owner: publisher_loops
-- may be called by: publisher_app

CREATE OR REPLACE FUNCTION publisher.connected_elsewhere(account_platform text, account bytea, organization uuid)
 RETURNS boolean
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'publisher', 'kit', 'pg_temp'
AS $function$
        SELECT EXISTS (
            SELECT FROM connected_accounts AS one
            WHERE one.platform = account_platform AND one.external_blind = account
              AND one.organization_id <> organization AND one.state <> 'disconnected'
        )
    $function$;
-- owner: publisher_loops
-- may be called by: publisher_app

CREATE OR REPLACE FUNCTION publisher.forget_connections()
 RETURNS bigint
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'publisher', 'kit', 'pg_temp'
AS $function$
        WITH gone AS (
            DELETE FROM connections WHERE id IN (
                SELECT id FROM connections WHERE expires_at < kit_now() - interval '1 day' LIMIT 1000
            ) RETURNING 1
        )
        SELECT count(*) FROM gone
    $function$;
-- owner: publisher_loops
-- may be called by: publisher_app

CREATE OR REPLACE FUNCTION publisher.forget_ended_steps(kept interval, at_most integer)
 RETURNS bigint
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'publisher', 'kit', 'pg_temp'
AS $function$
        WITH gone AS (
            DELETE FROM delivery_steps WHERE id IN (
                SELECT id FROM delivery_steps WHERE status = 'ended' AND changed_at < kit_now() - kept
                ORDER BY changed_at LIMIT at_most FOR UPDATE SKIP LOCKED
            ) RETURNING 1
        )
        SELECT count(*) FROM gone
    $function$;
-- owner: publisher_loops
-- may be called by: publisher_app

CREATE OR REPLACE FUNCTION publisher.forget_mails(older_than interval, at_most integer)
 RETURNS bigint
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'publisher', 'kit', 'pg_temp'
AS $function$
        WITH forgotten AS (
            DELETE FROM outgoing_mails
            WHERE id IN (SELECT id FROM outgoing_mails WHERE settled_at < kit_now() - older_than LIMIT at_most)
            RETURNING id
        )
        SELECT count(*) FROM forgotten
    $function$;
-- owner: publisher_loops
-- may be called by: publisher_app

CREATE OR REPLACE FUNCTION publisher.handovers_organizations_of_user(wanted uuid)
 RETURNS TABLE(organization_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'publisher', 'kit', 'pg_temp'
AS $function$
        SELECT DISTINCT one.organization_id FROM handovers AS one WHERE one.user_id = wanted
    $function$;
-- owner: publisher_loops
-- may be called by: publisher_app

CREATE OR REPLACE FUNCTION publisher.handovers_waiting(behind uuid, few integer)
 RETURNS TABLE(id uuid, organization_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'publisher', 'kit', 'pg_temp'
AS $function$
        SELECT due.id, due.organization_id FROM handovers AS due
        WHERE due.state = 'waiting' AND due.id > behind ORDER BY due.id LIMIT few
    $function$;
-- owner: publisher_loops
-- may be called by: publisher_app

CREATE OR REPLACE FUNCTION publisher.jobs_measure(kinds text[])
 RETURNS TABLE(kind text, queued bigint, running bigint, left_over bigint, rate double precision, oldest double precision, finished bigint, cancelled bigint, failed bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'publisher', 'kit', 'pg_temp'
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
-- owner: publisher_loops
-- may be called by: publisher_app

CREATE OR REPLACE FUNCTION publisher.jobs_next(kinds text[])
 RETURNS double precision
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'publisher', 'kit', 'pg_temp'
AS $function$
        SELECT extract(epoch FROM min(ready_at) - kit_now())::double precision
        FROM jobs WHERE ended_at IS NULL AND kind = ANY (kinds)
    $function$;
-- owner: publisher_loops
-- may be called by: publisher_app

CREATE OR REPLACE FUNCTION publisher.jobs_purge(older_than interval, at_most integer)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'publisher', 'kit', 'pg_temp'
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
-- owner: publisher_loops
-- may be called by: publisher_app

CREATE OR REPLACE FUNCTION publisher.jobs_turn(kinds text[])
 RETURNS TABLE(id uuid, organization_id uuid)
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'publisher', 'kit', 'pg_temp'
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
-- owner: publisher_loops
-- may be called by: publisher_app

CREATE OR REPLACE FUNCTION publisher.ledger_begin(blocks bigint[])
 RETURNS TABLE(block_id bigint)
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'publisher', 'kit', 'pg_temp'
AS $function$DELETE FROM ledger_blocks WHERE id = ANY (blocks) RETURNING id$function$;
-- owner: publisher_loops
-- may be called by: publisher_app

CREATE OR REPLACE FUNCTION publisher.ledger_claim(kinds text[], leases double precision[], most integer, most_lanes integer, pace double precision, lead double precision, ahead double precision, slice double precision, unpaced integer, busy bigint[], block double precision, patience double precision)
 RETURNS TABLE(id uuid, kind text, organization_id uuid, lane_id bigint, lane_key text, subject_id uuid, attempt integer, due_at timestamp with time zone, created_at timestamp with time zone, called_at timestamp with time zone, age double precision, lease double precision, slot double precision, step double precision, slots_end timestamp with time zone, server timestamp with time zone, block_id bigint)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'publisher', 'kit', 'pg_temp'
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
-- owner: publisher_loops
-- may be called by: publisher_app

CREATE OR REPLACE FUNCTION publisher.ledger_claim_looks(kinds text[], leases double precision[], most integer, per_lane integer, after_lane bigint)
 RETURNS TABLE(walked bigint, id uuid, kind text, organization_id uuid, lane_id bigint, lane_key text, subject_id uuid, attempt integer, due_at timestamp with time zone, created_at timestamp with time zone, called_at timestamp with time zone, age double precision, since_call double precision, quiet double precision, looks integer, blanks integer)
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'publisher', 'kit', 'pg_temp'
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
-- owner: publisher_loops
-- may be called by: publisher_app

CREATE OR REPLACE FUNCTION publisher.ledger_drain_wakes(most integer)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'publisher', 'kit', 'pg_temp'
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
-- owner: publisher_loops
-- may be called by: publisher_app

CREATE OR REPLACE FUNCTION publisher.ledger_give_back(most integer)
 RETURNS bigint
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'publisher', 'kit', 'pg_temp'
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
-- owner: publisher_loops
-- may be called by: publisher_app

CREATE OR REPLACE FUNCTION publisher.ledger_list(statuses text[], of_kind text, kinds text[], before uuid, older_than interval, most integer)
 RETURNS TABLE(id uuid, kind text, organization_id uuid, lane_key text, subject_id uuid, status text, attempt integer, due_at timestamp with time zone, created_at timestamp with time zone, called_at timestamp with time zone, look_at timestamp with time zone, external_id text, reason text, code text, settled_at timestamp with time zone, settled_by text, held text)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'publisher', 'kit', 'pg_temp'
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
-- owner: publisher_loops
-- may be called by: publisher_app

CREATE OR REPLACE FUNCTION publisher.ledger_measure(kinds text[], most integer)
 RETURNS TABLE(kind text, oldest double precision, due bigint, unknown bigint, unconfirmed bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'publisher', 'kit', 'pg_temp'
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
-- owner: publisher_loops
-- may be called by: publisher_app

CREATE OR REPLACE FUNCTION publisher.ledger_mend_lanes(after_lane bigint, most integer)
 RETURNS TABLE(last_lane bigint, mended bigint)
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'publisher', 'kit', 'pg_temp'
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
-- owner: publisher_loops
-- may be called by: publisher_app

CREATE OR REPLACE FUNCTION publisher.ledger_next()
 RETURNS double precision
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'publisher', 'kit', 'pg_temp'
AS $function$
        SELECT extract(epoch FROM min(ready_at) - kit_now())::double precision FROM ledger_lanes
        WHERE ready_at IS NOT NULL
    $function$;
-- owner: publisher_loops
-- may be called by: publisher_app

CREATE OR REPLACE FUNCTION publisher.ledger_overdue(kinds text[], most integer, but_for uuid[])
 RETURNS TABLE(id uuid, kind text, organization_id uuid, lane_id bigint, lane_key text, subject_id uuid, attempt integer, due_at timestamp with time zone, created_at timestamp with time zone, called_at timestamp with time zone, status text)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'publisher', 'kit', 'pg_temp'
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
-- owner: publisher_loops
-- may be called by: publisher_app

CREATE OR REPLACE FUNCTION publisher.ledger_owner(entry uuid)
 RETURNS TABLE(organization_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'publisher', 'kit', 'pg_temp'
AS $function$SELECT e.organization_id FROM ledger_entries AS e WHERE e.id = entry$function$;
-- owner: publisher_loops
-- may be called by: publisher_app

CREATE OR REPLACE FUNCTION publisher.ledger_purge(older_than interval, most integer)
 RETURNS bigint
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'publisher', 'kit', 'pg_temp'
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
-- owner: publisher_loops
-- may be called by: publisher_app

CREATE OR REPLACE FUNCTION publisher.ledger_reserve(lane bigint, wanted integer, pace double precision, lead double precision, unused_from timestamp with time zone, reserved_until timestamp with time zone)
 RETURNS TABLE(slot double precision, step double precision, slots_end timestamp with time zone, server timestamp with time zone)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'publisher', 'kit', 'pg_temp'
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
-- owner: publisher_loops
-- may be called by: publisher_app

CREATE OR REPLACE FUNCTION publisher.open_partner_queues(organization_ids uuid[])
 RETURNS SETOF uuid
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'publisher', 'kit', 'pg_temp'
AS $function$
        SELECT queue.organization_id FROM partner_queues AS queue
        WHERE queue.organization_id = ANY (organization_ids) AND queue.state = 'open'
    $function$;
-- owner: publisher_loops
-- may be called by: publisher_app

CREATE OR REPLACE FUNCTION publisher.organizations_of_user(wanted uuid)
 RETURNS TABLE(organization_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'publisher', 'kit', 'pg_temp'
AS $function$
        SELECT one.organization_id FROM posts AS one WHERE one.created_by = wanted
        UNION
        SELECT one.organization_id FROM deliveries AS one WHERE one.resolved_by = wanted
        UNION
        SELECT one.organization_id FROM connected_accounts AS one WHERE one.connected_by = wanted
        UNION
        SELECT one.organization_id FROM connections AS one WHERE one.user_id = wanted
        UNION
        SELECT one.organization_id FROM publishing_stops AS one WHERE one.stopped_by = wanted
        UNION
        SELECT one.organization_id FROM publishing_stops AS one WHERE one.lifted_by = wanted
        UNION
        SELECT one.organization_id FROM recurrences AS one WHERE one.created_by = wanted
        UNION
        SELECT one.organization_id FROM post_imports AS one WHERE one.created_by = wanted
        UNION
        SELECT one.organization_id FROM media AS one WHERE one.created_by = wanted
    $function$;
-- owner: publisher_loops
-- may be called by: publisher_app

CREATE OR REPLACE FUNCTION publisher.owners_of(told_by text, external_posts text[], account_blinds bytea[])
 RETURNS TABLE(place bigint, organization_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'publisher', 'kit', 'pg_temp'
AS $function$
        SELECT asked.place, coalesce(
            (SELECT one.organization_id FROM deliveries AS one
             WHERE one.external_id = asked.post AND one.platform = told_by ORDER BY one.id LIMIT 1),
            (SELECT one.organization_id FROM connected_accounts AS one
             WHERE one.platform = told_by AND one.external_blind = asked.account ORDER BY one.id LIMIT 1)
        )
        FROM unnest(external_posts, account_blinds) WITH ORDINALITY AS asked (post, account, place)
    $function$;
-- owner: publisher_loops
-- may be called by: publisher_app

CREATE OR REPLACE FUNCTION publisher.posts_that_use(asked uuid, medium uuid, at_most integer)
 RETURNS TABLE(post_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'publisher', 'kit', 'pg_temp'
AS $function$
        WITH uses AS (
            SELECT unnest(ARRAY[
                jsonb_build_object('media', jsonb_build_array(jsonb_build_object('media_id', medium))),
                jsonb_build_object('parts', jsonb_build_array(
                    jsonb_build_object('media', jsonb_build_array(jsonb_build_object('media_id', medium)))
                )),
                jsonb_build_object('cover', medium)
            ]) AS use
        ), found AS (
            SELECT post.id FROM uses JOIN posts AS post ON post.content @> uses.use AND post.content <> '{}'
            WHERE post.organization_id = asked
            UNION
            SELECT way.post_id FROM uses JOIN deliveries AS way ON way.content @> uses.use AND way.content IS NOT NULL
            WHERE way.organization_id = asked
        )
        SELECT post.id FROM posts AS post
        WHERE post.id IN (SELECT id FROM found) AND post.organization_id = asked
          AND post.status IN ('draft', 'scheduled', 'processing', 'checking')
        ORDER BY post.id LIMIT at_most
    $function$;
-- owner: publisher_loops
-- may be called by: publisher_app

CREATE OR REPLACE FUNCTION publisher.queue_mail(mail_id uuid, for_organization uuid, of_category text, by_template text, in_locale text, is_about uuid, has_detail uuid, to_address bytea, to_hash bytea, with_parameters bytea, has_message_id text, once text, of_kind text, on_lane text, entry_id uuid, until timestamp with time zone)
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
-- owner: publisher_owner
-- may be called by: publisher_app

CREATE OR REPLACE FUNCTION publisher.quota_forget(at_most integer)
 RETURNS integer
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'publisher', 'kit', 'pg_temp'
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
-- owner: publisher_loops
-- may be called by: publisher_app

CREATE OR REPLACE FUNCTION publisher.quota_lapse(at_most integer)
 RETURNS integer
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'publisher', 'kit', 'pg_temp'
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
-- owner: publisher_loops
-- may be called by: publisher_app

CREATE OR REPLACE FUNCTION publisher.recurrences_due(at_most integer)
 RETURNS TABLE(id uuid, organization_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'publisher', 'kit', 'pg_temp'
AS $function$
        SELECT due.id, due.organization_id FROM recurrences AS due
        WHERE due.look_at <= kit_now() ORDER BY due.look_at LIMIT at_most
    $function$;
-- owner: publisher_loops
-- may be called by: publisher_app

CREATE OR REPLACE FUNCTION publisher.refuse_to_change_what_is_published()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    IF NEW.resolved_by IS NULL AND OLD.resolved_by IS NOT NULL
       AND to_jsonb(NEW) - '{resolved_by,version,changed_at}'::text[]
           = to_jsonb(OLD) - '{resolved_by,version,changed_at}'::text[] THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a published delivery does not change';
END
$function$;
-- owner: publisher_owner
-- may be called by: PUBLIC

CREATE OR REPLACE FUNCTION publisher.refuse_to_change_what_was_said()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    IF EXISTS (SELECT FROM deliveries WHERE post_id = OLD.id AND status = 'published') THEN
        RAISE EXCEPTION 'what was published does not change';
    END IF;
    RETURN NEW;
END
$function$;
-- owner: publisher_owner
-- may be called by: PUBLIC

CREATE OR REPLACE FUNCTION publisher.seal_keys_shredded_within(seconds double precision, at_most integer)
 RETURNS TABLE(organization_id uuid, subject text)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'publisher', 'kit', 'pg_temp'
AS $function$
        SELECT k.organization_id, k.subject FROM seal_keys AS k
        WHERE k.shredded_at > kit_now() - make_interval(secs => seconds) AND NOT k.with_organization
        ORDER BY k.shredded_at DESC LIMIT at_most
    $function$;
-- owner: publisher_loops
-- may be called by: publisher_app

CREATE OR REPLACE FUNCTION publisher.seal_keys_under_master(after_key uuid, at_most integer)
 RETURNS TABLE(id uuid, organization_id uuid, master_key_id text, wrapped bytea)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'publisher', 'kit', 'pg_temp'
AS $function$
        SELECT k.id, k.organization_id, k.master_key_id, k.wrapped FROM seal_keys AS k
        WHERE k.id > after_key AND k.master_key_id IS NOT NULL AND k.wrapped IS NOT NULL
        ORDER BY k.id LIMIT at_most
    $function$;
-- owner: publisher_loops
-- may be called by: publisher_app

CREATE OR REPLACE FUNCTION publisher.take_connection(hash bytea)
 RETURNS TABLE(id uuid, organization_id uuid, user_id uuid, session_id uuid, platform text, kind text, browser_hash bytea, expires_at timestamp with time zone)
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'publisher', 'kit', 'pg_temp'
AS $function$
        UPDATE connections AS taken SET used_at = kit_now()
        WHERE taken.state_hash = hash AND taken.used_at IS NULL
        RETURNING taken.id, taken.organization_id, taken.user_id, taken.session_id, taken.platform, taken.kind,
                  taken.browser_hash, taken.expires_at
    $function$;
-- owner: publisher_loops
-- may be called by: publisher_app

CREATE OR REPLACE FUNCTION publisher.youtube_uploads(since timestamp with time zone, until timestamp with time zone, zone text, but_for uuid)
 RETURNS TABLE(day date, uploads bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'publisher', 'kit', 'pg_temp'
AS $function$
        SELECT (found.at AT TIME ZONE zone)::date, count(*) FROM (
            SELECT one.published_at AS at FROM deliveries AS one
            WHERE one.platform = 'youtube' AND one.status = 'published'
              AND one.published_at >= since AND one.published_at < until
            UNION ALL
            SELECT greatest(post.publish_at, kit_now()) FROM deliveries AS one JOIN posts AS post ON post.id = one.post_id
            WHERE one.platform = 'youtube' AND one.status IN ('scheduled', 'processing', 'checking', 'unconfirmed')
              AND one.post_id IS DISTINCT FROM but_for AND post.publish_at < until
        ) AS found
        WHERE found.at >= since GROUP BY 1
    $function$;
-- owner: publisher_loops
-- may be called by: publisher_app
