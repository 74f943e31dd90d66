"""OAuth 2.0 as platforms offer it to applications that act for their users: consent, codes, tokens."""
