# SPDX-License-Identifier: MIT
"""The system calls that the shim adds, by strace, held against tests/golden/surface/system-calls.json:
in whole to a process that sends no chat request, and to one request."""

import json
import re
import subprocess
import sys
import tempfile
from collections import Counter

import pytest

from conftest import ROOT, clean_environment

sys.path.append(str(ROOT / "tests" / "bench"))
from servers import CALLS, CONTEXT, SHIM, start_service  # noqa: E402

CHAT, OTHER = "/v1/chat/completions", "/v1/some/other/path"
GOLDEN = json.loads((ROOT / "tests" / "golden" / "surface" / "system-calls.json").read_text())
# How often libcurl polls, and with it ignores SIGPIPE, depends on when an answer comes; so does our look at signals.
NOISE = re.compile(r"TCP:|SIGPIPE|EAGAIN|^\d+ +(restart_syscall|p?poll|rt_sigpending)\(")


@pytest.fixture(scope="session")
def empty(tmp_path_factory):
    """An object that does nothing, in as many segments as the shim: the loader does the same for it."""
    folder = tmp_path_factory.mktemp("empty")
    source, library = folder / "empty.c", folder / "empty.so"
    source.write_text("char bss[8192]; char *data = bss; const int rodata = 1; void text(void) {}\n")
    options = ["-shared", "-fPIC", "-nostartfiles", "-Wl,-z,relro,-z,now"]
    subprocess.run(["cc", *options, "-o", library, source], check=True)
    return str(library)


@pytest.fixture
def traced(tmp_path):
    """traced(command, env): its system calls, one a line, all but the noise."""

    def traced(command, env):
        record = tmp_path / "calls"
        environment = [word for pair in env.items() for word in ("-E", "=".join(pair))]
        strace = ["strace", "-f", "-qq", "-yy", "-e", "signal=none", "-o", record, *environment]
        done = subprocess.run([*strace, *command], env=clean_environment(tmp_path), capture_output=True)
        lines = record.read_text().splitlines()
        return done.returncode, [line for line in lines if not NOISE.search(line)]

    return traced


def names(lines):
    matches = [re.match(r"\d+ +(\w+)\(", line) for line in lines]
    return Counter(match[1] for match in matches if match)


def hole(library):
    """Whether pages are left out between its segments, as binutils 2.38 does where that saves a page of the file:
    the loader makes one call more then."""
    text = subprocess.run(["readelf", "-lW", library], capture_output=True, text=True, check=True).stdout
    loads = [[int(word, 16) for word in row] for row in re.findall(r"LOAD +\w+ (\w+) \w+ \w+ (\w+)", text)]
    assert len(loads) == 4
    return any(start // 4096 > -(-(before + size) // 4096) for (before, size), (start, _) in zip(loads, loads[1:]))


CURL = ["curl", "-sS", "-o", "/dev/null"]
PROCESSES = {
    "true": ["/bin/true"],
    "bash": ["bash", "-c", "for i in 1 2 3; do :; done; /bin/true; x=$(echo)"],
    "curl --version": ["curl", "--version"],
    "libcurl, GET": [*CURL, "RELAY/v1/models", "RELAY" + CHAT],
    "libcurl, another path": [*CURL, "-d", "{}", "RELAY" + OTHER, "RELAY" + OTHER],
    "libcurl, another host": [*CURL, "-d", "{}", "RELAY" + CHAT],
    "libcurl, another host, off": [*CURL, "-d", "{}", "RELAY" + CHAT],
}


@pytest.mark.parametrize("name", PROCESSES)
def test_a_process_without_chat_requests(traced, relay, empty, name):
    env = CONTEXT | ({"TAGALONG_RELAYS": "https://relay.example.com"} if "host" in name else {})
    env |= {"TAGALONG_OFF": "1"} if "off" in name else {}
    command = [word.replace("RELAY", relay.url) for word in PROCESSES[name]]
    rc, bare = traced(command, env | {"LD_PRELOAD": empty})
    tagged_rc, tagged = traced(command, env | {"LD_PRELOAD": SHIM})
    assert rc == tagged_rc == 0 and len(bare) > 20
    more = Counter(GOLDEN["process"].get(name, {}))
    more["mprotect"] += names(bare)["execve"] * (hole(SHIM) - hole(empty))
    assert names(tagged) - names(bare) == +more
    # The heap starts at random and grows in other steps.
    assert not (names(bare) - names(tagged)).keys() - {"brk"}


def test_the_golden_list_has_no_other_names():
    assert set(GOLDEN["process"]) <= set(PROCESSES)


@pytest.fixture(scope="session")
def services(tmp_path_factory):
    """A service with pages, one that has them in memory, and one without: {way: socket}."""
    work = tmp_path_factory.mktemp("s")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as memory:
        started = [start_service(work, "live"), start_service(work, "plain", "--no-pages"), start_service(memory)]
        yield {"service, by its page": f"{work}/live/context.sock", "service, asked": f"{work}/plain/context.sock",
               "service, by its file": f"{memory}/live/context.sock"}
        for service in started:
            service.terminate()
            service.wait()


@pytest.mark.parametrize("way", GOLDEN["first"])
def test_the_first_request(traced, relay, services, empty, tmp_path, way):
    """All that a process makes more which sends one tagged request. A file of the service is there once a process has
    asked for the page."""
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text('[remote "origin"]\n\turl = https://example.com/billing.git\n')
    env = CONTEXT | {"TAGALONG_PROJECT_ID": "" if "git" in way else "billing"}
    if way in services:
        env |= {"TAGALONG_SOCKET": services[way], "TAGALONG_TIMEOUT_MS": "10000"}
    command = ["env", "-C", tmp_path, *CURL, "-d", "{}", relay.url + CHAT]
    _, bare, tagged = (traced(command, env | {"LD_PRELOAD": library}) for library in (SHIM, empty, SHIM))
    assert bare[0] == tagged[0] == 0
    sent = relay.requests[-1]
    assert (sent.value("X-Task-Id"), sent.value("X-Project-Id")) == ("T-42", "billing")
    more = names(tagged[1]) - names(bare[1])
    more.pop("brk", 0)  # the heap starts at random
    more.pop("read", 0)  # of /proc/self/mountinfo, which is as long as it is
    assert more == GOLDEN["first"][way]


def by_request(traced, url, env, few=3, many=13):
    """What one request more makes."""
    counts = []
    for times in (few, many):
        rc, lines = traced([CALLS, "post", str(times), url], env)
        assert rc == 0
        counts.append(names(lines))
    difference = counts[1] - counts[0]
    assert not counts[0] - counts[1]
    # Random bytes are drawn for many requests at a time.
    assert difference.pop("getrandom", 0) <= 1
    assert all(count % (many - few) == 0 for count in difference.values()), difference
    return Counter({name: count // (many - few) for name, count in difference.items()})


@pytest.mark.parametrize("way", GOLDEN["request"])
def test_a_request(traced, relay, services, way):
    # A folder that has not changed lately shows that there is no socket below it.
    env = CONTEXT | {"LD_PRELOAD": SHIM, "XDG_RUNTIME_DIR": "/usr"}
    if way in services:
        env |= {"TAGALONG_SOCKET": services[way], "TAGALONG_TIMEOUT_MS": "10000"}
    if way == "off":
        env["TAGALONG_OFF"] = "1"
    url = relay.url + (OTHER if way == "not matched" else CHAT)
    bare = by_request(traced, url, {})
    relay.reset()
    ours = by_request(traced, url, env)
    assert ours - bare == Counter(GOLDEN["request"][way]) and not bare - ours
    tagged = {request.value("X-Task-Id") for request in relay.requests}
    assert tagged == {None if way in ("off", "not matched") else "T-42"}


def test_the_bare_client_makes_none(traced, relay):
    """What is left out as noise is all that the client makes: else the above would not say much."""
    made = by_request(traced, relay.url + CHAT, {})
    assert made in ({}, {"clock_gettime": 2, "getrusage": 2})  # the latter: libcurl 8.23
