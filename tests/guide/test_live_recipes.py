# SPDX-License-Identifier: MIT
"""The recipes of docs/recipes.md, section "Live context", as they stand there, run for real: what they
set is what the next request carries."""

import json
import os
import pty
import re
import select
import subprocess
import textwrap
import time

import pytest

from conftest import COMMAND_SECONDS, clean_environment
from guide import blocks
from live import TAGALONG, stop_service, tasks
from test_live import START

NAMES = ["terminal", "post-checkout", "agent-hook", "tmux.conf", "envrc", "github-actions", "gitlab-ci"]


def recipe(name):
    return blocks("recipes.md")[name]


@pytest.fixture
def chat(relay, tmp_path):
    """A command that sends a chat request, short enough to be typed."""
    relay.reset()
    script = tmp_path / "chat"
    script.write_text(f"#!/bin/sh\nexec curl -sS -o /dev/null {relay.url}/v1/chat/completions -d '{{}}'\n")
    script.chmod(0o755)
    return script


@pytest.fixture
def environment(place, tmp_path):
    path = f"{os.path.dirname(TAGALONG)}:/usr/local/bin:/usr/bin:/bin"
    return clean_environment(tmp_path) | place | {"PATH": path, "TERM": "xterm", "SHELL": "/bin/bash"}


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, command, environment, folder):
        self.said = b""
        self.pid, self.fd = pty.fork()
        if not self.pid:
            os.chdir(folder)
            os.execvpe(command[0], command, environment)

    def type(self, text):
        os.write(self.fd, text.encode())

    def wait_for(self, condition):
        """Reads what is said meanwhile: a terminal that nobody reads from blocks its program."""
        deadline = time.monotonic() + COMMAND_SECONDS
        while not condition():
            assert time.monotonic() < deadline, self.said
            if select.select([self.fd], [], [], 0.02)[0]:
                try:
                    self.said += os.read(self.fd, 65536)
                except OSError:
                    raise AssertionError(self.said)  # it has ended

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.fd)  # it hangs up
        os.waitpid(self.pid, 0)


def seen(relay):
    return [request.value("X-Task-Id") for request in relay.requests]


def test_terminal(relay, chat, environment, tmp_path):
    start, change = recipe("terminal").splitlines()
    with Terminal(["sh", "-c", f"exec {start} --norc -i"], environment, tmp_path) as terminal:
        terminal.type("./chat\n")
        terminal.wait_for(lambda: len(seen(relay)) == 1)
        terminal.type(f"{change}\n./chat\n")
        terminal.wait_for(lambda: len(seen(relay)) == 2)
    assert seen(relay) == ["T-42", "T-43"]


GIT = "git -c user.name=a -c user.email=a@b"


def test_post_checkout(live, tmp_path):
    (tmp_path / "hook").write_text(recipe("post-checkout"))
    (tmp_path / "hook").chmod(0o755)
    script = (
        f"git init -q repo; cd repo; {GIT} commit -q --allow-empty -m x; mkdir -p .git/hooks; "
        "mv ../hook .git/hooks/post-checkout; git checkout -q -b T-77; CHAT; git checkout -q --detach; CHAT"
    )
    # A detached HEAD has no name: the last one stays, and git succeeds.
    assert tasks(live(script)) == ["T-77", "T-77"]


def test_post_checkout_outside(run, place, tmp_path):
    """In no scope it sets nothing: the default scope is everybody's."""
    (tmp_path / "hook").write_text(recipe("post-checkout"))
    env = place | {"PATH": f"{os.path.dirname(TAGALONG)}:/usr/bin:/bin"}
    script = f"git init -q .; {GIT} commit -q --allow-empty -m x; {START}; sh -e hook; "
    result = run(["sh", "-ec", script + "tagalong context get; kill $SERVICE"], shim=None, env=env)
    assert (result.rc, result.stdout) == (0, b"")


# What the agents write to a hook's standard input.
PROMPT = {
    "session_id": "550e8400-e29b-41d4-a716-446655440000",
    "transcript_path": "/home/user/.claude/projects/p/t.jsonl",
    "cwd": "/",
    "permission_mode": "default",
    "hook_event_name": "UserPromptSubmit",
    "prompt": "go on",
}


def test_agent_hook(live):
    """Exit code 0 and nothing on stdout, or the agent holds the prompt back, or gives it to the model."""
    (hook,) = json.loads(recipe("agent-hook"))["hooks"]["UserPromptSubmit"][0]["hooks"]
    assert hook["type"] == "command"
    run_hook = f"echo '{json.dumps(PROMPT)}' | sh -c '{hook['command']}'"
    script = f"git init -q repo; cd repo; git checkout -q -b T-88; {run_hook}; CHAT; cd ..; {run_hook}; CHAT"
    result = live(script)
    assert tasks(result) == ["T-88", "T-88"]
    assert result.stdout == b""


def test_tmux(relay, chat, environment, tmp_path):
    (tmp_path / "tmux.conf").write_text(recipe("tmux.conf"))
    tmux = ["tmux", "-S", str(tmp_path / "tmux"), "-f", str(tmp_path / "tmux.conf")]

    def tell(*words):
        done = subprocess.run([*tmux, *words], env=environment, capture_output=True, text=True, timeout=20)
        return done.stdout.strip() if done.returncode == 0 else None

    def task_of_pane():
        pane = f"pid:{tell('display-message', '-p', '#{pane_pid}')}"
        command = [TAGALONG, "context", "get", "--scope", pane, "task_id"]
        return subprocess.run(command, env=environment, capture_output=True, text=True).stdout.strip()

    def chat_in_pane():
        count = len(seen(relay))
        tell("send-keys", "./chat", "Enter")  # typed before the shell is there, it is read then
        terminal.wait_for(lambda: len(seen(relay)) == count + 1)

    with Terminal([*tmux, "new-session"], environment, tmp_path) as terminal:
        terminal.wait_for(lambda: tell("list-clients"))
        for task in ("T-1", "T-2"):  # two panes
            if task == "T-2":
                tell("split-window", "-c", str(tmp_path))
            chat_in_pane()
            terminal.said = b""
            terminal.type("\x02T")
            terminal.wait_for(lambda: b"task:" in terminal.said)
            terminal.type(f"{task}\r")
            terminal.wait_for(lambda: task_of_pane() == task)
            chat_in_pane()
        tell("select-pane", "-t", ":.0")
        chat_in_pane()
        tell("kill-server")
    assert seen(relay) == [None, "T-1", None, "T-2", "T-1"]


def test_envrc(live, tmp_path):
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / ".envrc").write_text(recipe("envrc"))
    enter = 'eval "$(direnv export bash 2>/dev/null)"'  # what its hook does at every prompt
    script = f"direnv allow work; {enter}; CHAT; cd work; {enter}; CHAT; cd ..; {enter}; CHAT"
    result = live(f"exec bash -ec {json.dumps(script).replace('$', chr(92) + '$')}", "--project", "outer")
    assert result.rc == 0, result.stderr
    assert [r.value("X-Project-Id") for r in result.requests] == ["outer", "billing", "outer"]


JOBS = {  # the lines that the runner gives to a shell, and the variables that it sets
    "github-actions": (
        lambda text: textwrap.dedent(text.split("run: |\n")[1]),
        {"GITHUB_RUN_ID": "1658821493", "GITHUB_REPOSITORY": "octo/hello", "RUNNER_TEMP": "{tmp}"},
        ("1658821493", "octo/hello"),
    ),
    "gitlab-ci": (
        lambda text: "\n".join(re.findall(r"^ +- (.*)$", text, re.M)),
        {"CI_JOB_ID": "50", "CI_PROJECT_PATH": "group/hello"},
        ("50", "group/hello"),
    ),
}


@pytest.mark.parametrize("name", JOBS)
def test_ci(run, chat, tmp_path, name):
    lines, variables, (task, project) = JOBS[name]
    (tmp_path / "agents.sh").write_text(
        '#!/bin/sh -e\n./chat; tagalong context set task_id="$JOB/review"; ./chat\n'
    )
    (tmp_path / "agents.sh").chmod(0o755)
    env = {key: value.format(tmp=tmp_path) for key, value in variables.items()}
    env |= {"JOB": task, "PATH": f"{os.path.dirname(TAGALONG)}:/usr/bin:/bin", "TMPDIR": str(tmp_path)}
    result = run(["bash", "-ec", lines(recipe(name))], shim=None, env=env)
    # What the runner does at the end of a job with what is left running.
    (socket,) = tmp_path.glob("**/context.sock")
    stop_service({"XDG_RUNTIME_DIR": str(socket.parent.parent)})
    assert tasks(result) == [task, f"{task}/review"]
    assert [r.value("X-Project-Id") for r in result.requests] == [project] * 2
