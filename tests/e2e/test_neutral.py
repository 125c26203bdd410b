# SPDX-License-Identifier: MIT
"""The oracle itself: each kind of damage must be noticed, and the right lines let through."""

import pytest

from conftest import Result
from neutral import BOUNDARY, compare
from tags import GENERIC, PLAIN
from wire import Request

UUID = "01890a5d-ac96-774b-bcce-b302099a8057"
ADDED = [
    "X-Task-Id: T-42",
    "X-Conversation-Id: C-7",
    "X-Session-Id: C-7",
    "X-Project-Id: billing",
    f"X-Request-Id: {UUID}",
    "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-02",
]
TOP = ["Host: h", "Accept: */*"]
OWN = ["X-Own: 1", "Content-Type: application/json"]
END = ["Content-Length: 2"]


def result(*heads, rc=0, stdout=b"", stderr=b"", body=b"{}"):
    """A run that sent one request for each list of header lines."""
    requests = []
    for number, lines in enumerate(heads, 1):
        head = "\r\n".join(["POST / HTTP/1.1", *lines, "", ""]).encode()
        requests.append(Request(head, body, len(body), number=number, connection=1))
    return Result(rc, stdout, stderr, {"relay": requests, "other": []})


BARE = result(TOP + OWN + END)
RIGHT = result(TOP + ADDED + OWN + END)


def check(tagged, tags=GENERIC, bare=BARE, **how):
    compare(bare, tagged, {"relay": [tags]}, own=["X-Own", "Content-Type"], **how)


def test_the_right_lines_pass():
    check(RIGHT)
    check(BARE, PLAIN)
    check(result(TOP + ADDED + END), bare=result(TOP + END))


@pytest.mark.parametrize(
    "lines",
    [
        TOP + OWN + END,  # nothing added
        TOP + ADDED[:-1] + OWN + END,  # one missing
        TOP + ADDED[:1] + ADDED + OWN + END,  # one twice
        TOP + ADDED + ["X-Other: 1"] + OWN + END,  # one too many
        TOP + ADDED[::-1] + OWN + END,  # another order
        TOP + OWN + ADDED + END,  # behind the client's
        TOP + OWN[:1] + ADDED + OWN[1:] + END,  # among the client's
        TOP[:1] + ADDED + TOP[1:] + OWN + END,  # too early
        TOP + OWN + END + ADDED,  # at the end
        TOP + ADDED + OWN[1:] + END,  # a line of the client's lost
        TOP + ADDED + OWN[::-1] + END,  # its order changed
        TOP + ADDED + ["X-own: 1"] + OWN[1:] + END,  # its case changed
        TOP + [ADDED[0] + " "] + ADDED[1:] + OWN + END,  # a blank too many
        TOP + ["x-task-id: T-42"] + ADDED[1:] + OWN + END,  # our case changed
        TOP + ADDED[:-1] + [ADDED[-1][:-2] + "01"] + OWN + END,  # sampled without reason
        TOP + ADDED[:4] + ["X-Request-Id: " + UUID.replace("-7", "-4")] + ADDED[5:] + OWN + END,
    ],
)
def test_other_lines_do_not(lines):
    with pytest.raises(AssertionError):
        check(result(lines))


def test_nothing_may_be_added_where_nothing_is_expected():
    with pytest.raises(AssertionError):
        check(RIGHT, PLAIN)


@pytest.mark.parametrize(
    "change",
    [{"rc": 1}, {"stdout": b"x"}, {"stderr": b"x"}, {"body": b"{ }"}],
)
def test_other_differences(change):
    with pytest.raises(AssertionError):
        check(result(TOP + ADDED + OWN + END, **change))


def test_the_number_of_requests():
    twice = result(TOP + ADDED + OWN + END, TOP + ADDED + OWN + END)
    for tagged, tags in [(twice, 1), (twice, 2), (RIGHT, 2), (RIGHT, 0)]:
        with pytest.raises(AssertionError):
            compare(BARE, tagged, {"relay": [GENERIC] * tags}, own=["X-Own"])
    with pytest.raises(AssertionError):
        elsewhere = Result(0, b"", b"", {"relay": [], "other": RIGHT.requests})
        compare(elsewhere, elsewhere, {"relay": [PLAIN]})


def test_a_parent_id_used_twice():
    bare = result(TOP + OWN + END, TOP + OWN + END)
    twice = result(TOP + ADDED + OWN + END, TOP + ADDED + OWN + END)
    with pytest.raises(AssertionError, match="parent-id"):
        compare(bare, twice, {"relay": [GENERIC] * 2}, own=["X-Own"])


def test_only_what_is_named_is_normalised():
    one = result(TOP + END, body=b"------------------------0123456789abcdef")
    two = result(TOP + END, body=b"------------------------fedcba9876543210")
    compare(one, two, {"relay": [PLAIN]}, normalise=[BOUNDARY])
    with pytest.raises(AssertionError):
        compare(one, two, {"relay": [PLAIN]})
