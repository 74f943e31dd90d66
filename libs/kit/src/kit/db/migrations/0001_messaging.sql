-- What every service needs to say and hear facts: the outbox, the table of seen messages, dead letters.

CREATE TABLE outbox (
    id              uuid PRIMARY KEY,
    type            text NOT NULL,
    organization_id uuid,
    body            bytea NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT kit_now()
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
COMMENT ON TABLE outbox IS 'Events committed with their state and not yet confirmed by the broker; the relay deletes them.';
GRANT SELECT, INSERT, DELETE ON outbox TO :app;
-- FOR UPDATE SKIP LOCKED asks for the right to update; nobody updates an event.
GRANT UPDATE (created_at) ON outbox TO :app;

CREATE TABLE processed_messages (
    queue        text NOT NULL,
    message_id   uuid NOT NULL,
    generation   bigint NOT NULL DEFAULT 0,
    processed_at timestamptz NOT NULL DEFAULT kit_now(),
    PRIMARY KEY (queue, message_id, generation)
);
COMMENT ON TABLE processed_messages IS 'Messages whose effect is committed; a replay carries another generation.';
CREATE INDEX processed_messages_by_age ON processed_messages USING brin (processed_at);
GRANT SELECT, INSERT, DELETE ON processed_messages TO :app;

CREATE TABLE aggregate_versions (
    gate    text NOT NULL,
    subject text NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (gate, subject)
);
COMMENT ON TABLE aggregate_versions IS 'The newest version applied per gate and aggregate; older events are ignored.';
GRANT SELECT, INSERT, UPDATE, DELETE ON aggregate_versions TO :app;

CREATE TABLE suspect_messages (
    queue      text NOT NULL,
    message_id uuid NOT NULL,
    generation bigint NOT NULL DEFAULT 0,
    attempts   integer NOT NULL DEFAULT 0,
    last_at    timestamptz NOT NULL DEFAULT kit_now(),
    PRIMARY KEY (queue, message_id, generation)
);
COMMENT ON TABLE suspect_messages IS 'Redelivered messages counted before their handler runs: some kill the process.';
GRANT SELECT, INSERT, UPDATE, DELETE ON suspect_messages TO :app;

CREATE TABLE dead_letters (
    id              uuid PRIMARY KEY,
    queue           text NOT NULL,
    message_id      uuid,
    generation      bigint NOT NULL DEFAULT 0,
    type            text,
    organization_id uuid,
    body            bytea NOT NULL,
    reason          text NOT NULL,
    error           text NOT NULL,
    attempts        integer NOT NULL,
    first_failed_at timestamptz NOT NULL,
    dead_at         timestamptz NOT NULL DEFAULT kit_now(),
    state           text NOT NULL DEFAULT 'dead' CHECK (state IN ('dead', 'replayed', 'discarded')),
    settled_at      timestamptz,
    settled_by      text,
    UNIQUE (queue, message_id, generation)
);
COMMENT ON TABLE dead_letters IS 'Messages that could not be applied, for an operator to replay or discard.';
CREATE INDEX dead_letters_by_state ON dead_letters (state, id);
GRANT SELECT, INSERT, UPDATE, DELETE ON dead_letters TO :app;

CREATE TABLE idempotency_keys (
    principal   text NOT NULL,
    key         text NOT NULL,
    operation   text NOT NULL,
    fingerprint bytea NOT NULL,
    resource_id uuid,
    version     integer,
    created_at  timestamptz NOT NULL DEFAULT kit_now(),
    PRIMARY KEY (principal, key)
);
COMMENT ON TABLE idempotency_keys IS 'What an unsafe request with this key made; the answer is rendered again from it.';
CREATE INDEX idempotency_keys_by_age ON idempotency_keys USING brin (created_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_keys TO :app;
