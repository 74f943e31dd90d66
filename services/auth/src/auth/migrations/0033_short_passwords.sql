-- Passwords that are good enough only beside a second factor.

ALTER TABLE users ADD COLUMN password_needs_factor boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN users.password_needs_factor IS 'Whether the password was let pass because a second factor is asked for, too; false also of those from before this was noted.';
