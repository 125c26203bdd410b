# SPDX-License-Identifier: MIT
"""The rates of docs/conversation.md: conversations that are split, and such that are merged."""

import json
import os
import re

import pytest

import corpus
from conftest import ROOT
from derive import Core, plain_hash, rates

PAGE = ROOT / "docs" / "conversation.md"


@pytest.fixture(scope="module")
def core(tmp_path_factory):
    core = Core(tmp_path_factory.mktemp("home"))
    yield core
    core.close()


def measured(core):
    """Rows: the client, conversations, requests, split and merged by the plain hash, and by the recipe."""
    for client in corpus.CLIENTS:
        talks = list(corpus.conversations(client))
        by_plain = rates(talks, lambda body, place: plain_hash(body) + place)
        by_core = rates(talks, lambda body, place: core.id_of(json.dumps(body).encode(), place))
        yield client, len(talks), sum(len(bodies) for *_, bodies in talks), *by_plain, *by_core


def test_rates(core):
    """TAGALONG_GOLDEN=write puts the measured table into the page."""
    rows = list(measured(core))
    assert sum(row[1] for row in rows) >= 200 and all(3 <= row[2] / row[1] <= 40 for row in rows)
    table = "".join(f"| {client} | {talks} | {requests} | " + " | ".join(f"{rate:.0%}" for rate in parts) + " |\n"
                    for client, talks, requests, *parts in rows)
    head, rule, rest = PAGE.read_text().partition("|---|---|---|---|---|---|---|\n")
    end = re.sub(r"\A(\|.*\n)*", "", rest)
    if os.environ.get("TAGALONG_GOLDEN") == "write":
        PAGE.write_text(head + rule + table + end)
    assert all(row[5:] == (0, 0) for row in rows), [row for row in rows if row[5:] != (0, 0)]
    assert any(row[3] for row in rows) and any(row[4] for row in rows)  # the plain hash fails at it
    assert rule and rest.startswith(table)


def test_one_word(core):
    """Merged are those that begin with the same word in the same terminal, and no others."""
    talks = list(corpus.one_word_conversations())
    ids = {}
    for place, word, bodies in talks:
        (ids[place, word],) = {core.id_of(json.dumps(body).encode(), place) for body in bodies}
    assert len(set(ids.values())) == len(talks) == 30
    again = next(bodies for place, word, bodies in talks if (place, word) == ("host-1", "hi"))
    assert core.id_of(json.dumps(again[-1]).encode(), "host-1") == ids["host-1", "hi"]


@pytest.mark.parametrize("client", corpus.CLIENTS)
def test_every_encoding(core, client):
    """The way in which a language writes JSON does not count."""
    for place, _, bodies in list(corpus.conversations(client, 2)):
        ids = {core.id_of(text, place) for body in bodies[:4] for text in corpus.encodings(body)}
        assert len(ids) == 1, client


RECORDED = [json.loads(line) for line in (ROOT / "tests/conversation/recorded.jsonl").read_text().splitlines()]


def test_recordings(core):
    """Real clients (record.py): one id for all requests of a conversation, those of their own subagents
    too, and another for each other conversation."""
    by_client = {}
    for talk in RECORDED:
        ids = {core.id_of(json.dumps(body).encode(), talk["client"]) for body in talk["bodies"]}
        assert len(ids) == 1 and len(talk["bodies"]) >= len(talk["prompts"]), talk["prompts"]
        by_client.setdefault(talk["client"], []).append(ids.pop())
        assert len({plain_hash(body) for body in talk["bodies"]}) > 1 or "Qwen" not in talk["client"]
    assert by_client and all(len(set(ids)) == len(ids) for ids in by_client.values())
