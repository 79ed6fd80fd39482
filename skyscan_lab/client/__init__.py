"""What talks to a hub, from a notebook, a script or the command line."""
