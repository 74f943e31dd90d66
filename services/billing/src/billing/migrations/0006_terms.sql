-- What an organization has by itself: a plan as it was sold in a version of the catalogue, and seats bought beside it.

ALTER TABLE entitlements
    ADD COLUMN own_version integer NOT NULL DEFAULT 1 CHECK (own_version > 0),
    ADD COLUMN own_seats integer NOT NULL DEFAULT 0 CHECK (own_seats >= 0);
COMMENT ON TABLE entitlements IS 'What an organization may use now: the plan''s limits as they were when it was granted. own_plan, own_version and own_seats are what it has without any grant: the plan, the version of the catalogue it was bought in, and the seats beside those included.';
