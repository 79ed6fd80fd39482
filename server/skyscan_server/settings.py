"""Settings of a hub, from the command line and ``hub.toml`` in its data folder."""
