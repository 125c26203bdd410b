# SPDX-License-Identifier: MIT
"""The recipes of README's "Live context", each as it stands there, with the real tool."""

import json
import os
import re
import shutil
import subprocess

import pytest

from conftest import ROOT
from live import tasks

README = (ROOT / "README.md").read_text()
# What a person types finds the command on the way; the recipes are run as they are.
AT_HAND = f"export PATH={ROOT / 'build'}:$PATH; "
GIT = (
    "export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b "
    "GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b; git init -q repo; cd repo; "
    "git commit -q --allow-empty -m x; "
)


def recipe(where, number=0):
    """The number-th piece of code in the table's row for this place."""
    (row,) = re.findall(rf"^\| {where}[^|]*\| (.*) \|$", README, re.M)
    return re.findall(r"`([^`]+)`", row)[number].replace(r"\|", "|")


def needs(program):
    if shutil.which(program):
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"{program} is not installed", pytrace=False)
    pytest.skip(f"{program} is not installed")


def test_terminal(run, place, relay):
    """Commands that are typed into a shell which `tagalong run` started."""
    start = recipe("a terminal").split(" -- ")
    typed = f"curl -sS {relay.url}/v1/messages -d '{{}}' -o /dev/null\n"
    script = typed + recipe("a terminal", 1) + "\n" + typed
    shell = ["sh", "-ec", f"{AT_HAND}{start[0]} --task T-1 -- {start[1]} --norc"]
    result = run(shell, shim=None, env=place, stdin=script.encode())
    assert tasks(result) == ["T-1", "T-43"]


def test_git(live):
    """The branch is the task, from the moment of the checkout."""
    hook = f"mkdir -p .git/hooks; printf '%s\\n' '#!/bin/sh' '{recipe('git, on changing branches', 1)}' > .git/hooks/post-checkout; "
    script = AT_HAND + GIT + hook + "chmod +x .git/hooks/post-checkout; git checkout -q -b T-77; CHAT"
    assert tasks(live(script)) == ["T-77"]


@pytest.mark.parametrize("agent", ["Claude Code", "Codex"])
def test_agent_hooks(live, tmp_path, agent):
    """The agent's hook is run with the JSON on standard input that it is documented to get; what the
    agent's shell sends afterwards carries it."""
    needs("jq")
    event = json.dumps({"session_id": "s-1", "hook_event_name": "SessionStart", "cwd": "/", "source": "startup"})
    (tmp_path / "event.json").write_text(event)
    script = f"{AT_HAND}sh -c '{recipe('Claude Code', 1)}' <event.json; CHAT"
    result = live(script)
    assert [r.value("X-Conversation-Id") for r in result.requests] == ["s-1"]
    # And without any hook, by what the agent exports to its commands.
    variable = {"Claude Code": "CLAUDE_CODE_SESSION_ID", "Codex": "CODEX_THREAD_ID"}[agent]
    result = live(f"export {variable}=s-2; CHAT")
    assert [r.value("X-Conversation-Id") for r in result.requests] == ["s-2"]


def test_tmux(live, tmp_path, relay):
    """Each pane is a task; going to one makes it the current one. The server is a daemon: its scope is
    found by the token in its environment."""
    needs("tmux")
    chat = f"curl -sS -o /dev/null {relay.url}/v1/messages -d {{}}; tmux -L t wait-for -S done"
    script = AT_HAND + (
        "unset TMUX; tmux() { command tmux -L t -f /dev/null \"$@\"; }; "
        "tmux new-session -d -x 80 -y 24 'exec sh'; "
        f"tmux {recipe('tmux')}; "
        "tmux split-window 'exec sh'; "
        "tmux select-pane -t 0 -T T-left; tmux select-pane -t 1 -T T-right; "
        "for pane in 0 1 0; do tmux select-pane -t $pane; sleep 0.5; "
        f"tmux send-keys -t $pane '{chat}' Enter; tmux wait-for done; done; tmux kill-server"
    )
    result = live(script, env={"TMUX_TMPDIR": str(tmp_path), "TERM": "xterm", "SHELL": "/bin/sh"})
    assert tasks(result) == ["T-left", "T-right", "T-left"]


def test_direnv(run, tmp_path, relay):
    """The folder's .envrc fills the field for whatever is started in it."""
    needs("direnv")
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / ".envrc").write_text(recipe("direnv") + "\n")
    chat = ["curl", "-sS", "-o", "/dev/null", f"{relay.url}/v1/messages", "-d", "{}"]
    subprocess.run(["direnv", "allow", folder], env={"HOME": str(tmp_path), "PATH": os.environ["PATH"]}, check=True)
    launcher = [ROOT / "build" / "tagalong", "run", "--no-service", "--"]
    (request,) = run([*launcher, "direnv", "exec", folder, *chat], shim=None, env={}).requests
    assert request.value("X-Project-Id") == "billing"


@pytest.mark.parametrize("number, variable", [(0, "GITHUB_RUN_ID"), (1, "CI_JOB_ID")])
def test_ci(run, tmp_path, relay, number, variable):
    """The step of a job, in the environment that the CI gives it."""
    step = recipe("GitHub Actions", 0)
    if number:
        assert recipe("GitHub Actions", 1) == f"${variable}"
        step = step.replace("$GITHUB_RUN_ID", f"${variable}")
    script = tmp_path / "script"
    script.write_text(f"#!/bin/sh\ncurl -sS -o /dev/null {relay.url}/v1/messages -d '{{}}'\n")
    script.chmod(0o755)
    result = run(["sh", "-ec", AT_HAND + step], shim=None, env={variable: "4711", "CI": "true"})
    assert tasks(result) == ["4711"]
