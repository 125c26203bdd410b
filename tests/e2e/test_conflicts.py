# SPDX-License-Identifier: MIT
"""A header that the client sets itself is the client's, however it writes its name."""

import pytest

from commands import CHAT, headers, post
from tags import GENERIC, without

NO_TASK = without(GENERIC, "X-Task-Id")


@pytest.mark.parametrize(
    "line, arrives",
    [
        ("X-Task-Id: mine", b"X-Task-Id: mine"),
        ("x-TASK-id: mine", b"x-TASK-id: mine"),
        ("X-Task-Id:mine", b"X-Task-Id:mine"),
        ("X-Task-Id:", None),  # the client wants none
        ("X-Task-Id:  ", None),
        ("X-Task-Id;", b"X-Task-Id:"),  # the client wants it empty
        ("x-task-id;", b"x-task-id:"),
    ],
)
@pytest.mark.parametrize("around", [[], ["X-One: 1", "X-Two: 2"]])
def test_client_header_wins(neutral, relay, line, arrives, around):
    lines = around[:1] + [line] + around[1:]
    result = neutral(post(relay.url + CHAT, *headers(*lines)), [NO_TASK])
    seen = [got for got in result.requests[0].lines if got.lower().startswith(b"x-task-id")]
    assert seen == ([arrives] if arrives else [])


def test_layers_above_add_headers_too(neutral, relay):
    lines = [f"{name.upper()}: mine" for name in GENERIC]
    result = neutral(post(relay.url + CHAT, *headers(*lines)), [{}])
    for name in GENERIC:
        assert result.requests[0].values(name) == ["mine"]


def test_the_same_name_twice(neutral, relay):
    lines = headers("X-Task-Id: one", "X-Task-Id: two")
    result = neutral(post(relay.url + CHAT, *lines), [NO_TASK])
    assert result.requests[0].values("X-Task-Id") == ["one", "two"]


@pytest.mark.parametrize(
    "line",
    [
        "X-Note: X-Task-Id: 7, traceparent: 1",
        "X-Task-Idea: 7",
        "My-X-Task-Id: 7",
        "X-Task: Id",
        "X-Note;",
        "X-Note: ;X-Task-Id;",
    ],
)
def test_names_compared_not_lines(neutral, relay, line):
    neutral(post(relay.url + CHAT, *headers(line)), [GENERIC])


def test_nothing_stale_from_earlier_list(neutral, relay):
    # the list of the first transfer says nothing about the second
    url = relay.url + CHAT
    command = post(url, "-H", "X-Task-Id: mine") + ["--next"] + post(url)[1:]
    neutral(command, [NO_TASK, GENERIC])


def test_http2(neutral, front):
    command = post(front.url + CHAT, "--cacert", front.ca, "-H", "x-TASK-id: mine")
    result = neutral(command, [NO_TASK])
    assert result.requests[0].values("x-task-id") == ["mine"]
