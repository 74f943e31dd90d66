ALTER TABLE connected_accounts DROP CONSTRAINT connected_accounts_platform_check;
ALTER TABLE connected_accounts ADD CONSTRAINT connected_accounts_platform_check
    CHECK (platform IN ('facebook', 'instagram', 'threads', 'linkedin', 'x', 'youtube', 'tiktok'));
