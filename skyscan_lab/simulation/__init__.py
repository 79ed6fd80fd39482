"""A whole station in software: sky, antenna, receiver, rotor, and the time that passes there."""
