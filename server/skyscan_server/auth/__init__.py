"""Who may do what: tokens are issued, verified, and stand for scopes."""
