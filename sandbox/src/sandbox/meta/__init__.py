"""What Meta's platforms have in common: errors, pages of lists, logins, media that are fetched, webhooks."""
