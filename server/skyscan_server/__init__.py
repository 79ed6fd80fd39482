"""The skyscan-lab server: hub (public API and node gateway) and node, put together in main."""
