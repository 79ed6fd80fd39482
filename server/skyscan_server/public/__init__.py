"""Routes of the public API, one file a resource."""
