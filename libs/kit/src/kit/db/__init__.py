"""PostgreSQL: transactions bound to their tenants, the outbox, migrations, provisioning."""
