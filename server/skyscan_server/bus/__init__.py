"""Wakes readers when something has been committed; it carries no data."""
