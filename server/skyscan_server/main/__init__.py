"""Where the parts are put together: serve, node, token, lab."""
