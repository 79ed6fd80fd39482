"""Scanning: the plan, the journal on disk, and the engine that carries the plan out."""
