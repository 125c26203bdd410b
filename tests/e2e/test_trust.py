# SPDX-License-Identifier: MIT
"""What docs/security.md claims and no other suite shows: injection by every source of a value, hosts
that share a connection, programs with elevated privileges, places to write to, secrets."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import grants
from commands import BODY, CHAT, curl, post
from conftest import ROOT, clean_environment
from faulty import NOBODY
from tags import CONTEXT, GENERIC, PLAIN, without

BUILD = Path(os.environ.get("TAGALONG_BUILD", ROOT / "build"))
needs_other_users = pytest.mark.skipif(**grants.other_users)

EVIL = {
    "CR LF": "a\r\nX-Evil: 1",
    "LF": "a\nX-Evil: 1",
    "CR": "a\rX-Evil: 1",
    "NUL": "a\0X-Evil: 1",
    "Unicode's line ends": "a\u0085b\u2028c",
    "full-width": "a\uff0d\uff0a",
}
SENT = {"Unicode's line ends": "a%C2%85b%E2%80%A8c", "full-width": "a%EF%BC%8D%EF%BC%8A"}

ANSWER = """
import json, os, socket, sys
listener = socket.socket(socket.AF_UNIX); listener.bind(sys.argv[1]); os.chmod(sys.argv[1], 0o600)
listener.listen(); print("ready", flush=True)
while True:
    connection, _ = listener.accept()
    connection.recv(4096)
    connection.sendall(sys.argv[2].encode() + b"\\n")
    connection.close()
"""


@pytest.fixture
def service(tmp_path_factory):
    """service(line): a context service that answers this, whatever it is asked; its variables."""
    started = []

    def service(line):
        folder = tmp_path_factory.mktemp("s")
        folder.chmod(0o700)
        command = [sys.executable, "-c", ANSWER, str(folder / "s"), line]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        assert started[-1].stdout.readline() == "ready\n"
        return {"TAGALONG_SOCKET": str(folder / "s"), "TAGALONG_TIMEOUT_MS": "10000"}

    yield service
    for process in started:
        process.kill()
        process.communicate()


def by_environment(value, request):
    return {"TAGALONG_TASK_ID": value.partition("\0")[0]}, []  # an environment's texts end there


def by_adoption(value, request):
    path = request.getfixturevalue("tmp_path") / "config.json"
    path.write_text(json.dumps({"adopt": {"task_id": ["OTHERS_ID"]}}))
    return {"TAGALONG_CONFIG": str(path), "OTHERS_ID": value.partition("\0")[0]}, []


def by_template(value, request):
    relay, path = request.getfixturevalue("relay"), request.getfixturevalue("tmp_path") / "config.json"
    rule = {"match": [relay.url], "headers": {"X-Task-Id": "{env:OTHERS_ID}"}}
    path.write_text(json.dumps({"relays": [rule]}))
    return {"TAGALONG_CONFIG": str(path), "OTHERS_ID": value.partition("\0")[0]}, []


def by_service(value, request):
    line = json.dumps({"v": 1, "ok": True, "revision": 1, "context": {"task_id": value}})
    return request.getfixturevalue("service")(line), []


def by_body(value, request):
    relay, path = request.getfixturevalue("relay"), request.getfixturevalue("tmp_path") / "config.json"
    rule = {"match": [relay.url], "headers": {"X-Task-Id": "{body:/task}"}}
    path.write_text(json.dumps({"relays": [rule]}))
    return {"TAGALONG_CONFIG": str(path)}, ["-d", json.dumps({"task": value})]


def by_repository(value, request):
    git = request.getfixturevalue("tmp_path") / ".git"
    git.mkdir()
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    quoted = value.replace("\n", "\\n")
    (git / "config").write_bytes(f'[remote "origin"]\n\turl = "https://h/{quoted}"\n'.encode())
    return {}, []


SOURCES = [by_environment, by_adoption, by_template, by_service, by_body, by_repository]


@pytest.mark.parametrize("kind", EVIL)
@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.__name__[3:])
def test_injection(neutral, relay, request, source, kind):
    """No value of any source makes a second line, or one with other bytes than visible ASCII."""
    env, body = source(EVIL[kind], request)
    name = "X-Project-Id" if source is by_repository else "X-Task-Id"
    sent = SENT.get(kind)
    if kind == "NUL" and source in (by_environment, by_adoption, by_template):
        sent = "a"
    expect = without(GENERIC, "X-Task-Id", "X-Conversation-Id", "X-Session-Id", "X-Project-Id")
    if sent and name == "X-Task-Id":
        expect = {"X-Task-Id": sent, **({} if source in (by_template, by_body) else {"X-Session-Id": sent}), **expect}
    elif sent:
        expect = {"X-Project-Id": sent, **expect}
    # What is not expected fails: a line more, or another value.
    result = neutral(curl(relay.url + CHAT, *(body or ["-d", BODY])), [expect], env=env)
    assert re.fullmatch(rb"(?:[\x20-\x7e]*\r\n)*", result.requests[0].head)


def test_a_name_is_fixed(run, relay, tmp_path):
    """The name of a header is the preset's or the configuration's, and no source has a say in it: a tag
    whose name is none for a header is left out."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"relays": [{"match": [relay.url], "headers": {"X-Tag-*": "{tags}"}}]}))
    tags = "good=1,Bad Name=2,evil:x=3,line\r\nX-Evil=4"
    result = run(post(relay.url + CHAT), env={"TAGALONG_CONFIG": str(path), "TAGALONG_TAGS": tags})
    names = [line.split(b":")[0] for line in result.requests[0].lines]
    assert [name for name in names if name.lower().startswith((b"x-tag", b"x-evil"))] == [b"X-Tag-good"]


def test_hosts_that_share_a_connection(neutral, relay, front):
    """Both are the same server, by the same address and certificate, over HTTP/2: what counts is the
    host of the request, not where the connection leads."""
    port = front.port
    aim = ["--cacert", front.ca, "--http2", "--connect-to", f"::127.0.0.1:{port}"]
    env = CONTEXT | {"TAGALONG_RELAYS": f"https://localhost:{port}"}
    urls = [f"https://localhost:{port}{CHAT}", f"https://127.0.0.1:{port}{CHAT}", f"https://localhost:{port}{CHAT}"]
    result = neutral(curl("-d", BODY, *aim, *urls), [GENERIC, PLAIN, GENERIC], env=env)
    assert {request.value("X-Front-Protocol") for request in result.requests} == {"HTTP/2.0"}


def test_host_header_does_not_make_a_relay(neutral, relay):
    """The client says another host than the one that it goes to."""
    env = CONTEXT | {"TAGALONG_RELAYS": "http://relay.example.com:*"}
    neutral(post(relay.url + CHAT, "-H", "Host: relay.example.com"), [PLAIN], env=env)


HOST = """
#include <curl/curl.h>
int main(int argc, char **argv)
{
	CURL *easy = curl_easy_init();
	curl_easy_setopt(easy, CURLOPT_URL, argv[1]);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "{}");
	return curl_easy_perform(easy);
}
"""


@pytest.fixture
def raised(shim):
    """A program that needs the shim itself (LD_PRELOAD is no way into one with elevated privileges: the loader
    leaves it out), in a folder that everybody may enter: (as it is, with the bit set)."""
    folder = Path(tempfile.mkdtemp(prefix="tagalong-"))
    folder.chmod(0o755)
    (folder / "host.c").write_text(HOST)
    shutil.copy(shim, folder / "libtagalong.so")
    command = ["cc", "-o", folder / "plain", folder / "host.c", "-Wl,--no-as-needed"]
    command += [folder / "libtagalong.so", "-lcurl", f"-Wl,-rpath,{folder}"]
    subprocess.run(command, check=True)
    shutil.copy(folder / "plain", folder / "raised")
    (folder / "raised").chmod(0o4755)
    yield folder / "plain", folder / "raised"
    shutil.rmtree(folder)


@needs_other_users
def test_raised_rights(raised, relay):
    """A setuid program that somebody else starts: nothing of his environment is believed, and nothing is
    written where he says, nor does his folder say the project. The relay is loopback, which is one without
    being named."""
    home = raised[0].parent / "home"
    (home / ".config" / "tagalong").mkdir(parents=True)
    rule = {"match": [relay.url], "headers": {"X-Config": "read"}}
    (home / ".config" / "tagalong" / "config.json").write_text(json.dumps({"relays": [rule]}))
    os.chmod(home, 0o777)
    (home / ".git").mkdir()
    (home / ".git" / "config").write_text('[remote "origin"]\n\turl = https://example.com/callers\n')
    seen = []
    for program in raised:
        debug, log = home / f"debug-{program.name}", home / f"log-{program.name}"
        env = clean_environment(home) | CONTEXT | {"TAGALONG_DEBUG": str(debug), "TAGALONG_LOG": str(log)}
        env |= {"TRACEPARENT": "00-" + "a" * 32 + "-" + "b" * 16 + "-01", "BAGGAGE": "a=b"}
        del env["TAGALONG_PROJECT_ID"]
        relay.reset()
        done = subprocess.run([program, relay.url + CHAT], env=env, user=NOBODY, group=NOBODY, extra_groups=[],
                              cwd=home, capture_output=True)
        assert done.returncode == 0
        seen.append((relay.requests[0], debug.exists(), log.exists()))
    (plain, debug, log), (request, raised_debug, raised_log) = seen
    assert plain.value("X-Config") == "read" and plain.value("X-Task-Id") == "T-42" and debug and log
    assert plain.value("X-Project-Id") == "callers"
    assert "a" * 32 in plain.value("traceparent")
    assert not raised_debug and not raised_log
    ours = {line.split(b":")[0] for line in request.lines} - {b"Host", b"Accept", b"Content-Length", b"Content-Type"}
    assert ours == {b"X-Request-Id", b"traceparent"}
    assert "a" * 32 not in request.value("traceparent")


@needs_other_users
def test_a_preload_does_not_reach_raised_rights(raised, relay, shim):
    """The loader's own rule, which the above stands on."""
    program = raised[0].parent / "no-shim"
    subprocess.run(["cc", "-o", program, raised[0].parent / "host.c", "-lcurl"], check=True)
    seen = []
    for mode in (0o755, 0o4755):
        program.chmod(mode)
        relay.reset()
        env = clean_environment("/") | CONTEXT | {"LD_PRELOAD": str(raised[0].parent / "libtagalong.so")}
        subprocess.run([program, relay.url + CHAT], env=env, user=NOBODY, group=NOBODY, extra_groups=[], cwd="/",
                       stdout=subprocess.DEVNULL, check=True)
        seen.append(relay.requests[0].value("X-Task-Id"))
    assert seen == ["T-42", None]


@pytest.mark.parametrize("kind", ["symlink", "dangling symlink", "fifo", "folder"])
def test_where_debug_lines_do_not_go(neutral, relay, tmp_path, kind):
    """A symlink in a folder that others write to would have them choose the file."""
    place, elsewhere = tmp_path / "debug", tmp_path / "elsewhere"
    if kind == "fifo":
        os.mkfifo(place)  # without a reader: to wait for one would be for ever
    elif kind == "folder":
        place.mkdir()
    else:
        place.symlink_to(elsewhere)
        if kind == "symlink":
            elsewhere.write_text("")
    neutral(post(relay.url + CHAT), [GENERIC], env=CONTEXT | {"TAGALONG_DEBUG": str(place)})
    assert not elsewhere.exists() or elsewhere.read_text() == ""


SECRET = "s3cr3t"


def test_no_secret_is_written(run, relay, proxy, tmp_path):
    """Of the client's, by all ways at once: headers of every name, user and password, the query, cookies,
    the body, the proxy's password."""
    debug, log = tmp_path / "debug", tmp_path / "log"
    names = ["Authorization: Bearer", "X-Api-Key:", "api-key:", "x-goog-api-key:", "Cookie:", "X-Own:", "X-Task-Id:"]
    own = [word for name in names for word in ("-H", f"{name} {SECRET}")]
    userinfo = relay.url.replace("http://", f"http://{SECRET}:{SECRET}@")
    body = json.dumps({"messages": [{"role": "user", "content": SECRET}], "user": SECRET})
    through = ["-x", proxy.url, "-U", f"{SECRET}:{SECRET}"]
    command = curl(f"{userinfo}{CHAT}?key={SECRET}#{SECRET}", *own, *through, "-b", f"a={SECRET}", "-d", body)
    other = curl(f"{userinfo}/other/{SECRET}?key={SECRET}", *own, "-d", body)
    env = CONTEXT | {"TAGALONG_DEBUG": str(debug), "TAGALONG_LOG": str(log)}
    for each in (command, other):
        assert run(each, env=env).rc == 0
    assert "X-Conversation-Id: C-7" in debug.read_text() and '"task_id":"T-42"' in log.read_text()
    assert SECRET not in log.read_text()
    assert SECRET not in debug.read_text().replace(f"/other/{SECRET}", "")  # a path is told
    assert {path.stat().st_mode & 0o777 for path in (debug, log)} == {0o600}


def test_the_password_of_a_repository(neutral, relay, tmp_path):
    git = tmp_path / ".git"
    git.mkdir()
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    env = without(CONTEXT, "TAGALONG_PROJECT_ID")
    for url, sent in ((f"https://u:{SECRET}@h", None), (f"https://u:{SECRET}@h/p.git?t={SECRET}", "p")):
        (git / "config").write_text(f'[remote "origin"]\n\turl = {url}\n')
        expect = GENERIC | {"X-Project-Id": sent} if sent else without(GENERIC, "X-Project-Id")
        neutral(post(relay.url + CHAT), [expect], env=env)
