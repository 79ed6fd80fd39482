"""The result codes that hamlib's rotctld and rigctld share, and gqrx imitates.

Every command without a value of its own is answered ``RPRT code``: 0 for accepted, and
otherwise an error of the list below, negated. gqrx answers ``RPRT 1`` for any error.

References
----------
.. [1] Hamlib 4.5.4, ``rig.h``, ``enum rig_errcode_e``.
"""

from __future__ import annotations

from skyscan_lab.errors import DeviceRefused

MEANINGS = {
    1: "invalid parameter, or a target outside the rotor's own limits",
    2: "invalid configuration",
    3: "out of memory",
    4: "not implemented by this model's backend",
    5: "the hardware did not answer the server in time",
    6: "the server cannot talk to the hardware",
    7: "internal error of the server",
    8: "the hardware answered the server nonsense",
    9: "rejected by the hardware",
    10: "an argument was truncated",
    11: "not available on this model",
    12: "VFO cannot be targeted",
    13: "error on the bus",
    14: "collision on the bus",
    15: "invalid handle inside the server",
    16: "invalid VFO",
    17: "argument out of its domain",
    18: "function deprecated",
    19: "refused for security",
    20: "the hardware is not powered on",
    21: "a limit was exceeded",
    22: "access denied",
}
"""Meaning of each error code, without its sign."""

EINVAL = -1
ENIMPL = -4
EIO = -6
ENAVAIL = -11

ANY_GQRX = 1
"""The one code of gqrx."""

NOT_KNOWN = (EINVAL, ENIMPL, ENAVAIL)
"""Codes for what a server, or the model behind it, does not know or have."""

_PREFIX = "RPRT "


def is_result(line: str) -> bool:
    """Tell whether a line of a reply is a result code.

    Examples
    --------
    >>> is_result("RPRT -1"), is_result("12.00")
    (True, False)
    """
    return line.startswith(_PREFIX)


def result_code(line: str) -> int:
    """Result code of a line: 0 for accepted.

    Raises
    ------
    ValueError
        For a line that is no result code.

    Examples
    --------
    >>> result_code("RPRT -6")
    -6
    """
    if not is_result(line):
        raise ValueError("the last line is no RPRT code")
    return int(line.removeprefix(_PREFIX))


def refusal(device: str, command: str, code: int) -> DeviceRefused:
    """Error for a command that was answered with a code other than 0.

    Examples
    --------
    >>> print(refusal("rotctld host:4533", "+p", -6))
    rotctld host:4533: refused '+p': RPRT -6, the server cannot talk to the hardware
    """
    # gqrx has a single, positive code, which is none of hamlib's.
    meaning = "no reason given" if code > 0 else MEANINGS.get(-code, "a code hamlib lacks")
    return DeviceRefused(device, f"refused {command!r}: RPRT {code}, {meaning}", code)
