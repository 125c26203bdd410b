# SPDX-License-Identifier: MIT
"""Values that must not go on the wire as they are: the header stays away, the request goes out."""

import pytest

from commands import CHAT, post
from tags import CONTEXT, GENERIC, without

BAD = {
    "CR": "T\r42",
    "LF": "T\n42",
    "CRLF and a header": "T\r\nX-Injected: 1",
    "CRLF at the end": "T-42\r\n",
    "leading blank": " T-42",
    "trailing blank": "T-42 ",
    "leading tab": "\tT-42",
    "tab": "T\t42",
    "only a blank": " ",
    "two blanks": "T  42",
    "control": "T\x0142",
    "escape": "T\x1b[31m",
    "DEL": "T\x7f42",
    "stray UTF-8 trail byte": b"T\x80",
    "cut UTF-8": b"T\xc3",
    "Latin-1": b"B\xfccher",
    "overlong UTF-8": b"T\xc0\xaf",
    "surrogate": b"T\xed\xa0\x80",
    "beyond Unicode": b"T\xf4\x90\x80\x80",
    "1 KiB + 1": "x" * 1025,
    "10 KiB": "x" * 10240,
    "over 1 KiB when encoded": "ü" * 400,
    "empty": "",
}

GOOD = {
    "exactly 1 KiB": ("x" * 1024, "x" * 1024),
    "exactly 1 KiB when encoded": ("ü" * 170 + "abcd", "%C3%BC" * 170 + "abcd"),
    "UTF-8": ("Bücher", "B%C3%BCcher"),
    "UTF-8 beyond the first plane": ("🦆", "%F0%9F%A6%86"),
    "UTF-8 with a percent sign": ("50% für", "50%25 f%C3%BCr"),
    "C1 control": ("\u0085", "%C2%85"),
    "percent sign": ("50%", "50%"),
    "blanks inside": ("a b c", "a b c"),
    "punctuation": ("!\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~", "!\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~"),
    "braces like a template's": ("{project_id}", "{project_id}"),
    "one character": ("0", "0"),
}


@pytest.fixture(params=["HTTP/1.1", "HTTP/2"])
def url(request, relay):
    if request.param == "HTTP/1.1":
        return relay.url + CHAT
    return request.getfixturevalue("front").url + CHAT


@pytest.fixture
def command(url, request, relay):
    tls = [] if url.startswith(relay.url) else ["--cacert", request.getfixturevalue("front").ca]
    return post(url, *tls, "-H", "X-Own: 1")


@pytest.mark.parametrize("value", BAD.values(), ids=BAD)
def test_bad_value(neutral, command, value):
    env = CONTEXT | {"TAGALONG_TASK_ID": value}
    result = neutral(command, [without(GENERIC, "X-Task-Id")], env=env)
    assert result.rc == 0
    assert b"Tagalong says" in result.stdout


@pytest.mark.parametrize("value, sent", GOOD.values(), ids=GOOD)
def test_good_value(neutral, command, value, sent):
    env = CONTEXT | {"TAGALONG_TASK_ID": value}
    result = neutral(command, [GENERIC | {"X-Task-Id": sent}], env=env)
    assert result.rc == 0


def test_all_values_bad(neutral, command):
    env = dict.fromkeys(CONTEXT, "a\r\nb")
    names = ["X-Task-Id", "X-Conversation-Id", "X-Session-Id", "X-Project-Id"]
    neutral(command, [without(GENERIC, *names)], env=env)


def test_all_headers_together_stay_under_8_kib(neutral, command):
    # the fields of the generic preset, each as long as one may be
    names = ["task", "parent_task", "conversation", "project", "organization", "user"]
    env = {f"TAGALONG_{name.upper()}_ID": name[0] * 1024 for name in names}
    env["TAGALONG_SESSION_ID"] = "s" * 1024
    expect = {
        "X-Task-Id": "t" * 1024,
        "X-Parent-Task-Id": "p" * 1024,
        "X-Conversation-Id": "c" * 1024,
        "X-Session-Id": "s" * 1024,
        "X-Project-Id": "p" * 1024,
        "X-Organization-Id": "o" * 1024,
        "X-User-Id": "u" * 1024,
        "X-Request-Id": GENERIC["X-Request-Id"],
        "traceparent": GENERIC["traceparent"],
    }
    neutral(command, [expect], env=env)
