# SPDX-License-Identifier: MIT
"""The additions of docs/internals.md ("How to add"), made in a copy of the tree: the files that it names are enough.

One copy has all of them, is built once, and is asked.
"""

import fcntl
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

PRESET = """{
  "$comment": "Acme: an example.",
  "headers": { "X-Acme-Task": "{task_id}" }
}
"""
FIELD = '\tX(COST_CENTER, cost_center, TAGALONG_COST_CENTER, "who is billed", "cc-1") \\\n'
PLACEHOLDER = '\tX(parent_pid, "", number_text(values, (uint64_t)getppid())) \\\n'
COMMAND = """// SPDX-License-Identifier: MIT
/* tagalong hello. */
#include <stdio.h>

#include "cli/command.h"

static int run(const struct command *command, int argc, char **argv)
{
	next_option(command, argc, argv);
	puts("hello");
	return EXIT_OK;
}

const struct command command_hello = {
	.name = "hello",
	.operands = "",
	.summary = "Print hello.",
	.about = "",
	.examples = "",
	.run = run,
};
"""
HOOK = '\t[RUNTIME_ACME] = { "acme", "acme/hook.acme", "ACME_OPTIONS", "--load ", " " },\n'


def insert(path, mark, text):
    """Behind the first line that has this mark."""
    lines = path.read_text().splitlines(keepends=True)
    at = next(number for number, line in enumerate(lines) if mark in line)
    lines.insert(at + 1, text)
    path.write_text("".join(lines))


def make(tree):
    tree.mkdir()
    for name in ("shim", "scripts", "docs"):
        shutil.copytree(ROOT / name, tree / name)
    shutil.copy(ROOT / "Makefile", tree)
    shim = tree / "shim"
    (shim / "presets" / "acme.json").write_text(PRESET)
    insert(shim / "core" / "fields.def", "X(ENVIRONMENT,", FIELD)
    insert(shim / "core" / "computed.def", "X(request_id,", PLACEHOLDER)
    (shim / "cli" / "cmd_hello.c").write_text(COMMAND)
    insert(shim / "cli" / "command.h", "#define COMMANDS(X)", "\tX(hello) \\\n")
    (shim / "hooks" / "acme").mkdir()
    (shim / "hooks" / "acme" / "hook.acme").write_text("\n")
    insert(shim / "cli" / "launch.c", "[RUNTIME_PYTHON] =", HOOK)
    header = shim / "cli" / "launch.h"
    header.write_text(header.read_text().replace("RUNTIME_PYTHON, RUNTIME_HOOKS", "RUNTIME_PYTHON, RUNTIME_ACME, RUNTIME_HOOKS"))
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "CC") if name in os.environ}
    subprocess.run(["make", "-s", f"-j{os.cpu_count()}", "all", "pages"], cwd=tree, env=environment, check=True,
                   stdout=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def tagalong(tmp_path_factory):
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent  # one for all workers
    tree = base / "additions"
    with open(base / "additions.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not tree.exists():
            make(tree)

    def tagalong(*words, **env):
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(tree / "home"), "XDG_RUNTIME_DIR": "/proc/nonexistent"}
        done = subprocess.run([tree / "build" / "tagalong", *words], cwd=tree, env=environment | env,
                              capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr
        return done.stdout

    tagalong.tree = tree
    return tagalong


URL = "http://localhost/v1/messages"


def test_a_preset(tagalong):
    assert "X-Acme-Task: T-1" in tagalong("headers", URL, TAGALONG_PRESET="acme", TAGALONG_TASK_ID="T-1")
    assert "acme" in (tagalong.tree / "docs" / "relays.md").read_text()
    assert '"acme",' in (tagalong.tree / "docs" / "tagalong.schema.json").read_text()


def config(tagalong, template):
    path = tagalong.tree / f"config-{os.getpid()}.json"
    path.write_text(json.dumps({"relays": [{"match": ["http://localhost"], "headers": {"X-New": template}}]}))
    return {"TAGALONG_CONFIG": str(path)}


def test_a_field(tagalong):
    env = config(tagalong, "{cost_center}") | {"TAGALONG_COST_CENTER": "4711"}
    assert "X-New: 4711\n" in tagalong("headers", URL, **env)
    assert "cost_center=\tTAGALONG_COST_CENTER" in tagalong("complete", "context", "set", "")
    assert "cost_center) name=TAGALONG_COST_CENTER ;;" in (tagalong.tree / "scripts" / "tagalong-run").read_text()
    assert "| `TAGALONG_COST_CENTER` | who is billed | `cost_center` |" in (tagalong.tree / "docs/variables.md").read_text()
    assert "`cost_center`," in (tagalong.tree / "docs" / "protocol.md").read_text()
    schema = json.loads((tagalong.tree / "docs" / "tagalong.schema.json").read_text())
    assert "cost_center" in schema["$defs"]["field"]["enum"]


def test_a_placeholder(tagalong):
    assert f"X-New: {os.getpid()}\n" in tagalong("headers", URL, **config(tagalong, "{parent_pid}"))


def test_a_command(tagalong):
    assert tagalong("hello") == "hello\n"
    assert "Print hello." in tagalong("--help") and "hello\tPrint hello." in tagalong("complete", "")
    assert "tagalong hello" in (tagalong.tree / "docs" / "commands.md").read_text()


def test_a_hook(tagalong):
    shown = tagalong("run", "--no-service", "--", "sh", "-c", "echo $ACME_OPTIONS")
    assert shown.startswith("--load /") and shown.endswith("hooks/acme/hook.acme\n")
    off = tagalong("run", "--no-service", "--", "sh", "-c", "echo $ACME_OPTIONS", TAGALONG_HOOKS="libcurl,dl")
    assert off == "\n"
