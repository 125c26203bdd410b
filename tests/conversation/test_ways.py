# SPDX-License-Identifier: MIT
"""The ways in which a request gets its conversation id. The log, the debug lines, `tagalong explain` and
`tagalong doctor --probe` name each alike."""

import json
import subprocess
import time

import pytest

from conftest import HERE, ROOT, clean_environment

CHAT = "/v1/chat/completions"
TAGALONG = ROOT / "build" / "tagalong"
WORDS = {"messages": [{"role": "user", "content": "hi"}]}
KEYED = {**WORDS, "prompt_cache_key": "cache"}
FORM = ("-F", "prompt=hi")  # no body that is read

# By what is said: the arguments of curl, and what the environment has.
WAYS = {
    "client: session-id": (["-H", "session-id: s-1", "-d", json.dumps(WORDS)], {}),
    "client: /prompt_cache_key": (["-d", json.dumps(KEYED)], {}),
    "derived: request body": (["-d", json.dumps(WORDS)], {}),
    "derived: launcher": (FORM, {"TAGALONG_RUN": "host-1"}),
    "derived: scope": (FORM, {"TAGALONG_SCOPE": "ci-7"}),
    "derived: process": (FORM, {"TAGALONG_SOCKET": "/proc/none"}),
}


@pytest.fixture
def environment(tmp_path):
    """With a context service, which a scope needs."""
    runtime = {"XDG_RUNTIME_DIR": str(tmp_path), "XDG_STATE_HOME": str(tmp_path), "TAGALONG_PRESET": "opencode"}
    service = subprocess.Popen([TAGALONG, "serve"], env=clean_environment(tmp_path) | runtime)
    try:
        until = time.monotonic() + 20
        while not (tmp_path / "tagalong/context.sock").exists():
            assert service.poll() is None and time.monotonic() < until, "no service"
            time.sleep(0.01)
        yield runtime
    finally:
        service.terminate()
        service.wait()


@pytest.mark.parametrize("way", WAYS)
def test_on_the_wire(run, relay, tmp_path, environment, way):
    """The debug line, the log's member, and the id that both mean."""
    arguments, more = WAYS[way]
    files = {"TAGALONG_DEBUG": str(tmp_path / "debug"), "TAGALONG_LOG": str(tmp_path / "log")}
    (request,) = run(["curl", "-s", relay.url + CHAT, *arguments], env=environment | more | files).requests
    entry = json.loads((tmp_path / "log").read_text())
    assert entry["conversation_from"] == way
    assert f"  conversation_id: {way}\n" in (tmp_path / "debug").read_text()
    assert request.value("x-opencode-session") == entry["conversation_id"]
    reason = "no conversation id from the body: " in (tmp_path / "debug").read_text()
    assert reason == (arguments == FORM)


@pytest.mark.parametrize("more", [{}, {"TAGALONG_SCOPE": "ci-7"}, {"TAGALONG_RUN": "host-1"}])
def test_beside_a_service(run, relay, tmp_path, environment, more):
    """Its answer comes by the socket, a file or shared memory: the id is the same, and in another process."""
    for number, words in enumerate(("hi", "hi", "other"), 1):
        (tmp_path / f"{number}.json").write_text(json.dumps({"messages": [{"role": "user", "content": words}]}))
    command = ["/usr/bin/python3", HERE / "conversation/programs/turns_pycurl.py", relay.url + CHAT]
    ids = [[request.value("x-opencode-session") for request in run(command, env=environment | more).requests]
           for _ in range(2)]
    assert ids[0] == ids[1] and ids[0][0] == ids[0][1] != ids[0][2]


@pytest.mark.parametrize("way", [way for way in WAYS if way != "client: session-id"])  # it has no headers
def test_explain(run, relay, environment, way):
    arguments, more = WAYS[way]
    body = [] if arguments == FORM else ["--body", "-"]

    def explain(*options):
        return run([TAGALONG, "explain", *options, *body, relay.url + CHAT], env=environment | more, shim=None,
                   stdin=arguments[-1].encode()).stdout

    report = json.loads(explain("--json"))
    (source,) = next(h["sources"] for h in report["headers"] if h["name"] == "x-opencode-session")
    assert f"{source['origin']}: {source['detail']}" == way
    assert f"<- conversation_id ({way})\n".encode() in explain()
    assert report.get("body") == (None if body else "the request's body is not known")


@pytest.mark.parametrize("way, said", [
    ("client: session-id", "client: session-id"),
    ("derived: request body", "without an id of its own; presets that need one derive it from the body"),
])
def test_doctor(run, environment, way, said):
    """Its probe has a preset that derives nothing: so it tells what the program itself sends."""
    command = ["--probe", "--", "curl", "-s", "{base}" + CHAT, *WAYS[way][0]]
    result = run([TAGALONG, "doctor", *command], env=environment, shim=None)
    assert f"  conversation  {said}\n" in result.stdout.decode()
