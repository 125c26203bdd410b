# SPDX-License-Identifier: MIT
"""docs/story.md is what a person sees who does it.

    TAGALONG_GOLDEN=write pytest tests/guide/test_story.py     writes the page anew, to be read
"""

import os
import tempfile
from pathlib import Path

import story
from conftest import ROOT, clean_environment
from guide import with_our_fzf
from live import stop_service

PAGE = ROOT / "docs" / "story.md"


def test_story(relay):
    relay.reset()
    # A short path: it is what the screens are as wide as before it becomes ~.
    with tempfile.TemporaryDirectory(prefix="tg", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        (home / "run").mkdir(mode=0o700)
        (home / "tagalong").symlink_to(ROOT)
        environment = clean_environment(home) | {
            "PATH": f"{home}/.local/bin:{home}/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "OPENAI_BASE_URL": relay.url + "/v1",
            "XDG_RUNTIME_DIR": str(home / "run"),
            "TAGALONG_TIMEOUT_MS": "10000",  # a busy machine is no reason to go without the service
        }
        try:
            told = story.tell(home, environment)
        finally:
            stop_service(environment)
        text = with_our_fzf(story.page(told, home))
        assert [request.value("X-Task-Id") for request in relay.requests] == ["T-41", "T-42", "T-43"]
    if os.environ.get("TAGALONG_GOLDEN") == "write":
        PAGE.write_text(text)
    assert text == PAGE.read_text()
