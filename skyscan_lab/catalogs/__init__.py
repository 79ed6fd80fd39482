"""Where known things are in the sky."""
