"""What each social platform accepts: limits as dated data, and pure functions that apply them."""
