-- The prices of the catalogue as Stripe has them; the same for every organization.

CREATE TABLE prices (
    lookup_key text COLLATE "C" PRIMARY KEY,
    id         uuid NOT NULL UNIQUE,
    stripe_id  text COLLATE "C" UNIQUE,
    reason     text NOT NULL DEFAULT '',
    changed_at timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE prices IS 'Prices of the catalogue by the key that names them at Stripe; stripe_id once Stripe has the price, reason why it will not.';
GRANT SELECT, INSERT, UPDATE ON prices TO :app;
