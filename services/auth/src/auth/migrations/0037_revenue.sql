-- What was received and given back on a day, in each currency, as billing has told.

CREATE TABLE daily_revenue (
    day      date NOT NULL,
    currency text NOT NULL CHECK (currency ~ '^[a-z]{3}$'),
    payments bigint NOT NULL,
    received bigint NOT NULL,
    refunds  bigint NOT NULL,
    refunded bigint NOT NULL,
    PRIMARY KEY (day, currency)
);
COMMENT ON TABLE daily_revenue IS 'Money in the minor unit of its currency, on the day in UTC on which billing told of it. A refund that failed is taken off on the day of its failure.';
GRANT SELECT, INSERT, UPDATE, DELETE ON daily_revenue TO :app;

CREATE TABLE counted_facts (
    kind       text NOT NULL,
    fact_id    uuid NOT NULL,
    counted_at timestamptz NOT NULL DEFAULT kit_now(),
    PRIMARY KEY (kind, fact_id)
);
COMMENT ON TABLE counted_facts IS 'What stands in a sum already, so that it is added once however often, and in however many messages, it is told.';
CREATE INDEX counted_facts_by_age ON counted_facts (counted_at);
GRANT SELECT, INSERT, DELETE ON counted_facts TO :app;
