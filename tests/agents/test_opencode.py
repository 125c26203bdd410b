# SPDX-License-Identifier: MIT
"""Real opencode, unmodified: Kilo's base, with the same plugin."""

import pytest

from bun_agent import SESSION, configuration, curl_prompt, session_of, without_titles
from harness import TAGALONG, check_page, compare_agents, model, need, place  # noqa: F401
from tags import COMPUTED, trace_id

OPENCODE = "agents/node_modules/opencode-linux-x64/bin/opencode"


@pytest.fixture(scope="module")
def opencode(tmp_path_factory, model):
    quiet = {"OPENCODE_DISABLE_MODELS_FETCH": "1", "OPENCODE_DISABLE_AUTOUPDATE": "1"}
    with place(tmp_path_factory, "opencode", model, quiet, lambda: model.chats) as opencode:
        folder = opencode.home / ".config" / "opencode"
        folder.mkdir(parents=True)
        (folder / "opencode.jsonc").write_text(configuration(model.url))
        # What opencode installs from npm when it first finds a plugin: it is there already.
        for name in "package.json", "package-lock.json", "node_modules":
            (folder / name).symlink_to(need(f"opencode/{name}"))
        yield opencode


def test_opencode_and_the_curl_that_it_starts(opencode, model):
    command = [need(OPENCODE), "run", "-m", "relay/echo", curl_prompt(model)]
    bare = without_titles(opencode.run(command))
    assert bare.rc == 0, bare.stderr
    opencode.agents("install", "--yes", "opencode")
    tagged = without_titles(opencode.run([TAGALONG, "run", "--", *command]))
    session = session_of(tagged.requests[0])
    assert SESSION.fullmatch(session) and session != session_of(bare.requests[0])
    chat = {"X-Task-Id": session, "X-Conversation-Id": session, "X-Project-Id": "billing", **COMPUTED}
    compare_agents(bare, tagged, [chat, chat | {"X-Session-Id": session}, chat])
    assert len({trace_id(r) for r in tagged.requests}) == 1
    check_page("opencode 1.18.33", "generic", tagged.requests[0], chat)
    assert "opencode      installed, seen working 20" in opencode.agents("status")
    opencode.agents("uninstall", "--yes", "opencode")
    assert not list((opencode.home / ".config/opencode/plugin").iterdir())
