# SPDX-License-Identifier: MIT
"""Real bodies, damaged: never an id from what is not understood."""

import json
import random

import pytest

import corpus
from derive import Core

ROUNDS = 40  # of each body
CLIENTS = sorted({talk["client"] for talk in corpus.recordings()})


def damaged(rng, raw):
    """(where it begins, the bytes): cut, changed, left out, doubled, at a place that means something."""
    places = [i for i, c in enumerate(raw) if c in b'"{}[],:\\<']
    for _ in range(ROUNDS):
        at = rng.choice(places)
        until = rng.choice([place for place in places if place >= at])
        yield at, raw[:at]
        yield at, raw[:at] + raw[at + 1:]
        yield at, raw[:at + 1] + raw[at:]
        yield at, raw[:at] + bytes([rng.choice(b'"{}[],:\\<\x00\xff')]) + raw[at + 1:]
        yield at, raw[:at] + raw[until:]


def beginning(core, body, name, whole):
    """The messages up to and with the one whose words count: all that follows has no say."""
    if isinstance(body[name], str):
        return body[name]
    return next(body[name][:count] for count in range(1, len(body[name]) + 1)
                if core.id_of(json.dumps(body | {name: body[name][:count]}).encode()) == whole)


@pytest.mark.parametrize("client", CLIENTS)
def test_damage(tmp_path, client):
    """Damage in front of the messages or behind the words: the same id, or none. Where they are hit,
    other words have another id."""
    rng, core = random.Random(client), Core(tmp_path)
    bodies = [r["body"] for talk in corpus.recordings() if talk["client"] == client for r in talk["requests"]]
    none, counts = core.id_of(b"no JSON"), {"none": 0, "same": 0, "other": 0}
    for body in rng.sample(bodies, 4):
        # The messages in front, so that what follows them has a place, too; without the client's own id.
        (name,) = {"messages", "input", "contents"} & body.keys()
        body = {"model": "m", name: body[name]} | body
        body = {key: value for key, value in body.items() if key not in ("metadata", "prompt_cache_key")}
        whole = core.id_of(json.dumps(body).encode())
        first = beginning(core, body, name, whole)
        raw = json.dumps(body).encode()
        start = raw.index(json.dumps({name: 0})[1:-2].encode())
        stop = start + len(json.dumps({name: first})) - 2
        for at, bad in damaged(rng, raw):
            found = core.id_of(bad)
            # What is torn may show an id of the client's own that stood deeper.
            same = found == whole or (found[14] != "8" and found.encode() in raw)
            kind = "none" if found == none else "same" if same else "other"
            counts[kind] += 1
            assert kind != "other" or start <= at < stop, (at, start, stop, bad)
    core.close()
    assert counts["none"] and counts["same"], counts
