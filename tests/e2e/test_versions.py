# SPDX-License-Identifier: MIT
"""libcurls that are not installed here: before 7.80, and from 8.22 on.

The host program (tests/fixtures/puppet.c) is started on a stand-in (tests/fixtures/standin), which
answers as those versions do.
"""

import re

import pytest

from standin import standin
from tags import CONTEXT, GENERIC, PLAIN, request_id
from test_handles import LIST, OWN, PUPPET, chat


@pytest.fixture
def puppet(neutral, relay):
    def puppet(mode, script, expect, env=None, **how):
        text = script.replace("{chat}", relay.url + "/v1/chat/completions")
        return neutral(
            PUPPET,
            expect,
            env=CONTEXT | standin(mode) | (env or {}),
            stdin=text.replace("{url}", relay.url).encode(),
            own=OWN,
            **how,
        )

    return puppet


def test_the_standin_is_in_place(run, relay):
    # A version that has the option runs the prereq; the old one does not know it.
    script = b"init a\nprereq a ok\n"
    assert b"  48\n  48\n" in run(PUPPET, shim=None, env=standin("old"), stdin=script).stdout


@pytest.mark.parametrize("mode", ["", "guard"])
def test_inner_add_differs_by_version(puppet, mode):
    """perform adds the handle to a multi of its own: by a call that is seen, or not. Neither is a second request."""
    puppet(mode, LIST + chat("a") + "headers a l\nperform a\nmulti m\nadd m a\nrun m\nremove m a\nperform a", [GENERIC] * 3)


# Before 7.80: lines are built once, when the transfer starts.

OLD = {
    "a plain post": (chat("a") + "perform a\nperform a", [GENERIC] * 2),
    "a client list": (LIST + chat("a") + "headers a l\nperform a\nheaders a -\nperform a", [GENERIC] * 2),
    "another path": (chat("a") + "url a {url}/other\nperform a", [PLAIN]),
    "get after post": (chat("a") + "get a\nperform a\npost a {}\nperform a", [PLAIN, GENERIC]),
    "custom request": (chat("a") + "custom a PUT\nperform a\ncustom a POST\nperform a", [PLAIN, GENERIC]),
    "upload": ("init a\nurl a {chat}\nput a 0\npost a {}\nperform a", [GENERIC]),
    "nobody": (chat("a") + "head a 1\nperform a", [PLAIN]),
    "url handle": (chat("a") + "curlu a {url}/other\nperform a\ncurlu a {chat}\nperform a", [PLAIN, GENERIC]),
    "reset": (chat("a") + "reset a\nurl a {chat}\npost a {}\nperform a", [GENERIC]),
    "dup": (LIST + chat("a") + "headers a l\ndup a b\ncleanup a\nperform b", [GENERIC]),
    "dup in flight": (LIST + chat("a") + "headers a l\nonwrite a dup a b\nperform a\nperform b", [GENERIC] * 2),
    "multi": (chat("a") + "multi m\nadd m a\nrun m\nremove m a\nadd m a\nrun m", [GENERIC] * 2),
    "list set after add": (LIST + chat("a") + "multi m\nadd m a\nheaders a l\nrun m", [GENERIC]),
    "abandoned": (LIST + chat("a") + "headers a l\nonwrite a jump\nperform a\ncleanup b", [GENERIC]),
}


@pytest.mark.parametrize("case", OLD)
def test_before_7_80(puppet, case):
    script, expect = OLD[case]
    puppet("old", script, expect)


REDIRECT = "init a\nurl a {url}/switch/redirect-307-same/v1/chat/completions\npost a {}\n"


def test_before_7_80_redirects_may_leak(puppet):
    puppet("old", REDIRECT + "follow a 1\nperform a", [PLAIN, PLAIN])


def test_before_7_80_redirects_not_followed(puppet):
    puppet("old", REDIRECT + "perform a", [GENERIC])


def test_before_7_80_redirects_when_asked_for(puppet):
    env = {"TAGALONG_LEGACY_REDIRECTS": "1"}
    same = GENERIC | {"traceparent": re.compile("00-.*")}
    result = puppet("old", REDIRECT + "follow a 1\nperform a", [same, {**same}], env=env, one_span=True)
    assert request_id(result.requests[0]) == request_id(result.requests[1])


# From 8.22 on: refused inside callbacks, without a word.


def test_refused_reset(puppet):
    script = LIST + REDIRECT + "follow a 1\nheaders a l\nonheader a barereset a\nperform a\nperform a"
    result = puppet("guard", script, [GENERIC] * 4)
    assert [r.value("X-Own") for r in result.requests] == ["1"] * 4


def test_refused_cleanup(puppet):
    # The handle goes on as the client's own; nothing of ours may be left in it.
    script = LIST + REDIRECT + "follow a 1\nheaders a l\nonheader a barecleanup a\nperform a\nperform a"
    puppet("guard", script, [GENERIC, PLAIN, PLAIN, PLAIN])
    script = script.replace("a\nperform a\nperform", "a\nperform a\nprereqfunction a on\nperform")
    assert b"prereq of nobody" in puppet("guard", script, [GENERIC, PLAIN, PLAIN, PLAIN]).stdout


def test_refused_perform(puppet):
    script = REDIRECT + "follow a 1\nonheader a perform a\nperform a"
    result = puppet("guard", script, [GENERIC] * 2)
    assert b"  93 " in result.stdout


def test_refused_list(puppet):
    # libcurl keeps the old list when it refuses a new one, and so do we.
    script = LIST + "append n X-Other: REFUSE\n" + chat("a") + "headers a l\nheaders a n\nperform a"
    result = puppet("refuse", script, [GENERIC])
    assert [r.value("X-Own") for r in result.requests] == ["1"]


def test_refused_lines_of_ours(puppet):
    env = {"TAGALONG_TASK_ID": "REFUSE"}
    puppet("refuse", LIST + chat("a") + "headers a l\nperform a\nunenv TAGALONG_TASK_ID\nperform a",
           [PLAIN, {k: v for k, v in GENERIC.items() if k != "X-Task-Id"}], env=env)
