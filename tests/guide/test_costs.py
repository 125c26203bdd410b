# SPDX-License-Identifier: MIT
"""The tables of what it costs are those of the numbers that were kept (docs/bench.json)."""

import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.append(str(ROOT / "tests" / "bench"))

from chat import KEPT, SHOWN, in_page  # noqa: E402


@pytest.mark.parametrize("page", SHOWN)
def test_table(page):
    assert (ROOT / page).read_text() == in_page(page, json.loads(KEPT.read_text()))


def test_raw_numbers():
    """Mean, median and the processor's time, for each round of each way."""
    kept = json.loads(KEPT.read_text())
    for ways in kept["samples"].values():
        assert "bare" in ways
        assert all(len(rounds) == kept["rounds"] for rounds in ways.values())
        assert all(len(numbers) == 3 and min(numbers) > 0 for rounds in ways.values() for numbers in rounds)
