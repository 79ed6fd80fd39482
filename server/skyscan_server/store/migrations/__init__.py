"""Migrations, in order; alembic runs them."""
