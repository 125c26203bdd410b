# SPDX-License-Identifier: MIT
"""Signal handlers that do not come back, or do much, while a service that hangs is waited for (signals.c)."""

import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import faulty  # noqa: E402
from hosts import host  # noqa: E402
from tags import CONTEXT  # noqa: E402

# The requests that a bare client has sent by the end, and how many of them never go out where it is left in ours.
MODES = {
    "siglongjmp": (3, 1), "siglongjmp, without the mask": (3, 1), "pthread_exit": (3, 1),
    "swapcontext": (4, 0), "fork": (4, 0), "a request": (4, 0), "comes back": (3, 0),
}  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
def test_a_handler(run, relay, tmp_path, mode):
    requests, lost = MODES[mode]
    command = [host("signals"), mode, relay.url]
    with faulty.faulty("hangs", tmp_path) as service:
        env = CONTEXT | service.environment | {"TAGALONG_TIMEOUT_MS": "3000"}
        bare, ours = (run(command, env=env, **how) for how in ({"shim": None}, {}))
    told = ours.stdout
    if mode == "pthread_exit":  # another thread asks, and waits, for itself
        told = told.replace(b"late\n", b"", 1)
    assert (ours.rc, told, ours.stderr) == (bare.rc, bare.stdout, b"")
    assert b"late" not in bare.stdout and b"cancelled: 1, blocked: 0" in bare.stdout
    assert requests - lost <= len(bare.requests) <= requests  # on a busy machine the bare one may be cut off as well
    assert [r.value("X-Task-Id") for r in ours.requests] == ["T-42"] * (requests - lost)


THROWS = """
#include <curl/curl.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>
#include <cstdio>
#include <stdexcept>

static volatile sig_atomic_t handled;
static void on_alarm(int) { handled = 1; throw std::runtime_error("too long"); }
static size_t stay(char *, size_t size, size_t count, void *)
{
	while (!handled)
		usleep(1000);
	return size * count;
}
static void post(const char *address, bool slow)
{
	CURL *easy = curl_easy_init();

	curl_easy_setopt(easy, CURLOPT_URL, address);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "{}");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, stay);
	if (slow) {
		struct itimerval soon = {{0, 0}, {0, 30000}};

		signal(SIGALRM, on_alarm);
		setitimer(ITIMER_REAL, &soon, nullptr);
	}
	printf("%d\\n", curl_easy_perform(easy));
}
int main(int, char **arguments)
{
	try {
		post(arguments[1], true);
	} catch (const std::exception &error) {
		puts(error.what());
	}
	post(arguments[1], false);
	printf("next descriptor: %d\\n", dup(0));
}
"""


def test_a_handler_that_throws(run, relay, tmp_path):
    """As a C++ program may, that is compiled with -fnon-call-exceptions. The callback's connection stays open."""
    source, program = tmp_path / "throws.cc", tmp_path / "throws"
    source.write_text(THROWS)
    subprocess.run(["c++", "-O1", "-fnon-call-exceptions", "-o", program, source, "-lcurl"], check=True)
    command = [program, relay.url + "/v1/chat/completions"]
    with faulty.faulty("hangs", tmp_path) as service:
        env = CONTEXT | service.environment | {"TAGALONG_TIMEOUT_MS": "3000"}
        bare, ours = (run(command, env=env, **how) for how in ({"shim": None}, {}))
    assert (ours.rc, bare.rc, ours.stderr) == (0, 0, b"")
    # None of ours stays open. libcurl 8.23 leaves more of its own without us: the handler comes at another moment.
    (*said, ours_next), (*bare_said, bare_next) = (result.stdout.split() for result in (ours, bare))
    assert said == bare_said == b"too long 0 next descriptor:".split() and int(ours_next) <= int(bare_next)
    assert [r.value("X-Task-Id") for r in ours.requests] == ["T-42"]
