"""What every OpenID provider of the sandbox does; Google and the generic one add their own dialect."""
