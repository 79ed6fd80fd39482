"""Sessions whose journal is missed: held by the hub, with records of its own.

Revision ID: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add what is remembered of them."""
    op.add_column("sessions", sa.Column("own", sa.JSON(), nullable=True))
    op.add_column("sessions", sa.Column("held", sa.JSON(), nullable=True))
