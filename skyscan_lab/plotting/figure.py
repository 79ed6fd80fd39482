"""A Figure that belongs to whoever holds it."""

from __future__ import annotations

from io import BytesIO

from matplotlib.figure import Figure


class SkyFigure(Figure):
    """Figure outside pyplot: no window, no global list that keeps it alive, no display needed.

    Notebooks draw pyplot's figures by a hook that pyplot installs; this one brings its own
    picture, so that it shows as the result of a cell whether or not pyplot was ever imported.
    """

    def _repr_png_(self) -> bytes:
        buffer = BytesIO()
        self.savefig(buffer, format="png", dpi=self.dpi)
        return buffer.getvalue()
