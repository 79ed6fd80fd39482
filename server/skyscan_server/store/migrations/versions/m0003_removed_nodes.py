"""Nodes that were removed: their rotors and sessions stay known.

Revision ID: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the mark."""
    op.add_column(
        "nodes", sa.Column("removed", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
