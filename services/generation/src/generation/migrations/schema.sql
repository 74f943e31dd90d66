-- The sum of all migrations; written by `make schemas`, compared by a test. Not to be edited.

CREATE TABLE aggregate_versions (
    gate text NOT NULL,
    subject text NOT NULL,
    version bigint NOT NULL,
    CONSTRAINT aggregate_versions_pkey PRIMARY KEY (gate, subject)
);
COMMENT ON TABLE aggregate_versions IS 'The newest version applied per gate and aggregate; older events are ignored.';
GRANT DELETE, INSERT, SELECT, UPDATE ON aggregate_versions TO generation_app;

CREATE TABLE answers (
    organization_id uuid NOT NULL,
    key bytea NOT NULL,
    answer_sealed bytea NOT NULL,
    model text NOT NULL,
    plain bigint NOT NULL,
    hits integer NOT NULL DEFAULT 0,
    expires_at timestamp with time zone NOT NULL,
    scope bytea,
    vector_sealed bytea,
    CONSTRAINT answers_key_check CHECK ((length(key) = 32)),
    CONSTRAINT answers_pkey PRIMARY KEY (organization_id, key),
    CONSTRAINT answers_scope_check CHECK ((length(scope) = 32))
);
COMMENT ON TABLE answers IS 'Answers of models that were acceptable, for who asks just the same again; key is a keyed hash of question, model, prompt and voice.';
ALTER TABLE answers ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX answers_expire ON answers USING btree (expires_at);
CREATE INDEX answers_near ON answers USING btree (organization_id, scope, expires_at DESC) WHERE (scope IS NOT NULL);
CREATE POLICY sweeping ON answers FOR ALL TO generation_loops USING (true);
CREATE POLICY tenant ON answers FOR ALL TO generation_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON answers TO generation_app;
GRANT DELETE, SELECT ON answers TO generation_loops;

CREATE TABLE assistant_actions (
    id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    turn_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    tool text NOT NULL,
    proposal_sealed bytea NOT NULL,
    state text NOT NULL DEFAULT 'pending'::text,
    reason text NOT NULL DEFAULT ''::text,
    attempt integer NOT NULL DEFAULT 0,
    expires_at timestamp with time zone NOT NULL,
    leased_until timestamp with time zone,
    begun_at timestamp with time zone,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    decided_at timestamp with time zone,
    CONSTRAINT assistant_actions_conversation_id_fkey FOREIGN KEY (conversation_id) REFERENCES assistant_conversations(id) ON DELETE CASCADE,
    CONSTRAINT assistant_actions_pkey PRIMARY KEY (id),
    CONSTRAINT assistant_actions_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'doing'::text, 'done'::text, 'refused'::text, 'failed'::text]))),
    CONSTRAINT assistant_actions_turn_id_fkey FOREIGN KEY (turn_id) REFERENCES assistant_turns(id) ON DELETE CASCADE,
    CONSTRAINT who_does_it_has_a_lease CHECK (((state = 'doing'::text) = (leased_until IS NOT NULL)))
);
COMMENT ON TABLE assistant_actions IS 'What the assistant would change, sealed, until who it was put before says yes or no; doing with a lapsed lease is unknown: it may have been done, and is done again only in a way that does it once.';
ALTER TABLE assistant_actions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX assistant_actions_of_conversations ON assistant_actions USING btree (conversation_id, id DESC);
CREATE INDEX assistant_actions_of_turns ON assistant_actions USING btree (turn_id, id);
CREATE POLICY tenant ON assistant_actions FOR ALL TO generation_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON assistant_actions TO generation_app;

CREATE TABLE assistant_conversations (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    created_by uuid NOT NULL,
    persona text NOT NULL,
    title_sealed bytea,
    turns integer NOT NULL DEFAULT 0,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    changed_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT assistant_conversations_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE assistant_conversations IS 'What one person talks about with the assistant; nobody else sees it, since it was told with that person''s rights.';
ALTER TABLE assistant_conversations ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX assistant_conversations_by ON assistant_conversations USING btree (created_by, id);
CREATE INDEX assistant_conversations_newest ON assistant_conversations USING btree (organization_id, created_by, id DESC);
CREATE POLICY looking ON assistant_conversations FOR SELECT TO generation_loops USING (true);
CREATE POLICY tenant ON assistant_conversations FOR ALL TO generation_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON assistant_conversations TO generation_app;
GRANT SELECT (organization_id) ON assistant_conversations TO generation_loops;
GRANT SELECT (created_by) ON assistant_conversations TO generation_loops;

CREATE TABLE assistant_pieces (
    turn_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    number integer NOT NULL,
    piece_sealed bytea NOT NULL,
    CONSTRAINT assistant_pieces_pkey PRIMARY KEY (turn_id, number),
    CONSTRAINT assistant_pieces_turn_id_fkey FOREIGN KEY (turn_id) REFERENCES assistant_turns(id) ON DELETE CASCADE
);
COMMENT ON TABLE assistant_pieces IS 'What was streamed of an answer, so that who was cut off can go on reading; forgotten an hour after the end.';
ALTER TABLE assistant_pieces ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY sweeping ON assistant_pieces FOR ALL TO generation_loops USING (true);
CREATE POLICY tenant ON assistant_pieces FOR ALL TO generation_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT ON assistant_pieces TO generation_app;
GRANT DELETE, SELECT ON assistant_pieces TO generation_loops;

CREATE TABLE assistant_turns (
    id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    number integer NOT NULL,
    state text NOT NULL,
    reason text NOT NULL DEFAULT ''::text,
    detail text NOT NULL DEFAULT ''::text,
    asked_sealed bytea NOT NULL,
    answer_sealed bytea,
    input_tokens integer NOT NULL DEFAULT 0,
    output_tokens integer NOT NULL DEFAULT 0,
    cost bigint NOT NULL DEFAULT 0,
    plain bigint NOT NULL DEFAULT 0,
    attempts integer NOT NULL DEFAULT 0,
    model text NOT NULL DEFAULT ''::text,
    leased_until timestamp with time zone,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    ended_at timestamp with time zone,
    CONSTRAINT assistant_turns_conversation_id_fkey FOREIGN KEY (conversation_id) REFERENCES assistant_conversations(id) ON DELETE CASCADE,
    CONSTRAINT assistant_turns_conversation_id_number_key UNIQUE (conversation_id, number),
    CONSTRAINT assistant_turns_pkey PRIMARY KEY (id),
    CONSTRAINT assistant_turns_state_check CHECK ((state = ANY (ARRAY['running'::text, 'done'::text, 'failed'::text]))),
    CONSTRAINT what_is_done_has_an_answer CHECK (((state <> 'done'::text) OR (answer_sealed IS NOT NULL))),
    CONSTRAINT who_answers_has_a_lease CHECK (((state = 'running'::text) = (leased_until IS NOT NULL)))
);
COMMENT ON TABLE assistant_turns IS 'What a person said to the assistant, and its answer, both sealed; attempts counts the calls of models, cost is in millionths of a US dollar.';
ALTER TABLE assistant_turns ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX assistant_turns_leased ON assistant_turns USING btree (leased_until) WHERE (leased_until IS NOT NULL);
CREATE UNIQUE INDEX assistant_turns_one_at_a_time ON assistant_turns USING btree (conversation_id) WHERE (state = 'running'::text);
CREATE POLICY sweeping ON assistant_turns FOR SELECT TO generation_loops USING (true);
CREATE POLICY tenant ON assistant_turns FOR ALL TO generation_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON assistant_turns TO generation_app;
GRANT SELECT (id) ON assistant_turns TO generation_loops;
GRANT SELECT (organization_id) ON assistant_turns TO generation_loops;
GRANT SELECT (leased_until) ON assistant_turns TO generation_loops;
GRANT SELECT (ended_at) ON assistant_turns TO generation_loops;

CREATE TABLE batches (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    created_by uuid,
    provider text NOT NULL,
    model text NOT NULL,
    state text NOT NULL,
    external_id text,
    cancel_wanted boolean NOT NULL DEFAULT false,
    look_at timestamp with time zone,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    ended_at timestamp with time zone,
    CONSTRAINT batches_pkey PRIMARY KEY (id),
    CONSTRAINT batches_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'submitted'::text, 'done'::text, 'failed'::text])))
);
COMMENT ON TABLE batches IS 'Generations that a provider works through within a day; external_id is the provider''s, look_at when it is asked again.';
ALTER TABLE batches ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX batches_by ON batches USING btree (created_by, id) WHERE (created_by IS NOT NULL);
CREATE INDEX batches_external ON batches USING btree (external_id) WHERE (external_id IS NOT NULL);
CREATE INDEX batches_look ON batches USING btree (look_at) WHERE (look_at IS NOT NULL);
CREATE INDEX batches_newest ON batches USING btree (organization_id, id DESC);
CREATE POLICY looking ON batches FOR ALL TO generation_loops USING (true);
CREATE POLICY tenant ON batches FOR ALL TO generation_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON batches TO generation_app;
GRANT SELECT, UPDATE ON batches TO generation_loops;

CREATE TABLE budgets (
    organization_id uuid NOT NULL,
    monthly bigint NOT NULL,
    changed_by uuid,
    version bigint NOT NULL DEFAULT 1,
    changed_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT budgets_monthly_check CHECK ((monthly >= 0)),
    CONSTRAINT budgets_pkey PRIMARY KEY (organization_id)
);
COMMENT ON TABLE budgets IS 'What an organization lets generation spend in a month, in millionths of a US dollar; one without a row has the default of the settings.';
ALTER TABLE budgets ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX budgets_by ON budgets USING btree (changed_by) WHERE (changed_by IS NOT NULL);
CREATE POLICY looking ON budgets FOR SELECT TO generation_loops USING (true);
CREATE POLICY tenant ON budgets FOR ALL TO generation_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON budgets TO generation_app;
GRANT SELECT (organization_id) ON budgets TO generation_loops;
GRANT SELECT (changed_by) ON budgets TO generation_loops;

CREATE TABLE calls (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    user_id uuid,
    work_id uuid NOT NULL,
    feature text NOT NULL,
    provider text NOT NULL,
    model text NOT NULL,
    status text NOT NULL,
    saved_by text NOT NULL DEFAULT ''::text,
    month date NOT NULL,
    reserved bigint NOT NULL,
    cost bigint NOT NULL DEFAULT 0,
    plain bigint NOT NULL DEFAULT 0,
    input_tokens integer NOT NULL DEFAULT 0,
    cached_tokens integer NOT NULL DEFAULT 0,
    output_tokens integer NOT NULL DEFAULT 0,
    milliseconds integer NOT NULL DEFAULT 0,
    code text NOT NULL DEFAULT ''::text,
    leased_until timestamp with time zone,
    started_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    ended_at timestamp with time zone,
    compacted bigint NOT NULL DEFAULT 0,
    CONSTRAINT a_call_under_way_has_a_lease CHECK (((status = 'calling'::text) = (leased_until IS NOT NULL))),
    CONSTRAINT calls_cached_tokens_check CHECK ((cached_tokens >= 0)),
    CONSTRAINT calls_compacted_check CHECK ((compacted >= 0)),
    CONSTRAINT calls_cost_check CHECK ((cost >= 0)),
    CONSTRAINT calls_input_tokens_check CHECK ((input_tokens >= 0)),
    CONSTRAINT calls_milliseconds_check CHECK ((milliseconds >= 0)),
    CONSTRAINT calls_output_tokens_check CHECK ((output_tokens >= 0)),
    CONSTRAINT calls_pkey PRIMARY KEY (id),
    CONSTRAINT calls_plain_check CHECK ((plain >= 0)),
    CONSTRAINT calls_reserved_check CHECK ((reserved >= 0)),
    CONSTRAINT calls_status_check CHECK ((status = ANY (ARRAY['calling'::text, 'done'::text, 'broken'::text, 'refused'::text, 'unanswered'::text])))
);
COMMENT ON TABLE calls IS 'Each call of a model: what was set aside for it, and what it cost. done: answered; broken: the answer ended midway and is billed for what came; refused: proven not to be billed; unanswered: nobody knows, so all that was set aside counts as spent until an answer corrects it. plain is what the same would have cost without routing, cache and batch; saved_by names what saved it.';
ALTER TABLE calls ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX calls_by ON calls USING btree (user_id, id) WHERE (user_id IS NOT NULL);
CREATE INDEX calls_leased ON calls USING btree (leased_until) WHERE (leased_until IS NOT NULL);
CREATE INDEX calls_newest ON calls USING btree (organization_id, started_at DESC, id DESC);
CREATE INDEX calls_of_work ON calls USING btree (work_id);
CREATE POLICY lapsing ON calls FOR ALL TO generation_loops USING (true);
CREATE POLICY tenant ON calls FOR ALL TO generation_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON calls TO generation_app;
GRANT SELECT, UPDATE ON calls TO generation_loops;

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
GRANT DELETE, INSERT, SELECT, UPDATE ON dead_letters TO generation_app;

CREATE TABLE generation_pieces (
    generation_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    number integer NOT NULL,
    piece_sealed bytea NOT NULL,
    CONSTRAINT generation_pieces_generation_id_fkey FOREIGN KEY (generation_id) REFERENCES generations(id) ON DELETE CASCADE,
    CONSTRAINT generation_pieces_pkey PRIMARY KEY (generation_id, number)
);
COMMENT ON TABLE generation_pieces IS 'What was streamed, so that who was cut off can go on reading; forgotten an hour after the end.';
ALTER TABLE generation_pieces ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY sweeping ON generation_pieces FOR ALL TO generation_loops USING (true);
CREATE POLICY tenant ON generation_pieces FOR ALL TO generation_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT ON generation_pieces TO generation_app;
GRANT DELETE, SELECT ON generation_pieces TO generation_loops;

CREATE TABLE generations (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    created_by uuid,
    kind text NOT NULL,
    state text NOT NULL,
    reason text NOT NULL DEFAULT ''::text,
    detail text NOT NULL DEFAULT ''::text,
    asked_sealed bytea NOT NULL,
    texts_sealed bytea,
    input_tokens integer NOT NULL DEFAULT 0,
    output_tokens integer NOT NULL DEFAULT 0,
    cost bigint NOT NULL DEFAULT 0,
    plain bigint NOT NULL DEFAULT 0,
    attempts integer NOT NULL DEFAULT 0,
    model text NOT NULL DEFAULT ''::text,
    decided_by uuid,
    leased_until timestamp with time zone,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    ended_at timestamp with time zone,
    batch_id uuid,
    call_id uuid,
    CONSTRAINT generations_batch_id_fkey FOREIGN KEY (batch_id) REFERENCES batches(id),
    CONSTRAINT generations_pkey PRIMARY KEY (id),
    CONSTRAINT generations_state_check CHECK ((state = ANY (ARRAY['running'::text, 'held'::text, 'done'::text, 'failed'::text]))),
    CONSTRAINT what_is_done_has_texts CHECK (((state <> ALL (ARRAY['done'::text, 'held'::text])) OR (texts_sealed IS NOT NULL))),
    CONSTRAINT who_runs_has_a_lease CHECK (((state = 'running'::text) = (leased_until IS NOT NULL)))
);
COMMENT ON TABLE generations IS 'Texts that were asked of models: what was asked and what came of it, sealed under the organization''s key; reason and detail say in words of ours why one failed or is held back; cost is in millionths of a US dollar.';
ALTER TABLE generations ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX generations_by ON generations USING btree (created_by, id) WHERE (created_by IS NOT NULL);
CREATE INDEX generations_decided ON generations USING btree (decided_by, id) WHERE (decided_by IS NOT NULL);
CREATE INDEX generations_held ON generations USING btree (organization_id, id DESC) WHERE (state = 'held'::text);
CREATE INDEX generations_leased ON generations USING btree (leased_until) WHERE (leased_until IS NOT NULL);
CREATE INDEX generations_newest ON generations USING btree (organization_id, id DESC);
CREATE INDEX generations_of_batch ON generations USING btree (batch_id) WHERE (batch_id IS NOT NULL);
CREATE POLICY sweeping ON generations FOR SELECT TO generation_loops USING (true);
CREATE POLICY tenant ON generations FOR ALL TO generation_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON generations TO generation_app;
GRANT SELECT (id) ON generations TO generation_loops;
GRANT SELECT (organization_id) ON generations TO generation_loops;
GRANT SELECT (created_by) ON generations TO generation_loops;
GRANT SELECT (decided_by) ON generations TO generation_loops;
GRANT SELECT (leased_until) ON generations TO generation_loops;
GRANT SELECT (ended_at) ON generations TO generation_loops;

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
GRANT DELETE, INSERT, SELECT, UPDATE ON idempotency_keys TO generation_app;

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
GRANT DELETE, INSERT, SELECT, UPDATE ON intake_deliveries TO generation_app;

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
GRANT DELETE, INSERT, SELECT, UPDATE ON intake_items TO generation_app;

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
GRANT DELETE, INSERT, SELECT, UPDATE ON intake_keys TO generation_app;

CREATE TABLE intake_sources (
    source text NOT NULL,
    holder uuid,
    leased_until timestamp with time zone NOT NULL DEFAULT '-infinity'::timestamp with time zone,
    CONSTRAINT intake_sources_pkey PRIMARY KEY (source)
);
COMMENT ON TABLE intake_sources IS 'Which worker takes the deliveries of a source apart: one at a time, so that items keep the order of arrival.';
GRANT INSERT, SELECT, UPDATE ON intake_sources TO generation_app;

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
CREATE POLICY tenant ON job_items FOR ALL TO generation_app USING (((organization_id IS NULL) OR (organization_id = ANY (( SELECT (COALESCE(NULLIF(current_setting('app.orgs'::text, true), ''::text), '{}'::text))::uuid[] AS "coalesce")::uuid[]))));
CREATE POLICY working ON job_items FOR ALL TO generation_loops USING (true);
GRANT INSERT, SELECT, UPDATE ON job_items TO generation_app;
GRANT DELETE, SELECT ON job_items TO generation_loops;

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
CREATE POLICY tenant ON jobs FOR ALL TO generation_app USING (((organization_id IS NULL) OR (organization_id = ANY (( SELECT (COALESCE(NULLIF(current_setting('app.orgs'::text, true), ''::text), '{}'::text))::uuid[] AS "coalesce")::uuid[]))));
CREATE POLICY working ON jobs FOR ALL TO generation_loops USING (true);
GRANT INSERT, SELECT, UPDATE ON jobs TO generation_app;
GRANT DELETE, SELECT, UPDATE ON jobs TO generation_loops;

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
CREATE POLICY tenant ON ledger_attempts FOR ALL TO generation_app USING (((organization_id IS NULL) OR (organization_id = ANY (( SELECT (COALESCE(NULLIF(current_setting('app.orgs'::text, true), ''::text), '{}'::text))::uuid[] AS "coalesce")::uuid[]))));
CREATE POLICY working ON ledger_attempts FOR ALL TO generation_loops USING (true);
GRANT DELETE, INSERT, SELECT ON ledger_attempts TO generation_app;
GRANT DELETE, SELECT ON ledger_attempts TO generation_loops;

CREATE TABLE ledger_blocks (
    id bigint NOT NULL,
    begin_by timestamp with time zone NOT NULL,
    entry_ids uuid[] NOT NULL,
    CONSTRAINT ledger_blocks_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE ledger_blocks IS 'Effects that are claimed together and whose calls have not begun; what is calling without a row here may have left.';
CREATE INDEX ledger_blocks_begin_by ON ledger_blocks USING btree (begin_by);
GRANT DELETE, INSERT, SELECT, UPDATE ON ledger_blocks TO generation_loops;

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
CREATE POLICY tenant ON ledger_entries FOR ALL TO generation_app USING (((organization_id IS NULL) OR (organization_id = ANY (( SELECT (COALESCE(NULLIF(current_setting('app.orgs'::text, true), ''::text), '{}'::text))::uuid[] AS "coalesce")::uuid[]))));
CREATE POLICY working ON ledger_entries FOR ALL TO generation_loops USING (true);
GRANT DELETE, INSERT, SELECT, UPDATE ON ledger_entries TO generation_app;
GRANT DELETE, SELECT, UPDATE ON ledger_entries TO generation_loops;

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
CREATE POLICY tenant ON ledger_holds FOR ALL TO generation_app USING (((organization_id IS NULL) OR (organization_id = ANY (( SELECT (COALESCE(NULLIF(current_setting('app.orgs'::text, true), ''::text), '{}'::text))::uuid[] AS "coalesce")::uuid[]))));
CREATE POLICY working ON ledger_holds FOR SELECT TO generation_loops USING (true);
GRANT DELETE, INSERT, SELECT, UPDATE ON ledger_holds TO generation_app;
GRANT SELECT ON ledger_holds TO generation_loops;

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
CREATE POLICY tenant ON ledger_lanes FOR ALL TO generation_app USING (((organization_id IS NULL) OR (organization_id = ANY (( SELECT (COALESCE(NULLIF(current_setting('app.orgs'::text, true), ''::text), '{}'::text))::uuid[] AS "coalesce")::uuid[]))));
CREATE POLICY working ON ledger_lanes FOR ALL TO generation_loops USING (true);
GRANT INSERT, SELECT, UPDATE ON ledger_lanes TO generation_app;
GRANT SELECT, UPDATE ON ledger_lanes TO generation_loops;

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
CREATE POLICY tenant ON ledger_wakes FOR ALL TO generation_app USING (((organization_id IS NULL) OR (organization_id = ANY (( SELECT (COALESCE(NULLIF(current_setting('app.orgs'::text, true), ''::text), '{}'::text))::uuid[] AS "coalesce")::uuid[]))));
CREATE POLICY working ON ledger_wakes FOR ALL TO generation_loops USING (true);
GRANT INSERT, SELECT ON ledger_wakes TO generation_app;
GRANT DELETE, INSERT, SELECT, UPDATE ON ledger_wakes TO generation_loops;

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
GRANT DELETE, INSERT, SELECT, UPDATE ON mail_suppressions TO generation_app;

CREATE TABLE migrations (
    origin text NOT NULL,
    number integer NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT migrations_pkey PRIMARY KEY (origin, number)
);
GRANT SELECT ON migrations TO generation_app;

CREATE TABLE moderation_policies (
    organization_id uuid NOT NULL,
    categories jsonb NOT NULL,
    changed_by uuid,
    version bigint NOT NULL DEFAULT 1,
    changed_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT moderation_policies_pkey PRIMARY KEY (organization_id)
);
COMMENT ON TABLE moderation_policies IS 'What an organization does with texts of a category: allow, review or block; what is not named has our default.';
ALTER TABLE moderation_policies ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX moderation_policies_by ON moderation_policies USING btree (changed_by) WHERE (changed_by IS NOT NULL);
CREATE POLICY looking ON moderation_policies FOR SELECT TO generation_loops USING (true);
CREATE POLICY tenant ON moderation_policies FOR ALL TO generation_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON moderation_policies TO generation_app;
GRANT SELECT (organization_id) ON moderation_policies TO generation_loops;
GRANT SELECT (changed_by) ON moderation_policies TO generation_loops;

CREATE TABLE outbox (
    id uuid NOT NULL,
    type text NOT NULL,
    organization_id uuid,
    body bytea NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT outbox_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE outbox IS 'Events committed with their state and not yet confirmed by the broker; the relay deletes them.';
GRANT DELETE, INSERT, SELECT ON outbox TO generation_app;
GRANT UPDATE (created_at) ON outbox TO generation_app;

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
CREATE POLICY forgetting ON outgoing_mails FOR ALL TO generation_loops USING (true);
CREATE POLICY tenant ON outgoing_mails FOR ALL TO generation_app USING (((organization_id IS NULL) OR (organization_id = ANY (( SELECT (NULLIF(current_setting('app.orgs'::text, true), ''::text))::uuid[] AS "nullif")::uuid[]))));
GRANT DELETE, INSERT, SELECT, UPDATE ON outgoing_mails TO generation_app;
GRANT DELETE, SELECT ON outgoing_mails TO generation_loops;

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
GRANT DELETE, INSERT, SELECT, UPDATE ON privacy_tasks TO generation_app;

CREATE TABLE processed_messages (
    queue text NOT NULL,
    message_id uuid NOT NULL,
    generation bigint NOT NULL DEFAULT 0,
    processed_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT processed_messages_pkey PRIMARY KEY (queue, message_id, generation)
);
COMMENT ON TABLE processed_messages IS 'Messages whose effect is committed; a replay carries another generation.';
CREATE INDEX processed_messages_by_age ON processed_messages USING brin (processed_at);
GRANT DELETE, INSERT, SELECT ON processed_messages TO generation_app;

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
CREATE POLICY tenant ON quota_limits FOR ALL TO generation_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON quota_limits TO generation_app;

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
CREATE POLICY lapsing ON quota_reservations FOR ALL TO generation_loops USING (true) WITH CHECK (true);
CREATE POLICY tenant ON quota_reservations FOR ALL TO generation_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON quota_reservations TO generation_app;
GRANT DELETE, SELECT, UPDATE ON quota_reservations TO generation_loops;

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
CREATE POLICY lapsing ON quota_usage FOR ALL TO generation_loops USING (true) WITH CHECK (true);
CREATE POLICY tenant ON quota_usage FOR ALL TO generation_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON quota_usage TO generation_app;
GRANT DELETE, SELECT, UPDATE ON quota_usage TO generation_loops;

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
CREATE POLICY looking ON seal_keys FOR SELECT TO generation_loops USING (true);
CREATE POLICY tenant ON seal_keys FOR ALL TO generation_app USING (((organization_id IS NULL) OR (organization_id = ANY (( SELECT (NULLIF(current_setting('app.orgs'::text, true), ''::text))::uuid[] AS "nullif")::uuid[]))));
GRANT INSERT, SELECT ON seal_keys TO generation_app;
GRANT SELECT ON seal_keys TO generation_loops;
GRANT UPDATE (master_key_id) ON seal_keys TO generation_app;
GRANT UPDATE (wrapped) ON seal_keys TO generation_app;
GRANT UPDATE (retired_at) ON seal_keys TO generation_app;
GRANT UPDATE (shredded_at) ON seal_keys TO generation_app;
GRANT UPDATE (with_organization) ON seal_keys TO generation_app;

CREATE TABLE spending (
    organization_id uuid NOT NULL,
    month date NOT NULL,
    reserved bigint NOT NULL DEFAULT 0,
    spent bigint NOT NULL DEFAULT 0,
    warned integer NOT NULL DEFAULT 0,
    CONSTRAINT spending_pkey PRIMARY KEY (organization_id, month),
    CONSTRAINT spending_reserved_check CHECK ((reserved >= 0)),
    CONSTRAINT spending_spent_check CHECK ((spent >= 0))
);
COMMENT ON TABLE spending IS 'What an organization has spent in a calendar month (UTC) and has set aside for calls under way, in millionths of a US dollar; warned is the threshold in per cent that was told last.';
ALTER TABLE spending ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY lapsing ON spending FOR ALL TO generation_loops USING (true);
CREATE POLICY tenant ON spending FOR ALL TO generation_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON spending TO generation_app;
GRANT SELECT, UPDATE ON spending TO generation_loops;

CREATE TABLE suspect_messages (
    queue text NOT NULL,
    message_id uuid NOT NULL,
    generation bigint NOT NULL DEFAULT 0,
    attempts integer NOT NULL DEFAULT 0,
    last_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT suspect_messages_pkey PRIMARY KEY (queue, message_id, generation)
);
COMMENT ON TABLE suspect_messages IS 'Redelivered messages counted before their handler runs: some kill the process.';
GRANT DELETE, INSERT, SELECT, UPDATE ON suspect_messages TO generation_app;

CREATE TABLE template_versions (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    template_id uuid NOT NULL,
    number integer NOT NULL,
    created_by uuid,
    document_sealed bytea NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT template_versions_number_check CHECK ((number >= 1)),
    CONSTRAINT template_versions_pkey PRIMARY KEY (id),
    CONSTRAINT template_versions_template_id_fkey FOREIGN KEY (template_id) REFERENCES templates(id),
    CONSTRAINT template_versions_template_id_number_key UNIQUE (template_id, number)
);
COMMENT ON TABLE template_versions IS 'What a template said at one time; it never changes.';
ALTER TABLE template_versions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX template_versions_by ON template_versions USING btree (created_by, id) WHERE (created_by IS NOT NULL);
CREATE POLICY looking ON template_versions FOR SELECT TO generation_loops USING (true);
CREATE POLICY tenant ON template_versions FOR ALL TO generation_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON template_versions TO generation_app;
GRANT SELECT (organization_id) ON template_versions TO generation_loops;
GRANT SELECT (created_by) ON template_versions TO generation_loops;

CREATE TABLE templates (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    latest integer NOT NULL DEFAULT 1,
    retired boolean NOT NULL DEFAULT false,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    changed_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT templates_latest_check CHECK ((latest >= 1)),
    CONSTRAINT templates_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE templates IS 'A template of an organization: latest is the number of its newest version; one that is retired is offered no more.';
ALTER TABLE templates ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX templates_newest ON templates USING btree (organization_id, id DESC) WHERE (NOT retired);
CREATE INDEX templates_of ON templates USING btree (organization_id);
CREATE POLICY tenant ON templates FOR ALL TO generation_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON templates TO generation_app;

CREATE TABLE voice_samples (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    voice_id uuid NOT NULL,
    source text NOT NULL,
    state text NOT NULL,
    reason text NOT NULL DEFAULT ''::text,
    origin_sealed bytea NOT NULL,
    text_sealed bytea,
    since_version integer NOT NULL,
    until_version integer,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT voice_samples_pkey PRIMARY KEY (id),
    CONSTRAINT voice_samples_source_check CHECK ((source = ANY (ARRAY['text'::text, 'url'::text, 'posts'::text]))),
    CONSTRAINT voice_samples_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'ready'::text, 'failed'::text]))),
    CONSTRAINT voice_samples_voice_id_fkey FOREIGN KEY (voice_id) REFERENCES voices(id) ON DELETE CASCADE,
    CONSTRAINT what_is_ready_has_a_text CHECK (((state = 'ready'::text) = (text_sealed IS NOT NULL)))
);
COMMENT ON TABLE voice_samples IS 'What a voice is learned from: a text, a page, or published posts; counts for the versions from since_version on and before until_version.';
ALTER TABLE voice_samples ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX voice_samples_of ON voice_samples USING btree (voice_id, id);
CREATE POLICY looking ON voice_samples FOR SELECT TO generation_loops USING (true);
CREATE POLICY tenant ON voice_samples FOR ALL TO generation_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON voice_samples TO generation_app;
GRANT SELECT (voice_id) ON voice_samples TO generation_loops;
GRANT SELECT (state) ON voice_samples TO generation_loops;
GRANT SELECT (since_version) ON voice_samples TO generation_loops;
GRANT SELECT (until_version) ON voice_samples TO generation_loops;
GRANT SELECT (created_at) ON voice_samples TO generation_loops;

CREATE TABLE voice_versions (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    voice_id uuid NOT NULL,
    number integer NOT NULL,
    created_by uuid,
    state text NOT NULL,
    reason text NOT NULL DEFAULT ''::text,
    rules_sealed bytea NOT NULL,
    profile_sealed bytea,
    samples integer NOT NULL DEFAULT 0,
    words integer NOT NULL DEFAULT 0,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    ended_at timestamp with time zone,
    CONSTRAINT voice_versions_number_check CHECK ((number >= 1)),
    CONSTRAINT voice_versions_pkey PRIMARY KEY (id),
    CONSTRAINT voice_versions_state_check CHECK ((state = ANY (ARRAY['learning'::text, 'ready'::text, 'failed'::text]))),
    CONSTRAINT voice_versions_voice_id_fkey FOREIGN KEY (voice_id) REFERENCES voices(id) ON DELETE CASCADE,
    CONSTRAINT voice_versions_voice_id_number_key UNIQUE (voice_id, number),
    CONSTRAINT what_is_ready_has_a_profile CHECK (((state = 'ready'::text) = (profile_sealed IS NOT NULL)))
);
COMMENT ON TABLE voice_versions IS 'What was learned of a voice at one time: rules that people set, and a measured profile; one that is ready never changes.';
ALTER TABLE voice_versions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX voice_versions_by ON voice_versions USING btree (created_by, id) WHERE (created_by IS NOT NULL);
CREATE INDEX voice_versions_learning ON voice_versions USING btree (created_at) WHERE (state = 'learning'::text);
CREATE POLICY looking ON voice_versions FOR SELECT TO generation_loops USING (true);
CREATE POLICY tenant ON voice_versions FOR ALL TO generation_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON voice_versions TO generation_app;
GRANT SELECT (id) ON voice_versions TO generation_loops;
GRANT SELECT (organization_id) ON voice_versions TO generation_loops;
GRANT SELECT (voice_id) ON voice_versions TO generation_loops;
GRANT SELECT (number) ON voice_versions TO generation_loops;
GRANT SELECT (created_by) ON voice_versions TO generation_loops;
GRANT SELECT (state) ON voice_versions TO generation_loops;
GRANT SELECT (created_at) ON voice_versions TO generation_loops;

CREATE TABLE voices (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    name_sealed bytea NOT NULL,
    is_default boolean NOT NULL DEFAULT false,
    latest integer NOT NULL DEFAULT 1,
    current integer,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    changed_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT voices_check CHECK (((current >= 1) AND (current <= latest))),
    CONSTRAINT voices_latest_check CHECK ((latest >= 1)),
    CONSTRAINT voices_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE voices IS 'A brand voice of an organization: latest is the number of its newest version, current that of the newest that is ready; is_default is the one that is used where none is named.';
ALTER TABLE voices ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE UNIQUE INDEX voices_default ON voices USING btree (organization_id) WHERE is_default;
CREATE INDEX voices_newest ON voices USING btree (organization_id, id DESC);
CREATE POLICY tenant ON voices FOR ALL TO generation_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON voices TO generation_app;

CREATE OR REPLACE FUNCTION generation.assistant_organizations_of_user(wanted uuid)
 RETURNS TABLE(organization_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'generation', 'kit', 'pg_temp'
AS $function$
        SELECT DISTINCT one.organization_id FROM assistant_conversations AS one WHERE one.created_by = wanted
    $function$;
-- owner: generation_loops
-- may be called by: generation_app

CREATE OR REPLACE FUNCTION generation.assistant_pieces_forget(older_than interval, at_most integer)
 RETURNS bigint
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'generation', 'kit', 'pg_temp'
AS $function$
        WITH gone AS (
            DELETE FROM assistant_pieces AS piece
            WHERE (piece.turn_id, piece.number) IN (
                SELECT old.turn_id, old.number FROM assistant_pieces AS old
                JOIN assistant_turns AS whole ON whole.id = old.turn_id
                WHERE whole.ended_at < kit_now() - older_than LIMIT at_most
            )
            RETURNING 1
        )
        SELECT count(*) FROM gone
    $function$;
-- owner: generation_loops
-- may be called by: generation_app

CREATE OR REPLACE FUNCTION generation.assistant_turns_lapsed(at_most integer)
 RETURNS TABLE(id uuid, organization_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'generation', 'kit', 'pg_temp'
AS $function$
        SELECT due.id, due.organization_id FROM assistant_turns AS due
        WHERE due.leased_until < kit_now() ORDER BY due.leased_until LIMIT at_most
    $function$;
-- owner: generation_loops
-- may be called by: generation_app

CREATE OR REPLACE FUNCTION generation.batches_claim(at_most integer)
 RETURNS TABLE(id uuid, organization_id uuid)
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'generation', 'kit', 'pg_temp'
AS $function$
        UPDATE batches SET look_at = kit_now() + interval '1 minute'
        WHERE batches.id IN (
            SELECT due.id FROM batches AS due
            WHERE due.look_at <= kit_now() ORDER BY due.look_at LIMIT at_most FOR UPDATE SKIP LOCKED
        )
        RETURNING batches.id, batches.organization_id
    $function$;
-- owner: generation_loops
-- may be called by: generation_app

CREATE OR REPLACE FUNCTION generation.batches_named(wanted text[])
 RETURNS TABLE(external_id text, organization_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'generation', 'kit', 'pg_temp'
AS $function$
        SELECT one.external_id, one.organization_id FROM batches AS one WHERE one.external_id = ANY (wanted)
    $function$;
-- owner: generation_loops
-- may be called by: generation_app

CREATE OR REPLACE FUNCTION generation.calls_lapse(at_most integer)
 RETURNS TABLE(id uuid, organization_id uuid, work_id uuid)
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'generation', 'kit', 'pg_temp'
AS $function$
        WITH lapsed AS (
            UPDATE calls SET status = 'unanswered', leased_until = NULL, cost = calls.reserved, plain = calls.reserved,
                code = 'process_gone', ended_at = kit_now()
            WHERE calls.id IN (
                SELECT due.id FROM calls AS due
                WHERE due.leased_until < kit_now() ORDER BY due.leased_until LIMIT at_most FOR UPDATE SKIP LOCKED
            )
            RETURNING calls.id, calls.organization_id, calls.work_id, calls.month, calls.reserved
        ), sums AS (
            SELECT lapsed.organization_id, lapsed.month, sum(lapsed.reserved)::bigint AS amount
            FROM lapsed GROUP BY 1, 2
        ), counted AS (
            UPDATE spending SET reserved = spending.reserved - sums.amount, spent = spending.spent + sums.amount
            FROM sums
            WHERE spending.organization_id = sums.organization_id AND spending.month = sums.month
        )
        SELECT lapsed.id, lapsed.organization_id, lapsed.work_id FROM lapsed
    $function$;
-- owner: generation_loops
-- may be called by: generation_app

CREATE OR REPLACE FUNCTION generation.forget_mails(older_than interval, at_most integer)
 RETURNS bigint
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'generation', 'kit', 'pg_temp'
AS $function$
        WITH forgotten AS (
            DELETE FROM outgoing_mails
            WHERE id IN (SELECT id FROM outgoing_mails WHERE settled_at < kit_now() - older_than LIMIT at_most)
            RETURNING id
        )
        SELECT count(*) FROM forgotten
    $function$;
-- owner: generation_loops
-- may be called by: generation_app

CREATE OR REPLACE FUNCTION generation.generation_pieces_forget(older_than interval, at_most integer)
 RETURNS bigint
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'generation', 'kit', 'pg_temp'
AS $function$
        WITH gone AS (
            DELETE FROM generation_pieces AS piece
            WHERE (piece.generation_id, piece.number) IN (
                SELECT old.generation_id, old.number FROM generation_pieces AS old
                JOIN generations AS whole ON whole.id = old.generation_id
                WHERE whole.ended_at < kit_now() - older_than LIMIT at_most
            )
            RETURNING 1
        ), stale AS (
            DELETE FROM answers WHERE (organization_id, key) IN (
                SELECT old.organization_id, old.key FROM answers AS old WHERE old.expires_at < kit_now() LIMIT at_most
            )
            RETURNING 1
        )
        SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM stale)
    $function$;
-- owner: generation_loops
-- may be called by: generation_app

CREATE OR REPLACE FUNCTION generation.generations_lapsed(at_most integer)
 RETURNS TABLE(id uuid, organization_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'generation', 'kit', 'pg_temp'
AS $function$
        SELECT due.id, due.organization_id FROM generations AS due
        WHERE due.leased_until < kit_now() ORDER BY due.leased_until LIMIT at_most
    $function$;
-- owner: generation_loops
-- may be called by: generation_app

CREATE OR REPLACE FUNCTION generation.jobs_measure(kinds text[])
 RETURNS TABLE(kind text, queued bigint, running bigint, left_over bigint, rate double precision, oldest double precision, finished bigint, cancelled bigint, failed bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'generation', 'kit', 'pg_temp'
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
-- owner: generation_loops
-- may be called by: generation_app

CREATE OR REPLACE FUNCTION generation.jobs_next(kinds text[])
 RETURNS double precision
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'generation', 'kit', 'pg_temp'
AS $function$
        SELECT extract(epoch FROM min(ready_at) - kit_now())::double precision
        FROM jobs WHERE ended_at IS NULL AND kind = ANY (kinds)
    $function$;
-- owner: generation_loops
-- may be called by: generation_app

CREATE OR REPLACE FUNCTION generation.jobs_purge(older_than interval, at_most integer)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'generation', 'kit', 'pg_temp'
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
-- owner: generation_loops
-- may be called by: generation_app

CREATE OR REPLACE FUNCTION generation.jobs_turn(kinds text[])
 RETURNS TABLE(id uuid, organization_id uuid)
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'generation', 'kit', 'pg_temp'
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
-- owner: generation_loops
-- may be called by: generation_app

CREATE OR REPLACE FUNCTION generation.ledger_begin(blocks bigint[])
 RETURNS TABLE(block_id bigint)
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'generation', 'kit', 'pg_temp'
AS $function$DELETE FROM ledger_blocks WHERE id = ANY (blocks) RETURNING id$function$;
-- owner: generation_loops
-- may be called by: generation_app

CREATE OR REPLACE FUNCTION generation.ledger_claim(kinds text[], leases double precision[], most integer, most_lanes integer, pace double precision, lead double precision, ahead double precision, slice double precision, unpaced integer, busy bigint[], block double precision, patience double precision)
 RETURNS TABLE(id uuid, kind text, organization_id uuid, lane_id bigint, lane_key text, subject_id uuid, attempt integer, due_at timestamp with time zone, created_at timestamp with time zone, called_at timestamp with time zone, age double precision, lease double precision, slot double precision, step double precision, slots_end timestamp with time zone, server timestamp with time zone, block_id bigint)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'generation', 'kit', 'pg_temp'
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
-- owner: generation_loops
-- may be called by: generation_app

CREATE OR REPLACE FUNCTION generation.ledger_claim_looks(kinds text[], leases double precision[], most integer, per_lane integer, after_lane bigint)
 RETURNS TABLE(walked bigint, id uuid, kind text, organization_id uuid, lane_id bigint, lane_key text, subject_id uuid, attempt integer, due_at timestamp with time zone, created_at timestamp with time zone, called_at timestamp with time zone, age double precision, since_call double precision, quiet double precision, looks integer, blanks integer)
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'generation', 'kit', 'pg_temp'
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
-- owner: generation_loops
-- may be called by: generation_app

CREATE OR REPLACE FUNCTION generation.ledger_drain_wakes(most integer)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'generation', 'kit', 'pg_temp'
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
-- owner: generation_loops
-- may be called by: generation_app

CREATE OR REPLACE FUNCTION generation.ledger_give_back(most integer)
 RETURNS bigint
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'generation', 'kit', 'pg_temp'
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
-- owner: generation_loops
-- may be called by: generation_app

CREATE OR REPLACE FUNCTION generation.ledger_list(statuses text[], of_kind text, kinds text[], before uuid, older_than interval, most integer)
 RETURNS TABLE(id uuid, kind text, organization_id uuid, lane_key text, subject_id uuid, status text, attempt integer, due_at timestamp with time zone, created_at timestamp with time zone, called_at timestamp with time zone, look_at timestamp with time zone, external_id text, reason text, code text, settled_at timestamp with time zone, settled_by text, held text)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'generation', 'kit', 'pg_temp'
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
-- owner: generation_loops
-- may be called by: generation_app

CREATE OR REPLACE FUNCTION generation.ledger_measure(kinds text[], most integer)
 RETURNS TABLE(kind text, oldest double precision, due bigint, unknown bigint, unconfirmed bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'generation', 'kit', 'pg_temp'
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
-- owner: generation_loops
-- may be called by: generation_app

CREATE OR REPLACE FUNCTION generation.ledger_mend_lanes(after_lane bigint, most integer)
 RETURNS TABLE(last_lane bigint, mended bigint)
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'generation', 'kit', 'pg_temp'
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
-- owner: generation_loops
-- may be called by: generation_app

CREATE OR REPLACE FUNCTION generation.ledger_next()
 RETURNS double precision
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'generation', 'kit', 'pg_temp'
AS $function$
        SELECT extract(epoch FROM min(ready_at) - kit_now())::double precision FROM ledger_lanes
        WHERE ready_at IS NOT NULL
    $function$;
-- owner: generation_loops
-- may be called by: generation_app

CREATE OR REPLACE FUNCTION generation.ledger_overdue(kinds text[], most integer, but_for uuid[])
 RETURNS TABLE(id uuid, kind text, organization_id uuid, lane_id bigint, lane_key text, subject_id uuid, attempt integer, due_at timestamp with time zone, created_at timestamp with time zone, called_at timestamp with time zone, status text)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'generation', 'kit', 'pg_temp'
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
-- owner: generation_loops
-- may be called by: generation_app

CREATE OR REPLACE FUNCTION generation.ledger_owner(entry uuid)
 RETURNS TABLE(organization_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'generation', 'kit', 'pg_temp'
AS $function$SELECT e.organization_id FROM ledger_entries AS e WHERE e.id = entry$function$;
-- owner: generation_loops
-- may be called by: generation_app

CREATE OR REPLACE FUNCTION generation.ledger_purge(older_than interval, most integer)
 RETURNS bigint
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'generation', 'kit', 'pg_temp'
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
-- owner: generation_loops
-- may be called by: generation_app

CREATE OR REPLACE FUNCTION generation.ledger_reserve(lane bigint, wanted integer, pace double precision, lead double precision, unused_from timestamp with time zone, reserved_until timestamp with time zone)
 RETURNS TABLE(slot double precision, step double precision, slots_end timestamp with time zone, server timestamp with time zone)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'generation', 'kit', 'pg_temp'
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
-- owner: generation_loops
-- may be called by: generation_app

CREATE OR REPLACE FUNCTION generation.organizations_of_user(wanted uuid)
 RETURNS TABLE(organization_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'generation', 'kit', 'pg_temp'
AS $function$
        SELECT one.organization_id FROM calls AS one WHERE one.user_id = wanted
        UNION
        SELECT one.organization_id FROM budgets AS one WHERE one.changed_by = wanted
        UNION
        SELECT one.organization_id FROM generations AS one WHERE one.created_by = wanted
        UNION
        SELECT one.organization_id FROM generations AS one WHERE one.decided_by = wanted
        UNION
        SELECT one.organization_id FROM moderation_policies AS one WHERE one.changed_by = wanted
    $function$;
-- owner: generation_loops
-- may be called by: generation_app

CREATE OR REPLACE FUNCTION generation.queue_mail(mail_id uuid, for_organization uuid, of_category text, by_template text, in_locale text, is_about uuid, has_detail uuid, to_address bytea, to_hash bytea, with_parameters bytea, has_message_id text, once text, of_kind text, on_lane text, entry_id uuid, until timestamp with time zone)
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
-- owner: generation_owner
-- may be called by: generation_app

CREATE OR REPLACE FUNCTION generation.quota_forget(at_most integer)
 RETURNS integer
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'generation', 'kit', 'pg_temp'
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
-- owner: generation_loops
-- may be called by: generation_app

CREATE OR REPLACE FUNCTION generation.quota_lapse(at_most integer)
 RETURNS integer
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'generation', 'kit', 'pg_temp'
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
-- owner: generation_loops
-- may be called by: generation_app

CREATE OR REPLACE FUNCTION generation.seal_keys_shredded_within(seconds double precision, at_most integer)
 RETURNS TABLE(organization_id uuid, subject text)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'generation', 'kit', 'pg_temp'
AS $function$
        SELECT k.organization_id, k.subject FROM seal_keys AS k
        WHERE k.shredded_at > kit_now() - make_interval(secs => seconds) AND NOT k.with_organization
        ORDER BY k.shredded_at DESC LIMIT at_most
    $function$;
-- owner: generation_loops
-- may be called by: generation_app

CREATE OR REPLACE FUNCTION generation.seal_keys_under_master(after_key uuid, at_most integer)
 RETURNS TABLE(id uuid, organization_id uuid, master_key_id text, wrapped bytea)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'generation', 'kit', 'pg_temp'
AS $function$
        SELECT k.id, k.organization_id, k.master_key_id, k.wrapped FROM seal_keys AS k
        WHERE k.id > after_key AND k.master_key_id IS NOT NULL AND k.wrapped IS NOT NULL
        ORDER BY k.id LIMIT at_most
    $function$;
-- owner: generation_loops
-- may be called by: generation_app

CREATE OR REPLACE FUNCTION generation.templates_organizations_of_user(wanted uuid)
 RETURNS TABLE(organization_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'generation', 'kit', 'pg_temp'
AS $function$
        SELECT DISTINCT one.organization_id FROM template_versions AS one WHERE one.created_by = wanted
    $function$;
-- owner: generation_loops
-- may be called by: generation_app

CREATE OR REPLACE FUNCTION generation.voices_organizations_of_user(wanted uuid)
 RETURNS TABLE(organization_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'generation', 'kit', 'pg_temp'
AS $function$
        SELECT DISTINCT one.organization_id FROM voice_versions AS one WHERE one.created_by = wanted
    $function$;
-- owner: generation_loops
-- may be called by: generation_app

CREATE OR REPLACE FUNCTION generation.voices_to_learn(at_most integer)
 RETURNS TABLE(id uuid, organization_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'generation', 'kit', 'pg_temp'
AS $function$
        SELECT due.id, due.organization_id FROM voice_versions AS due
        WHERE due.state = 'learning' AND NOT EXISTS (
            SELECT FROM voice_samples AS one
            WHERE one.voice_id = due.voice_id AND one.state = 'waiting' AND one.since_version <= due.number
              AND (one.until_version IS NULL OR one.until_version > due.number)
              AND one.created_at > kit_now() - interval '1 hour'
        )
        ORDER BY due.created_at LIMIT at_most
    $function$;
-- owner: generation_loops
-- may be called by: generation_app
