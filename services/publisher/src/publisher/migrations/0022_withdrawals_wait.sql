-- A withdrawal that cannot be carried out waits ever longer, and does not stand in the way of those after it.

ALTER TABLE withdrawals
    ADD COLUMN due_at timestamptz NOT NULL DEFAULT kit_now(),
    ADD COLUMN failures smallint NOT NULL DEFAULT 0;
UPDATE withdrawals SET due_at = asked_at WHERE done_at IS NULL;
COMMENT ON COLUMN withdrawals.due_at IS 'When it is carried out, or tried again; failures says how often that did not work.';
DROP INDEX withdrawals_due;
CREATE INDEX withdrawals_due ON withdrawals (due_at) WHERE done_at IS NULL;
