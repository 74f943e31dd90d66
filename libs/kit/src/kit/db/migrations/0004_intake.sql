-- What others send by webhook: the delivery as it came, its items with a verdict each, the lanes in which they are applied.

CREATE TABLE intake_sources (
    source       text PRIMARY KEY,
    holder       uuid,
    leased_until timestamptz NOT NULL DEFAULT '-infinity'
);
COMMENT ON TABLE intake_sources IS 'Which worker takes the deliveries of a source apart: one at a time, so that items keep the order of arrival.';
GRANT SELECT, INSERT, UPDATE ON intake_sources TO :app;

CREATE TABLE intake_deliveries (
    id          uuid PRIMARY KEY,
    seq         bigint GENERATED ALWAYS AS IDENTITY,
    source      text NOT NULL,
    body        bytea NOT NULL,
    bytes       integer NOT NULL,
    state       text NOT NULL DEFAULT 'received' CHECK (state IN ('received', 'split', 'unreadable', 'discarded')),
    reason      text,
    items       integer NOT NULL DEFAULT 0,
    attempts    integer NOT NULL DEFAULT 0,
    generation  integer NOT NULL DEFAULT 0,
    traceparent text,
    received_at timestamptz NOT NULL DEFAULT kit_now()
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000);
COMMENT ON TABLE intake_deliveries IS 'Genuine deliveries, sealed; seq is the order of arrival, items how many were found in it.';
ALTER TABLE intake_deliveries ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE INDEX intake_deliveries_waiting ON intake_deliveries (source, seq) WHERE state = 'received';
CREATE INDEX intake_deliveries_unreadable ON intake_deliveries (source, id) WHERE state = 'unreadable';
CREATE INDEX intake_deliveries_by_age ON intake_deliveries USING brin (received_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON intake_deliveries TO :app;

CREATE TABLE intake_items (
    id              uuid PRIMARY KEY,
    seq             bigint GENERATED ALWAYS AS IDENTITY,
    delivery_id     uuid NOT NULL,
    position        integer NOT NULL,
    source          text NOT NULL,
    item_id         text NOT NULL,
    generation      integer NOT NULL DEFAULT 0,
    lane            bytea NOT NULL,
    tenant          text NOT NULL,
    kind            text NOT NULL,
    content         bytea NOT NULL,
    traceparent     text,
    occurred_at     timestamptz,
    received_at     timestamptz NOT NULL,
    verdict         text CHECK (verdict IN ('applied', 'duplicate', 'quarantined', 'discarded')),
    reason          text,
    attempts        integer NOT NULL DEFAULT 0,
    organization_id uuid,
    decided_at      timestamptz,
    CHECK ((verdict IS NULL) = (decided_at IS NULL))
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000);
COMMENT ON TABLE intake_items IS 'Each thing in a delivery and what became of it; lane is the digest of its key, which is sealed with the content. A duplicate holds no content.';
ALTER TABLE intake_items ALTER COLUMN content SET STORAGE EXTERNAL;
CREATE UNIQUE INDEX intake_items_once ON intake_items (source, item_id) WHERE verdict IS DISTINCT FROM 'duplicate';
CREATE INDEX intake_items_waiting ON intake_items (source, lane, seq) WHERE verdict IS NULL;
CREATE INDEX intake_items_quarantined ON intake_items (source, id) WHERE verdict = 'quarantined';
CREATE UNIQUE INDEX intake_items_by_delivery ON intake_items (delivery_id, position);
CREATE INDEX intake_items_by_age ON intake_items USING brin (received_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON intake_items TO :app;

CREATE TABLE intake_keys (
    source   text NOT NULL,
    lane     bytea NOT NULL,
    wake_at  timestamptz NOT NULL DEFAULT statement_timestamp(),
    holder   uuid,
    failures integer NOT NULL DEFAULT 0,
    PRIMARY KEY (source, lane)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
COMMENT ON TABLE intake_keys IS 'Lanes with undecided items; while a worker holds one, wake_at is the end of its lease. A lane that is empty is deleted.';
CREATE INDEX intake_keys_due ON intake_keys (source, wake_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON intake_keys TO :app;
