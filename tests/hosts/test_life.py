# SPDX-License-Identifier: MIT
"""Hosts whose threads, memory, stack, signals and time are their own, with the shim and without it."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

import grants

sys.path.insert(0, str(Path(__file__).parent))

import faulty  # noqa: E402
from conftest import clean_environment  # noqa: E402
from hosts import host  # noqa: E402
from tags import CONTEXT, GENERIC, PLAIN, without  # noqa: E402

# The most that rules can ask for: a derived id, values from the body, a composed header, the log.
EVERYTHING = {
    "conversation": "derive",
    "headers": {"X-From-Body": "{body:/messages/0/content}", "X-All": {"task": "{task_id}", "*": "{tags}"}},
}
DERIVED = {
    "X-From-Body": "hi",
    "X-All": '{"task":"T-42","a":"1"}',
    "X-Task-Id": "T-42",
    "X-Conversation-Id": re.compile("[0-9a-f-]{36}"),
    "X-Session-Id": re.compile("[0-9a-f-]{36}"),
    **{name: GENERIC[name] for name in ("X-Project-Id", "X-Request-Id", "traceparent")},
}
NO_ID = without(DERIVED, "X-Conversation-Id") | {"X-Session-Id": "T-42"}
NO_BODY = without(NO_ID, "X-From-Body")


FIXTURES = Path(__file__).parents[2] / "build" / "fixtures"


@pytest.fixture
def life(neutral, relay, other_relay, tmp_path):
    def life(mode, expect, env=None, rules=None, **how):
        env = {"TAGALONG_RELAYS": relay.url} | CONTEXT | (env or {})
        if rules:
            config = tmp_path / "config.json"
            rule = {"match": [relay.url], **rules}
            config.write_text(json.dumps({"relays": [rule], "log": str(tmp_path / "log.jsonl")}))
            config.chmod(0o600)
            env |= {"TAGALONG_CONFIG": str(config), "TAGALONG_TAGS": "a=1"}
            env.pop("TAGALONG_CONVERSATION_ID")
        return neutral([host("life"), mode, relay.url, other_relay.url], expect, env=env, **how)

    return life


def test_cancelled_in_a_request(run, relay, other_relay, tmp_path):
    """With a service that is waited for: what is left behind is libcurl's."""
    command = [host("life"), "cancelled in a request", relay.url, other_relay.url]
    with faulty.faulty("hangs", tmp_path) as service:
        bare = run(command, shim=None)
        result = run(command, env=CONTEXT | service.environment)
    assert (result.rc, result.stdout, result.stderr) == (0, bare.stdout, b"")
    assert len(result.requests) == len(bare.requests)
    assert result.requests[-1].value("X-Task-Id") == "T-42"


def test_cancelled_where_files_are_used(life, tmp_path):
    """Each of ours has been read, written and closed by the time that libcurl goes on: 20 threads and two requests."""
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text('[remote "origin"]\n\turl = https://example.com/billing.git\n')
    debug = tmp_path / "debug"
    life("cancelled in a request", [DERIVED] * 2, rules=EVERYTHING, unordered=True,
         env={"TAGALONG_PROJECT_ID": "", "TAGALONG_DEBUG": str(debug)})
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 22
    assert debug.read_text().count("tagged") == 22


def test_cancelled(run, relay, other_relay):
    """How many requests there are depends on the moment; all that counts is that the last one goes out. Cancelled
    asynchronously a thread may leave malloc's lock taken, and a bare libcurl hangs as well."""
    result = run([host("life"), "cancelled between requests", relay.url, other_relay.url])
    assert (result.rc, result.stdout, result.stderr) == (0, b"0 200\n" * 2, b"")
    assert result.requests[-1].value("X-Task-Id") == "T-42"


BODIES = ["POST off", "upload off", "upload on", "GET", "HEAD", "MIME", "copied", "none"]


@pytest.mark.parametrize("way", BODIES)
def test_a_body_that_is_gone(life, way):
    second = PLAIN if way == "HEAD" else DERIVED if way == "copied" else NO_BODY
    life(f"body, {way}", [DERIVED] if way == "MIME" else [DERIVED, second], rules=EVERYTHING)


# Bare libcurl needs 7,600 bytes.
STACKS = ["smallest coroutine", "coroutine of 16384", "smallest thread"]


@pytest.fixture
def stack(request, run, relay):
    """The smallest in pages that this libcurl itself has enough of: 8 KiB in 7.88."""
    if request.param != "smallest coroutine":
        return request.param
    sizes = [f"coroutine of {size}" for size in range(8192, 65536, 4096)]
    return next(size for size in sizes if run([host("life"), size, relay.url, relay.url], shim=None).rc == 0)


@pytest.mark.parametrize("stack", STACKS, indirect=True)
def test_a_small_stack(life, stack):
    life(stack, [DERIVED] * 2, rules=EVERYTHING)


@pytest.mark.parametrize("stack", STACKS, indirect=True)
def test_a_small_stack_and_a_service(life, tmp_path, stack):
    live = {**GENERIC, "X-Task-Id": "LIVE"}
    env = {name: value for name, value in CONTEXT.items() if name != "TAGALONG_TASK_ID"}
    with faulty.faulty("good", tmp_path) as service:
        long_timeout = service.environment | {"TAGALONG_TIMEOUT_MS": "10000", "TAGALONG_TASK_ID": ""}
        life(stack, [live] * 2, env=env | long_timeout)


@pytest.mark.parametrize("call", ["setopt", "perform"])
def test_our_stack(run, relay, other_relay, tmp_path, call):
    """At most 4 KiB more than bare, with the most that rules can ask for."""
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"relays": [{"match": [relay.url], **EVERYTHING}], "log": str(tmp_path / "log")}))
    config.chmod(0o600)
    command = [host("life"), f"stack of {call}", relay.url, other_relay.url]
    env = {"TAGALONG_CONFIG": str(config), "TAGALONG_TASK_ID": "T-42"}
    bare, ours = (run(command, env=env, **how) for how in ({"shim": None}, {}))
    assert [r.value("X-Task-Id") for r in ours.requests] == ["T-42"] * (call == "perform")
    assert int(ours.stdout) - int(bare.stdout) <= 4096, (bare.stdout, ours.stdout)


@pytest.mark.parametrize("mode", ["stderr is a dead pipe", "stderr is a dead socket"])
def test_no_sigpipe(life, mode):
    life(mode, [GENERIC], env={"TAGALONG_DEBUG": "stderr"})


def test_the_hosts_own_pending_signal_stays(life):
    life("signals blocked", [GENERIC], env={"TAGALONG_DEBUG": "stderr"})


@pytest.mark.parametrize("what", ["debug lines", "log", "key"])
def test_no_sigxfsz(life, tmp_path, what):
    if what == "key":
        life("no file may grow", [NO_ID], rules=EVERYTHING)
    else:
        variable = "TAGALONG_DEBUG" if what == "debug lines" else "TAGALONG_LOG"
        life("no file may grow", [GENERIC], env={variable: str(tmp_path / "file")})
        assert (tmp_path / "file").read_bytes() == b""


@pytest.mark.parametrize("mode", ["sandbox", "sandbox before any POST"])
@pytest.mark.parametrize("folder", [False, True])
def test_a_sandbox_that_kills(life, tmp_path, mode, folder):
    """Also where a service was once, and has left its folder."""
    if folder:
        (tmp_path / "tagalong").mkdir(mode=0o700)
    life(mode, [GENERIC if mode == "sandbox" else PLAIN] + [GENERIC] * 100, env={"XDG_RUNTIME_DIR": str(tmp_path)})


def test_the_environment_changes_all_the_time(life):
    life("environment changes", [GENERIC] * 100)


@pytest.mark.parametrize("fault", ["hangs", "drips"])
def test_the_client_has_little_time(life, tmp_path, fault):
    """Of 400 ms no more than a quarter is given to a service that was configured to have 10 seconds."""
    with faulty.faulty(fault, tmp_path) as service:
        life("little time", [GENERIC] * 3, env=service.environment | {"TAGALONG_TIMEOUT_MS": "10000"})


CLOCK = """
#include <time.h>
int clock_gettime(clockid_t id, struct timespec *now) { (void)id; now->tv_sec = 1000; now->tv_nsec = 0; return 0; }
"""


@pytest.mark.parametrize("fault", ["hangs", "drips", "its queue is full"])
def test_a_clock_that_stands_still(relay, shim, tmp_path, fault):
    """As with libfaketime. No wait ends by the clock then; libcurl's own time-outs do not either."""
    (tmp_path / "clock.c").write_text(CLOCK)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", tmp_path / "clock.so", tmp_path / "clock.c"], check=True)
    env = clean_environment(tmp_path) | CONTEXT | {"LD_PRELOAD": f"{shim}:{tmp_path}/clock.so"}
    command = [host("life"), "little time", relay.url, relay.url]
    with faulty.faulty(fault, tmp_path) as service:
        relay.reset()
        started = time.monotonic()
        done = subprocess.run(command, env=env | service.environment, capture_output=True, timeout=20)
        took = time.monotonic() - started
    assert (done.returncode, done.stdout) == (0, b"0 200\n" * 3)
    assert [r.value("X-Task-Id") for r in relay.requests] == ["T-42"] * 3
    assert took < 5


def test_the_log_of_somebody_else(life, tmp_path):
    """A file that anybody may write to, or another user's, is not appended to."""
    log = tmp_path / "log"
    log.write_text("theirs\n")
    log.chmod(0o666)
    life("little time", [GENERIC] * 3, env={"TAGALONG_LOG": str(log)})
    assert log.read_text() == "theirs\n"
    if os.geteuid() == 0:
        log.chmod(0o644)
        os.chown(log, 65534, 65534)
        life("little time", [GENERIC] * 3, env={"TAGALONG_LOG": str(log), "TAGALONG_DEBUG": str(log)})
        assert log.read_text() == "theirs\n"


SECRETS = ["http://user:SECRET@{}/p?to=a@b", "http://{}/p?SECRET", "http://{}/p#SECRET", "http:/user:SECRET@{}/p"]


@pytest.mark.parametrize("form", SECRETS)
def test_debug_lines_have_no_secrets(run, relay, form):
    address = form.format(relay.url.split("//")[1]).replace("/p", "/v1/chat/completions")
    env = CONTEXT | {"TAGALONG_DEBUG": "stderr", "TAGALONG_RELAYS": relay.url}
    result = run(["curl", "-s", "-d", "{}", address], env=env)
    assert result.rc == 0 and b"POST" in result.stderr and b"SECRET" not in result.stderr


MOUNTED = """
set -e
mount -t tmpfs none {folder}
mkdir {folder}/repository && cd {folder}/repository
mkdir .git && printf '[remote "origin"]\\n\\turl = https://example.com/here.git\\n' > .git/config
exec "$@"
"""
# A mountinfo in which that mount is of another type, in place of the kernel's.
PRETEND = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
long syscall(long number, ...)
{
	long (*next)(long, ...) = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall"), at_call[6];
	char text[65536], *at;
	ssize_t len;
	va_list list;
	long fd;
	int made;

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		at_call[i] = va_arg(list, long);
	va_end(list);
	fd = next(number, at_call[0], at_call[1], at_call[2], at_call[3], at_call[4], at_call[5]);
	if (number != SYS_openat || fd < 0 || strcmp((const char *)at_call[1], "/proc/self/mountinfo"))
		return fd;
	len = read((int)fd, text, sizeof(text) - 1);
	close((int)fd);
	text[len > 0 ? len : 0] = 0;
	at = strstr(text, FOLDER);
	at = at ? strstr(at, "- tmpfs") : NULL;
	if (at)
		memcpy(at, "- " TYPE, 7);
	made = memfd_create("mountinfo", 0);
	(void)!write(made, text, strlen(text));
	lseek(made, 0, SEEK_SET);
	return made;
}
"""


@pytest.mark.skipif(**grants.own_mounts)
@pytest.mark.parametrize("kind, project", [("tmpfs", "here"), ("nfs4 ", None), ("fuse ", None)])
def test_a_file_system_that_may_hang(run, relay, shim, tmp_path, kind, project):
    """There is none here that hangs: one in memory, which is said to be such a one."""
    folder = tmp_path / "mounted"
    folder.mkdir()
    (tmp_path / "pretend.c").write_text(PRETEND)
    define = [f'-DFOLDER="{folder}"', f'-DTYPE="{kind[:5]:5}"']
    subprocess.run(["cc", "-shared", "-fPIC", *define, "-o", tmp_path / "pretend.so", tmp_path / "pretend.c"], check=True)
    script = MOUNTED.format(folder=folder)
    command = [*grants.UNSHARE, "-m", "sh", "-c", script, "sh", "env", f"LD_PRELOAD={shim}:{tmp_path}/pretend.so"]
    env = {"TAGALONG_TASK_ID": "T-42", "TAGALONG_RELAYS": relay.url}
    result = run([*command, host("life"), "little time", relay.url, relay.url], shim=None, env=env)
    assert (result.rc, result.stdout) == (0, b"0 200\n" * 3), result.stderr
    assert [r.value("X-Project-Id") for r in result.requests] == [project] * 3


@pytest.mark.skipif(**grants.own_mounts)
@pytest.mark.skipif(not os.access("/dev/fuse", os.R_OK | os.W_OK), reason=f"{grants.REFUSED}: /dev/fuse")
@pytest.mark.parametrize("what", ["working folder", "key"])
def test_a_file_system_that_hangs(run, relay, shim, tmp_path, what):
    """A real one: whoever looks at a file of it waits for ever."""
    folder = tmp_path / "hanging"
    folder.mkdir()
    command = [*grants.UNSHARE, "-m", str(FIXTURES / "hanging_fs"), str(folder)]
    looks = subprocess.run([*command, "timeout", "-s", "KILL", "0.3", "ls"], capture_output=True)
    assert looks.returncode == 137
    env = {"TAGALONG_TASK_ID": "T-42", "TAGALONG_RELAYS": relay.url}
    if what == "key":
        config = tmp_path / "config.json"
        config.write_text(json.dumps({"relays": [{"match": [relay.url], "conversation": "derive"}]}))
        config.chmod(0o600)
        env |= {"TAGALONG_CONFIG": str(config), "XDG_STATE_HOME": str(folder)}
        command += ["env", "-C", "/"]
    command += ["env", f"LD_PRELOAD={shim}", host("life"), "little time", relay.url, relay.url]
    result = run(command, shim=None, env=env)
    assert (result.rc, result.stdout, result.stderr) == (0, b"0 200\n" * 3, b"")
    tagged = ("X-Task-Id", "X-Project-Id", "X-Conversation-Id")
    assert [[r.value(name) for name in tagged] for r in result.requests] == [["T-42", None, None]] * 3


def test_a_git_config_that_is_too_large(run, relay, other_relay, tmp_path):
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text("#" * 70000 + '\n[remote "origin"]\n\turl = https://example.com/x\n')
    env = {"TAGALONG_TASK_ID": "T-42", "TAGALONG_DEBUG": "stderr"}
    result = run([host("life"), "little time", relay.url, other_relay.url], env=env)
    assert b"no project is derived: .git/config has more than 64 KiB" in result.stderr
    explain = [str(FIXTURES.parent / "tagalong"), "explain", relay.url + "/v1/messages"]
    told = run(explain, shim=None, env=env).stdout
    assert b"no project from git: .git/config has more than 64 KiB\n" in told
    assert [r.value("X-Project-Id") for r in result.requests] == [None] * 3


@pytest.mark.parametrize("address, matched", [("[fe80::1]", True), ("[fe80::1%25eth0]", False)])
def test_a_zone_is_another_machine(run, address, matched):
    command = [str(Path(__file__).parents[2] / "build" / "tagalong"), "explain"]
    env = CONTEXT | {"TAGALONG_RELAYS": "http://[fe80::1]:8080"}
    result = run([*command, f"http://{address}:8080/v1/messages"], shim=None, env=env)
    assert (b"X-Task-Id" in result.stdout) == matched, result.stdout + result.stderr
