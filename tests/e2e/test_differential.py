# SPDX-License-Identifier: MIT
"""Random sequences of libcurl calls, with the shim and without: the same return codes, callbacks and
bytes on the wire, but for our lines, which are on every request that is to have them and on no other.

The host, tests/fixtures/chaos, says for each seed what a hash of all that is. TAGALONG_CHAOS is how
many seeds are tried (20,000), TAGALONG_CHAOS_FIRST the first of them (1). A seed that failed:

    pytest tests/e2e/test_differential.py -k one_seed --seed 4711      shows what differs
"""

import difflib
import os

import pytest

from tags import CONTEXT
from test_handles import PUPPET

CHAOS = os.path.join(os.path.dirname(PUPPET[0]), "chaos")
FIRST = int(os.environ.get("TAGALONG_CHAOS_FIRST", 1))
COUNT = int(os.environ.get("TAGALONG_CHAOS", 20_000))
CHUNK = 1000
EXPECT_TAGS = {"CHAOS_TAGS": "1"}


@pytest.fixture
def both(run, shim):
    """both(arguments) -> what chaos says without the shim and with it."""

    def both(*arguments):
        if not shim:
            pytest.skip("--bare")
        command = [CHAOS, *(str(argument) for argument in arguments)]
        bare, tagged = run(command, shim=None), run(command, env=CONTEXT | EXPECT_TAGS)
        for result in (bare, tagged):
            assert result.rc in (0, 1) and not result.stderr, last_words(result)
        return bare, tagged

    return both


def last_words(result):
    return f"exit code {result.rc} after {result.stdout[-100:]!r}: {result.stderr.decode()}"


def rows(result):
    """{seed: (hash, requests, tagged)}"""
    lines = (line.split() for line in result.stdout.decode().splitlines())
    return {int(seed): (digest, int(sent), int(tagged)) for seed, digest, sent, tagged in lines}


@pytest.mark.parametrize("first", range(FIRST, FIRST + COUNT, CHUNK))
def test_sequences(both, first):
    bare, tagged = map(rows, both(first, CHUNK))
    print(f"seeds {first} to {first + CHUNK - 1}: {sum(row[1] for row in bare.values())} requests")
    assert len(bare) == len(tagged) == CHUNK
    assert not any(row[2] for row in bare.values())
    assert sum(row[2] for row in tagged.values()) > CHUNK
    differ = [seed for seed in bare if bare[seed][:2] != tagged[seed][:2]]
    assert not differ, f"-k one_seed --seed {differ[0]} shows it; others: {differ[1:9]}"


def test_one_seed(both, request):
    seed = request.config.getoption("--seed") or FIRST
    texts = [result.stdout.decode("latin-1").splitlines() for result in both("--verbose", seed)]
    without_count = [text[:-1] + text[-1].split()[:-1] for text in texts]
    assert not list(difflib.unified_diff(*without_count, "without", "with the shim", lineterm=""))


def test_that_it_notices_missing_lines(run, shim):
    result = run([CHAOS, "1", "20"], env=CONTEXT | EXPECT_TAGS | {"TAGALONG_OFF": "1"})
    assert result.rc == 1 and len(rows(result)) == 20


def test_that_it_notices_wrong_lines(run, shim):
    # As if every host were a relay: the requests to others have lines then.
    if not shim:
        pytest.skip("--bare")
    result = run([CHAOS, "1", "200"], env=CONTEXT | EXPECT_TAGS | {"TAGALONG_RELAYS": "*"})
    assert result.rc == 1
