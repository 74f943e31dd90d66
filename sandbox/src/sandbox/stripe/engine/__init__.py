"""How Stripe reckons: periods, prorations, invoice totals, dunning and statuses, as pure functions of values."""
