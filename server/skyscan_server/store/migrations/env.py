"""What alembic runs for each migration; `skyscan_server.store.migrate` gives the connection."""

from alembic import context

from skyscan_server.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
context.run_migrations()
