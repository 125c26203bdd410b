# SPDX-License-Identifier: MIT
"""Each program of agent_table.py once without our part and once with it: every chat request is tagged, what is
called fresh is new for each, and what the program prints is the same."""

import shutil

import pytest

import conftest
import grants
from agent_table import NPM, OPENCODE, ROWS, put
from harness import TAGALONG, model, norm, place  # noqa: F401

NOISE = [(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}", b"UUID"), (rb"\d+(\.\d+)?", b"N"), (rb"eval-\w+-", b"EVAL-")]
NAMES = ("X-Task-Id", "X-Request-Id", "traceparent")


@pytest.fixture
def fill(request, tmp_path_factory, model):
    row = request.param
    if not row.version() or not shutil.which(row.command[0].replace("{npm}", str(NPM))):
        by_hand = row.package.startswith(("programs/", "record/"))
        pytest.skip(f"{grants.BY_HAND}: scripts/install-npm programs record" if by_hand else
                    f"{row.package} is not installed")
    if row.command[0] == "node" or row.name == "Kilo":  # whose launcher is a script for it
        conftest.need("node")
    with place(tmp_path_factory, row.name.replace(" ", "-"), model, {}, lambda: model.chats) as found:
        def text(value):
            return value.format(url=model.url, npm=NPM, home=found.home)

        for name, content in row.files.items():
            (found.home / name).parent.mkdir(parents=True, exist_ok=True)
            (found.home / name).write_text(text(content))
        if row.agent == "opencode":
            for name in OPENCODE:
                (found.home / ".config" / name).symlink_to(NPM / name)
        found.env |= {name: text(value) for name, value in row.env.items()}
        if row.before:
            found.run([text(word) for word in row.before])
        yield found, row, [text(word) for word in row.command]


@pytest.mark.parametrize("fill", [row for row in ROWS if row.command], ids=lambda row: row.name, indirect=True)
def test_it_is_tagged(fill):
    found, row, command = fill
    bare = found.run(command)
    assert bare.rc == 0, bare.stderr
    if row.agent:
        found.agents("install", "--yes", row.agent)
    tagged = found.run([TAGALONG, "run", "--no-service", "--task", "T-42", "--", *command])
    assert tagged.rc == 0, tagged.stderr
    assert norm(tagged.stdout, NOISE) == norm(bare.stdout, NOISE)
    values = [{name: request.value(name) for name in NAMES} for request in tagged.requests]
    assert values and all(value["X-Task-Id"] for value in values)
    assert not any(request.value("X-Task-Id") for request in bare.requests)
    for name in "X-Request-Id", "traceparent":
        assert len({value[name] for value in values} - {None}) == (len(values) if row.fresh else 0)
    put(row, sum(value["X-Task-Id"] is not None for value in values), len(values))
