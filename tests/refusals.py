"""What tests of wrong input share: the one line of a refusal, and a file that must never be unpickled."""

import os
from pathlib import Path

import pytest

from fada_lib.parameters import UserError


def refused(call, *arguments) -> str:
    """The one line that the refusal of a call consists of."""
    with pytest.raises(UserError) as caught:
        call(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


class Trap:
    """Leaves a folder behind when something unpickles it."""

    def __init__(self, sprung: Path) -> None:
        self.sprung = sprung

    def __reduce__(self):
        return os.mkdir, (str(self.sprung),)
