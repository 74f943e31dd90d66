-- The sum of all migrations; written by `make schemas`, compared by a test. Not to be edited.

CREATE TABLE agents (
    organization_id uuid NOT NULL,
    user_id uuid NOT NULL,
    availability text NOT NULL DEFAULT 'online'::text,
    said_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    seen_until timestamp with time zone,
    capacity integer,
    turn bigint NOT NULL DEFAULT 0,
    CONSTRAINT agents_availability_check CHECK ((availability = ANY (ARRAY['online'::text, 'busy'::text, 'offline'::text]))),
    CONSTRAINT agents_capacity_check CHECK (((capacity >= 1) AND (capacity <= 1000))),
    CONSTRAINT agents_pkey PRIMARY KEY (organization_id, user_id)
);
COMMENT ON TABLE agents IS 'How members who answer stand just now; nothing of how they stood before is kept.';
ALTER TABLE agents ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX agents_of_user ON agents USING btree (user_id);
CREATE POLICY tenant ON agents FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON agents TO inbox_app;

CREATE TABLE aggregate_versions (
    gate text NOT NULL,
    subject text NOT NULL,
    version bigint NOT NULL,
    CONSTRAINT aggregate_versions_pkey PRIMARY KEY (gate, subject)
);
COMMENT ON TABLE aggregate_versions IS 'The newest version applied per gate and aggregate; older events are ignored.';
GRANT DELETE, INSERT, SELECT, UPDATE ON aggregate_versions TO inbox_app;

CREATE TABLE arrangements (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    kind text NOT NULL,
    owner_id uuid,
    key text NOT NULL,
    document_sealed bytea NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    changed_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT arrangements_key_check CHECK (((length(key) >= 1) AND (length(key) <= 400))),
    CONSTRAINT arrangements_kind_check CHECK ((kind = ANY (ARRAY['canned_reply'::text, 'macro'::text, 'view'::text, 'segment'::text]))),
    CONSTRAINT arrangements_organization_id_kind_owner_id_key_key UNIQUE NULLS NOT DISTINCT (organization_id, kind, owner_id, key),
    CONSTRAINT arrangements_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE arrangements IS 'Canned replies, macros and saved filters: of all, or of one member alone, whose key then seals them.';
ALTER TABLE arrangements ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX arrangements_listed ON arrangements USING btree (organization_id, kind, key, id);
CREATE INDEX arrangements_of_user ON arrangements USING btree (owner_id) WHERE (owner_id IS NOT NULL);
CREATE POLICY looking ON arrangements FOR SELECT TO inbox_loops USING (true);
CREATE POLICY tenant ON arrangements FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON arrangements TO inbox_app;
GRANT SELECT (organization_id) ON arrangements TO inbox_loops;
GRANT SELECT (owner_id) ON arrangements TO inbox_loops;

CREATE TABLE assignment_nudges (
    id bigint NOT NULL,
    organization_id uuid NOT NULL,
    CONSTRAINT assignment_nudges_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE assignment_nudges IS 'Something has changed by which a conversation may be given to somebody; whoever looks deletes it.';
ALTER TABLE assignment_nudges ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX assignment_nudges_by_organization ON assignment_nudges USING btree (organization_id);
CREATE POLICY nudging ON assignment_nudges FOR ALL TO inbox_loops USING (true);
CREATE POLICY tenant ON assignment_nudges FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT ON assignment_nudges TO inbox_app;
GRANT INSERT, SELECT ON assignment_nudges TO inbox_loops;

CREATE TABLE assignment_policies (
    organization_id uuid NOT NULL,
    scope text NOT NULL,
    scope_id uuid NOT NULL,
    strategy text NOT NULL,
    capacity integer,
    online_only boolean NOT NULL DEFAULT true,
    release_after integer,
    team_id uuid,
    version bigint NOT NULL DEFAULT 1,
    CONSTRAINT assignment_policies_capacity_check CHECK (((capacity >= 1) AND (capacity <= 1000))),
    CONSTRAINT assignment_policies_check CHECK (((team_id IS NULL) OR (scope <> 'team'::text))),
    CONSTRAINT assignment_policies_pkey PRIMARY KEY (organization_id, scope_id),
    CONSTRAINT assignment_policies_release_after_check CHECK (((release_after >= 60) AND (release_after <= 86400))),
    CONSTRAINT assignment_policies_scope_check CHECK ((scope = ANY (ARRAY['organization'::text, 'channel'::text, 'team'::text]))),
    CONSTRAINT assignment_policies_strategy_check CHECK ((strategy = ANY (ARRAY['manual'::text, 'round_robin'::text, 'least_busy'::text])))
);
COMMENT ON TABLE assignment_policies IS 'To whom conversations that nobody has are given: what holds for its team, else for its channel, else for all.';
ALTER TABLE assignment_policies ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON assignment_policies FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON assignment_policies TO inbox_app;

CREATE TABLE assignment_turns (
    organization_id uuid NOT NULL,
    turn bigint NOT NULL DEFAULT 0,
    served_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    look_at timestamp with time zone,
    CONSTRAINT assignment_turns_pkey PRIMARY KEY (organization_id)
);
COMMENT ON TABLE assignment_turns IS 'Organizations whose conversations are given out; whoever does it holds the row, who was served longest ago comes first.';
ALTER TABLE assignment_turns ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX assignment_turns_due ON assignment_turns USING btree (look_at) WHERE (look_at IS NOT NULL);
CREATE POLICY claiming ON assignment_turns FOR ALL TO inbox_loops USING (true);
CREATE POLICY tenant ON assignment_turns FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON assignment_turns TO inbox_app;
GRANT SELECT, UPDATE ON assignment_turns TO inbox_loops;

CREATE TABLE attributes (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    applies_to text NOT NULL,
    key text NOT NULL,
    name text NOT NULL,
    type text NOT NULL,
    choices text[] NOT NULL DEFAULT '{}'::text[],
    personal boolean NOT NULL DEFAULT false,
    version bigint NOT NULL DEFAULT 1,
    deleted_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    changed_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT attributes_applies_to_check CHECK ((applies_to = ANY (ARRAY['conversation'::text, 'contact'::text]))),
    CONSTRAINT attributes_key_check CHECK ((key ~ '^[a-z][a-z0-9_]{0,63}$'::text)),
    CONSTRAINT attributes_pkey PRIMARY KEY (id),
    CONSTRAINT attributes_type_check CHECK ((type = ANY (ARRAY['text'::text, 'number'::text, 'date'::text, 'list'::text, 'several'::text, 'checkbox'::text, 'link'::text])))
);
COMMENT ON TABLE attributes IS 'What an organization wants to know of its conversations and contacts beside what is there.';
ALTER TABLE attributes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX attributes_deleted ON attributes USING btree (id) WHERE (deleted_at IS NOT NULL);
CREATE UNIQUE INDEX attributes_key ON attributes USING btree (organization_id, applies_to, key) WHERE (deleted_at IS NULL);
CREATE POLICY sweeping ON attributes FOR ALL TO inbox_loops USING (true);
CREATE POLICY tenant ON attributes FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON attributes TO inbox_app;
GRANT DELETE, SELECT ON attributes TO inbox_loops;

CREATE TABLE broadcast_counts (
    id bigint NOT NULL,
    organization_id uuid NOT NULL,
    broadcast_id uuid NOT NULL,
    variant smallint NOT NULL,
    what text NOT NULL,
    n bigint NOT NULL,
    folded boolean NOT NULL DEFAULT false,
    CONSTRAINT broadcast_counts_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE broadcast_counts IS 'How many recipients of a broadcast stand where, and how many replied, clicked or opted out.';
ALTER TABLE broadcast_counts ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE UNIQUE INDEX broadcast_counts_folded ON broadcast_counts USING btree (broadcast_id, variant, what) WHERE folded;
CREATE INDEX broadcast_counts_fresh ON broadcast_counts USING btree (id) WHERE (NOT folded);
CREATE INDEX broadcast_counts_of ON broadcast_counts USING btree (broadcast_id);
CREATE POLICY counting ON broadcast_counts FOR ALL TO inbox_loops USING (true);
CREATE POLICY tenant ON broadcast_counts FOR SELECT TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT SELECT ON broadcast_counts TO inbox_app;
GRANT DELETE, INSERT, SELECT, UPDATE ON broadcast_counts TO inbox_loops;

CREATE TABLE broadcast_recipients (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    broadcast_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    variant smallint NOT NULL DEFAULT 0,
    country text NOT NULL DEFAULT ''::text,
    zone text NOT NULL DEFAULT ''::text,
    due_at timestamp with time zone,
    state text NOT NULL DEFAULT 'waiting'::text,
    state_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    code text NOT NULL DEFAULT ''::text,
    class text NOT NULL DEFAULT ''::text,
    sent_at timestamp with time zone,
    provider_blind bytea,
    provider_sealed bytea,
    replied_at timestamp with time zone,
    clicked_at timestamp with time zone,
    opted_out_at timestamp with time zone,
    CONSTRAINT broadcast_recipients_broadcast_id_contact_id_key UNIQUE (broadcast_id, contact_id),
    CONSTRAINT broadcast_recipients_broadcast_id_fkey FOREIGN KEY (broadcast_id) REFERENCES broadcasts(id),
    CONSTRAINT broadcast_recipients_contact_id_fkey FOREIGN KEY (contact_id) REFERENCES contacts(id),
    CONSTRAINT broadcast_recipients_pkey PRIMARY KEY (id),
    CONSTRAINT broadcast_recipients_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'handed'::text, 'unknown'::text, 'unconfirmed'::text, 'sent'::text, 'failed'::text, 'delivered'::text, 'read'::text, 'skipped'::text, 'cancelled'::text])))
);
COMMENT ON TABLE broadcast_recipients IS 'One contact in one broadcast, once: whether it left, what became of it and why.';
ALTER TABLE broadcast_recipients ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX broadcast_recipients_by_class ON broadcast_recipients USING btree (broadcast_id, class, id) WHERE (class <> ''::text);
CREATE INDEX broadcast_recipients_by_contact ON broadcast_recipients USING btree (contact_id, id);
CREATE INDEX broadcast_recipients_by_state ON broadcast_recipients USING btree (broadcast_id, state, id);
CREATE INDEX broadcast_recipients_waiting ON broadcast_recipients USING btree (broadcast_id, due_at NULLS FIRST, id) WHERE (state = 'waiting'::text);
CREATE POLICY following ON broadcast_recipients FOR ALL TO inbox_loops USING (true);
CREATE POLICY tenant ON broadcast_recipients FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON broadcast_recipients TO inbox_app;
GRANT SELECT (id) ON broadcast_recipients TO inbox_loops;
GRANT SELECT (organization_id) ON broadcast_recipients TO inbox_loops;
GRANT SELECT (broadcast_id) ON broadcast_recipients TO inbox_loops;
GRANT SELECT (variant) ON broadcast_recipients TO inbox_loops;
GRANT SELECT (clicked_at) ON broadcast_recipients TO inbox_loops;
GRANT UPDATE (clicked_at) ON broadcast_recipients TO inbox_loops;

CREATE TABLE broadcast_settings (
    organization_id uuid NOT NULL,
    zone text NOT NULL,
    zone_attribute_id uuid,
    version bigint NOT NULL DEFAULT 1,
    changed_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT broadcast_settings_pkey PRIMARY KEY (organization_id),
    CONSTRAINT broadcast_settings_zone_check CHECK (((length(zone) >= 1) AND (length(zone) <= 60)))
);
COMMENT ON TABLE broadcast_settings IS 'The zone of an organization, and in which attribute of contacts theirs stands.';
ALTER TABLE broadcast_settings ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON broadcast_settings FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON broadcast_settings TO inbox_app;

CREATE TABLE broadcasts (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    parent_id uuid,
    kind text NOT NULL DEFAULT 'broadcast'::text,
    name text NOT NULL,
    state text NOT NULL DEFAULT 'draft'::text,
    reason text NOT NULL DEFAULT ''::text,
    waits_for text NOT NULL DEFAULT ''::text,
    audience jsonb NOT NULL,
    variants jsonb NOT NULL,
    purpose text NOT NULL,
    zone text NOT NULL DEFAULT 'UTC'::text,
    quiet_from time without time zone,
    quiet_until time without time zone,
    start_at timestamp with time zone,
    local_start timestamp without time zone,
    fallback jsonb,
    prepared_after uuid,
    prepared_at timestamp with time zone,
    started_at timestamp with time zone,
    ended_at timestamp with time zone,
    told_at timestamp with time zone,
    work_at timestamp with time zone,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    changed_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT broadcasts_channel_id_fkey FOREIGN KEY (channel_id) REFERENCES channels(id),
    CONSTRAINT broadcasts_check CHECK (((quiet_from IS NULL) = (quiet_until IS NULL))),
    CONSTRAINT broadcasts_kind_check CHECK ((kind = ANY (ARRAY['broadcast'::text, 'test'::text, 'fallback'::text]))),
    CONSTRAINT broadcasts_name_check CHECK (((length(name) >= 1) AND (length(name) <= 200))),
    CONSTRAINT broadcasts_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES broadcasts(id),
    CONSTRAINT broadcasts_pkey PRIMARY KEY (id),
    CONSTRAINT broadcasts_purpose_check CHECK ((purpose = ANY (ARRAY['marketing'::text, 'utility'::text, 'service'::text]))),
    CONSTRAINT broadcasts_state_check CHECK ((state = ANY (ARRAY['draft'::text, 'scheduled'::text, 'running'::text, 'paused'::text, 'completed'::text, 'cancelled'::text])))
);
COMMENT ON TABLE broadcasts IS 'One message to many: by which rule whom, made of which templates, when; nobody''s name or number stands here.';
ALTER TABLE broadcasts ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX broadcasts_by_channel ON broadcasts USING btree (channel_id, state);
CREATE INDEX broadcasts_by_parent ON broadcasts USING btree (parent_id) WHERE (parent_id IS NOT NULL);
CREATE INDEX broadcasts_due ON broadcasts USING btree (work_at) WHERE (work_at IS NOT NULL);
CREATE INDEX broadcasts_listed ON broadcasts USING btree (organization_id, id);
CREATE POLICY looking ON broadcasts FOR SELECT TO inbox_loops USING (true);
CREATE POLICY tenant ON broadcasts FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON broadcasts TO inbox_app;
GRANT SELECT (id) ON broadcasts TO inbox_loops;
GRANT SELECT (organization_id) ON broadcasts TO inbox_loops;
GRANT SELECT (variants) ON broadcasts TO inbox_loops;
GRANT SELECT (work_at) ON broadcasts TO inbox_loops;

CREATE TABLE channel_checks (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    phone_number_id text NOT NULL,
    waba_id text NOT NULL,
    rate integer,
    token_sealed bytea,
    outcome text NOT NULL DEFAULT 'pending'::text,
    reason text NOT NULL DEFAULT ''::text,
    channel_id uuid,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    asked_by uuid,
    kind text NOT NULL DEFAULT 'whatsapp'::text,
    CONSTRAINT channel_checks_outcome_check CHECK ((outcome = ANY (ARRAY['pending'::text, 'connected'::text, 'taken'::text, 'refused'::text]))),
    CONSTRAINT channel_checks_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE channel_checks IS 'Somebody wants to connect a number: the token is tried at the platform before there is a channel.';
ALTER TABLE channel_checks ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX channel_checks_by_organization ON channel_checks USING btree (organization_id);
CREATE POLICY tenant ON channel_checks FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON channel_checks TO inbox_app;

CREATE TABLE channel_viewers (
    channel_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    kind text NOT NULL,
    viewer_id uuid NOT NULL,
    CONSTRAINT channel_viewers_channel_id_fkey FOREIGN KEY (channel_id) REFERENCES channels(id),
    CONSTRAINT channel_viewers_kind_check CHECK ((kind = ANY (ARRAY['team'::text, 'user'::text]))),
    CONSTRAINT channel_viewers_pkey PRIMARY KEY (channel_id, kind, viewer_id)
);
COMMENT ON TABLE channel_viewers IS 'A person, or everybody in a team, sees a channel that not everyone sees.';
ALTER TABLE channel_viewers ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX channel_viewers_by_viewer ON channel_viewers USING btree (viewer_id);
CREATE POLICY looking ON channel_viewers FOR SELECT TO inbox_loops USING (true);
CREATE POLICY tenant ON channel_viewers FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT ON channel_viewers TO inbox_app;
GRANT SELECT ON channel_viewers TO inbox_loops;

CREATE TABLE channels (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    kind text NOT NULL,
    phone_number_id text NOT NULL,
    waba_id text NOT NULL,
    display_name text NOT NULL DEFAULT ''::text,
    display_number text NOT NULL DEFAULT ''::text,
    token_sealed bytea,
    rate integer NOT NULL,
    state text NOT NULL DEFAULT 'connected'::text,
    health text NOT NULL DEFAULT 'ok'::text,
    health_code text NOT NULL DEFAULT ''::text,
    health_reason text NOT NULL DEFAULT ''::text,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    changed_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    silent boolean NOT NULL DEFAULT false,
    brake real NOT NULL DEFAULT 1,
    brake_code text NOT NULL DEFAULT ''::text,
    braked_at timestamp with time zone,
    quality text NOT NULL DEFAULT 'UNKNOWN'::text,
    portfolio text NOT NULL DEFAULT ''::text,
    daily_limit integer,
    visible_to text NOT NULL DEFAULT 'everyone'::text,
    release_due boolean NOT NULL DEFAULT false,
    connected_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    coexists boolean NOT NULL DEFAULT false,
    numbers_limit integer,
    health_until timestamp with time zone,
    CONSTRAINT channels_brake_check CHECK (((brake > (0)::double precision) AND (brake <= (1)::double precision))),
    CONSTRAINT channels_daily_limit_check CHECK ((daily_limit > 0)),
    CONSTRAINT channels_health_check CHECK ((health = ANY (ARRAY['ok'::text, 'token_dead'::text, 'restricted'::text]))),
    CONSTRAINT channels_kind_check CHECK ((kind = ANY (ARRAY['whatsapp'::text, 'messenger'::text, 'instagram'::text, 'sms'::text, 'web_chat'::text, 'contact_form'::text]))),
    CONSTRAINT channels_numbers_limit_check CHECK ((numbers_limit > 0)),
    CONSTRAINT channels_organization_id_phone_number_id_key UNIQUE (organization_id, phone_number_id),
    CONSTRAINT channels_pkey PRIMARY KEY (id),
    CONSTRAINT channels_quality_check CHECK ((quality = ANY (ARRAY['GREEN'::text, 'YELLOW'::text, 'RED'::text, 'UNKNOWN'::text]))),
    CONSTRAINT channels_rate_check CHECK (((rate >= 1) AND (rate <= 1000))),
    CONSTRAINT channels_state_check CHECK ((state = ANY (ARRAY['connected'::text, 'disconnected'::text]))),
    CONSTRAINT channels_visible_to_check CHECK ((visible_to = ANY (ARRAY['everyone'::text, 'chosen'::text])))
);
COMMENT ON TABLE channels IS 'Our end on a platform: a number, a page, an account; while connected, it is nobody else''s here.';
ALTER TABLE channels ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX channels_account ON channels USING btree (waba_id) WHERE (state = 'connected'::text);
CREATE INDEX channels_braked ON channels USING btree (braked_at) WHERE (brake < (1)::double precision);
CREATE INDEX channels_chosen ON channels USING btree (organization_id) WHERE (visible_to = 'chosen'::text);
CREATE INDEX channels_listed ON channels USING btree (organization_id, created_at, id);
CREATE UNIQUE INDEX channels_number ON channels USING btree (phone_number_id) WHERE (state = 'connected'::text);
CREATE INDEX channels_to_release ON channels USING btree (id) WHERE release_due;
CREATE INDEX channels_until ON channels USING btree (health_until) WHERE (health_until IS NOT NULL);
CREATE POLICY easing ON channels FOR UPDATE TO inbox_loops USING (true);
CREATE POLICY looking ON channels FOR SELECT TO inbox_loops USING (true);
CREATE POLICY seen ON channels FOR ALL TO inbox_app USING ((id <> ALL (( SELECT channels_hidden() AS channels_hidden)::uuid[])));
CREATE POLICY tenant ON channels FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON channels TO inbox_app;
GRANT SELECT ON channels TO inbox_loops;
GRANT UPDATE (brake) ON channels TO inbox_loops;
GRANT UPDATE (brake_code) ON channels TO inbox_loops;
GRANT UPDATE (braked_at) ON channels TO inbox_loops;

CREATE TABLE chat_visitors (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    token_hash bytea NOT NULL,
    token_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    former_hash bytea,
    former_until timestamp with time zone,
    visitor_blind bytea NOT NULL,
    customer_blind bytea,
    customer_sealed bytea,
    introduced boolean NOT NULL DEFAULT false,
    next_at timestamp with time zone NOT NULL DEFAULT '1970-01-01 00:00:00+00'::timestamp with time zone,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    seen_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT chat_visitors_channel_id_fkey FOREIGN KEY (channel_id) REFERENCES channels(id),
    CONSTRAINT chat_visitors_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE chat_visitors IS 'A browser that a web chat knows again, and whose it is where that was proven.';
ALTER TABLE chat_visitors ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX chat_visitors_by_age ON chat_visitors USING btree (seen_at);
CREATE INDEX chat_visitors_by_blind ON chat_visitors USING btree (organization_id, visitor_blind);
CREATE INDEX chat_visitors_by_former ON chat_visitors USING btree (channel_id, former_hash) WHERE (former_hash IS NOT NULL);
CREATE UNIQUE INDEX chat_visitors_by_token ON chat_visitors USING btree (channel_id, token_hash);
CREATE POLICY forgetting ON chat_visitors FOR ALL TO inbox_loops USING (true);
CREATE POLICY tenant ON chat_visitors FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON chat_visitors TO inbox_app;
GRANT DELETE, SELECT, UPDATE ON chat_visitors TO inbox_loops;

CREATE TABLE consent_entries (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    channel_kind text NOT NULL,
    purpose text NOT NULL,
    state text NOT NULL,
    source text NOT NULL,
    policy_version text NOT NULL DEFAULT ''::text,
    proof_sealed bytea,
    at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    import_id uuid,
    CONSTRAINT consent_entries_contact_id_fkey FOREIGN KEY (contact_id) REFERENCES contacts(id),
    CONSTRAINT consent_entries_pkey PRIMARY KEY (id),
    CONSTRAINT consent_entries_purpose_check CHECK ((purpose = ANY (ARRAY['marketing'::text, 'utility'::text, 'service'::text]))),
    CONSTRAINT consent_entries_state_check CHECK ((state = ANY (ARRAY['granted'::text, 'withdrawn'::text, 'resumed'::text])))
);
COMMENT ON TABLE consent_entries IS 'Every wish of a contact as it was recorded, only ever added to; the proof is sealed under the contact''s key.';
ALTER TABLE consent_entries ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX consent_entries_by_contact ON consent_entries USING btree (contact_id, at, id);
CREATE POLICY tenant ON consent_entries FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT ON consent_entries TO inbox_app;

CREATE TABLE consents (
    organization_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    channel_kind text NOT NULL,
    purpose text NOT NULL,
    state text NOT NULL,
    ever_granted boolean NOT NULL,
    source text NOT NULL,
    policy_version text NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT consents_contact_id_fkey FOREIGN KEY (contact_id) REFERENCES contacts(id),
    CONSTRAINT consents_pkey PRIMARY KEY (contact_id, channel_kind, purpose),
    CONSTRAINT consents_state_check CHECK ((state = ANY (ARRAY['granted'::text, 'withdrawn'::text, 'resumed'::text])))
);
COMMENT ON TABLE consents IS 'The newest wish of each contact by channel kind and purpose: what is asked at the moment of sending.';
ALTER TABLE consents ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX consents_listed ON consents USING btree (organization_id, channel_kind, purpose, state, contact_id);
CREATE POLICY segmenting ON consents FOR SELECT TO inbox_loops USING (true);
CREATE POLICY tenant ON consents FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON consents TO inbox_app;
GRANT SELECT ON consents TO inbox_loops;

CREATE TABLE contact_attributes (
    organization_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    attribute_id uuid NOT NULL,
    place smallint NOT NULL DEFAULT 0,
    value text,
    value_sealed bytea,
    key text,
    number double precision,
    blind bytea,
    changed_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT contact_attributes_attribute_id_fkey FOREIGN KEY (attribute_id) REFERENCES attributes(id),
    CONSTRAINT contact_attributes_check CHECK (((value IS NULL) <> (value_sealed IS NULL))),
    CONSTRAINT contact_attributes_check1 CHECK ((((value_sealed IS NULL) = (blind IS NULL)) AND ((value IS NULL) = (key IS NULL)))),
    CONSTRAINT contact_attributes_contact_id_fkey FOREIGN KEY (contact_id) REFERENCES contacts(id),
    CONSTRAINT contact_attributes_key_check CHECK ((length(key) <= 100)),
    CONSTRAINT contact_attributes_pkey PRIMARY KEY (contact_id, attribute_id, place)
);
COMMENT ON TABLE contact_attributes IS 'Values of attributes on contacts; personal ones lie sealed and are found by a keyed hash. key is the value as it is compared.';
ALTER TABLE contact_attributes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX contact_attributes_by_blind ON contact_attributes USING btree (attribute_id, blind, contact_id) WHERE (blind IS NOT NULL);
CREATE INDEX contact_attributes_by_key ON contact_attributes USING btree (attribute_id, key, contact_id) WHERE (key IS NOT NULL);
CREATE INDEX contact_attributes_by_number ON contact_attributes USING btree (attribute_id, number, contact_id) WHERE (number IS NOT NULL);
CREATE POLICY sweeping ON contact_attributes FOR ALL TO inbox_loops USING (true);
CREATE POLICY tenant ON contact_attributes FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON contact_attributes TO inbox_app;
GRANT DELETE, SELECT ON contact_attributes TO inbox_loops;

CREATE TABLE contact_export_parts (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    export_id uuid NOT NULL,
    after_id uuid NOT NULL,
    upto_id uuid NOT NULL,
    file_id uuid,
    key_sealed bytea,
    size bigint NOT NULL DEFAULT 0,
    CONSTRAINT contact_export_parts_export_id_fkey FOREIGN KEY (export_id) REFERENCES contact_exports(id),
    CONSTRAINT contact_export_parts_export_id_upto_id_key UNIQUE (export_id, upto_id),
    CONSTRAINT contact_export_parts_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE contact_export_parts IS 'A stretch of contacts by their ids, and the sealed file in which it stands once it is written.';
ALTER TABLE contact_export_parts ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX contact_export_parts_of_organization ON contact_export_parts USING btree (organization_id, export_id);
CREATE POLICY sweeping ON contact_export_parts FOR ALL TO inbox_loops USING (true);
CREATE POLICY tenant ON contact_export_parts FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON contact_export_parts TO inbox_app;
GRANT DELETE, SELECT ON contact_export_parts TO inbox_loops;

CREATE TABLE contact_exports (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    state text NOT NULL DEFAULT 'running'::text,
    plan_sealed bytea NOT NULL,
    columns jsonb NOT NULL,
    rows bigint NOT NULL DEFAULT 0,
    size bigint NOT NULL DEFAULT 0,
    job_id uuid NOT NULL,
    expires_at timestamp with time zone NOT NULL DEFAULT (kit_now() + '7 days'::interval),
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT contact_exports_pkey PRIMARY KEY (id),
    CONSTRAINT contact_exports_state_check CHECK ((state = ANY (ARRAY['running'::text, 'finished'::text, 'failed'::text, 'cancelled'::text, 'expired'::text])))
);
COMMENT ON TABLE contact_exports IS 'One file of contacts: who is in it, as the plan of a segment, and which attributes.';
ALTER TABLE contact_exports ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE UNIQUE INDEX contact_exports_by_job ON contact_exports USING btree (job_id);
CREATE INDEX contact_exports_listed ON contact_exports USING btree (organization_id, id);
CREATE INDEX contact_exports_with_files ON contact_exports USING btree (expires_at, id) WHERE (state <> 'expired'::text);
CREATE POLICY sweeping ON contact_exports FOR ALL TO inbox_loops USING (true);
CREATE POLICY tenant ON contact_exports FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON contact_exports TO inbox_app;
GRANT SELECT, UPDATE ON contact_exports TO inbox_loops;

CREATE TABLE contact_identities (
    organization_id uuid NOT NULL,
    kind text NOT NULL,
    blind bytea NOT NULL,
    contact_id uuid NOT NULL,
    scope text NOT NULL DEFAULT ''::text,
    sealed bytea NOT NULL,
    last_seen_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    left_at timestamp with time zone,
    CONSTRAINT contact_identities_kind_check CHECK ((kind = ANY (ARRAY['whatsapp_id'::text, 'bsuid'::text, 'parent_bsuid'::text, 'phone'::text, 'messenger_id'::text, 'instagram_id'::text, 'email'::text, 'customer_id'::text, 'visitor'::text]))),
    CONSTRAINT contact_identities_pkey PRIMARY KEY (organization_id, blind, kind)
);
COMMENT ON TABLE contact_identities IS 'By what a contact is known; blind is a keyed hash, scope the business account that a scoped id was seen in.';
ALTER TABLE contact_identities ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX contact_identities_by_contact ON contact_identities USING btree (contact_id);
CREATE POLICY segmenting ON contact_identities FOR SELECT TO inbox_loops USING (true);
CREATE POLICY tenant ON contact_identities FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON contact_identities TO inbox_app;
GRANT SELECT (organization_id) ON contact_identities TO inbox_loops;
GRANT SELECT (kind) ON contact_identities TO inbox_loops;
GRANT SELECT (contact_id) ON contact_identities TO inbox_loops;
GRANT SELECT (left_at) ON contact_identities TO inbox_loops;

CREATE TABLE contact_import_changes (
    organization_id uuid NOT NULL,
    import_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    name_before bytea,
    version bigint NOT NULL,
    CONSTRAINT contact_import_changes_contact_id_fkey FOREIGN KEY (contact_id) REFERENCES contacts(id),
    CONSTRAINT contact_import_changes_pkey PRIMARY KEY (import_id, contact_id)
);
COMMENT ON TABLE contact_import_changes IS 'What an import changed, so that it can be undone; name_before is sealed as it was.';
ALTER TABLE contact_import_changes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX contact_import_changes_by_contact ON contact_import_changes USING btree (contact_id);
CREATE INDEX contact_import_changes_of_organization ON contact_import_changes USING btree (organization_id, import_id);
CREATE POLICY sweeping ON contact_import_changes FOR ALL TO inbox_loops USING (true);
CREATE POLICY tenant ON contact_import_changes FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON contact_import_changes TO inbox_app;
GRANT SELECT, UPDATE ON contact_import_changes TO inbox_loops;

CREATE TABLE contact_import_faults (
    organization_id uuid NOT NULL,
    import_id uuid NOT NULL,
    "row" bigint NOT NULL,
    field text NOT NULL,
    code text NOT NULL,
    CONSTRAINT contact_import_faults_pkey PRIMARY KEY (import_id, "row", field)
);
COMMENT ON TABLE contact_import_faults IS 'Why rows were not imported, or not whole; never what stood in them.';
ALTER TABLE contact_import_faults ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX contact_import_faults_of_organization ON contact_import_faults USING btree (organization_id, import_id);
CREATE POLICY tenant ON contact_import_faults FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT ON contact_import_faults TO inbox_app;

CREATE TABLE contact_import_identities (
    organization_id uuid NOT NULL,
    import_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    kind text NOT NULL,
    blind bytea NOT NULL,
    CONSTRAINT contact_import_identities_contact_id_fkey FOREIGN KEY (contact_id) REFERENCES contacts(id),
    CONSTRAINT contact_import_identities_pkey PRIMARY KEY (import_id, contact_id, kind, blind)
);
COMMENT ON TABLE contact_import_identities IS 'By what an import made contacts known that were there before; kept for thirty days.';
ALTER TABLE contact_import_identities ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX contact_import_identities_by_contact ON contact_import_identities USING btree (contact_id);
CREATE INDEX contact_import_identities_of_organization ON contact_import_identities USING btree (organization_id, import_id);
CREATE POLICY sweeping ON contact_import_identities FOR ALL TO inbox_loops USING (true);
CREATE POLICY tenant ON contact_import_identities FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT ON contact_import_identities TO inbox_app;
GRANT DELETE, SELECT ON contact_import_identities TO inbox_loops;

CREATE TABLE contact_import_kept (
    organization_id uuid NOT NULL,
    import_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    code text NOT NULL,
    CONSTRAINT contact_import_kept_code_check CHECK ((code = ANY (ARRAY['made-and-used'::text, 'changed-since'::text]))),
    CONSTRAINT contact_import_kept_contact_id_fkey FOREIGN KEY (contact_id) REFERENCES contacts(id),
    CONSTRAINT contact_import_kept_import_id_fkey FOREIGN KEY (import_id) REFERENCES contact_imports(id),
    CONSTRAINT contact_import_kept_pkey PRIMARY KEY (import_id, contact_id)
);
COMMENT ON TABLE contact_import_kept IS 'Contacts that undoing an import left as they are, and why.';
ALTER TABLE contact_import_kept ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX contact_import_kept_by_contact ON contact_import_kept USING btree (contact_id);
CREATE INDEX contact_import_kept_of_organization ON contact_import_kept USING btree (organization_id, import_id);
CREATE POLICY tenant ON contact_import_kept FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT ON contact_import_kept TO inbox_app;

CREATE TABLE contact_import_parts (
    organization_id uuid NOT NULL,
    import_id uuid NOT NULL,
    what text NOT NULL,
    start bigint NOT NULL,
    size bigint NOT NULL,
    id uuid NOT NULL,
    file_id uuid NOT NULL,
    key_sealed bytea NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT contact_import_parts_id_key UNIQUE (id),
    CONSTRAINT contact_import_parts_import_id_fkey FOREIGN KEY (import_id) REFERENCES contact_imports(id),
    CONSTRAINT contact_import_parts_pkey PRIMARY KEY (import_id, what, start),
    CONSTRAINT contact_import_parts_what_check CHECK ((what = ANY (ARRAY['piece'::text, 'chunk'::text])))
);
COMMENT ON TABLE contact_import_parts IS 'Sealed files of an import: pieces as they were uploaded (start and size in bytes), chunks as they are worked (in rows).';
ALTER TABLE contact_import_parts ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX contact_import_parts_of_organization ON contact_import_parts USING btree (organization_id, import_id);
CREATE POLICY sweeping ON contact_import_parts FOR ALL TO inbox_loops USING (true);
CREATE POLICY tenant ON contact_import_parts FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT ON contact_import_parts TO inbox_app;
GRANT DELETE, SELECT ON contact_import_parts TO inbox_loops;

CREATE TABLE contact_import_values (
    organization_id uuid NOT NULL,
    import_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    attribute_id uuid NOT NULL,
    place smallint NOT NULL,
    value text,
    value_sealed bytea,
    key text,
    number double precision,
    blind bytea,
    changed_at timestamp with time zone,
    CONSTRAINT contact_import_values_contact_id_fkey FOREIGN KEY (contact_id) REFERENCES contacts(id),
    CONSTRAINT contact_import_values_pkey PRIMARY KEY (import_id, contact_id, attribute_id, place)
);
COMMENT ON TABLE contact_import_values IS 'Values as they were before an import wrote others; place -1 where there was none.';
ALTER TABLE contact_import_values ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX contact_import_values_by_contact ON contact_import_values USING btree (contact_id);
CREATE INDEX contact_import_values_of_organization ON contact_import_values USING btree (organization_id, import_id);
CREATE POLICY sweeping ON contact_import_values FOR ALL TO inbox_loops USING (true);
CREATE POLICY tenant ON contact_import_values FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT ON contact_import_values TO inbox_app;
GRANT DELETE, SELECT ON contact_import_values TO inbox_loops;

CREATE TABLE contact_imports (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    size bigint NOT NULL,
    received bigint NOT NULL DEFAULT 0,
    state text NOT NULL DEFAULT 'uploading'::text,
    options jsonb NOT NULL DEFAULT '{}'::jsonb,
    refusal text NOT NULL DEFAULT ''::text,
    refused_row bigint,
    rows bigint NOT NULL DEFAULT 0,
    made bigint NOT NULL DEFAULT 0,
    changed bigint NOT NULL DEFAULT 0,
    unchanged bigint NOT NULL DEFAULT 0,
    faulty bigint NOT NULL DEFAULT 0,
    undone bigint NOT NULL DEFAULT 0,
    kept bigint NOT NULL DEFAULT 0,
    job_id uuid,
    undo_job_id uuid,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    changed_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    undo_over boolean NOT NULL DEFAULT false,
    CONSTRAINT contact_imports_check CHECK (((received >= 0) AND (received <= size))),
    CONSTRAINT contact_imports_pkey PRIMARY KEY (id),
    CONSTRAINT contact_imports_size_check CHECK ((size > 0)),
    CONSTRAINT contact_imports_state_check CHECK ((state = ANY (ARRAY['uploading'::text, 'uploaded'::text, 'running'::text, 'finished'::text, 'cancelled'::text, 'refused'::text, 'undoing'::text, 'undone'::text])))
);
COMMENT ON TABLE contact_imports IS 'One file of contacts and what became of it; counts are of rows of the file, undone and kept of contacts.';
ALTER TABLE contact_imports ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX contact_imports_by_job ON contact_imports USING btree (job_id) WHERE (job_id IS NOT NULL);
CREATE INDEX contact_imports_by_undo ON contact_imports USING btree (undo_job_id) WHERE (undo_job_id IS NOT NULL);
CREATE INDEX contact_imports_listed ON contact_imports USING btree (organization_id, id);
CREATE INDEX contact_imports_to_be_settled ON contact_imports USING btree (created_at) WHERE (NOT undo_over);
CREATE POLICY settling ON contact_imports FOR UPDATE TO inbox_loops USING (true);
CREATE POLICY sweeping ON contact_imports FOR SELECT TO inbox_loops USING (true);
CREATE POLICY tenant ON contact_imports FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON contact_imports TO inbox_app;
GRANT SELECT, UPDATE ON contact_imports TO inbox_loops;

CREATE TABLE contact_labels (
    organization_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    label_id uuid NOT NULL,
    labelled_by uuid,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT contact_labels_contact_id_fkey FOREIGN KEY (contact_id) REFERENCES contacts(id),
    CONSTRAINT contact_labels_label_id_fkey FOREIGN KEY (label_id) REFERENCES labels(id),
    CONSTRAINT contact_labels_pkey PRIMARY KEY (contact_id, label_id)
);
COMMENT ON TABLE contact_labels IS 'Which labels a contact carries, and who put them on.';
ALTER TABLE contact_labels ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX contact_labels_by_label ON contact_labels USING btree (label_id, contact_id);
CREATE INDEX contact_labels_by_user ON contact_labels USING btree (labelled_by, contact_id, label_id) WHERE (labelled_by IS NOT NULL);
CREATE POLICY sweeping ON contact_labels FOR ALL TO inbox_loops USING (true);
CREATE POLICY tenant ON contact_labels FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON contact_labels TO inbox_app;
GRANT DELETE, SELECT ON contact_labels TO inbox_loops;

CREATE TABLE contact_matches (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    first_id uuid NOT NULL,
    second_id uuid NOT NULL,
    rule text NOT NULL,
    state text NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    due_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT contact_matches_check CHECK ((first_id < second_id)),
    CONSTRAINT contact_matches_first_id_fkey FOREIGN KEY (first_id) REFERENCES contacts(id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT contact_matches_organization_id_first_id_second_id_key UNIQUE (organization_id, first_id, second_id),
    CONSTRAINT contact_matches_pkey PRIMARY KEY (id),
    CONSTRAINT contact_matches_second_id_fkey FOREIGN KEY (second_id) REFERENCES contacts(id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT contact_matches_state_check CHECK ((state = ANY (ARRAY['due'::text, 'suggested'::text, 'merged'::text, 'dismissed'::text])))
);
COMMENT ON TABLE contact_matches IS 'Two contacts that may be one, each pair once; what somebody has taken apart is never matched again by itself.';
ALTER TABLE contact_matches ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX contact_matches_by_first ON contact_matches USING btree (first_id);
CREATE INDEX contact_matches_by_second ON contact_matches USING btree (second_id);
CREATE INDEX contact_matches_due ON contact_matches USING btree (due_at) WHERE (state = 'due'::text);
CREATE INDEX contact_matches_suggested ON contact_matches USING btree (organization_id, created_at, id) WHERE (state = 'suggested'::text);
CREATE POLICY matching ON contact_matches FOR ALL TO inbox_loops USING (true);
CREATE POLICY tenant ON contact_matches FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON contact_matches TO inbox_app;
GRANT SELECT ON contact_matches TO inbox_loops;
GRANT UPDATE (attempts) ON contact_matches TO inbox_loops;
GRANT UPDATE (due_at) ON contact_matches TO inbox_loops;

CREATE TABLE contact_merges (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    kept_id uuid NOT NULL,
    merged_id uuid NOT NULL,
    rule text NOT NULL,
    merged_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    undone_at timestamp with time zone,
    CONSTRAINT contact_merges_check CHECK ((kept_id <> merged_id)),
    CONSTRAINT contact_merges_kept_id_fkey FOREIGN KEY (kept_id) REFERENCES contacts(id),
    CONSTRAINT contact_merges_merged_id_fkey FOREIGN KEY (merged_id) REFERENCES contacts(id),
    CONSTRAINT contact_merges_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE contact_merges IS 'Two contacts are one since then, and by which rule; undone ones stay, so that it can be told.';
ALTER TABLE contact_merges ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE UNIQUE INDEX contact_merges_active ON contact_merges USING btree (merged_id) WHERE (undone_at IS NULL);
CREATE INDEX contact_merges_by_kept ON contact_merges USING btree (kept_id, merged_at);
CREATE INDEX contact_merges_by_merged ON contact_merges USING btree (merged_id, merged_at);
CREATE INDEX contact_merges_by_organization ON contact_merges USING btree (organization_id, merged_at, id);
CREATE POLICY tenant ON contact_merges FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON contact_merges TO inbox_app;

CREATE TABLE contact_words (
    contact_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    tokens bigint[] NOT NULL,
    CONSTRAINT contact_words_contact_id_fkey FOREIGN KEY (contact_id) REFERENCES contacts(id) ON DELETE CASCADE,
    CONSTRAINT contact_words_pkey PRIMARY KEY (contact_id)
);
COMMENT ON TABLE contact_words IS 'By what a contact is found: keyed hashes of beginnings of names and addresses, and of parts of numbers.';
ALTER TABLE contact_words ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX contact_words_newest ON contact_words USING btree (organization_id, at, contact_id);
CREATE INDEX contact_words_tokens ON contact_words USING gin (tokens) WITH (gin_pending_list_limit='1024');
CREATE POLICY looking ON contact_words FOR SELECT TO inbox_loops USING (true);
CREATE POLICY tenant ON contact_words FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT ON contact_words TO inbox_app;
GRANT SELECT ON contact_words TO inbox_loops;

CREATE TABLE contacts (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    name_sealed bytea,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    changed_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    merged_into uuid,
    blocked_at timestamp with time zone,
    import_id uuid,
    CONSTRAINT contacts_merged_into_fkey FOREIGN KEY (merged_into) REFERENCES contacts(id),
    CONSTRAINT contacts_pkey PRIMARY KEY (id),
    CONSTRAINT known_no_more_when_gone TRIGGER DEFERRABLE INITIALLY DEFERRED
);
COMMENT ON TABLE contacts IS 'A person or company that writes; who they are on a platform stands in contact_identities.';
ALTER TABLE contacts ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX contacts_blocked ON contacts USING btree (organization_id, blocked_at, id) WHERE (blocked_at IS NOT NULL);
CREATE INDEX contacts_imported ON contacts USING btree (import_id, id) WHERE (import_id IS NOT NULL);
CREATE INDEX contacts_in_order ON contacts USING btree (organization_id, id) INCLUDE (created_at, blocked_at) WHERE (merged_into IS NULL);
CREATE INDEX contacts_merged ON contacts USING btree (merged_into) WHERE (merged_into IS NOT NULL);
CREATE POLICY segmenting ON contacts FOR SELECT TO inbox_loops USING (true);
CREATE POLICY tenant ON contacts FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON contacts TO inbox_app;
GRANT SELECT (id) ON contacts TO inbox_loops;
GRANT SELECT (organization_id) ON contacts TO inbox_loops;
GRANT SELECT (created_at) ON contacts TO inbox_loops;
GRANT SELECT (merged_into) ON contacts TO inbox_loops;
GRANT SELECT (blocked_at) ON contacts TO inbox_loops;

CREATE TABLE conversation_attributes (
    organization_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    attribute_id uuid NOT NULL,
    value text,
    value_sealed bytea,
    changed_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    value_key text DEFAULT "left"(value, 200),
    value_number double precision,
    origin_id uuid,
    CONSTRAINT conversation_attributes_attribute_id_fkey FOREIGN KEY (attribute_id) REFERENCES attributes(id),
    CONSTRAINT conversation_attributes_check CHECK (((value IS NULL) <> (value_sealed IS NULL))),
    CONSTRAINT conversation_attributes_conversation_id_fkey FOREIGN KEY (conversation_id) REFERENCES conversations(id),
    CONSTRAINT conversation_attributes_pkey PRIMARY KEY (conversation_id, attribute_id)
);
COMMENT ON TABLE conversation_attributes IS 'Values of attributes on conversations; those of personal ones are sealed under the contact''s key.';
ALTER TABLE conversation_attributes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX conversation_attributes_by_number ON conversation_attributes USING btree (attribute_id, value_number, conversation_id) WHERE (value_number IS NOT NULL);
CREATE INDEX conversation_attributes_by_value ON conversation_attributes USING btree (attribute_id, value_key, conversation_id);
CREATE INDEX conversation_attributes_of_origin ON conversation_attributes USING btree (origin_id) WHERE (origin_id IS NOT NULL);
CREATE POLICY seen ON conversation_attributes FOR ALL TO inbox_app USING ((( SELECT (channels_hidden() = '{}'::uuid[])) OR conversation_seen(conversation_id)));
CREATE POLICY sweeping ON conversation_attributes FOR ALL TO inbox_loops USING (true);
CREATE POLICY tenant ON conversation_attributes FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON conversation_attributes TO inbox_app;
GRANT DELETE, SELECT ON conversation_attributes TO inbox_loops;

CREATE TABLE conversation_counts (
    id bigint NOT NULL,
    organization_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    assignee_id uuid NOT NULL,
    team_id uuid NOT NULL,
    state text NOT NULL,
    unread boolean NOT NULL,
    n bigint NOT NULL,
    folded boolean NOT NULL DEFAULT false,
    CONSTRAINT conversation_counts_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE conversation_counts IS 'How many conversations that are not resolved there are, by what lists show; nobody and no team are the nil id.';
ALTER TABLE conversation_counts ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE UNIQUE INDEX conversation_counts_folded ON conversation_counts USING btree (organization_id, channel_id, assignee_id, team_id, state, unread) WHERE folded;
CREATE INDEX conversation_counts_fresh ON conversation_counts USING btree (id) WHERE (NOT folded);
CREATE INDEX conversation_counts_of_assignee ON conversation_counts USING btree (organization_id, assignee_id);
CREATE INDEX conversation_counts_of_none ON conversation_counts USING btree (id) WHERE (folded AND (n = 0));
CREATE POLICY counting ON conversation_counts FOR ALL TO inbox_loops USING (true);
CREATE POLICY seen ON conversation_counts FOR ALL TO inbox_app USING ((channel_id <> ALL (( SELECT channels_hidden() AS channels_hidden)::uuid[])));
CREATE POLICY tenant ON conversation_counts FOR SELECT TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT SELECT ON conversation_counts TO inbox_app;
GRANT DELETE, INSERT, SELECT, UPDATE ON conversation_counts TO inbox_loops;

CREATE TABLE conversation_labels (
    organization_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    label_id uuid NOT NULL,
    labelled_by uuid,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    origin_id uuid,
    CONSTRAINT conversation_labels_conversation_id_fkey FOREIGN KEY (conversation_id) REFERENCES conversations(id),
    CONSTRAINT conversation_labels_label_id_fkey FOREIGN KEY (label_id) REFERENCES labels(id),
    CONSTRAINT conversation_labels_pkey PRIMARY KEY (conversation_id, label_id)
);
COMMENT ON TABLE conversation_labels IS 'Which labels a conversation carries, and who put them on.';
ALTER TABLE conversation_labels ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX conversation_labels_by_label ON conversation_labels USING btree (label_id, conversation_id);
CREATE INDEX conversation_labels_by_user ON conversation_labels USING btree (labelled_by, conversation_id, label_id) WHERE (labelled_by IS NOT NULL);
CREATE INDEX conversation_labels_of_origin ON conversation_labels USING btree (origin_id) WHERE (origin_id IS NOT NULL);
CREATE POLICY seen ON conversation_labels FOR ALL TO inbox_app USING ((( SELECT (channels_hidden() = '{}'::uuid[])) OR conversation_seen(conversation_id)));
CREATE POLICY sweeping ON conversation_labels FOR ALL TO inbox_loops USING (true);
CREATE POLICY tenant ON conversation_labels FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON conversation_labels TO inbox_app;
GRANT DELETE, SELECT ON conversation_labels TO inbox_loops;

CREATE TABLE conversation_participants (
    conversation_id uuid NOT NULL,
    user_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    origin_id uuid,
    CONSTRAINT conversation_participants_conversation_id_fkey FOREIGN KEY (conversation_id) REFERENCES conversations(id) ON DELETE CASCADE,
    CONSTRAINT conversation_participants_pkey PRIMARY KEY (conversation_id, user_id)
);
COMMENT ON TABLE conversation_participants IS 'Who follows a conversation without having it.';
ALTER TABLE conversation_participants ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX conversation_participants_by_user ON conversation_participants USING btree (organization_id, user_id, conversation_id);
CREATE INDEX conversation_participants_of_origin ON conversation_participants USING btree (origin_id) WHERE (origin_id IS NOT NULL);
CREATE INDEX conversation_participants_of_user ON conversation_participants USING btree (user_id);
CREATE POLICY seen ON conversation_participants FOR ALL TO inbox_app USING ((( SELECT (channels_hidden() = '{}'::uuid[])) OR conversation_seen(conversation_id)));
CREATE POLICY tenant ON conversation_participants FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON conversation_participants TO inbox_app;

CREATE TABLE conversations (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    state text NOT NULL DEFAULT 'open'::text,
    assignee_id uuid,
    unread_count integer NOT NULL DEFAULT 0,
    last_sequence bigint NOT NULL DEFAULT 0,
    read_sequence bigint NOT NULL DEFAULT 0,
    last_message_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    window_open_until timestamp with time zone,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    changed_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    channel_kind text NOT NULL DEFAULT 'whatsapp'::text,
    opted_out boolean NOT NULL DEFAULT false,
    opted_at timestamp with time zone,
    delivered_until timestamp with time zone,
    read_until timestamp with time zone,
    team_id uuid,
    priority smallint NOT NULL DEFAULT 0,
    snoozed_until timestamp with time zone,
    muted boolean NOT NULL DEFAULT false,
    waiting_since timestamp with time zone,
    queued_at timestamp with time zone DEFAULT kit_now(),
    origin_id uuid,
    speaker_id uuid,
    continued_in uuid,
    paused jsonb,
    CONSTRAINT conversations_channel_id_fkey FOREIGN KEY (channel_id) REFERENCES channels(id),
    CONSTRAINT conversations_contact_id_fkey FOREIGN KEY (contact_id) REFERENCES contacts(id),
    CONSTRAINT conversations_continued_in_fkey FOREIGN KEY (continued_in) REFERENCES conversations(id),
    CONSTRAINT conversations_pkey PRIMARY KEY (id),
    CONSTRAINT conversations_priority_check CHECK (((priority >= 0) AND (priority <= 4))),
    CONSTRAINT conversations_state_check CHECK ((state = ANY (ARRAY['open'::text, 'pending'::text, 'resolved'::text, 'snoozed'::text]))),
    CONSTRAINT conversations_unread_count_check CHECK ((unread_count >= 0))
);
COMMENT ON TABLE conversations IS 'What is said with one contact on one channel; reused and reopened, never doubled.';
ALTER TABLE conversations ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE UNIQUE INDEX conversations_active ON conversations USING btree (channel_id, contact_id) WHERE (state <> 'resolved'::text);
CREATE INDEX conversations_by_assignee ON conversations USING btree (organization_id, assignee_id, state, last_message_at, id) WHERE (assignee_id IS NOT NULL);
CREATE INDEX conversations_by_channel ON conversations USING btree (channel_id, state, last_message_at, id);
CREATE INDEX conversations_by_contact ON conversations USING btree (contact_id, channel_id, last_message_at);
CREATE INDEX conversations_by_origin ON conversations USING btree (origin_id) WHERE (origin_id IS NOT NULL);
CREATE INDEX conversations_by_priority ON conversations USING btree (organization_id, priority, state, last_message_at, id) WHERE (priority > 0);
CREATE INDEX conversations_by_state ON conversations USING btree (organization_id, state, last_message_at, id);
CREATE INDEX conversations_by_team ON conversations USING btree (organization_id, team_id, state, last_message_at, id) WHERE (team_id IS NOT NULL);
CREATE INDEX conversations_continued ON conversations USING btree (continued_in) WHERE (continued_in IS NOT NULL);
CREATE INDEX conversations_of_nobody ON conversations USING btree (organization_id, state, last_message_at, id) WHERE (assignee_id IS NULL);
CREATE INDEX conversations_queue ON conversations USING btree (organization_id, COALESCE(team_id, channel_id), priority, queued_at, id) WHERE ((state = 'open'::text) AND (assignee_id IS NULL) AND (NOT muted));
CREATE INDEX conversations_to_wake ON conversations USING btree (snoozed_until) WHERE (snoozed_until IS NOT NULL);
CREATE INDEX conversations_unread ON conversations USING btree (organization_id, state, last_message_at, id) WHERE (unread_count > 0);
CREATE INDEX conversations_waiting ON conversations USING btree (organization_id, state, waiting_since, id) WHERE (waiting_since IS NOT NULL);
CREATE POLICY seen ON conversations FOR ALL TO inbox_app USING ((channel_id <> ALL (( SELECT channels_hidden() AS channels_hidden)::uuid[])));
CREATE POLICY tenant ON conversations FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
CREATE POLICY waking ON conversations FOR ALL TO inbox_loops USING (true);
GRANT DELETE, INSERT, SELECT, UPDATE ON conversations TO inbox_app;
GRANT SELECT ON conversations TO inbox_loops;
GRANT UPDATE (state) ON conversations TO inbox_loops;
GRANT UPDATE (version) ON conversations TO inbox_loops;
GRANT UPDATE (changed_at) ON conversations TO inbox_loops;
GRANT UPDATE (snoozed_until) ON conversations TO inbox_loops;
GRANT UPDATE (queued_at) ON conversations TO inbox_loops;

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
GRANT DELETE, INSERT, SELECT, UPDATE ON dead_letters TO inbox_app;

CREATE TABLE drafts (
    organization_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    user_id uuid NOT NULL,
    content_sealed bytea NOT NULL,
    version bigint NOT NULL,
    changed_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    origin_id uuid,
    CONSTRAINT drafts_conversation_id_fkey FOREIGN KEY (conversation_id) REFERENCES conversations(id),
    CONSTRAINT drafts_pkey PRIMARY KEY (conversation_id, user_id)
);
COMMENT ON TABLE drafts IS 'What a member has begun to write; empty once it was sent, so that a late tab finds another version.';
ALTER TABLE drafts ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX drafts_of_origin ON drafts USING btree (origin_id) WHERE (origin_id IS NOT NULL);
CREATE INDEX drafts_of_user ON drafts USING btree (user_id, conversation_id);
CREATE POLICY looking ON drafts FOR SELECT TO inbox_loops USING (true);
CREATE POLICY seen ON drafts FOR ALL TO inbox_app USING ((( SELECT (channels_hidden() = '{}'::uuid[])) OR conversation_seen(conversation_id)));
CREATE POLICY tenant ON drafts FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON drafts TO inbox_app;
GRANT SELECT (organization_id) ON drafts TO inbox_loops;
GRANT SELECT (user_id) ON drafts TO inbox_loops;

CREATE TABLE held_submissions (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    content_sealed bytea NOT NULL,
    score integer NOT NULL,
    reasons text[] NOT NULL,
    state text NOT NULL DEFAULT 'held'::text,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    decided_at timestamp with time zone,
    CONSTRAINT held_submissions_channel_id_fkey FOREIGN KEY (channel_id) REFERENCES channels(id),
    CONSTRAINT held_submissions_pkey PRIMARY KEY (id),
    CONSTRAINT held_submissions_state_check CHECK ((state = ANY (ARRAY['held'::text, 'released'::text, 'discarded'::text])))
);
COMMENT ON TABLE held_submissions IS 'Forms that look like spam: kept apart until somebody releases them, thirty days at most.';
ALTER TABLE held_submissions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX held_submissions_by_age ON held_submissions USING btree (created_at);
CREATE INDEX held_submissions_listed ON held_submissions USING btree (organization_id, state, created_at, id);
CREATE POLICY forgetting ON held_submissions FOR ALL TO inbox_loops USING (true);
CREATE POLICY seen ON held_submissions FOR ALL TO inbox_app USING ((channel_id <> ALL (( SELECT channels_hidden() AS channels_hidden)::uuid[])));
CREATE POLICY tenant ON held_submissions FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON held_submissions TO inbox_app;
GRANT DELETE, SELECT, UPDATE ON held_submissions TO inbox_loops;

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
GRANT DELETE, INSERT, SELECT, UPDATE ON idempotency_keys TO inbox_app;

CREATE TABLE identity_changes (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    from_id uuid,
    kind text NOT NULL,
    change text NOT NULL,
    sealed bytea NOT NULL,
    at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT identity_changes_change_check CHECK ((change = ANY (ARRAY['left'::text, 'taken'::text]))),
    CONSTRAINT identity_changes_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE identity_changes IS 'A contact has left a number or an id, or has one that another contact had before.';
ALTER TABLE identity_changes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX identity_changes_by_contact ON identity_changes USING btree (contact_id, at);
CREATE INDEX identity_changes_by_former ON identity_changes USING btree (from_id, at) WHERE (from_id IS NOT NULL);
CREATE INDEX identity_changes_by_organization ON identity_changes USING btree (organization_id);
CREATE POLICY tenant ON identity_changes FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT ON identity_changes TO inbox_app;

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
GRANT DELETE, INSERT, SELECT, UPDATE ON intake_deliveries TO inbox_app;

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
GRANT DELETE, INSERT, SELECT, UPDATE ON intake_items TO inbox_app;

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
GRANT DELETE, INSERT, SELECT, UPDATE ON intake_keys TO inbox_app;

CREATE TABLE intake_sources (
    source text NOT NULL,
    holder uuid,
    leased_until timestamp with time zone NOT NULL DEFAULT '-infinity'::timestamp with time zone,
    CONSTRAINT intake_sources_pkey PRIMARY KEY (source)
);
COMMENT ON TABLE intake_sources IS 'Which worker takes the deliveries of a source apart: one at a time, so that items keep the order of arrival.';
GRANT INSERT, SELECT, UPDATE ON intake_sources TO inbox_app;

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
CREATE POLICY tenant ON job_items FOR ALL TO inbox_app USING (((organization_id IS NULL) OR (organization_id = ANY (( SELECT (COALESCE(NULLIF(current_setting('app.orgs'::text, true), ''::text), '{}'::text))::uuid[] AS "coalesce")::uuid[]))));
CREATE POLICY working ON job_items FOR ALL TO inbox_loops USING (true);
GRANT INSERT, SELECT, UPDATE ON job_items TO inbox_app;
GRANT DELETE, SELECT ON job_items TO inbox_loops;

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
CREATE POLICY tenant ON jobs FOR ALL TO inbox_app USING (((organization_id IS NULL) OR (organization_id = ANY (( SELECT (COALESCE(NULLIF(current_setting('app.orgs'::text, true), ''::text), '{}'::text))::uuid[] AS "coalesce")::uuid[]))));
CREATE POLICY working ON jobs FOR ALL TO inbox_loops USING (true);
GRANT INSERT, SELECT, UPDATE ON jobs TO inbox_app;
GRANT DELETE, SELECT, UPDATE ON jobs TO inbox_loops;

CREATE TABLE labels (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    name text NOT NULL,
    name_key text NOT NULL,
    colour text NOT NULL,
    conversations integer NOT NULL DEFAULT 0,
    contacts integer NOT NULL DEFAULT 0,
    version bigint NOT NULL DEFAULT 1,
    deleted_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    changed_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT labels_colour_check CHECK ((colour ~ '^#[0-9a-f]{6}$'::text)),
    CONSTRAINT labels_contacts_check CHECK ((contacts >= 0)),
    CONSTRAINT labels_conversations_check CHECK ((conversations >= 0)),
    CONSTRAINT labels_name_check CHECK (((length(name) >= 1) AND (length(name) <= 60))),
    CONSTRAINT labels_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE labels IS 'A word of the organization''s own, and how many carry it; one that was deleted stays until nothing carries it.';
ALTER TABLE labels ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX labels_deleted ON labels USING btree (id) WHERE (deleted_at IS NOT NULL);
CREATE UNIQUE INDEX labels_name ON labels USING btree (organization_id, name_key) WHERE (deleted_at IS NULL);
CREATE POLICY sweeping ON labels FOR ALL TO inbox_loops USING (true);
CREATE POLICY tenant ON labels FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON labels TO inbox_app;
GRANT DELETE, SELECT ON labels TO inbox_loops;

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
CREATE POLICY tenant ON ledger_attempts FOR ALL TO inbox_app USING (((organization_id IS NULL) OR (organization_id = ANY (( SELECT (COALESCE(NULLIF(current_setting('app.orgs'::text, true), ''::text), '{}'::text))::uuid[] AS "coalesce")::uuid[]))));
CREATE POLICY working ON ledger_attempts FOR ALL TO inbox_loops USING (true);
GRANT DELETE, INSERT, SELECT ON ledger_attempts TO inbox_app;
GRANT DELETE, SELECT ON ledger_attempts TO inbox_loops;

CREATE TABLE ledger_blocks (
    id bigint NOT NULL,
    begin_by timestamp with time zone NOT NULL,
    entry_ids uuid[] NOT NULL,
    CONSTRAINT ledger_blocks_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE ledger_blocks IS 'Effects that are claimed together and whose calls have not begun; what is calling without a row here may have left.';
CREATE INDEX ledger_blocks_begin_by ON ledger_blocks USING btree (begin_by);
GRANT DELETE, INSERT, SELECT, UPDATE ON ledger_blocks TO inbox_loops;

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
CREATE POLICY tenant ON ledger_entries FOR ALL TO inbox_app USING (((organization_id IS NULL) OR (organization_id = ANY (( SELECT (COALESCE(NULLIF(current_setting('app.orgs'::text, true), ''::text), '{}'::text))::uuid[] AS "coalesce")::uuid[]))));
CREATE POLICY working ON ledger_entries FOR ALL TO inbox_loops USING (true);
GRANT DELETE, INSERT, SELECT, UPDATE ON ledger_entries TO inbox_app;
GRANT DELETE, SELECT, UPDATE ON ledger_entries TO inbox_loops;

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
CREATE POLICY tenant ON ledger_holds FOR ALL TO inbox_app USING (((organization_id IS NULL) OR (organization_id = ANY (( SELECT (COALESCE(NULLIF(current_setting('app.orgs'::text, true), ''::text), '{}'::text))::uuid[] AS "coalesce")::uuid[]))));
CREATE POLICY working ON ledger_holds FOR SELECT TO inbox_loops USING (true);
GRANT DELETE, INSERT, SELECT, UPDATE ON ledger_holds TO inbox_app;
GRANT SELECT ON ledger_holds TO inbox_loops;

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
CREATE POLICY tenant ON ledger_lanes FOR ALL TO inbox_app USING (((organization_id IS NULL) OR (organization_id = ANY (( SELECT (COALESCE(NULLIF(current_setting('app.orgs'::text, true), ''::text), '{}'::text))::uuid[] AS "coalesce")::uuid[]))));
CREATE POLICY working ON ledger_lanes FOR ALL TO inbox_loops USING (true);
GRANT INSERT, SELECT, UPDATE ON ledger_lanes TO inbox_app;
GRANT SELECT, UPDATE ON ledger_lanes TO inbox_loops;

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
CREATE POLICY tenant ON ledger_wakes FOR ALL TO inbox_app USING (((organization_id IS NULL) OR (organization_id = ANY (( SELECT (COALESCE(NULLIF(current_setting('app.orgs'::text, true), ''::text), '{}'::text))::uuid[] AS "coalesce")::uuid[]))));
CREATE POLICY working ON ledger_wakes FOR ALL TO inbox_loops USING (true);
GRANT INSERT, SELECT ON ledger_wakes TO inbox_app;
GRANT DELETE, INSERT, SELECT, UPDATE ON ledger_wakes TO inbox_loops;

CREATE TABLE macro_runs (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    macro_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    user_id uuid NOT NULL,
    results jsonb NOT NULL DEFAULT '[]'::jsonb,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT macro_runs_conversation_id_fkey FOREIGN KEY (conversation_id) REFERENCES conversations(id),
    CONSTRAINT macro_runs_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE macro_runs IS 'A macro was run in a conversation: what became of each action, in codes and words of ours.';
ALTER TABLE macro_runs ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX macro_runs_by_conversation ON macro_runs USING btree (conversation_id);
CREATE INDEX macro_runs_by_user ON macro_runs USING btree (user_id, id);
CREATE POLICY looking ON macro_runs FOR SELECT TO inbox_loops USING (true);
CREATE POLICY seen ON macro_runs FOR ALL TO inbox_app USING ((( SELECT (channels_hidden() = '{}'::uuid[])) OR conversation_seen(conversation_id)));
CREATE POLICY tenant ON macro_runs FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON macro_runs TO inbox_app;
GRANT SELECT (organization_id) ON macro_runs TO inbox_loops;
GRANT SELECT (user_id) ON macro_runs TO inbox_loops;

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
GRANT DELETE, INSERT, SELECT, UPDATE ON mail_suppressions TO inbox_app;

CREATE TABLE media (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    message_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    kind text NOT NULL,
    provider_id text NOT NULL,
    announced_type text NOT NULL DEFAULT ''::text,
    announced_hash text NOT NULL DEFAULT ''::text,
    filename_sealed bytea,
    state text NOT NULL DEFAULT 'waiting'::text,
    media_type text NOT NULL DEFAULT ''::text,
    digest text NOT NULL DEFAULT ''::text,
    size bigint NOT NULL DEFAULT 0,
    failure_code text NOT NULL DEFAULT ''::text,
    failure_reason text NOT NULL DEFAULT ''::text,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    changed_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    file_id uuid,
    key_sealed bytea,
    source_sealed bytea,
    CONSTRAINT media_message_id_fkey FOREIGN KEY (message_id) REFERENCES messages(id),
    CONSTRAINT media_pkey PRIMARY KEY (id),
    CONSTRAINT media_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'ready'::text, 'failed'::text])))
);
COMMENT ON TABLE media IS 'What came with a message: known at once, fetched by its own effect, kept sealed in a folder; its key is sealed under the contact''s.';
ALTER TABLE media ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX media_by_conversation ON media USING btree (conversation_id);
CREATE INDEX media_by_message ON media USING btree (message_id);
CREATE INDEX media_by_organization ON media USING btree (organization_id);
CREATE UNIQUE INDEX media_file ON media USING btree (file_id);
CREATE POLICY seen ON media FOR ALL TO inbox_app USING ((channel_id <> ALL (( SELECT channels_hidden() AS channels_hidden)::uuid[])));
CREATE POLICY tenant ON media FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON media TO inbox_app;

CREATE TABLE members (
    member_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    user_id uuid,
    role text NOT NULL,
    version bigint NOT NULL,
    CONSTRAINT members_pkey PRIMARY KEY (member_id)
);
COMMENT ON TABLE members IS 'Memberships as auth tells them; one that ended keeps its row with an empty role, so that what is older changes nothing.';
ALTER TABLE members ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX members_by_user ON members USING btree (organization_id, user_id);
CREATE INDEX members_of_user ON members USING btree (user_id) WHERE (user_id IS NOT NULL);
CREATE POLICY looking ON members FOR SELECT TO inbox_loops USING (true);
CREATE POLICY tenant ON members FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON members TO inbox_app;
GRANT SELECT (organization_id) ON members TO inbox_loops;
GRANT SELECT (user_id) ON members TO inbox_loops;

CREATE TABLE mentions (
    note_id uuid NOT NULL,
    user_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    conversation_id uuid,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    read_at timestamp with time zone,
    CONSTRAINT mentions_note_id_fkey FOREIGN KEY (note_id) REFERENCES notes(id),
    CONSTRAINT mentions_pkey PRIMARY KEY (note_id, user_id)
);
COMMENT ON TABLE mentions IS 'Whom a note calls, and whether they have seen it.';
ALTER TABLE mentions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX mentions_by_user ON mentions USING btree (user_id);
CREATE INDEX mentions_of_user ON mentions USING btree (organization_id, user_id, created_at, note_id);
CREATE INDEX mentions_unread ON mentions USING btree (organization_id, user_id, created_at, note_id) WHERE (read_at IS NULL);
CREATE POLICY looking ON mentions FOR SELECT TO inbox_loops USING (true);
CREATE POLICY seen ON mentions FOR ALL TO inbox_app USING ((( SELECT (channels_hidden() = '{}'::uuid[])) OR (conversation_id IS NULL) OR conversation_seen(conversation_id)));
CREATE POLICY tenant ON mentions FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON mentions TO inbox_app;
GRANT SELECT (user_id) ON mentions TO inbox_loops;
GRANT SELECT (organization_id) ON mentions TO inbox_loops;

CREATE TABLE message_marks (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    kind text NOT NULL,
    provider_blind bytea NOT NULL,
    target_blind bytea NOT NULL,
    content_sealed bytea NOT NULL,
    provider_time timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    owner_id uuid,
    CONSTRAINT message_marks_channel_id_provider_blind_key UNIQUE (channel_id, provider_blind),
    CONSTRAINT message_marks_conversation_id_fkey FOREIGN KEY (conversation_id) REFERENCES conversations(id),
    CONSTRAINT message_marks_kind_check CHECK ((kind = ANY (ARRAY['reaction'::text, 'edit'::text, 'revoke'::text]))),
    CONSTRAINT message_marks_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE message_marks IS 'Reactions, edits and withdrawals by the contact, kept as facts; they may come before the message they are about.';
ALTER TABLE message_marks ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX message_marks_by_conversation ON message_marks USING btree (conversation_id);
CREATE INDEX message_marks_by_owner ON message_marks USING btree (owner_id, channel_id) WHERE (owner_id IS NOT NULL);
CREATE INDEX message_marks_by_target ON message_marks USING btree (channel_id, target_blind, provider_time);
CREATE POLICY seen ON message_marks FOR ALL TO inbox_app USING ((channel_id <> ALL (( SELECT channels_hidden() AS channels_hidden)::uuid[])));
CREATE POLICY tenant ON message_marks FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT ON message_marks TO inbox_app;
GRANT UPDATE (conversation_id) ON message_marks TO inbox_app;
GRANT UPDATE (owner_id) ON message_marks TO inbox_app;

CREATE TABLE message_receipts (
    organization_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    provider_blind bytea NOT NULL,
    status text NOT NULL,
    provider_time timestamp with time zone NOT NULL,
    code text NOT NULL DEFAULT ''::text,
    reason text NOT NULL DEFAULT ''::text,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT message_receipts_pkey PRIMARY KEY (channel_id, provider_blind, status, provider_time),
    CONSTRAINT message_receipts_status_check CHECK ((status = ANY (ARRAY['sent'::text, 'failed'::text, 'delivered'::text, 'read'::text])))
);
COMMENT ON TABLE message_receipts IS 'What the platform reported of a message, only ever added to; may come before we know its id.';
ALTER TABLE message_receipts ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX message_receipts_by_organization ON message_receipts USING btree (organization_id);
CREATE POLICY tenant ON message_receipts FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT ON message_receipts TO inbox_app;

CREATE TABLE message_template_syncs (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    waba_id text NOT NULL,
    page_id uuid NOT NULL,
    place text NOT NULL DEFAULT ''::text,
    state text NOT NULL DEFAULT 'running'::text,
    pages integer NOT NULL DEFAULT 0,
    seen integer NOT NULL DEFAULT 0,
    gone integer NOT NULL DEFAULT 0,
    reason text NOT NULL DEFAULT ''::text,
    started_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    ended_at timestamp with time zone,
    CONSTRAINT message_template_syncs_pkey PRIMARY KEY (id),
    CONSTRAINT message_template_syncs_state_check CHECK ((state = ANY (ARRAY['running'::text, 'done'::text, 'failed'::text])))
);
COMMENT ON TABLE message_template_syncs IS 'A reading of the platform''s list of templates, page by page: place is the cursor from which it goes on, page_id the page that is due.';
ALTER TABLE message_template_syncs ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX message_template_syncs_newest ON message_template_syncs USING btree (organization_id, waba_id, started_at);
CREATE INDEX message_template_syncs_pages ON message_template_syncs USING btree (page_id) WHERE (state = 'running'::text);
CREATE UNIQUE INDEX message_template_syncs_running ON message_template_syncs USING btree (organization_id, waba_id) WHERE (state = 'running'::text);
CREATE POLICY looking ON message_template_syncs FOR SELECT TO inbox_loops USING (true);
CREATE POLICY tenant ON message_template_syncs FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON message_template_syncs TO inbox_app;
GRANT SELECT (id) ON message_template_syncs TO inbox_loops;
GRANT SELECT (organization_id) ON message_template_syncs TO inbox_loops;
GRANT SELECT (waba_id) ON message_template_syncs TO inbox_loops;
GRANT SELECT (state) ON message_template_syncs TO inbox_loops;
GRANT SELECT (started_at) ON message_template_syncs TO inbox_loops;

CREATE TABLE message_template_versions (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    template_id uuid NOT NULL,
    number integer NOT NULL,
    category text NOT NULL,
    components jsonb NOT NULL,
    fallbacks jsonb NOT NULL DEFAULT '{}'::jsonb,
    state text NOT NULL,
    first boolean NOT NULL DEFAULT false,
    reason_code text NOT NULL DEFAULT ''::text,
    reason text NOT NULL DEFAULT ''::text,
    submitted_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT message_template_versions_number_check CHECK ((number > 0)),
    CONSTRAINT message_template_versions_pkey PRIMARY KEY (id),
    CONSTRAINT message_template_versions_state_check CHECK ((state = ANY (ARRAY['draft'::text, 'submitting'::text, 'unconfirmed'::text, 'in_review'::text, 'approved'::text, 'rejected'::text, 'refused'::text]))),
    CONSTRAINT message_template_versions_template_id_fkey FOREIGN KEY (template_id) REFERENCES message_templates(id),
    CONSTRAINT message_template_versions_template_id_number_key UNIQUE (template_id, number)
);
COMMENT ON TABLE message_template_versions IS 'What a template said: drafts, what was submitted, and what came of it; first is the one that creates it at the platform.';
ALTER TABLE message_template_versions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX message_template_versions_submitted ON message_template_versions USING btree (organization_id, submitted_at) WHERE (submitted_at IS NOT NULL);
CREATE POLICY tenant ON message_template_versions FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON message_template_versions TO inbox_app;

CREATE TABLE message_templates (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    waba_id text NOT NULL,
    name text NOT NULL,
    language text NOT NULL,
    provider_id text,
    category text NOT NULL,
    next_category text NOT NULL DEFAULT ''::text,
    next_category_at timestamp with time zone,
    status text NOT NULL DEFAULT 'draft'::text,
    reason_code text NOT NULL DEFAULT ''::text,
    reason text NOT NULL DEFAULT ''::text,
    quality text NOT NULL DEFAULT 'UNKNOWN'::text,
    components jsonb NOT NULL DEFAULT '[]'::jsonb,
    fallbacks jsonb NOT NULL DEFAULT '{}'::jsonb,
    last_number integer NOT NULL DEFAULT 0,
    approved_number integer,
    told_at timestamp with time zone,
    seen_at timestamp with time zone,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    changed_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT message_templates_category_check CHECK ((category = ANY (ARRAY['MARKETING'::text, 'UTILITY'::text, 'AUTHENTICATION'::text]))),
    CONSTRAINT message_templates_pkey PRIMARY KEY (id),
    CONSTRAINT message_templates_quality_check CHECK ((quality = ANY (ARRAY['GREEN'::text, 'YELLOW'::text, 'RED'::text, 'UNKNOWN'::text]))),
    CONSTRAINT message_templates_status_check CHECK ((status = ANY (ARRAY['draft'::text, 'submitting'::text, 'unconfirmed'::text, 'pending'::text, 'approved'::text, 'rejected'::text, 'paused'::text, 'disabled'::text, 'in_appeal'::text, 'flagged'::text, 'locked'::text, 'limit_exceeded'::text, 'archived'::text, 'pending_deletion'::text, 'deleting'::text, 'deleted'::text])))
);
COMMENT ON TABLE message_templates IS 'One template in one language of a business account; components are what can be sent now.';
ALTER TABLE message_templates ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX message_templates_known ON message_templates USING btree (organization_id, waba_id, provider_id);
CREATE INDEX message_templates_listed ON message_templates USING btree (organization_id, name, language, id);
CREATE UNIQUE INDEX message_templates_named ON message_templates USING btree (organization_id, waba_id, name, language) WHERE (status <> 'deleted'::text);
CREATE INDEX message_templates_sendable ON message_templates USING btree (organization_id, waba_id, name, language) WHERE (status = ANY (ARRAY['approved'::text, 'flagged'::text, 'locked'::text]));
CREATE POLICY tenant ON message_templates FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON message_templates TO inbox_app;

CREATE TABLE message_words (
    message_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    tokens bigint[] NOT NULL,
    CONSTRAINT message_words_message_id_fkey FOREIGN KEY (message_id) REFERENCES messages(id) ON DELETE CASCADE,
    CONSTRAINT message_words_pkey PRIMARY KEY (message_id)
);
COMMENT ON TABLE message_words IS 'By what a message is found: keyed hashes of its words and their beginnings.';
ALTER TABLE message_words ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX message_words_in_conversation ON message_words USING btree (conversation_id, at, message_id);
CREATE INDEX message_words_newest ON message_words USING btree (organization_id, at, message_id);
CREATE INDEX message_words_tokens ON message_words USING gin (tokens) WITH (gin_pending_list_limit='1024');
CREATE POLICY looking ON message_words FOR SELECT TO inbox_loops USING (true);
CREATE POLICY tenant ON message_words FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON message_words TO inbox_app;
GRANT SELECT ON message_words TO inbox_loops;
GRANT UPDATE (conversation_id) ON message_words TO inbox_app;

CREATE TABLE messages (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    direction text NOT NULL,
    kind text NOT NULL,
    content_sealed bytea NOT NULL,
    provider_blind bytea,
    provider_sealed bytea,
    reply_to_blind bytea,
    provider_time timestamp with time zone NOT NULL,
    sequence bigint NOT NULL,
    status text NOT NULL,
    status_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    failure_code text NOT NULL DEFAULT ''::text,
    failure_reason text NOT NULL DEFAULT ''::text,
    author_id uuid,
    fingerprint bytea,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    template_id uuid,
    owner_id uuid,
    whole_id uuid,
    part_number smallint,
    part_attempt smallint,
    CONSTRAINT messages_channel_id_provider_blind_key UNIQUE (channel_id, provider_blind),
    CONSTRAINT messages_conversation_id_fkey FOREIGN KEY (conversation_id) REFERENCES conversations(id),
    CONSTRAINT messages_conversation_id_sequence_key UNIQUE (conversation_id, sequence),
    CONSTRAINT messages_direction_check CHECK ((direction = ANY (ARRAY['in'::text, 'out'::text]))),
    CONSTRAINT messages_part_check CHECK (((whole_id IS NULL) = (part_number IS NULL))),
    CONSTRAINT messages_pkey PRIMARY KEY (id),
    CONSTRAINT messages_status_check CHECK ((status = ANY (ARRAY['received'::text, 'held'::text, 'queued'::text, 'unconfirmed'::text, 'sent'::text, 'failed'::text, 'delivered'::text, 'read'::text])))
);
COMMENT ON TABLE messages IS 'One message; shown by (provider_time, sequence), its status only rises.';
ALTER TABLE messages ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX messages_by_author ON messages USING btree (author_id, organization_id, conversation_id) WHERE (author_id IS NOT NULL);
CREATE INDEX messages_by_owner ON messages USING btree (owner_id, channel_id) WHERE (owner_id IS NOT NULL);
CREATE INDEX messages_held ON messages USING btree (conversation_id, sequence) WHERE (status = 'held'::text);
CREATE INDEX messages_on_their_way ON messages USING btree (conversation_id, sequence) WHERE ((direction = 'out'::text) AND (status = ANY (ARRAY['queued'::text, 'unconfirmed'::text, 'sent'::text, 'delivered'::text])));
CREATE INDEX messages_parts ON messages USING btree (whole_id, part_number, part_attempt) WHERE (whole_id IS NOT NULL);
CREATE INDEX messages_shown ON messages USING btree (conversation_id, provider_time, sequence);
CREATE POLICY looking ON messages FOR SELECT TO inbox_loops USING (true);
CREATE POLICY seen ON messages FOR ALL TO inbox_app USING ((channel_id <> ALL (( SELECT channels_hidden() AS channels_hidden)::uuid[])));
CREATE POLICY tenant ON messages FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON messages TO inbox_app;
GRANT SELECT (organization_id) ON messages TO inbox_loops;
GRANT SELECT (author_id) ON messages TO inbox_loops;

CREATE TABLE migrations (
    origin text NOT NULL,
    number integer NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT migrations_pkey PRIMARY KEY (origin, number)
);
GRANT SELECT ON migrations TO inbox_app;

CREATE TABLE note_revisions (
    note_id uuid NOT NULL,
    number bigint NOT NULL,
    organization_id uuid NOT NULL,
    content_sealed bytea NOT NULL,
    replaced_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT note_revisions_note_id_fkey FOREIGN KEY (note_id) REFERENCES notes(id),
    CONSTRAINT note_revisions_pkey PRIMARY KEY (note_id, number)
);
COMMENT ON TABLE note_revisions IS 'What a note said before it was edited, by its version then; goes when the note is deleted.';
ALTER TABLE note_revisions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON note_revisions FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT ON note_revisions TO inbox_app;

CREATE TABLE note_words (
    note_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    conversation_id uuid,
    at timestamp with time zone NOT NULL,
    tokens bigint[] NOT NULL,
    CONSTRAINT note_words_note_id_fkey FOREIGN KEY (note_id) REFERENCES notes(id) ON DELETE CASCADE,
    CONSTRAINT note_words_pkey PRIMARY KEY (note_id)
);
COMMENT ON TABLE note_words IS 'By what a note is found.';
ALTER TABLE note_words ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX note_words_in_conversation ON note_words USING btree (conversation_id, at, note_id);
CREATE INDEX note_words_newest ON note_words USING btree (organization_id, at, note_id);
CREATE INDEX note_words_tokens ON note_words USING gin (tokens) WITH (gin_pending_list_limit='1024');
CREATE POLICY looking ON note_words FOR SELECT TO inbox_loops USING (true);
CREATE POLICY tenant ON note_words FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON note_words TO inbox_app;
GRANT SELECT ON note_words TO inbox_loops;

CREATE TABLE notes (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    conversation_id uuid,
    author_id uuid,
    content_sealed bytea NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    edited_at timestamp with time zone,
    deleted_at timestamp with time zone,
    origin_id uuid,
    contact_id uuid,
    CONSTRAINT notes_contact_id_fkey FOREIGN KEY (contact_id) REFERENCES contacts(id),
    CONSTRAINT notes_conversation_id_fkey FOREIGN KEY (conversation_id) REFERENCES conversations(id),
    CONSTRAINT notes_pkey PRIMARY KEY (id),
    CONSTRAINT notes_stand_somewhere CHECK (((conversation_id IS NULL) <> (contact_id IS NULL)))
);
COMMENT ON TABLE notes IS 'What the team writes to itself in a conversation or about a contact. It is no message: nothing that sends reads this table.';
ALTER TABLE notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX notes_about ON notes USING btree (contact_id, created_at, id) WHERE (contact_id IS NOT NULL);
CREATE INDEX notes_by_author ON notes USING btree (author_id, organization_id, id) WHERE (author_id IS NOT NULL);
CREATE INDEX notes_of_origin ON notes USING btree (origin_id) WHERE (origin_id IS NOT NULL);
CREATE INDEX notes_shown ON notes USING btree (conversation_id, created_at, id);
CREATE POLICY looking ON notes FOR SELECT TO inbox_loops USING (true);
CREATE POLICY seen ON notes FOR ALL TO inbox_app USING ((( SELECT (channels_hidden() = '{}'::uuid[])) OR (conversation_id IS NULL) OR conversation_seen(conversation_id)));
CREATE POLICY tenant ON notes FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON notes TO inbox_app;
GRANT SELECT (organization_id) ON notes TO inbox_loops;
GRANT SELECT (author_id) ON notes TO inbox_loops;

CREATE TABLE outbox (
    id uuid NOT NULL,
    type text NOT NULL,
    organization_id uuid,
    body bytea NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT outbox_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE outbox IS 'Events committed with their state and not yet confirmed by the broker; the relay deletes them.';
GRANT DELETE, INSERT, SELECT ON outbox TO inbox_app;
GRANT UPDATE (created_at) ON outbox TO inbox_app;

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
CREATE POLICY forgetting ON outgoing_mails FOR ALL TO inbox_loops USING (true);
CREATE POLICY tenant ON outgoing_mails FOR ALL TO inbox_app USING (((organization_id IS NULL) OR (organization_id = ANY (( SELECT (NULLIF(current_setting('app.orgs'::text, true), ''::text))::uuid[] AS "nullif")::uuid[]))));
GRANT DELETE, INSERT, SELECT, UPDATE ON outgoing_mails TO inbox_app;
GRANT DELETE, SELECT ON outgoing_mails TO inbox_loops;

CREATE TABLE portfolio_openings (
    organization_id uuid NOT NULL,
    portfolio text NOT NULL,
    contact_id uuid NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    CONSTRAINT portfolio_openings_pkey PRIMARY KEY (organization_id, portfolio, contact_id)
);
COMMENT ON TABLE portfolio_openings IS 'When a contact was last written to by a template outside the 24 hours, by the portfolio that WhatsApp counts in.';
ALTER TABLE portfolio_openings ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX portfolio_openings_by_contact ON portfolio_openings USING btree (contact_id);
CREATE INDEX portfolio_openings_recent ON portfolio_openings USING btree (organization_id, portfolio, opened_at);
CREATE POLICY tenant ON portfolio_openings FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON portfolio_openings TO inbox_app;

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
GRANT DELETE, INSERT, SELECT, UPDATE ON privacy_tasks TO inbox_app;

CREATE TABLE processed_messages (
    queue text NOT NULL,
    message_id uuid NOT NULL,
    generation bigint NOT NULL DEFAULT 0,
    processed_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT processed_messages_pkey PRIMARY KEY (queue, message_id, generation)
);
COMMENT ON TABLE processed_messages IS 'Messages whose effect is committed; a replay carries another generation.';
CREATE INDEX processed_messages_by_age ON processed_messages USING brin (processed_at);
GRANT DELETE, INSERT, SELECT ON processed_messages TO inbox_app;

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
CREATE POLICY tenant ON quota_limits FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON quota_limits TO inbox_app;

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
CREATE POLICY lapsing ON quota_reservations FOR ALL TO inbox_loops USING (true) WITH CHECK (true);
CREATE POLICY tenant ON quota_reservations FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON quota_reservations TO inbox_app;
GRANT DELETE, SELECT, UPDATE ON quota_reservations TO inbox_loops;

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
CREATE POLICY lapsing ON quota_usage FOR ALL TO inbox_loops USING (true) WITH CHECK (true);
CREATE POLICY tenant ON quota_usage FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON quota_usage TO inbox_app;
GRANT DELETE, SELECT, UPDATE ON quota_usage TO inbox_loops;

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
CREATE POLICY looking ON seal_keys FOR SELECT TO inbox_loops USING (true);
CREATE POLICY tenant ON seal_keys FOR ALL TO inbox_app USING (((organization_id IS NULL) OR (organization_id = ANY (( SELECT (NULLIF(current_setting('app.orgs'::text, true), ''::text))::uuid[] AS "nullif")::uuid[]))));
GRANT INSERT, SELECT ON seal_keys TO inbox_app;
GRANT SELECT ON seal_keys TO inbox_loops;
GRANT UPDATE (master_key_id) ON seal_keys TO inbox_app;
GRANT UPDATE (wrapped) ON seal_keys TO inbox_app;
GRANT UPDATE (retired_at) ON seal_keys TO inbox_app;
GRANT UPDATE (shredded_at) ON seal_keys TO inbox_app;
GRANT UPDATE (with_organization) ON seal_keys TO inbox_app;

CREATE TABLE search_due (
    id bigint NOT NULL,
    organization_id uuid NOT NULL,
    kind text NOT NULL,
    subject_id uuid,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    subject_ids uuid[],
    CONSTRAINT search_due_check CHECK (((subject_id IS NULL) <> (subject_ids IS NULL))),
    CONSTRAINT search_due_kind_check CHECK ((kind = ANY (ARRAY['message'::text, 'note'::text, 'contact'::text]))),
    CONSTRAINT search_due_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE search_due IS 'What was written or changed and is to be looked at by the index; no longer than it takes.';
ALTER TABLE search_due ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY claiming ON search_due FOR ALL TO inbox_loops USING (true);
CREATE POLICY tenant ON search_due FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT ON search_due TO inbox_app;
GRANT DELETE, SELECT, UPDATE ON search_due TO inbox_loops;

CREATE TABLE signatures (
    organization_id uuid NOT NULL,
    user_id uuid NOT NULL,
    name_sealed bytea NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    changed_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT signatures_pkey PRIMARY KEY (organization_id, user_id)
);
COMMENT ON TABLE signatures IS 'The name under which a member answers here, as they said it; sealed under their key.';
ALTER TABLE signatures ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX signatures_by_user ON signatures USING btree (user_id);
CREATE POLICY looking ON signatures FOR SELECT TO inbox_loops USING (true);
CREATE POLICY tenant ON signatures FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON signatures TO inbox_app;
GRANT SELECT (organization_id) ON signatures TO inbox_loops;
GRANT SELECT (user_id) ON signatures TO inbox_loops;

CREATE TABLE site_channels (
    channel_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    kind text NOT NULL,
    public_key text NOT NULL,
    allowed_origins text[] NOT NULL,
    options text NOT NULL,
    secret_sealed bytea NOT NULL,
    former_sealed bytea,
    former_until timestamp with time zone,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    changed_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT site_channels_channel_id_fkey FOREIGN KEY (channel_id) REFERENCES channels(id),
    CONSTRAINT site_channels_kind_check CHECK ((kind = ANY (ARRAY['web_chat'::text, 'contact_form'::text]))),
    CONSTRAINT site_channels_pkey PRIMARY KEY (channel_id)
);
COMMENT ON TABLE site_channels IS 'How a channel on an organization''s own pages looks and works; options are JSON.';
ALTER TABLE site_channels ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE UNIQUE INDEX site_channels_by_key ON site_channels USING btree (organization_id, public_key);
CREATE INDEX site_channels_listed ON site_channels USING btree (organization_id, created_at, channel_id);
CREATE POLICY seen ON site_channels FOR ALL TO inbox_app USING ((channel_id <> ALL (( SELECT channels_hidden() AS channels_hidden)::uuid[])));
CREATE POLICY tenant ON site_channels FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON site_channels TO inbox_app;

CREATE TABLE suspect_messages (
    queue text NOT NULL,
    message_id uuid NOT NULL,
    generation bigint NOT NULL DEFAULT 0,
    attempts integer NOT NULL DEFAULT 0,
    last_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT suspect_messages_pkey PRIMARY KEY (queue, message_id, generation)
);
COMMENT ON TABLE suspect_messages IS 'Redelivered messages counted before their handler runs: some kill the process.';
GRANT DELETE, INSERT, SELECT, UPDATE ON suspect_messages TO inbox_app;

CREATE TABLE team_members (
    team_id uuid NOT NULL,
    user_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    present boolean NOT NULL,
    version bigint NOT NULL,
    CONSTRAINT team_members_pkey PRIMARY KEY (team_id, user_id)
);
COMMENT ON TABLE team_members IS 'Who is in a team, each as its newest event tells; who has gone keeps a row that says so.';
ALTER TABLE team_members ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX team_members_by_user ON team_members USING btree (organization_id, user_id);
CREATE INDEX team_members_of_user ON team_members USING btree (user_id);
CREATE POLICY looking ON team_members FOR SELECT TO inbox_loops USING (true);
CREATE POLICY tenant ON team_members FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON team_members TO inbox_app;
GRANT SELECT (team_id) ON team_members TO inbox_loops;
GRANT SELECT (user_id) ON team_members TO inbox_loops;
GRANT SELECT (present) ON team_members TO inbox_loops;

CREATE TABLE teams (
    team_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    gone boolean NOT NULL DEFAULT false,
    version bigint NOT NULL,
    CONSTRAINT teams_pkey PRIMARY KEY (team_id)
);
COMMENT ON TABLE teams IS 'Teams as auth tells them, without names; one that is gone keeps its row, so that what is older changes nothing.';
ALTER TABLE teams ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX teams_by_organization ON teams USING btree (organization_id, team_id) WHERE (NOT gone);
CREATE POLICY looking ON teams FOR SELECT TO inbox_loops USING (true);
CREATE POLICY tenant ON teams FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT INSERT, SELECT, UPDATE ON teams TO inbox_app;
GRANT SELECT (team_id) ON teams TO inbox_loops;
GRANT SELECT (gone) ON teams TO inbox_loops;

CREATE TABLE template_sample_uploads (
    sample_id uuid NOT NULL,
    waba_id text NOT NULL,
    organization_id uuid NOT NULL,
    id uuid NOT NULL,
    state text NOT NULL DEFAULT 'waiting'::text,
    handle text NOT NULL DEFAULT ''::text,
    reason text NOT NULL DEFAULT ''::text,
    asked_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT template_sample_uploads_id_key UNIQUE (id),
    CONSTRAINT template_sample_uploads_pkey PRIMARY KEY (sample_id, waba_id),
    CONSTRAINT template_sample_uploads_sample_id_fkey FOREIGN KEY (sample_id) REFERENCES template_samples(id),
    CONSTRAINT template_sample_uploads_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'done'::text, 'failed'::text])))
);
COMMENT ON TABLE template_sample_uploads IS 'A sample at a business account of WhatsApp: by which handle templates name it there.';
ALTER TABLE template_sample_uploads ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON template_sample_uploads FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON template_sample_uploads TO inbox_app;

CREATE TABLE template_samples (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    media_type text NOT NULL,
    size bigint NOT NULL,
    file_id uuid NOT NULL,
    key_sealed bytea NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT template_samples_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE template_samples IS 'A picture, film or document of the organization, in the folder of media, that headers of templates name.';
ALTER TABLE template_samples ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE INDEX template_samples_file ON template_samples USING btree (file_id);
CREATE INDEX template_samples_listed ON template_samples USING btree (organization_id, created_at, id);
CREATE POLICY tenant ON template_samples FOR ALL TO inbox_app USING ((organization_id = ANY (( SELECT (current_setting('app.orgs'::text))::uuid[] AS current_setting)::uuid[])));
GRANT DELETE, INSERT, SELECT, UPDATE ON template_samples TO inbox_app;

CREATE OR REPLACE FUNCTION inbox.attributes_sweep(at_most integer)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
AS $function$
    DECLARE
        swept integer;
    BEGIN
        WITH gone AS (
            DELETE FROM conversation_attributes AS v WHERE (v.conversation_id, v.attribute_id) IN (
                SELECT w.conversation_id, w.attribute_id
                FROM attributes AS a JOIN conversation_attributes AS w ON w.attribute_id = a.id
                WHERE a.deleted_at IS NOT NULL LIMIT at_most)
            RETURNING 1
        ) SELECT count(*) INTO swept FROM gone;
        IF swept > 0 THEN RETURN swept; END IF;
        WITH gone AS (
            DELETE FROM contact_attributes AS v WHERE (v.contact_id, v.attribute_id, v.place) IN (
                SELECT w.contact_id, w.attribute_id, w.place
                FROM attributes AS a JOIN contact_attributes AS w ON w.attribute_id = a.id
                WHERE a.deleted_at IS NOT NULL LIMIT at_most)
            RETURNING 1
        ) SELECT count(*) INTO swept FROM gone;
        IF swept > 0 THEN RETURN swept; END IF;
        WITH gone AS (
            DELETE FROM attributes AS a WHERE a.deleted_at IS NOT NULL
              AND NOT EXISTS (SELECT FROM conversation_attributes AS w WHERE w.attribute_id = a.id)
              AND NOT EXISTS (SELECT FROM contact_attributes AS w WHERE w.attribute_id = a.id)
            RETURNING 1
        ) SELECT count(*) INTO swept FROM gone;
        RETURN swept;
    END
    $function$;
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.broadcast_link(recipient uuid, counted boolean)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
AS $function$
    DECLARE
        found record;
    BEGIN
        SELECT r.organization_id, r.broadcast_id, r.variant, b.variants -> r.variant::integer ->> 'link' AS link
        INTO found
        FROM broadcast_recipients AS r JOIN broadcasts AS b ON b.id = r.broadcast_id WHERE r.id = recipient;
        IF coalesce(found.link, '') = '' THEN
            RETURN NULL;
        END IF;
        IF counted THEN
            UPDATE broadcast_recipients SET clicked_at = kit_now() WHERE id = recipient AND clicked_at IS NULL;
            INSERT INTO broadcast_counts (organization_id, broadcast_id, variant, what, n)
            VALUES (found.organization_id, found.broadcast_id, found.variant, 'clicks', 1);
        END IF;
        RETURN found.link;
    END
    $function$;
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.broadcasts_count()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
AS $function$
    BEGIN
        IF TG_OP = 'INSERT' THEN
            INSERT INTO broadcast_counts (organization_id, broadcast_id, variant, what, n)
            SELECT organization_id, broadcast_id, variant, state, count(*) FROM after GROUP BY 1, 2, 3, 4;
        ELSIF TG_OP = 'DELETE' THEN  -- what has ended stays counted, also of who was forgotten
            INSERT INTO broadcast_counts (organization_id, broadcast_id, variant, what, n)
            SELECT organization_id, broadcast_id, variant, state, -count(*)
            FROM before WHERE state IN ('waiting', 'handed', 'unknown') GROUP BY 1, 2, 3, 4;
        ELSE
            INSERT INTO broadcast_counts (organization_id, broadcast_id, variant, what, n)
            SELECT organization_id, broadcast_id, variant, what, sum(way) FROM (
                SELECT organization_id, broadcast_id, variant, state AS what, 1 AS way FROM after
                UNION ALL SELECT organization_id, broadcast_id, variant, state, -1 FROM before
                UNION ALL SELECT organization_id, broadcast_id, variant, 'replied', 1 FROM after
                          WHERE replied_at IS NOT NULL
                UNION ALL SELECT organization_id, broadcast_id, variant, 'replied', -1 FROM before
                          WHERE replied_at IS NOT NULL
                UNION ALL SELECT organization_id, broadcast_id, variant, 'clicked', 1 FROM after
                          WHERE clicked_at IS NOT NULL
                UNION ALL SELECT organization_id, broadcast_id, variant, 'clicked', -1 FROM before
                          WHERE clicked_at IS NOT NULL
                UNION ALL SELECT organization_id, broadcast_id, variant, 'opted_out', 1 FROM after
                          WHERE opted_out_at IS NOT NULL
                UNION ALL SELECT organization_id, broadcast_id, variant, 'opted_out', -1 FROM before
                          WHERE opted_out_at IS NOT NULL
            ) AS moved
            GROUP BY 1, 2, 3, 4 HAVING sum(way) <> 0;
        END IF;
        RETURN NULL;
    END
    $function$;
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.broadcasts_due(at_most integer)
 RETURNS TABLE(id uuid, organization_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
AS $function$
        SELECT b.id, b.organization_id FROM broadcasts AS b
        WHERE b.work_at <= kit_now() ORDER BY b.work_at LIMIT at_most
    $function$;
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.channel_organizations(numbers text[], accounts text[])
 RETURNS TABLE(kind text, external_id text, organization_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
AS $function$
        SELECT 'number', known.phone_number_id, known.organization_id FROM channels AS known
        WHERE known.phone_number_id = ANY (numbers) AND known.state = 'connected'
        UNION ALL
        SELECT DISTINCT 'account', known.waba_id, known.organization_id FROM channels AS known
        WHERE known.waba_id = ANY (accounts) AND known.state = 'connected'
    $function$;
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.channel_to_release()
 RETURNS TABLE(id uuid, organization_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
AS $function$ SELECT c.id, c.organization_id FROM channels AS c WHERE c.release_due ORDER BY c.id LIMIT 1 $function$;
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.channels_free_again()
 RETURNS TABLE(id uuid, organization_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
AS $function$
        SELECT c.id, c.organization_id FROM channels AS c
        WHERE c.health_until <= kit_now() AND c.state = 'connected' ORDER BY c.health_until LIMIT 100
    $function$;
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.channels_hidden()
 RETURNS uuid[]
 LANGUAGE sql
 STABLE
AS $function$ SELECT coalesce(nullif(current_setting('app.hidden', true), ''), '{}')::uuid[] $function$;
-- owner: inbox_owner
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.channels_hidden_from(wanted uuid)
 RETURNS uuid[]
 LANGUAGE sql
 STABLE
 SET search_path TO 'inbox', 'kit', 'pg_temp'
AS $function$
        SELECT coalesce(array_agg(c.id), '{}') FROM channels AS c
        WHERE c.organization_id = ANY (current_setting('app.orgs')::uuid[]) AND c.visible_to = 'chosen'
          AND NOT EXISTS (
              SELECT FROM channel_viewers AS v WHERE v.channel_id = c.id AND v.kind = 'user' AND v.viewer_id = wanted
          )
          AND NOT EXISTS (
              SELECT FROM channel_viewers AS v
              JOIN team_members AS m ON m.team_id = v.viewer_id AND m.user_id = wanted AND m.present
              JOIN teams AS t ON t.team_id = m.team_id AND NOT t.gone
              WHERE v.channel_id = c.id AND v.kind = 'team'
          )
    $function$;
-- owner: inbox_owner
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.chat_visitors_purge(older_than interval, most integer)
 RETURNS bigint
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
AS $function$
        WITH gone AS (
            DELETE FROM chat_visitors WHERE id = ANY (ARRAY(
                SELECT v.id FROM chat_visitors AS v WHERE v.seen_at < kit_now() - older_than
                ORDER BY v.seen_at LIMIT most FOR UPDATE SKIP LOCKED))
            RETURNING id
        )
        SELECT count(*) FROM gone
    $function$;
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.claim_assignment()
 RETURNS TABLE(organization_id uuid, turn bigint)
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
AS $function$
        SELECT t.organization_id, t.turn FROM assignment_turns AS t
        WHERE t.organization_id IN (SELECT n.organization_id FROM assignment_nudges AS n)
           OR t.look_at <= kit_now()
        ORDER BY t.served_at LIMIT 1
        FOR UPDATE SKIP LOCKED
    $function$;
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.claim_contact_matches(at_most integer)
 RETURNS TABLE(id uuid, organization_id uuid, first_id uuid, second_id uuid, rule text)
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
AS $function$
        UPDATE contact_matches AS m
        SET attempts = m.attempts + 1, due_at = kit_now() + least(3600, 10 * 2 ^ least(m.attempts, 9)) * interval '1 second'
        WHERE m.id = ANY (ARRAY(
            SELECT due.id FROM contact_matches AS due WHERE due.state = 'due' AND due.due_at <= kit_now()
            ORDER BY due.due_at LIMIT at_most FOR UPDATE SKIP LOCKED
        ))
        RETURNING m.id, m.organization_id, m.first_id, m.second_id, m.rule
    $function$;
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.contact_exports_sweep(at_most integer)
 RETURNS TABLE(organization_id uuid, file_id uuid)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
AS $function$
    DECLARE
        over uuid;
    BEGIN
        SELECT e.id INTO over FROM contact_exports AS e
        WHERE e.state <> 'expired' AND e.expires_at <= kit_now()
        ORDER BY e.expires_at, e.id LIMIT 1 FOR UPDATE SKIP LOCKED;
        IF over IS NULL THEN RETURN; END IF;
        RETURN QUERY
            DELETE FROM contact_export_parts AS p WHERE p.id IN (
                SELECT q.id FROM contact_export_parts AS q WHERE q.export_id = over LIMIT at_most)
            RETURNING p.organization_id, p.file_id;
        IF NOT EXISTS (SELECT FROM contact_export_parts AS p WHERE p.export_id = over) THEN
            UPDATE contact_exports AS e SET state = 'expired' WHERE e.id = over;
        END IF;
    END
    $function$;
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.contact_import_parts_sweep(at_most integer)
 RETURNS TABLE(organization_id uuid, file_id uuid)
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
AS $function$
        DELETE FROM contact_import_parts AS p WHERE p.id IN (
            SELECT q.id FROM contact_imports AS i JOIN contact_import_parts AS q ON q.import_id = i.id
            WHERE i.state NOT IN ('uploading', 'uploaded', 'running') OR i.changed_at < kit_now() - interval '2 days'
            LIMIT at_most)
        RETURNING p.organization_id, p.file_id
    $function$;
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.contact_imports_settle(at_most integer)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
AS $function$
    DECLARE
        over uuid;
        gone bigint;
        known bigint;
        emptied bigint;
    BEGIN
        SELECT i.id INTO over FROM contact_imports AS i
        WHERE NOT i.undo_over AND i.created_at < kit_now() - interval '30 days' AND i.state <> 'undoing'
        ORDER BY i.created_at LIMIT 1 FOR UPDATE SKIP LOCKED;
        IF over IS NULL THEN RETURN false; END IF;
        DELETE FROM contact_import_values AS v WHERE v.ctid = ANY (ARRAY(
            SELECT w.ctid FROM contact_import_values AS w WHERE w.import_id = over LIMIT at_most));
        GET DIAGNOSTICS gone = ROW_COUNT;
        DELETE FROM contact_import_identities AS v WHERE v.ctid = ANY (ARRAY(
            SELECT w.ctid FROM contact_import_identities AS w WHERE w.import_id = over LIMIT at_most));
        GET DIAGNOSTICS known = ROW_COUNT;
        UPDATE contact_import_changes AS h SET name_before = NULL WHERE h.ctid = ANY (ARRAY(
            SELECT g.ctid FROM contact_import_changes AS g
            WHERE g.import_id = over AND g.name_before IS NOT NULL LIMIT at_most));
        GET DIAGNOSTICS emptied = ROW_COUNT;
        IF gone = 0 AND known = 0 AND emptied = 0 THEN
            UPDATE contact_imports AS i SET undo_over = true WHERE i.id = over;
        END IF;
        RETURN true;
    END
    $function$;
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.contacts_known_no_more()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'inbox', 'kit', 'pg_temp'
AS $function$
BEGIN
    IF EXISTS (SELECT FROM contact_identities AS i WHERE i.contact_id = OLD.id) THEN
        RAISE foreign_key_violation USING MESSAGE = 'a contact is still known by an identity';
    END IF;
    RETURN NULL;
END
$function$;
-- owner: inbox_owner
-- may be called by: PUBLIC

CREATE OR REPLACE FUNCTION inbox.conversation_seen(wanted uuid)
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$ SELECT EXISTS (SELECT FROM conversations AS c WHERE c.id = wanted) $function$;
-- owner: inbox_owner
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.conversations_count()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
AS $function$
    DECLARE
        nobody constant uuid := '00000000-0000-0000-0000-000000000000';
    BEGIN
        IF TG_OP = 'INSERT' THEN
            INSERT INTO conversation_counts (organization_id, channel_id, assignee_id, team_id, state, unread, n)
            SELECT organization_id, channel_id, coalesce(assignee_id, nobody), coalesce(team_id, nobody), state,
                   unread_count > 0, count(*)
            FROM after WHERE state <> 'resolved' GROUP BY 1, 2, 3, 4, 5, 6;
        ELSIF TG_OP = 'DELETE' THEN
            INSERT INTO conversation_counts (organization_id, channel_id, assignee_id, team_id, state, unread, n)
            SELECT organization_id, channel_id, coalesce(assignee_id, nobody), coalesce(team_id, nobody), state,
                   unread_count > 0, -count(*)
            FROM before WHERE state <> 'resolved' GROUP BY 1, 2, 3, 4, 5, 6;
        ELSE
            INSERT INTO conversation_counts (organization_id, channel_id, assignee_id, team_id, state, unread, n)
            SELECT organization_id, channel_id, coalesce(assignee_id, nobody), coalesce(team_id, nobody), state,
                   unread_count > 0, sum(way)
            FROM (
                SELECT organization_id, channel_id, assignee_id, team_id, state, unread_count, 1 AS way FROM after
                UNION ALL
                SELECT organization_id, channel_id, assignee_id, team_id, state, unread_count, -1 FROM before
            ) AS moved
            WHERE state <> 'resolved' GROUP BY 1, 2, 3, 4, 5, 6 HAVING sum(way) <> 0;
        END IF;
        RETURN NULL;
    END
    $function$;
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.conversations_moved()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
AS $function$
    DECLARE
        nobody constant uuid := '00000000-0000-0000-0000-000000000000';
    BEGIN
        IF TG_OP = 'INSERT' THEN
            INSERT INTO assignment_nudges (organization_id)
            SELECT DISTINCT organization_id FROM after JOIN assignment_turns USING (organization_id)
            WHERE state = 'open' AND assignee_id IS NULL;
        ELSE
            INSERT INTO assignment_nudges (organization_id)
            SELECT DISTINCT organization_id
            FROM (
                SELECT organization_id, coalesce(assignee_id, nobody) AS assignee_id,
                       coalesce(team_id, channel_id) AS queue, sum(way) AS n
                FROM (
                    SELECT organization_id, channel_id, assignee_id, team_id, 1 AS way FROM after WHERE state = 'open'
                    UNION ALL
                    SELECT organization_id, channel_id, assignee_id, team_id, -1 FROM before WHERE state = 'open'
                ) AS each_way
                GROUP BY 1, 2, 3
            ) AS moved
            JOIN assignment_turns USING (organization_id)
            WHERE n <> 0 AND (assignee_id = nobody) = (n > 0);
        END IF;
        RETURN NULL;
    END
    $function$;
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.ease_brakes(after interval, by_factor real)
 RETURNS TABLE(id uuid, organization_id uuid, kind text, rate integer, brake real)
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
AS $function$
        UPDATE channels AS c
        SET brake = least(c.brake * by_factor, CASE c.quality WHEN 'RED' THEN 0.2 WHEN 'YELLOW' THEN 0.5 ELSE 1 END),
            brake_code = CASE WHEN c.brake * by_factor >= 1 THEN '' ELSE c.brake_code END, braked_at = kit_now()
        WHERE c.id IN (
            SELECT due.id FROM channels AS due
            WHERE due.brake < CASE due.quality WHEN 'RED' THEN 0.2 WHEN 'YELLOW' THEN 0.5 ELSE 1 END
              AND due.braked_at <= kit_now() - after
            ORDER BY due.id LIMIT 100 FOR UPDATE SKIP LOCKED
        )
        RETURNING c.id, c.organization_id, c.kind, c.rate, c.brake
    $function$;
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.fold_broadcast_counts(at_most integer)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
AS $function$
    DECLARE
        taken integer;
    BEGIN
        WITH gone AS (
            DELETE FROM broadcast_counts WHERE id IN (
                SELECT id FROM broadcast_counts WHERE NOT folded ORDER BY id LIMIT at_most FOR UPDATE SKIP LOCKED
            )
            RETURNING organization_id, broadcast_id, variant, what, n
        ), added AS (
            INSERT INTO broadcast_counts (organization_id, broadcast_id, variant, what, n, folded)
            SELECT organization_id, broadcast_id, variant, what, sum(n), true
            FROM gone GROUP BY 1, 2, 3, 4 ORDER BY 2, 3, 4
            ON CONFLICT (broadcast_id, variant, what) WHERE folded
            DO UPDATE SET n = broadcast_counts.n + excluded.n
        )
        SELECT count(*) INTO taken FROM gone;
        RETURN taken;
    END
    $function$;
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.fold_conversation_counts(at_most integer)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
AS $function$
    DECLARE
        taken integer;
    BEGIN
        WITH gone AS (
            DELETE FROM conversation_counts WHERE id IN (
                SELECT id FROM conversation_counts WHERE NOT folded ORDER BY id LIMIT at_most FOR UPDATE SKIP LOCKED
            )
            RETURNING organization_id, channel_id, assignee_id, team_id, state, unread, n
        ), added AS (
            INSERT INTO conversation_counts (organization_id, channel_id, assignee_id, team_id, state, unread, n, folded)
            SELECT organization_id, channel_id, assignee_id, team_id, state, unread, sum(n), true
            FROM gone GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6
            ON CONFLICT (organization_id, channel_id, assignee_id, team_id, state, unread) WHERE folded
            DO UPDATE SET n = conversation_counts.n + excluded.n
        )
        SELECT count(*) INTO taken FROM gone;
        DELETE FROM conversation_counts WHERE id IN (
            SELECT id FROM conversation_counts WHERE folded AND n = 0 ORDER BY id LIMIT at_most FOR UPDATE SKIP LOCKED
        );
        RETURN taken;
    END
    $function$;
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.forget_mails(older_than interval, at_most integer)
 RETURNS bigint
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
AS $function$
        WITH forgotten AS (
            DELETE FROM outgoing_mails
            WHERE id IN (SELECT id FROM outgoing_mails WHERE settled_at < kit_now() - older_than LIMIT at_most)
            RETURNING id
        )
        SELECT count(*) FROM forgotten
    $function$;
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.held_submissions_purge(older_than interval, most integer)
 RETURNS bigint
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
AS $function$
        WITH gone AS (
            DELETE FROM held_submissions WHERE id = ANY (ARRAY(
                SELECT h.id FROM held_submissions AS h WHERE h.created_at < kit_now() - older_than
                ORDER BY h.created_at LIMIT most FOR UPDATE SKIP LOCKED))
            RETURNING id
        )
        SELECT count(*) FROM gone
    $function$;
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.jobs_measure(kinds text[])
 RETURNS TABLE(kind text, queued bigint, running bigint, left_over bigint, rate double precision, oldest double precision, finished bigint, cancelled bigint, failed bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
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
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.jobs_next(kinds text[])
 RETURNS double precision
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
AS $function$
        SELECT extract(epoch FROM min(ready_at) - kit_now())::double precision
        FROM jobs WHERE ended_at IS NULL AND kind = ANY (kinds)
    $function$;
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.jobs_purge(older_than interval, at_most integer)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
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
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.jobs_turn(kinds text[])
 RETURNS TABLE(id uuid, organization_id uuid)
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
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
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.labels_sweep(at_most integer)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
AS $function$
    DECLARE
        swept integer;
    BEGIN
        WITH gone AS (
            DELETE FROM conversation_labels AS c WHERE (c.conversation_id, c.label_id) IN (
                SELECT w.conversation_id, w.label_id FROM labels AS l JOIN conversation_labels AS w ON w.label_id = l.id
                WHERE l.deleted_at IS NOT NULL LIMIT at_most)
            RETURNING 1
        ) SELECT count(*) INTO swept FROM gone;
        IF swept > 0 THEN RETURN swept; END IF;
        WITH gone AS (
            DELETE FROM contact_labels AS c WHERE (c.contact_id, c.label_id) IN (
                SELECT w.contact_id, w.label_id FROM labels AS l JOIN contact_labels AS w ON w.label_id = l.id
                WHERE l.deleted_at IS NOT NULL LIMIT at_most)
            RETURNING 1
        ) SELECT count(*) INTO swept FROM gone;
        IF swept > 0 THEN RETURN swept; END IF;
        WITH gone AS (
            DELETE FROM labels AS l WHERE l.deleted_at IS NOT NULL
              AND NOT EXISTS (SELECT FROM conversation_labels AS w WHERE w.label_id = l.id)
              AND NOT EXISTS (SELECT FROM contact_labels AS w WHERE w.label_id = l.id)
            RETURNING 1
        ) SELECT count(*) INTO swept FROM gone;
        RETURN swept;
    END
    $function$;
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.ledger_begin(blocks bigint[])
 RETURNS TABLE(block_id bigint)
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
AS $function$DELETE FROM ledger_blocks WHERE id = ANY (blocks) RETURNING id$function$;
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.ledger_claim(kinds text[], leases double precision[], most integer, most_lanes integer, pace double precision, lead double precision, ahead double precision, slice double precision, unpaced integer, busy bigint[], block double precision, patience double precision)
 RETURNS TABLE(id uuid, kind text, organization_id uuid, lane_id bigint, lane_key text, subject_id uuid, attempt integer, due_at timestamp with time zone, created_at timestamp with time zone, called_at timestamp with time zone, age double precision, lease double precision, slot double precision, step double precision, slots_end timestamp with time zone, server timestamp with time zone, block_id bigint)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
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
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.ledger_claim_looks(kinds text[], leases double precision[], most integer, per_lane integer, after_lane bigint)
 RETURNS TABLE(walked bigint, id uuid, kind text, organization_id uuid, lane_id bigint, lane_key text, subject_id uuid, attempt integer, due_at timestamp with time zone, created_at timestamp with time zone, called_at timestamp with time zone, age double precision, since_call double precision, quiet double precision, looks integer, blanks integer)
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
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
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.ledger_drain_wakes(most integer)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
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
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.ledger_give_back(most integer)
 RETURNS bigint
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
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
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.ledger_list(statuses text[], of_kind text, kinds text[], before uuid, older_than interval, most integer)
 RETURNS TABLE(id uuid, kind text, organization_id uuid, lane_key text, subject_id uuid, status text, attempt integer, due_at timestamp with time zone, created_at timestamp with time zone, called_at timestamp with time zone, look_at timestamp with time zone, external_id text, reason text, code text, settled_at timestamp with time zone, settled_by text, held text)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
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
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.ledger_measure(kinds text[], most integer)
 RETURNS TABLE(kind text, oldest double precision, due bigint, unknown bigint, unconfirmed bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
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
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.ledger_mend_lanes(after_lane bigint, most integer)
 RETURNS TABLE(last_lane bigint, mended bigint)
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
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
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.ledger_next()
 RETURNS double precision
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
AS $function$
        SELECT extract(epoch FROM min(ready_at) - kit_now())::double precision FROM ledger_lanes
        WHERE ready_at IS NOT NULL
    $function$;
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.ledger_overdue(kinds text[], most integer, but_for uuid[])
 RETURNS TABLE(id uuid, kind text, organization_id uuid, lane_id bigint, lane_key text, subject_id uuid, attempt integer, due_at timestamp with time zone, created_at timestamp with time zone, called_at timestamp with time zone, status text)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
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
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.ledger_owner(entry uuid)
 RETURNS TABLE(organization_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
AS $function$SELECT e.organization_id FROM ledger_entries AS e WHERE e.id = entry$function$;
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.ledger_purge(older_than interval, most integer)
 RETURNS bigint
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
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
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.ledger_reserve(lane bigint, wanted integer, pace double precision, lead double precision, unused_from timestamp with time zone, reserved_until timestamp with time zone)
 RETURNS TABLE(slot double precision, step double precision, slots_end timestamp with time zone, server timestamp with time zone)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
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
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.organizations_arranged_in(wanted uuid)
 RETURNS TABLE(organization_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
AS $function$
        SELECT a.organization_id FROM arrangements AS a WHERE a.owner_id = wanted
        UNION
        SELECT d.organization_id FROM drafts AS d WHERE d.user_id = wanted
        UNION
        SELECT r.organization_id FROM macro_runs AS r WHERE r.user_id = wanted
    $function$;
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.organizations_of_user(wanted uuid)
 RETURNS TABLE(organization_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
AS $function$
        SELECT m.organization_id FROM members AS m WHERE m.user_id = wanted
        UNION
        SELECT w.organization_id FROM messages AS w WHERE w.author_id = wanted
    $function$;
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.organizations_worked_in(wanted uuid)
 RETURNS TABLE(organization_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
AS $function$
        SELECT s.organization_id FROM signatures AS s WHERE s.user_id = wanted
        UNION
        SELECT c.organization_id FROM conversation_labels AS c WHERE c.labelled_by = wanted
        UNION
        SELECT c.organization_id FROM contact_labels AS c WHERE c.labelled_by = wanted
        UNION
        SELECT n.organization_id FROM notes AS n WHERE n.author_id = wanted
        UNION
        SELECT m.organization_id FROM mentions AS m WHERE m.user_id = wanted
    $function$;
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.queue_mail(mail_id uuid, for_organization uuid, of_category text, by_template text, in_locale text, is_about uuid, has_detail uuid, to_address bytea, to_hash bytea, with_parameters bytea, has_message_id text, once text, of_kind text, on_lane text, entry_id uuid, until timestamp with time zone)
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
-- owner: inbox_owner
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.quota_forget(at_most integer)
 RETURNS integer
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
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
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.quota_lapse(at_most integer)
 RETURNS integer
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
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
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.seal_keys_shredded_within(seconds double precision, at_most integer)
 RETURNS TABLE(organization_id uuid, subject text)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
AS $function$
        SELECT k.organization_id, k.subject FROM seal_keys AS k
        WHERE k.shredded_at > kit_now() - make_interval(secs => seconds) AND NOT k.with_organization
        ORDER BY k.shredded_at DESC LIMIT at_most
    $function$;
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.seal_keys_under_master(after_key uuid, at_most integer)
 RETURNS TABLE(id uuid, organization_id uuid, master_key_id text, wrapped bytea)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
AS $function$
        SELECT k.id, k.organization_id, k.master_key_id, k.wrapped FROM seal_keys AS k
        WHERE k.id > after_key AND k.master_key_id IS NOT NULL AND k.wrapped IS NOT NULL
        ORDER BY k.id LIMIT at_most
    $function$;
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.search_claim(at_most integer)
 RETURNS TABLE(organization_id uuid, kind text, subject_id uuid)
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
AS $function$
        WITH waiting AS (
            SELECT w.id, coalesce(cardinality(w.subject_ids), 1) AS size
            FROM search_due AS w ORDER BY w.id LIMIT at_most FOR UPDATE SKIP LOCKED
        ), gone AS (
            DELETE FROM search_due AS d WHERE d.id = ANY (ARRAY(
                SELECT s.id FROM (SELECT w.id, sum(w.size) OVER (ORDER BY w.id) - w.size AS before FROM waiting AS w) AS s
                WHERE s.before < at_most
            ))
            RETURNING d.organization_id, d.kind, coalesce(d.subject_ids, ARRAY[d.subject_id]) AS subject_ids
        )
        SELECT g.organization_id, g.kind, each FROM gone AS g CROSS JOIN unnest(g.subject_ids) AS each
    $function$;
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.search_contacts_added()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'inbox', 'kit', 'pg_temp'
AS $function$
BEGIN
    INSERT INTO search_due (organization_id, kind, subject_ids)
    SELECT a.organization_id, 'contact', array_agg(a.id)
    FROM (SELECT organization_id, id, (row_number() OVER () - 1) / 100 AS part FROM added) AS a
    GROUP BY a.organization_id, a.part;
    RETURN NULL;
END
$function$;
-- owner: inbox_owner
-- may be called by: PUBLIC

CREATE OR REPLACE FUNCTION inbox.search_contacts_renamed()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'inbox', 'kit', 'pg_temp'
AS $function$
BEGIN
    INSERT INTO search_due (organization_id, kind, subject_id)
    SELECT a.organization_id, 'contact', a.id FROM added AS a JOIN gone AS g USING (id)
    WHERE a.name_sealed IS DISTINCT FROM g.name_sealed;
    RETURN NULL;
END
$function$;
-- owner: inbox_owner
-- may be called by: PUBLIC

CREATE OR REPLACE FUNCTION inbox.search_find(what text, wanted_organization uuid, wanted bigint[], within uuid, before timestamp with time zone, before_id uuid, at_most integer)
 RETURNS TABLE(id uuid, conversation_id uuid, at timestamp with time zone)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
AS $function$
    BEGIN
        IF NOT wanted_organization = ANY (current_setting('app.orgs')::uuid[]) OR what NOT IN ('message', 'note', 'contact') THEN
            RETURN;
        END IF;
        RETURN QUERY EXECUTE format(
            'SELECT w.%1$I, %3$s, w.at FROM %2$I AS w WHERE w.organization_id = $1 AND w.tokens @> $2 %4$s %5$s
             ORDER BY w.at DESC, w.%1$I DESC LIMIT $6',
            what || '_id',
            what || '_words',
            CASE WHEN what = 'contact' THEN 'NULL::uuid' ELSE 'w.conversation_id' END,
            CASE WHEN within IS NULL THEN '' ELSE 'AND w.conversation_id = $3' END,
            CASE WHEN before IS NULL THEN '' ELSE format('AND (w.at, w.%I) < ($4, $5)', what || '_id') END
        ) USING wanted_organization, wanted, within, before, before_id, at_most;
    END
    $function$;
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.search_identities_added()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'inbox', 'kit', 'pg_temp'
AS $function$
BEGIN
    INSERT INTO search_due (organization_id, kind, subject_ids)
    SELECT a.organization_id, 'contact', array_agg(a.contact_id)
    FROM (SELECT organization_id, contact_id, (row_number() OVER () - 1) / 100 AS part
          FROM (SELECT DISTINCT organization_id, contact_id FROM added) AS d) AS a
    GROUP BY a.organization_id, a.part;
    RETURN NULL;
END
$function$;
-- owner: inbox_owner
-- may be called by: PUBLIC

CREATE OR REPLACE FUNCTION inbox.search_identities_changed()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'inbox', 'kit', 'pg_temp'
AS $function$
BEGIN
    INSERT INTO search_due (organization_id, kind, subject_id)
    SELECT DISTINCT t.organization_id, 'contact', t.contact_id
    FROM added AS a JOIN gone AS g USING (organization_id, kind, blind)
    CROSS JOIN LATERAL (VALUES (a.organization_id, a.contact_id), (g.organization_id, g.contact_id))
        AS t (organization_id, contact_id)
    WHERE a.contact_id <> g.contact_id OR a.left_at IS DISTINCT FROM g.left_at;
    RETURN NULL;
END
$function$;
-- owner: inbox_owner
-- may be called by: PUBLIC

CREATE OR REPLACE FUNCTION inbox.search_identities_gone()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'inbox', 'kit', 'pg_temp'
AS $function$
BEGIN
    INSERT INTO search_due (organization_id, kind, subject_id)
    SELECT DISTINCT g.organization_id, 'contact', g.contact_id FROM gone AS g;
    RETURN NULL;
END
$function$;
-- owner: inbox_owner
-- may be called by: PUBLIC

CREATE OR REPLACE FUNCTION inbox.search_marks_added()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'inbox', 'kit', 'pg_temp'
AS $function$
BEGIN
    INSERT INTO search_due (organization_id, kind, subject_id)
    SELECT m.organization_id, 'message', m.id FROM added AS a
    JOIN messages AS m ON m.channel_id = a.channel_id AND m.provider_blind = a.target_blind
    WHERE a.kind IN ('edit', 'revoke');
    RETURN NULL;
END
$function$;
-- owner: inbox_owner
-- may be called by: PUBLIC

CREATE OR REPLACE FUNCTION inbox.search_message_moved()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'inbox', 'kit', 'pg_temp'
AS $function$
BEGIN
    UPDATE message_words SET conversation_id = NEW.conversation_id WHERE message_id = NEW.id;
    RETURN NULL;
END
$function$;
-- owner: inbox_owner
-- may be called by: PUBLIC

CREATE OR REPLACE FUNCTION inbox.search_messages_added()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'inbox', 'kit', 'pg_temp'
AS $function$
BEGIN
    INSERT INTO search_due (organization_id, kind, subject_id)
    SELECT a.organization_id, 'message', a.id FROM added AS a WHERE a.whole_id IS NULL;
    RETURN NULL;
END
$function$;
-- owner: inbox_owner
-- may be called by: PUBLIC

CREATE OR REPLACE FUNCTION inbox.search_notes_added()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'inbox', 'kit', 'pg_temp'
AS $function$
BEGIN
    INSERT INTO search_due (organization_id, kind, subject_id) SELECT a.organization_id, 'note', a.id FROM added AS a;
    RETURN NULL;
END
$function$;
-- owner: inbox_owner
-- may be called by: PUBLIC

CREATE OR REPLACE FUNCTION inbox.segment_contacts(org uuid, plan jsonb, after_id uuid, at_most integer)
 RETURNS TABLE(contact_id uuid)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
AS $function$
    BEGIN
        IF NOT org = ANY (current_setting('app.orgs')::uuid[]) THEN RAISE EXCEPTION 'not the organization of this transaction'; END IF;
        RETURN QUERY EXECUTE format(
            'SELECT c.id FROM contacts AS c WHERE c.organization_id = $1 AND c.merged_into IS NULL '
            'AND c.blocked_at IS NULL AND c.id > $2 AND %s ORDER BY c.id LIMIT $3', segment_sql(org, plan))
            USING org, coalesce(after_id, '00000000-0000-0000-0000-000000000000'::uuid), at_most;
    END
    $function$;
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.segment_count(org uuid, plan jsonb)
 RETURNS bigint
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
AS $function$
    DECLARE
        counted bigint;
    BEGIN
        IF NOT org = ANY (current_setting('app.orgs')::uuid[]) THEN RAISE EXCEPTION 'not the organization of this transaction'; END IF;
        EXECUTE format(
            'SELECT count(*) FROM contacts AS c WHERE c.organization_id = $1 AND c.merged_into IS NULL '
            'AND c.blocked_at IS NULL AND %s', segment_sql(org, plan)) INTO counted USING org;
        RETURN counted;
    END
    $function$;
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.segment_sql(org uuid, plan jsonb, depth integer DEFAULT 0)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'inbox', 'kit', 'pg_temp'
AS $function$
    DECLARE
        op text := plan ->> 'op';
        test text;
    BEGIN
        IF depth > 8 THEN RAISE EXCEPTION 'a segment is nested too deeply'; END IF;
        CASE plan ->> 'on'
        WHEN 'all' THEN
            RETURN '(' || coalesce((SELECT string_agg(segment_sql(org, each, depth + 1), ' AND ')
                                    FROM jsonb_array_elements(plan -> 'of') AS each), 'true') || ')';
        WHEN 'any' THEN
            RETURN '(' || coalesce((SELECT string_agg(segment_sql(org, each, depth + 1), ' OR ')
                                    FROM jsonb_array_elements(plan -> 'of') AS each), 'false') || ')';
        WHEN 'not' THEN
            RETURN 'NOT ' || segment_sql(org, plan -> 'of', depth + 1);
        WHEN 'attribute' THEN
            test := CASE op
                WHEN 'known' THEN 'true'
                WHEN 'key' THEN format('a.key = ANY (%L::text[])', ARRAY(SELECT jsonb_array_elements_text(plan -> 'values')))
                WHEN 'blind' THEN format('a.blind = decode(%L, ''hex'')', plan ->> 'value')
                WHEN 'begins' THEN format('a.key >= %L AND a.key < %L', plan ->> 'value', (plan ->> 'value') || U&'\+10FFFF')
                WHEN 'contains' THEN format('position(%L in a.key) > 0', plan ->> 'value')
                WHEN 'key_range' THEN format('a.key >= %L AND a.key <= %L',
                    coalesce(plan ->> 'from', ''), coalesce(plan ->> 'to', U&'\+10FFFF'))
                WHEN 'number' THEN format('a.number >= %L::float8 AND a.number <= %L::float8',
                    coalesce(plan ->> 'from', '-Infinity'), coalesce(plan ->> 'to', 'Infinity'))
                END;
            IF test IS NULL THEN RAISE EXCEPTION 'a segment asks for what there is not'; END IF;
            RETURN format(
                'c.id IN (SELECT coalesce(m.merged_into, m.id) FROM contact_attributes AS a JOIN contacts AS m '
                'ON m.id = a.contact_id WHERE a.organization_id = %L AND a.attribute_id = %L AND %s)',
                org, (plan ->> 'id')::uuid, test);
        WHEN 'label' THEN
            RETURN format(
                'c.id IN (SELECT coalesce(m.merged_into, m.id) FROM contact_labels AS a JOIN contacts AS m '
                'ON m.id = a.contact_id WHERE a.organization_id = %L AND a.label_id = %L)', org, (plan ->> 'id')::uuid);
        WHEN 'consent' THEN
            RETURN format(
                'c.id IN (SELECT s.head FROM (SELECT DISTINCT ON (coalesce(m.merged_into, m.id)) '
                'coalesce(m.merged_into, m.id) AS head, a.state, '
                'bool_or(a.ever_granted) OVER (PARTITION BY coalesce(m.merged_into, m.id)) AS ever '
                'FROM consents AS a JOIN contacts AS m ON m.id = a.contact_id WHERE a.organization_id = %L '
                'AND a.channel_kind = %L AND a.purpose = %L '
                'ORDER BY coalesce(m.merged_into, m.id), a.at DESC, a.state = ''withdrawn'' DESC) AS s WHERE %s)',
                org, plan ->> 'channel_kind', plan ->> 'purpose',
                CASE plan ->> 'state' WHEN 'withdrawn' THEN 's.state = ''withdrawn'''
                    ELSE '(s.state = ''granted'' OR s.state = ''resumed'' AND s.ever)' END);
        WHEN 'identity' THEN
            RETURN format(
                'c.id IN (SELECT coalesce(m.merged_into, m.id) FROM contact_identities AS a JOIN contacts AS m '
                'ON m.id = a.contact_id WHERE a.organization_id = %L AND a.kind = %L AND a.left_at IS NULL)',
                org, plan ->> 'kind');
        WHEN 'created' THEN
            RETURN format('(c.created_at >= %L::timestamptz AND c.created_at < %L::timestamptz)',
                coalesce(plan ->> 'from', '-infinity'), coalesce(plan ->> 'to', 'infinity'));
        WHEN 'spoken' THEN
            RETURN format(
                'c.id IN (SELECT a.contact_id FROM conversations AS a WHERE a.organization_id = %L '
                'AND a.continued_in IS NULL AND a.last_message_at >= %L::timestamptz AND a.last_message_at < %L::timestamptz '
                'AND (%L::text IS NULL OR a.channel_kind = %L))',
                org, coalesce(plan ->> 'from', '-infinity'), coalesce(plan ->> 'to', 'infinity'),
                plan ->> 'channel_kind', plan ->> 'channel_kind');
        ELSE
            RAISE EXCEPTION 'a segment asks for what there is not';
        END CASE;
    END
    $function$;
-- owner: inbox_owner
-- may be called by: inbox_loops

CREATE OR REPLACE FUNCTION inbox.template_lists_due(every interval, after_failure interval, at_most integer)
 RETURNS TABLE(organization_id uuid, waba_id text)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
AS $function$
        SELECT c.organization_id, c.waba_id
        FROM (
            SELECT organization_id, waba_id, max(connected_at) AS connected_at FROM channels
            WHERE kind = 'whatsapp' AND state = 'connected' AND health <> 'token_dead' AND waba_id <> ''
            GROUP BY organization_id, waba_id
        ) AS c
        LEFT JOIN LATERAL (
            SELECT s.started_at, s.state, 0.8 + 0.4 * (abs(hashtext(s.id::text)) % 1000) / 1000 AS share
            FROM message_template_syncs AS s
            WHERE s.organization_id = c.organization_id AND s.waba_id = c.waba_id
            ORDER BY s.started_at DESC LIMIT 1
        ) AS last ON true
        WHERE last.state IS NULL
           OR (last.state <> 'running' AND (
               last.started_at < c.connected_at
               OR last.started_at + last.share * CASE last.state WHEN 'failed' THEN after_failure ELSE every END
                  <= kit_now()))
        ORDER BY last.started_at NULLS FIRST
        LIMIT at_most
    $function$;
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.viewers_of(organizations uuid[], wanted uuid[])
 RETURNS TABLE(id uuid, viewers uuid[])
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
AS $function$
        SELECT about.id, ARRAY(
            SELECT v.viewer_id FROM channel_viewers AS v WHERE v.channel_id = about.channel_id AND v.kind = 'user'
            UNION
            SELECT m.user_id FROM channel_viewers AS v
            JOIN team_members AS m ON m.team_id = v.viewer_id AND m.present
            JOIN teams AS t ON t.team_id = m.team_id AND NOT t.gone
            WHERE v.channel_id = about.channel_id AND v.kind = 'team'
        )
        FROM (
            SELECT c.id, c.id AS channel_id FROM channels AS c
            WHERE c.organization_id = ANY (organizations) AND c.visible_to = 'chosen' AND c.id = ANY (wanted)
            UNION ALL
            SELECT v.id, v.channel_id FROM channels AS c JOIN conversations AS v ON v.channel_id = c.id
            WHERE c.organization_id = ANY (organizations) AND c.visible_to = 'chosen' AND v.id = ANY (wanted)
        ) AS about
    $function$;
-- owner: inbox_loops
-- may be called by: inbox_app

CREATE OR REPLACE FUNCTION inbox.wake_conversations(at_most integer)
 RETURNS TABLE(id uuid, organization_id uuid, state text, assignee_id uuid, unread_count integer, version bigint, team_id uuid, priority smallint)
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'inbox', 'kit', 'pg_temp'
AS $function$
        UPDATE conversations AS c
        SET state = 'open', snoozed_until = NULL, version = c.version + 1, changed_at = kit_now(),
            queued_at = CASE WHEN c.assignee_id IS NULL THEN kit_now() END
        WHERE c.id = ANY (ARRAY(
            SELECT due.id FROM conversations AS due
            WHERE due.snoozed_until <= kit_now() AND due.state = 'snoozed'
            ORDER BY due.snoozed_until LIMIT at_most FOR UPDATE SKIP LOCKED
        ))
        RETURNING c.id, c.organization_id, c.state, c.assignee_id, c.unread_count, c.version, c.team_id, c.priority
    $function$;
-- owner: inbox_loops
-- may be called by: inbox_app
