"""The gateway: nodes report here, and are called from here."""
