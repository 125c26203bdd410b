# SPDX-License-Identifier: MIT
"""Codex as npm has it: `env_http_headers` of a provider names the variables that `tagalong run` sets, and
`tagalong agents install codex` writes it."""

import json

import pytest

from harness import ROOT, TAGALONG, place
from relay import Relay

PROGRAM = ROOT / "build/npm/codex/node_modules/@openai/codex/vendor/x86_64-unknown-linux-musl/bin/codex"
COMMAND = [PROGRAM, "exec", "--skip-git-repo-check", "say hi"]


@pytest.fixture(scope="module")
def codex(tmp_path_factory):
    if not PROGRAM.exists():
        pytest.skip("Codex is not installed: scripts/install-npm codex")
    with Relay() as relay:
        chats = lambda: [r for r in relay.requests if r.method == "POST"]  # noqa: E731
        with place(tmp_path_factory, "codex", relay, {"OPENAI_API_KEY": "sk-test"}, chats) as found:
            config = found.home / ".codex/config.toml"
            config.parent.mkdir()
            config.write_text(f"""\
model = "m"
model_provider = "relay"
[model_providers.relay]
name = "relay"
base_url = "{relay.url}/v1"
env_key = "OPENAI_API_KEY"
env_http_headers = {{ "X-Task-Id" = "TAGALONG_START_TASK_ID", "X-Project-Id" = "TAGALONG_START_PROJECT_ID" }}
""")
            yield found


def run(codex, *options, **env):
    command = [TAGALONG, "run", "--relay", codex.model.url, "--task", "T-42", *options, "--", *COMMAND]
    result = codex.run([str(word) for word in command], **env)
    assert result.rc == 0 and len(result.requests) == 1, result.stderr
    return [result.requests[0].value(name) for name in ("X-Task-Id", "X-Project-Id")]


@pytest.mark.parametrize("service", [["--no-service"], []], ids=["environment", "service"])
def test_a_provider_that_names_the_variables(codex, service):
    """The project is the git origin's."""
    assert run(codex, *service) == ["T-42", "billing"]


@pytest.mark.parametrize("off", [{"TAGALONG_OFF": "1"}, {"TAGALONG_HOOKS": "libcurl"}], ids=str)
def test_left_out(codex, off):
    """Codex leaves out a header whose variable is not there."""
    assert run(codex, **off) == [None, None]


def test_what_is_left_of_an_outer_run(codex):
    """A field without a value has no variable, whatever was there before."""
    assert run(codex, TAGALONG_START_TASK_ID="outer", TAGALONG_START_PROJECT_ID="outer") == ["T-42", "billing"]
    origin = codex.work / ".git/config"
    before = origin.read_bytes()
    try:
        origin.write_text("[core]\n")
        assert run(codex, TAGALONG_START_PROJECT_ID="outer") == ["T-42", None]
    finally:
        origin.write_bytes(before)


def test_what_an_install_writes(codex):
    """Every field of the preset that has a value; afterwards the file is as it was."""
    config = codex.home / ".codex/config.toml"
    before = config.read_bytes()
    bare = "\n".join(line for line in before.decode().splitlines() if "env_http" not in line) + "\n# mine\n"
    doctor = [TAGALONG, "doctor", "--json", str(PROGRAM)]
    try:
        config.write_text(bare)
        assert json.loads(codex.run(doctor).stdout)["verdict"] == "not"
        assert run(codex) == [None, None]
        codex.agents("install", "--yes", "codex")
        assert run(codex, "--set", "user_id=u") == ["T-42", "billing"]
        assert codex.model.requests[0].value("X-User-Id") == "u"
        report = json.loads(codex.run(doctor).stdout)
        assert (report["verdict"], report["hook"]) == ("tagged", "env") and "fixed" in report["reason"]
        assert json.loads(codex.run(doctor, TAGALONG_HOOKS="libcurl").stdout)["verdict"] == "not"
        codex.agents("uninstall", "--yes", "codex")
        assert config.read_text() == bare and not (codex.home / ".codex/hooks.json").exists()
    finally:
        config.write_bytes(before)
