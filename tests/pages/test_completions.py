# SPDX-License-Identifier: MIT
"""Completions, in the shells themselves: a line is begun, and TAB goes on with it."""

import socket
import subprocess

import pytest

from serving import TAGALONG
from terminal import COMPLETIONS, start

# What was typed, and the line after TAB: one candidate, or as much as all have in common.
LINES = [
    ("tagalong doc", "tagalong doctor "),
    ("tagalong help unw", "tagalong help unwrap "),
    ("tagalong run --pre", "tagalong run --preset "),
    ("tagalong serve --no", "tagalong serve --no-pages "),
    ("tagalong log --f", "tagalong log --follow "),
    ("tagalong run --preset litel", "tagalong run --preset litellm "),
    ("tagalong run --preset=litel", "tagalong run --preset=litellm "),
    ("tagalong run --set proj", "tagalong run --set project_id="),
    ("tagalong context uns", "tagalong context unset "),
    ("tagalong context set task_", "tagalong context set task_id="),
    ("tagalong context set task_id=T-43 proj", "tagalong context set task_id=T-43 project_id="),
    ("tagalong context get --json orga", "tagalong context get --json organization_id "),
    ("tagalong context get --scope nig", "tagalong context get --scope night/build:7 "),
    ("tagalong context get --scope night/build:", "tagalong context get --scope night/build:7 "),
    ("tagalong context get --scope=night/build:", "tagalong context get --scope=night/build:7 "),
    ("tagalong config che", "tagalong config check "),
    ("tagalong config check reque", "tagalong config check requests.jsonl "),
    ("tagalong agents install clau", "tagalong agents install claude-code "),
    ("tagalong presets openr", "tagalong presets openrouter "),
    ("tagalong log --by conv", "tagalong log --by conversation "),
    ("tagalong log requ", "tagalong log requests.jsonl "),
    ("tagalong headers --body reques", "tagalong headers --body requests.jsonl "),
    ("tagalong headers --body=reques", "tagalong headers --body=requests.jsonl "),
    ("tagalong wrap --bin-dir=laun", "tagalong wrap --bin-dir=launchers/"),
    ("tagalong wrap --bin-dir laun", "tagalong wrap --bin-dir launchers/"),
    ("tagalong unwrap wrap", "tagalong unwrap wrapped-client "),
    ("tagalong run --task T-42 -- base6", "tagalong run --task T-42 -- base64 "),
    ("tagalong run --task T-42 base6", "tagalong run --task T-42 base64 "),
    ("tagalong wrap base6", "tagalong wrap base64 "),
    ("tagalong run --task T-42 -- tagalong presets litel", "tagalong run --task T-42 -- tagalong presets litellm "),
    ("tagalong run --set task_id=a:b -- tagalong presets litel",
     "tagalong run --set task_id=a:b -- tagalong presets litellm "),
    ("tagalong doctor --probe tagalong log --by conv", "tagalong doctor --probe tagalong log --by conversation "),
    # Nothing is known, and nothing is said.
    ("tagalong nonsense --pre", "tagalong nonsense --pre"),
    ("tagalong run --task reque", "tagalong run --task reque"),
    ("tagalong explain reque", "tagalong explain reque"),
    ("tagalong context set task_id=reque", "tagalong context set task_id=reque"),
    ("tagalong run --nonsense=reque", "tagalong run --nonsense=reque"),
]


@pytest.mark.parametrize("typed, line", LINES)
def test_bash(bash, typed, line):
    assert bash(typed)[0] == line


@pytest.mark.parametrize("typed, line", LINES)
def test_zsh(zsh, typed, line):
    # A folder's slash goes away with the next key, and so does a blank.
    assert zsh(typed)[0].rstrip(" /") == line.rstrip(" /")


@pytest.mark.parametrize("typed, line", LINES)
def test_fish(fish, typed, line):
    last = line.rstrip().split(" ")[-1]
    # Before 3.4 it says a program once for each folder of PATH that has it.
    assert list(dict.fromkeys(fish(typed))) == ([last] if line != typed else [])


def complete(*words, **how):
    done = subprocess.run([TAGALONG, "complete", *words], capture_output=True, text=True, timeout=20, **how)
    assert (done.returncode, done.stderr) == (0, "")
    return [line.split("\t")[0] for line in done.stdout.splitlines()]


def test_lists(environment):
    def told(*words):
        return complete(*words, env=environment)

    assert told() == []
    assert told("context", "") == ["get", "set", "unset", "list", "watch", "open", "close"]
    assert set(told("context", "get", "--scope", "")) == {"default", "night/build:7"}
    assert told("context", "list", "") == [] and told("agents", "status", "") == []
    assert told("log", "--by", "") == ["task", "conversation", "project", "command"]
    assert "task_id=" in told("run", "--set", "") and "task_id" in told("context", "unset", "")
    assert "-f" not in told("log", "-") and "--follow" in told("log", "-")
    # Behind "--" there are no options of ours; behind a program neither.
    assert told("run", "--", "-") == [":command 2"] and told("run", "a", "--", "-") == [":command 1"]
    assert told("wrap", "a", "") == [] and told("unwrap", "a", "--bin") == ["--bin-dir"]
    assert told("help", "run", "") == [] and told("version", "") == []


def test_no_service(environment, tmp_path):
    alone = environment | {"XDG_RUNTIME_DIR": str(tmp_path)}
    assert complete("context", "get", "--scope", "", env=alone) == ["default"]
    assert not list(tmp_path.iterdir()), "nothing was started"


def test_a_service_that_hangs(environment, tmp_path_factory):
    """It ends by itself, with nothing rather than a half."""
    runtime = tmp_path_factory.mktemp("r")
    (runtime / "tagalong").mkdir(mode=0o700)
    path = runtime / "tagalong" / "context.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen()
        hanging = environment | {"XDG_RUNTIME_DIR": str(runtime)}
        assert complete("context", "get", "--scope", "", env=hanging) == []


@pytest.mark.parametrize("script", ["#!/bin/sh\necho oops >&2\nexit 1\n", "#!/nonexistent\n", "#!/bin/sh\nexit 0\n"])
@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_a_broken_tagalong(environment, home, broken, shell, script):
    terminal = start(shell, broken(environment, script), home)
    try:
        line, shown = terminal.complete("tagalong run --pre")
    finally:
        terminal.close()
    assert line == "tagalong run --pre"
    assert shown.replace("tagalong run --pre", "").strip("\a\r\n ") in ("", "ready>"), shown


def test_a_broken_tagalong_in_fish(environment, home, broken):
    script = f'source {COMPLETIONS}/tagalong.fish; complete -C "tagalong run --pre"'
    done = subprocess.run(["fish", "-N", "-c", script], capture_output=True, text=True, timeout=20, cwd=home,
                          env=broken(environment, "#!/bin/sh\necho oops >&2\nexit 1\n"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_bash_without_bash_completion(environment, home):
    """The words are found all the same; what is not ours is left to bash."""
    script = """
        source $1
        COMP_LINE='tagalong run --preset=litel' COMP_POINT=27
        COMP_WORDS=(tagalong run --preset = litel) COMP_CWORD=4
        _tagalong
        printf '%s\\n' "${COMPREPLY[@]}"
        COMP_LINE='tagalong run -- base6' COMP_POINT=21
        COMP_WORDS=(tagalong run -- base6) COMP_CWORD=3
        _tagalong
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    done = subprocess.run(["bash", "--norc", "-c", script, "bash", COMPLETIONS / "tagalong.bash"], text=True,
                          env=environment, cwd=home, capture_output=True, timeout=20)
    assert (set(done.stdout.split()), done.stderr) == ({"litellm", "base64"}, "")
