from contextlib import ExitStack

import pytest

from tests.system.labs import Lab


@pytest.fixture
def start(tmp_path):
    """Start labs that end with the test."""
    with ExitStack() as stack:

        def begin(*options, **environment):
            lab = Lab(tmp_path, *options, **environment)
            stack.callback(lambda: lab.alive and lab.end())
            return lab

        yield begin
