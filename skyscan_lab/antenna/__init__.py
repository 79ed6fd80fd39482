"""Antenna patterns, one family a file."""
