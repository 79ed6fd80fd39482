"""Fits over the forward model: the antenna pattern, and everything at once."""
