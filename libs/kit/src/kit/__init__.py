"""What every service needs and none is about."""
