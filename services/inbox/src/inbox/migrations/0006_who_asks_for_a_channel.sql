-- Who connects a channel, so that the audit trail names them when the platform has said yes; nobody once the check has ended.
ALTER TABLE channel_checks ADD COLUMN asked_by uuid;
