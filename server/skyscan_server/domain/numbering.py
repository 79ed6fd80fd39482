"""Two ways to count the records of a session: the node's, and the hub's, which may have own ones.

A node counts what is in its journal. Where the hub had to add a record of its own while the
node goes on, as that the session is held until its journal is found again, everything after it
has a higher number here than there. Which numbers are the hub's own is kept with the session.
"""

from __future__ import annotations

from collections.abc import Sequence


def at_hub(number: int, own: Sequence[int] | None) -> int:
    """Hub's number of a record that a node counts.

    Parameters
    ----------
    number : int
        The node's.
    own : sequence of int, optional
        Numbers of the hub's own records, increasing.

    Examples
    --------
    >>> [at_hub(number, [3, 4]) for number in (1, 2, 3)]
    [1, 2, 5]
    """
    for taken in own or ():
        if taken > number:
            break
        number += 1
    return number


def at_node(number: int, own: Sequence[int] | None) -> int:
    """Node's number of a record; of one of the hub's own, that of the node's before it.

    Parameters
    ----------
    number : int
        The hub's.
    own : sequence of int, optional
        Numbers of the hub's own records, increasing.

    Examples
    --------
    >>> [at_node(number, [3, 4]) for number in (2, 3, 4, 5)]
    [2, 2, 2, 3]
    """
    return number - sum(taken <= number for taken in own or ())
