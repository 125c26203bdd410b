# SPDX-License-Identifier: MIT
"""tagalong agents: a person's configuration is shown what changes, changed by that alone, and given
back to the byte."""

import json
import os
import re
import stat
import subprocess

import pytest

from conftest import ROOT, clean_environment, need
from harness import service

TAGALONG = str(ROOT / "build" / "tagalong")
KILO, CLAUDE = ".config/kilo/kilo.jsonc", ".claude/settings.json"
FILES = {
    "kilo": KILO,
    "opencode": ".config/opencode/plugin/tagalong.js",
    "claude-code": CLAUDE,
    "codex": ".codex/hooks.json",
}


@pytest.fixture
def agents(tmp_path):
    def agents(*arguments, env=None, **how):
        return subprocess.run(
            [TAGALONG, "agents", *arguments],
            capture_output=True,
            text=True,
            env=clean_environment(tmp_path) | (env or {}),
            timeout=20,
            **({"stdin": subprocess.DEVNULL} if "input" not in how else how),
        )

    return agents


def put(home, name, text):
    path = home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


JSONC = {
    "empty object": "{}",
    "empty object, blanks": "{ \n }\n",
    "other settings": '{"model": "a/b"}',
    "comments": '// a\n{ /* { */ "model" : "x//y", // "plugin": [\n\t"plugin" : [ ] }\n',
    "other plugins": '{\n  "plugin": [\n    "one",\n    ["two", {"a": [1, 2]}],\n  ],\n}\n',
    "on one line": '{"plugin":["one","two"],"z":1}',
    "comment first": '{"plugin": [ // mine\n "one" ]}',
    "only a comment": '{"plugin": [ /* none */ ]}',
    "carriage returns": '{\r\n\t"plugin": [\r\n\t\t"one"\r\n\t]\r\n}\r\n',
    "a mark before it": "\ufeff{\n}\n",
    "escapes and unicode": '{"a": "\\" \\u00e9 \\\\", "é": "{[", "plugin": ["\\\\"]}',
    "no line end": '{"plugin":[]}',
    "the same key deeper": '{"x": {"plugin": ["no"]}, "y": [{"plugin": 7}]}',
}


PROVIDER = 'model_provider = "relay" # mine\n[model_providers.relay]\nname = "x"\n'
TOML = {
    "plain": PROVIDER,
    "no line end": 'model_provider="relay"\n[model_providers.relay]',
    "quotes": "model_provider = 'my relay'\n[ x ]\n[model_providers.\"my relay\"] # [a]\nname = '['\n",
    "carriage returns": PROVIDER.replace("\n", "\r\n"),
    "arrays": PROVIDER + "a = [\n[1],\n[2],\n]\n[[list]]\nb = 1\n",
}
NO_PLACE = {
    "a provider of its own": ("model = 'm'\n[model_providers.relay]\n", "names no model_provider"),
    "in a table": ("[profiles.x]\nmodel_provider = 'relay'\n[model_providers.relay]\n", "names no model_provider"),
    "no table": ("model_provider = 'relay'\n[model_providers.other]\n", "no table for its model_provider"),
    "headers": (PROVIDER + "env_http_headers = { 'A' = 'B' }\n", "has such headers already"),
    "headers by a dot": (PROVIDER + "env_http_headers.A = 'B'\n", "has such headers already"),
    "headers in a table": (PROVIDER + "[model_providers.relay.env_http_headers]\nA = 'B'\n", "has such headers already"),
    "strings of several lines": (PROVIDER + "a = \"\"\"\n[model_providers.relay]\n\"\"\"\n", "strings of several lines"),
}


@pytest.mark.parametrize("name", TOML)
def test_codex_headers_there_and_back(agents, tmp_path, name):
    tomllib = pytest.importorskip("tomllib")  # of Python 3.11
    path = put(tmp_path, ".codex/config.toml", TOML[name])
    before = path.read_bytes()
    assert agents("install", "--yes", "codex").returncode == 0
    (relay,) = [p for key, p in tomllib.loads(path.read_text()).pop("model_providers").items() if "relay" in key]
    assert relay.pop("env_http_headers")["X-Task-Id"] == "TAGALONG_START_TASK_ID"
    assert relay == [p for key, p in tomllib.loads(before.decode())["model_providers"].items() if "relay" in key][0]
    assert agents("install", "--yes", "codex").stdout.count("already installed\n") == 2
    assert "codex-headers installed" in agents("status").stdout
    assert agents("uninstall", "--yes", "codex").returncode == 0
    assert path.read_bytes() == before
    assert not (tmp_path / ".codex/hooks.json").exists()


@pytest.mark.parametrize("name", NO_PLACE)
def test_codex_headers_without_a_place(agents, tmp_path, name):
    text, reason = NO_PLACE[name]
    path = put(tmp_path, ".codex/config.toml", text)
    done = agents("install", "--yes", "codex-headers")
    assert done.returncode == 3 and reason in done.stderr
    done = agents("install", "--yes", "codex")
    assert (done.returncode, done.stderr) == (0, "") and path.read_text() == text


def test_codex_headers_edited_since(agents, tmp_path):
    path = put(tmp_path, ".codex/config.toml", PROVIDER)
    assert agents("install", "--yes", "codex-headers", env={"TAGALONG_PRESET": "kilo"}).returncode == 0
    assert '"X-KILOCODE-TASKID" = "TAGALONG_START_TASK_ID"' in path.read_text()
    path.write_text(path.read_text().replace('name = "x"', 'name = "y"'))
    edited = path.read_text()
    path.write_text(edited.replace("TASKID", "TASK"))
    done = agents("uninstall", "--yes", "codex-headers")
    assert done.returncode == 3 and "changed since" in done.stderr
    path.write_text(edited)
    assert agents("uninstall", "--yes", "codex-headers").returncode == 0
    assert path.read_text() == PROVIDER.replace('"x"', '"y"')


def without_comments(text):
    """Only for the texts above: comments go, and commas before a closing bracket."""
    text = re.sub(r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/', lambda m: m[1] or "", text.lstrip("\ufeff"))
    return re.sub(r",(\s*[\]}])", r"\1", text)


@pytest.mark.parametrize("name", JSONC)
def test_there_and_back(agents, tmp_path, name):
    path = put(tmp_path, KILO, JSONC[name])
    path.chmod(0o640)
    before = path.read_bytes()
    done = agents("install", "--yes", "kilo")
    assert done.returncode == 0, done.stderr
    changed = json.loads(without_comments(path.read_text("utf-8")))
    original = json.loads(without_comments(before.decode()))
    ours = changed["plugin"].pop(0)
    assert ours.startswith("file:///") and os.path.isfile(ours.removeprefix("file://"))
    assert changed == {**original, "plugin": original.get("plugin", [])}
    assert agents("install", "--yes", "kilo").stdout.endswith("already installed\n")
    assert agents("uninstall", "--yes", "kilo").returncode == 0
    assert path.read_bytes() == before and stat.S_IMODE(path.stat().st_mode) == 0o640
    assert "not installed" in agents("uninstall", "--yes", "kilo").stdout


@pytest.mark.parametrize("name", FILES)
def test_where_nothing_was(agents, tmp_path, name):
    """The file is made, and goes again."""
    path = tmp_path / FILES[name].replace("jsonc", "json")
    assert agents("install", "--yes", name).returncode == 0
    assert path.is_file()
    if path.suffix == ".json":
        json.loads(path.read_text())
    assert agents("uninstall", "--yes", name).returncode == 0
    assert not path.exists()
    left = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert left == []


@pytest.mark.parametrize("text", [
    '{"permissions": {"allow": ["Bash(ls)"]}}\n',
    '{\n    "hooks": {\n        "PreToolUse": []\n    }\n}\n',
    '{"hooks": {"SessionStart": [{"hooks": [{"type": "command", "command": "mine"}]}]}}',
])
def test_a_hook_beside_others(agents, tmp_path, text):
    path = put(tmp_path, CLAUDE, text)
    assert agents("install", "--yes", "claude-code").returncode == 0
    group = json.loads(path.read_text())["hooks"]["SessionStart"][0]
    assert group["hooks"][0]["command"] == f"'{TAGALONG}' agents hook claude-code"
    assert agents("uninstall", "--yes", "claude-code").returncode == 0
    assert path.read_text() == text


BROKEN = [
    ("kilo", KILO, "", "1:1"),
    ("kilo", KILO, '{\n "a": 1\n "b": 2 }', "3:2"),
    ("kilo", KILO, '{\n  "plugin": "one"\n}', "2:13"),
    ("kilo", KILO, "[]", "1:1"),
    ("kilo", KILO, '{"a": "x\ny"}', "1:9"),
    ("kilo", KILO, '{"a": /* b', "1:11"),
    ("kilo", KILO, '{"a": nul}', "1:7"),
    ("kilo", KILO, '{} {}', "1:4"),
    ("kilo", KILO, "{" + '"a":[' * 70, "1:"),
    ("kilo", KILO, b'{"a": 1, \0 }', "1:10"),
    ("claude-code", CLAUDE, '{ // no comments here\n}', "1:3"),
    ("claude-code", CLAUDE, '{"a": 1,}', "1:9"),
    ("claude-code", CLAUDE, '{"hooks": []}', "1:11"),
    ("claude-code", CLAUDE, '{"hooks": {"SessionStart": {}}}', "1:28"),
]


@pytest.mark.parametrize("name, file, text, place", BROKEN)
def test_broken_is_refused_with_its_place(agents, tmp_path, name, file, text, place):
    path = put(tmp_path, file, text)
    before = path.read_bytes()
    done = agents("install", "--yes", name)
    assert done.returncode == 3 and done.stdout == ""
    assert f"{path}:{place}" in done.stderr
    assert path.read_bytes() == before
    assert "not installed" in agents("status").stdout.splitlines()[list(FILES).index(name)]


def test_shown_first_and_not_written_unasked(agents, tmp_path):
    path = put(tmp_path, KILO, '{\n  "plugin": [\n    "one"\n  ]\n}\n')
    before = path.read_bytes()
    done = agents("install", "kilo")
    assert done.returncode == 1 and path.read_bytes() == before
    assert [line[:4] for line in done.stdout.splitlines()[1:]] == ["  + "]
    assert "--yes" in done.stderr


def test_nothing_to_write_is_not_asked_about(agents, tmp_path):
    assert agents("uninstall", "kilo").returncode == 0
    agents("install", "--yes", "kilo")
    done = agents("install", "kilo")
    assert (done.returncode, done.stderr) == (0, "") and "already installed" in done.stdout


def test_asked_on_a_terminal(tmp_path):
    path = put(tmp_path, KILO, "{}\n")
    command = ["script", "-qec", f"{TAGALONG} agents install kilo", "/dev/null"]
    for answer, written in ("n\n", False), ("y\n", True):
        subprocess.run(command, input=answer, text=True, capture_output=True, env=clean_environment(tmp_path), timeout=20)
        assert (b"tagalong.js" in path.read_bytes()) == written


def test_edited_since(agents, tmp_path):
    """A plugin was put behind ours, the file was formatted anew: ours alone is taken out."""
    path = put(tmp_path, KILO, "{}")
    agents("install", "--yes", "kilo")
    entry = json.loads(path.read_text())["plugin"][0]
    path.write_text(json.dumps({"theme": "dark", "plugin": ["one", entry, "two"]}, indent=8))
    assert agents("uninstall", "--yes", "kilo").returncode == 0
    assert json.loads(path.read_text()) == {"theme": "dark", "plugin": ["one", "two"]}


def test_taken_out_by_hand(agents, tmp_path):
    path = put(tmp_path, KILO, "{}")
    agents("install", "--yes", "kilo")
    path.write_text("{}")
    assert "changed since it was installed" in agents("status").stdout
    done = agents("uninstall", "--yes", "kilo")
    assert done.returncode == 0 and "nothing to remove" in done.stdout
    assert path.read_text() == "{}" and "changed" not in agents("status").stdout


def test_broken_since(agents, tmp_path):
    path = put(tmp_path, KILO, '{"plugin": []}')
    agents("install", "--yes", "kilo")
    path.write_text(path.read_text() + "}")
    broken = path.read_bytes()
    done = agents("uninstall", "--yes", "kilo")
    assert done.returncode == 3 and f"{path}:1:{len(broken)}" in done.stderr
    assert path.read_bytes() == broken and "kilo          installed" in agents("status").stdout


def test_a_file_of_somebody_else(agents, tmp_path):
    path = put(tmp_path, FILES["opencode"], "// theirs\n")
    done = agents("install", "--yes", "opencode")
    assert done.returncode == 3 and "was not written by tagalong agents" in done.stderr
    assert path.read_text() == "// theirs\n"


def test_a_file_of_ours_that_was_edited(agents, tmp_path):
    agents("install", "--yes", "opencode")
    path = tmp_path / FILES["opencode"]
    path.write_text(path.read_text() + "// mine\n")
    assert agents("uninstall", "--yes", "opencode").returncode == 3
    assert path.read_text().endswith("// mine\n")


def test_a_symlink_stays_one(agents, tmp_path):
    """As people keep their configuration in a repository."""
    real = put(tmp_path, "dotfiles/kilo.jsonc", "{}\n")
    link = tmp_path / KILO
    link.parent.mkdir(parents=True)
    link.symlink_to(real)
    agents("install", "--yes", "kilo")
    assert link.is_symlink() and b"tagalong.js" in real.read_bytes()
    agents("uninstall", "--yes", "kilo")
    assert link.is_symlink() and real.read_bytes() == b"{}\n"


def test_a_dangling_symlink(agents, tmp_path):
    """It is somebody's configuration, on a disk that is not mounted: there is to be no second one beside it."""
    path = tmp_path / KILO
    path.parent.mkdir(parents=True)
    path.symlink_to(tmp_path / "away" / "kilo.jsonc")
    done = agents("install", "--yes", "kilo")
    assert done.returncode == 3 and f"{path}: it is a dangling symbolic link" in done.stderr
    assert os.listdir(path.parent) == ["kilo.jsonc"] and path.is_symlink()
    assert "not installed" in agents("status").stdout.splitlines()[0]


def test_root_in_a_users_home(agents, tmp_path):
    """Its files could not be changed by the user."""
    if os.geteuid():
        pytest.skip("this takes root")
    os.chown(tmp_path, 65534, 65534)
    for verb in "install", "uninstall":
        done = agents(verb, "--yes", "kilo")
        assert done.returncode == 3 and f"HOME is {tmp_path}, which belongs to user 65534" in done.stderr
    assert os.listdir(tmp_path) == []


def test_killed_in_the_middle(agents, tmp_path):
    """Before the configuration has its name: nothing is left behind, and the next install is as the first."""
    path = put(tmp_path, KILO, "{}")
    command = ["strace", "-f", "-o", "/dev/null", "-e", "inject=fsync:signal=SIGKILL:when=2", TAGALONG, "agents", "install",
               "--yes", "kilo"]
    done = subprocess.run(command, capture_output=True, env=clean_environment(tmp_path), timeout=20, stdin=subprocess.DEVNULL)
    if b"ptrace" in done.stderr.lower():
        pytest.skip(f"no process can be traced here: {done.stderr}")
    assert done.returncode != 0 and path.read_text() == "{}"
    assert os.listdir(path.parent) == ["kilo.jsonc"]
    state = tmp_path / ".local/state/tagalong/agents"
    assert os.listdir(state) == ["kilo.json"]
    assert agents("install", "--yes", "kilo").returncode == 0
    assert agents("uninstall", "--yes", "kilo").returncode == 0
    assert path.read_text() == "{}" and os.listdir(path.parent) == ["kilo.jsonc"] and os.listdir(state) == []


def test_a_folder_that_cannot_be_written(agents, tmp_path):
    path = put(tmp_path, KILO, "{}\n")
    env = {"XDG_STATE_HOME": "/proc/nosuch"}
    done = agents("install", "--yes", "kilo", env=env)
    assert done.returncode == 3 and path.read_bytes() == b"{}\n"


def test_their_own_folders(agents, tmp_path):
    env = {"XDG_CONFIG_HOME": str(tmp_path / "c"), "CLAUDE_CONFIG_DIR": str(tmp_path / "d"), "CODEX_HOME": str(tmp_path / "e")}
    for name, path in ("kilo", "c/kilo/kilo.json"), ("claude-code", "d/settings.json"), ("codex", "e/hooks.json"):
        assert agents("install", "--yes", name, env=env).returncode == 0
        assert (tmp_path / path).is_file()


MULTIARCH = subprocess.run(["gcc", "-print-multiarch"], capture_output=True, text=True).stdout.strip()


@pytest.mark.parametrize("lib", ["lib", f"lib/{MULTIARCH}"], ids=["lib", "multiarch"])
def test_installed(relay, tmp_path, lib):
    """Everything finds the other from where `make install` puts it, and Debian's packages."""
    make = ["make", "-s", "install", f"DESTDIR={tmp_path}", "PREFIX=/opt/tagalong", f"LIBDIR=/opt/tagalong/{lib}"]
    subprocess.run(make, cwd=ROOT, check=True, capture_output=True)
    program = str(tmp_path / "opt/tagalong/bin/tagalong")
    folder = tmp_path / "opt/tagalong" / lib / "tagalong/hooks"
    env = clean_environment(tmp_path)
    subprocess.run([program, "agents", "install", "--yes", "kilo"], env=env, check=True, capture_output=True)
    entry = json.loads((tmp_path / ".config/kilo/kilo.json").read_text())
    assert entry == {"plugin": [f"file://{folder}/kilo/tagalong.js"]}
    need("node")
    for launcher in ["tagalong", "run", "--no-service"], ["tagalong-run"]:
        command = [str(tmp_path / "opt/tagalong/bin" / launcher[0]), *launcher[1:], "--task", "T-7", "--"]
        program = f"fetch('{relay.url}/v1/messages', {{method: 'POST', body: '{{}}'}}).then(r => r.text())"
        relay.reset()
        done = subprocess.run([*command, "node", "-e", program], env=env, capture_output=True, text=True)
        assert (done.stdout, done.stderr) == ("", "")
        assert [request.value("X-Task-Id") for request in relay.requests] == ["T-7"]


@pytest.mark.parametrize("arguments", [[], ["install"], ["install", "nosuch"], ["nosuch", "kilo"], ["--x", "status"]])
def test_a_bad_call(agents, arguments):
    assert agents(*arguments).returncode == 2


def test_a_hook_in_a_scope(run, relay, tmp_path):
    """Claude Code's and Codex's hooks tell their session; outside of any scope, nobody is told."""
    (tmp_path / "run").mkdir(mode=0o700)
    said = json.dumps({"session_id": "s-1", "cwd": "/", "hook_event_name": "SessionStart"})
    script = f"echo '{said}' | {TAGALONG} agents hook claude-code; curl -sS {relay.url}/v1/messages -d '{{}}'"
    with service(tmp_path / "run") as env:
        inside = run([TAGALONG, "run", "--task", "T-1", "--", "sh", "-c", script], shim=None, env=env)
        outside = run(["sh", "-c", script], env=env)
    (request,) = inside.requests
    assert (request.value("X-Conversation-Id"), request.value("X-Task-Id")) == ("s-1", "T-1")
    assert outside.requests[0].value("X-Conversation-Id") is None
    assert (inside.stdout, inside.stderr) == (outside.stdout, outside.stderr)
    assert inside.stdout.startswith(b'{"id"') and inside.stderr == b""


@pytest.mark.parametrize("said", ["", "{}", "[", '{"session_id": 7}', '{"session_id": ""}'])
def test_a_hook_never_fails(agents, said):
    done = agents("hook", "codex", input=said)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
