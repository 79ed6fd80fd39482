"""``skyscan token``: a bearer token for the hub of a data folder."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import click

from skyscan_lab.cli.console import Failure
from skyscan_server.auth.scopes import GRANTS
from skyscan_server.main.issuing import PARTS, person_token
from skyscan_server.main.private_folder import private_folder
from skyscan_server.settings import data_folder, load_settings


@click.command("token")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Data folder of the hub (default: SKYSCAN_HOME, or the platform's).",
)
@click.option(
    "--grant",
    type=click.Choice(list(PARTS)),
    default="owner",
    show_default=True,
    help="requester: scans; operator: also moves rotors; owner: also changes them; internal: for "
    "services beside the hub, at its internal listener.",
)
@click.option(
    "--days",
    type=click.IntRange(1, 3650),
    default=30,
    show_default=True,
    help="For how long it is good.",
)
def token_command(data: Path | None, grant: str, days: int) -> None:
    """Print a bearer token, good at the hub that has this data folder.

    Whoever may read the folder may make one; the hub need not run. It goes into the header
    ``Authorization: Bearer TOKEN``.
    """
    folder = data_folder(data)
    if load_settings(folder).outside_issuer is not None and grant in GRANTS:
        raise Failure(f"{folder}: this hub takes the tokens of another issuer (outside_issuer)")
    private_folder(folder)
    click.echo(person_token(folder, grant, timedelta(days=days)))
