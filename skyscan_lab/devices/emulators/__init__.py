"""Servers that put a simulated rotor or receiver behind a real instrument's protocol."""
