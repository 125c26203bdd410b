# SPDX-License-Identifier: MIT
"""What the README's table says first, does what it says."""

import json

from commands import CHAT
from conftest import ROOT, clean_environment

RUN = [str(ROOT / "build" / "tagalong"), "run", "--no-service", "--preset", "opencode"]


def test_each_conversation_has_its_id(run, relay, tmp_path):
    def turn(*words):
        messages = [{"role": role, "content": word} for role, word in zip(("user", "assistant") * 2, words)]
        command = [*RUN, "--relay", relay.url, "--", "curl", "-sS", "-o", "/dev/null", relay.url + CHAT,
                   "-d", json.dumps({"model": "m", "messages": messages})]
        (request,) = run(command, shim=None, env=clean_environment(tmp_path)).requests
        return request.value("x-opencode-session")

    first = turn("Rename the module.")
    assert first and turn("Rename the module.", "Done.", "Thanks.") == first
    assert turn("Write a test.") not in (None, first)
