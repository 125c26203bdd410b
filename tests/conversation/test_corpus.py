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


def check_table(rule, rows):
    """TAGALONG_GOLDEN=write puts the measured table into the page."""
    head, rule, rest = PAGE.read_text().partition("\n" + rule)
    end = re.sub(r"\A(\|.*\n)*", "", rest)
    if os.environ.get("TAGALONG_GOLDEN") == "write":
        PAGE.write_text(head + rule + "".join(rows) + end)
        rest = "".join(rows) + end
    assert rule and rest == "".join(rows) + end


def test_rates(core):
    rows = list(measured(core))
    assert sum(row[1] for row in rows) >= 200 and all(3 <= row[2] / row[1] <= 40 for row in rows)
    check_table("|---|---|---|---|---|---|---|\n", [
        f"| {client} | {talks} | {requests} | " + " | ".join(f"{rate:.0%}" for rate in parts) + " |\n"
        for client, talks, requests, *parts in rows])
    assert all(row[5:] == (0, 0) for row in rows), [row for row in rows if row[5:] != (0, 0)]
    assert any(row[3] for row in rows) and any(row[4] for row in rows)  # the plain hash fails at it


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


def words_alone(body):
    return {key: value for key, value in body.items() if key not in ("metadata", "prompt_cache_key", "client_metadata")}


def recorded_rows(core):
    """Of real clients: the client, what happened, conversations, requests, split and merged by the plain
    hash and by the words, and the same as it is sent, with the client's own id if it has one."""
    groups = {}
    for talk in corpus.recordings():
        groups.setdefault((talk["client"], talk["kind"]), []).append(("host", "", talk["requests"]))

    def by_words(request, place):
        return core.id_of((request.get("raw") or json.dumps(words_alone(request["body"]))).encode(), place)

    def as_sent(request, place):
        return core.id_of((request.get("raw") or json.dumps(request["body"])).encode(), place, request["own"])

    for (client, kind), talks in groups.items():
        yield (client, kind, len(talks), sum(len(requests) for *_, requests in talks),
               *rates(talks, lambda request, place: plain_hash(request["body"])), *rates(talks, by_words),
               *rates(talks, as_sent))


def test_recordings(core):
    """One id for all requests of a conversation, those of the client's own errands too, and another for each
    other one. Where the first message was replaced nothing in the body is left of it: such a conversation
    has one id before and one behind, unless the client says which one it is."""
    rows = list(recorded_rows(core))
    usual = [row for row in rows if row[1] == "plain"]
    agents = [row for row in rows if row[0].startswith(("Claude", "Codex", "opencode"))]
    assert sum(row[2] for row in rows) >= 250 and len(usual) >= 17 and len(agents) == 4
    assert all(row[6:] == (0, 0, 0, 0) for row in usual), usual
    assert all(row[6:8] == (1, 0) for row in rows if row[1] != "plain"), rows
    assert all(row[8:] == (0, 0) for row in agents), rows
    check_table("|---|---|---|---|---|---|---|---|---|---|\n", [
        f"| {client} | {kind} | {talks} | {requests} | " + " | ".join(f"{rate:.0%}" for rate in parts) + " |\n"
        for client, kind, talks, requests, *parts in rows])
