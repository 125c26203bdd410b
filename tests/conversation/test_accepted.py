# SPDX-License-Identifier: MIT
"""A relay that refuses requests without an id (400 MissingSessionID), and clients that have none: with
`tagalong run --preset opencode` all are accepted, one id for a conversation, two for two.

Each program posts 1.json and 2.json, two turns of one conversation, and 3.json, a new chat in the same
process.
"""

import json
import subprocess
import time

import pytest

import grants
from conftest import HERE, ROOT, clean_environment, need
from relay import Relay

PROGRAMS = HERE / "conversation" / "programs"
NPM = ROOT / "build" / "npm" / "agents"
BUILD = ROOT / "build"
CHAT = "/v1/chat/completions"

SYSTEM = {"role": "system", "content": "It is 10:01."}
LATER = {"role": "system", "content": "It is 10:02, and the files are others."}
HI = {"role": "user", "content": "hi, <what> is \"this\"/that?"}
TURNS = [[SYSTEM, HI],
         [LATER, HI, {"role": "assistant", "content": "yes?"}, {"role": "user", "content": "more"}],
         [SYSTEM, {"role": "user", "content": "another thing"}]]

CLIENTS = {
    "sh": ["sh", PROGRAMS / "turns.sh", "$url"],
    "php": ["php", PROGRAMS / "turns.php", "$url"],
    "R": ["Rscript", PROGRAMS / "turns.R", "$url"],
    "typhoeus": ["ruby", PROGRAMS / "typhoeus.rb", "$url"],
    "curb": ["ruby", PROGRAMS / "curb.rb", "$url"],
    "pycurl": ["/usr/bin/python3", PROGRAMS / "turns_pycurl.py", "$url"],
    "urllib": ["/usr/bin/python3", PROGRAMS / "turns_urllib.py", "$url"],
    "gptel": ["emacs", "-Q", "--batch", "-l", PROGRAMS / "gptel.el"],
    "plz": ["emacs", "--batch", "-l", PROGRAMS / "plz.el"],
    "neovim": ["nvim", "--headless", "-u", "NONE", "-c", f"luafile {PROGRAMS / 'neovim.lua'}"],
    "fetch": ["node", PROGRAMS / "fetch.mjs", "$url"],
    "http": ["node", PROGRAMS / "http.mjs", "$url"],
    "streams": ["node", PROGRAMS / "streams.mjs", "$url"],
    "undici": ["node", PROGRAMS / "undici.mjs", "$url"],
    "openai": ["node", PROGRAMS / "openai.mjs", "$url"],
}


@pytest.fixture
def strict():
    with Relay(require_session=True) as relay:
        yield relay


@pytest.fixture
def launch(strict, tmp_path):
    """launch(command): runs it under the launcher; the session ids that arrived."""
    for n, messages in enumerate(TURNS, 1):
        (tmp_path / f"{n}.json").write_text(json.dumps({"model": "m", "messages": messages}))

    def launch(command, launcher="tagalong", options=("--no-service",), timeout=60, **more):
        url = strict.url + CHAT
        env = clean_environment(tmp_path) | {"CHAT_URL": url, "NPM": str(NPM)} | more
        run = [BUILD / "tagalong", "run"] if launcher == "tagalong" else [ROOT / "scripts" / "tagalong-run"]
        command = [str(part).replace("$url", url).replace("$base", strict.url + "/v1") for part in command]
        need(command[0], *({"node"} & {*command}))
        strict.reset()
        done = subprocess.run(
            [*run, "--preset", "opencode", "--relay", strict.url, *options, "--", *command],
            env=env, cwd=tmp_path, capture_output=True, timeout=timeout)
        assert b"MissingSessionID" not in done.stdout + done.stderr, done
        return [request.value("x-opencode-session") for request in strict.requests if request.method == "POST"]

    return launch


def check(ids):
    first, second, other = ids
    assert first and first == second and other and other != first and first[14] == other[14] == "8"


def test_refused_without(strict, tmp_path):
    """The relay does refuse: this is what clients get today."""
    done = subprocess.run(["curl", "-sS", strict.url + CHAT, "-d", "{}"], env=clean_environment(tmp_path),
                          capture_output=True, check=True)
    assert b"MissingSessionID" in done.stdout


@pytest.mark.parametrize("client", CLIENTS)
def test_clients(launch, client):
    if client in ("undici", "openai") and not (NPM / "node_modules" / client).exists():
        pytest.skip(f"{client} is not installed: scripts/install-npm agents")
    if client == "plz":
        need("emacs", emacs=["plz"])
    check(launch(CLIENTS[client]))


@pytest.mark.parametrize("launcher", ["tagalong", "tagalong-run"])
def test_a_launcher_for_each_request(launch, launcher):
    """As a person does it in a shell: each turn is a command of its own; or a session of its own, as
    editors start their children."""
    def turn(n, *before):
        (single,) = launch([*before, "curl", "-sS", "$url", "-d", f"@{n}.json"], launcher)
        return single

    check([turn(1), turn(2), turn(3)])
    assert turn(1) == turn(2, "setsid", "-w")


def test_with_a_service(launch, tmp_path):
    """Each run opens a scope of its own, and the conversation is the same."""
    runtime = {"XDG_RUNTIME_DIR": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)}
    service = subprocess.Popen([BUILD / "tagalong", "serve"], env=clean_environment(tmp_path) | runtime)
    try:
        until = time.monotonic() + 20
        while not (tmp_path / "tagalong/context.sock").exists():
            assert service.poll() is None and time.monotonic() < until, "no service"
            time.sleep(0.01)
        check([launch(["curl", "-sS", "$url", "-d", f"@{n}.json"], options=(), **runtime)[0] for n in (1, 2, 3)])
    finally:
        service.terminate()
        service.wait()


def test_two_terminals(launch):
    """The same words in a session of a shell of its own, as a terminal starts it: another conversation."""
    here = launch(CLIENTS["sh"])
    shell = ["setsid", "-w", "sh", "-c", '"$0" run --no-service -- sh "$1" "$2"; :', BUILD / "tagalong",
             PROGRAMS / "turns.sh", "$url"]
    there = launch(shell)
    check(here)
    check(there)
    assert not set(here) & set(there)


def test_bodies_that_are_not_read(launch, tmp_path):
    """Uploads, forms and texts that are no JSON have the id of the place."""
    (tmp_path / "form.sh").write_text(
        'curl -sS "$1" -F a=b; curl -sS "$1" -T 1.json -X POST; echo hi | curl -sS "$1" -d @-\n'
        'curl -sS "$1" -d \'{"prompt": "once"}\'; curl -sS "$1" -d "" \n')
    ids = launch(["sh", tmp_path / "form.sh", "$url"])
    assert len(ids) == 5 and len(set(ids)) == 1 and ids[0]


@pytest.mark.parametrize("command", [["node", PROGRAMS / "stream.mjs", "$url"],
                                     ["/usr/bin/python3", PROGRAMS / "read_callback.py", "$url"]])
def test_bodies_that_have_to_be_consumed(launch, strict, tmp_path, command):
    """They arrive whole, read once by who sends them, and have the id of the place."""
    ids = launch(command)
    assert len(ids) == 3 and len(set(ids)) == 1 and ids[0]
    assert [r.body for r in strict.requests] == [(tmp_path / f"{n}.json").read_bytes() for n in (1, 2, 3)]


@pytest.fixture
def full_disk(tmp_path):
    """A folder where no byte can be written any more."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if grants.mounts["condition"]:
        pytest.skip(grants.mounts["reason"])
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k,mode=700", "none", disk], check=True)
    try:
        (disk / "all").write_bytes(bytes(4096))
        (disk / "tagalong").mkdir(mode=0o700)
        yield disk
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def test_no_key_on_a_full_disk(launch, full_disk):
    """The request goes out with the process's id, and half a key does not stay."""
    ids = launch(CLIENTS["pycurl"], XDG_STATE_HOME=str(full_disk))
    assert len(ids) == 3 and len(set(ids)) == 1 and ids[0][14] == "8"
    assert not list((full_disk / "tagalong").iterdir())
    (full_disk / "all").unlink()
    check(launch(CLIENTS["pycurl"], XDG_STATE_HOME=str(full_disk)))


def test_no_key_where_no_file_may_grow(launch, tmp_path):
    """SIGXFSZ would end the host."""
    ids = launch(["prlimit", "--fsize=0", *CLIENTS["pycurl"]])
    assert len(ids) == 3 and len(set(ids)) == 1 and ids[0][14] == "8"
    assert not list(tmp_path.rglob("conversation.key*"))


def test_nothing_of_the_words_is_kept(launch, tmp_path):
    """No text of a body in any file that is left: the key, and what --debug and the log say."""
    launch(CLIENTS["sh"], TAGALONG_DEBUG=str(tmp_path / "debug"), TAGALONG_LOG=str(tmp_path / "log"))
    written = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".json"}
    assert {path.name for path in written} >= {"debug", "log", "conversation.key"}
    assert not any(b"this" in text or b"another thing" in text for text in written.values())
    assert b"conversation_id: derived: request body" in written[tmp_path / "debug"]
    assert b'"conversation_from":"derived: request body"' in written[tmp_path / "log"]


def test_qwen_code(launch):
    program = NPM / "node_modules/@qwen-code/qwen-code/cli.js"
    if not program.exists():
        pytest.skip("qwen-code is not installed: scripts/install-npm agents")
    env = {"OPENAI_API_KEY": "sk-test", "OPENAI_MODEL": "m"}
    command = ["env", "OPENAI_BASE_URL=$base", "node", program, "--auth-type", "openai", "-p"]
    hello = launch([*command, "hello"], timeout=120, **env)
    other = launch([*command, "goodbye"], timeout=120, **env)
    assert hello and len(set(hello)) == 1 and other and len(set(other)) == 1 and hello[0] != other[0]
