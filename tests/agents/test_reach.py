# SPDX-License-Identifier: MIT
"""What doctor says of agents, and what a probe of them shows."""

import json
from pathlib import Path

import pytest

import grants
from harness import NPM, TAGALONG, need, place  # noqa: F401
from relay import Relay

CLAUDE = "compiled/node_modules/@anthropic-ai/claude-code-linux-x64/claude"
COPILOT = "compiled/node_modules/@github/copilot-linux-x64/copilot"
CLINE = "compiled/node_modules/@cline/cli-linux-x64/bin/cline"
BUN = "compiled/node_modules/@oven/bun-linux-x64/bin/bun"
KILO = "agents/node_modules/@kilocode/cli-linux-x64/bin/kilo"
OPENCODE = "agents/node_modules/opencode-linux-x64/bin/opencode"


@pytest.fixture
def home(tmp_path_factory):
    with Relay() as relay, place(tmp_path_factory, "doctor", relay, {}, lambda: relay.requests) as home:
        yield home


def doctor(home, *command, **env):
    report = json.loads(home.run([TAGALONG, "doctor", "--json", *command], **env).stdout)
    return report["verdict"], report.get("hook"), report


# Scripts: Node's own programs, and two that start a native one.
QWEN = "agents/node_modules/.bin/qwen"
KILO_SCRIPT = "agents/node_modules/.bin/kilo"
OF_NPM = [f"programs/node_modules/.bin/{name}" for name in ("gemini", "cn", "pi", "promptfoo")]


@pytest.mark.parametrize("program", OF_NPM)
def test_an_agent_for_node(home, program):
    if not (NPM / program).exists():
        pytest.skip(f"{grants.BY_HAND}: scripts/install-npm programs")
    assert doctor(home, NPM / program)[:2] == ("tagged", "node")


@pytest.mark.parametrize("program, hook", [(QWEN, "node"), (KILO_SCRIPT, None), (CLAUDE, "bun"), (CLINE, "bun"), (BUN, "bun"), (COPILOT, "env"), (KILO, None), (OPENCODE, None)])
def test_an_agent(home, program, hook):
    verdict, found, report = doctor(home, need(program))
    assert (verdict, found) == (("tagged", hook) if hook else ("not", None)), report
    assert hook or "agents install" in report["advice"]


def test_a_program_of_an_older_bun(home, tmp_path):
    """What it has appended to itself ends in a mark; it reads no BUN_OPTIONS."""
    program = tmp_path / "old"
    program.write_bytes(Path("/bin/true").read_bytes() + b"code\n---- Bun! ----\n" + bytes(8))
    program.chmod(0o755)
    verdict, _, report = doctor(home, program)
    assert verdict == "not" and "does not read BUN_OPTIONS" in report["reason"]


@pytest.mark.parametrize("program", [CLAUDE, CLINE, COPILOT])
def test_an_agent_whose_hook_is_left_out(home, program):
    assert doctor(home, need(program), TAGALONG_HOOKS="libcurl")[:2] == ("not", None)


def test_claude_code_by_its_variable_alone(home):
    assert doctor(home, need(CLAUDE), TAGALONG_HOOKS="libcurl,env")[:2] == ("tagged", "env")


def test_a_plugin_that_is_installed(home):
    home.agents("install", "--yes", "kilo")
    verdict, hook, report = doctor(home, need(KILO))
    assert (verdict, hook) == ("tagged", "agent") and "not seen working" in report["reason"]
    home.agents("uninstall", "--yes", "kilo")
    assert doctor(home, need(KILO))[0] == "not"


@pytest.mark.parametrize("program, added", [
    (CLAUDE, {"X-Task-Id", "X-Conversation-Id", "X-Session-Id", "X-Request-Id", "traceparent", "X-Project-Id"}),
    (COPILOT, {"X-Task-Id", "X-Session-Id", "X-Project-Id"}),
])
def test_a_probe(home, program, added):
    """It counts every chat endpoint, and lists nothing that the program sends itself."""
    env = {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1"}
    report = doctor(home, "--probe", "--", need(program), "-p", "hi", **env)[2]
    assert report["probe"]["requests"] == report["probe"]["tagged"] > 0
    assert set(report["probe"]["headers"]) == added
    own = "client: X-Claude-Code-Session-Id" if program == CLAUDE else ""
    assert report["probe"]["conversation_from"] == own


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/messages?beta=true", "/v1beta/models/g:streamGenerateContent", "/api/chat"])
def test_a_probe_of_each_kind(home, path):
    report = doctor(home, "--probe", "--", "curl", "-s", "-d", "{}", "{base}" + path)[2]
    assert (report["probe"]["requests"], report["probe"]["tagged"]) == (1, 1)
