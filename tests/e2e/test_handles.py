# SPDX-License-Identifier: MIT
"""A host program that uses libcurl in every order that clients are known to use it in.

The host is tests/fixtures/puppet.c, which makes the calls of a script and prints what each returned.
neutral() runs the script with and without the shim: same output, same requests but for our lines.
"""

import re

import pytest

from conftest import ROOT, WRAP
from neutral import MILLISECONDS, MILLISECONDS_LONG
from standin import SANITIZED, standin
from tags import CONTEXT, GENERIC, LIBCURL, PLAIN, parent_id, request_id, trace_id, without

PUPPET = [*WRAP, str(ROOT / "build" / "fixtures" / "puppet")]
OWN = ["Authorization", "X-Own", "X-Other"]
LIST = "append l Authorization: Bearer sk\nappend l X-Own: 1\n"


@pytest.fixture(params=["shown", "hidden"])
def puppet(request, neutral, relay):
    """puppet(script, [tags...]): {chat} in the script is a chat URL, {url} the relay's. Over Debian's
    libcurl, which shows us its inner calls, and over one that hides them."""
    if SANITIZED and request.param == "hidden":
        pytest.skip("a sanitizer's runtime refuses RTLD_DEEPBIND")
    shape = standin() if request.param == "hidden" else {}

    def puppet(script, expect, own=OWN, env=CONTEXT, **how):
        text = script.replace("{chat}", relay.url + "/v1/chat/completions")
        stdin = text.replace("{url}", relay.url).encode()
        return neutral(PUPPET, expect, stdin=stdin, own=own, env=env | shape, **how)

    return puppet


def chat(handle):
    return f"init {handle}\nurl {handle} {{chat}}\npost {handle} {{}}\n"


def test_second_transfer_keeps_headers(puppet):
    result = puppet(LIST + chat("a") + "headers a l\nrepeat 3 perform a\ncleanup a", [GENERIC] * 3)
    for request in result.requests:
        assert request.value("Authorization") == "Bearer sk"
    # A transfer has one request id, each another.
    assert len({request_id(r) for r in result.requests}) == 3


def test_no_duplicates_on_reuse(puppet):
    result = puppet(chat("a") + "repeat 100 perform a\ncleanup a", [GENERIC] * 100)
    assert len({request_id(r) for r in result.requests}) == 100
    assert len({parent_id(r) for r in result.requests}) == 100
    assert len({trace_id(r) for r in result.requests}) == 1


def test_multi_without_perform(puppet):
    script = LIST + chat("a") + "headers a l\nmulti m\nrepeat 100 add m a ; run m ; remove m a\n"
    result = puppet(script + "cleanup a\nmulticleanup m", [GENERIC] * 100)
    assert len({request_id(r) for r in result.requests}) == 100


def test_list_edited_after_setopt(puppet):
    script = (
        LIST
        + chat("a")
        + "headers a l\nperform a\nedit l 1 X-Own: 2\nappend l X-Other: late\n"
        + "env TAGALONG_TASK_ID T-43\nperform a\nheaders a -\nunenv TAGALONG_TASK_ID\nperform a\n"
    )
    result = puppet(
        script,
        [GENERIC, GENERIC | {"X-Task-Id": "T-43"}, without(GENERIC, "X-Task-Id")],
    )
    assert [r.value("X-Own") for r in result.requests] == ["1", "2", None]


def test_list_freed_after_perform(puppet):
    puppet(LIST + chat("a") + "headers a l\nperform a\nfree l\ncleanup a", [GENERIC])


def test_list_replaced_after_it_was_freed(puppet):
    # PHP, R and git free the old list before they set the new one.
    script = LIST + chat("a") + "headers a l\nperform a\nfree l\nappend m X-Own: 2\nheaders a m\n"
    puppet(script + "perform a\ncleanup a\nfree m", [GENERIC, GENERIC])


def test_one_list_on_two_handles(puppet):
    script = LIST + chat("a") + chat("b") + "url b {url}/other\nheaders a l\nheaders b l\n"
    puppet(script + "perform a\nperform b\nperform a", [GENERIC, PLAIN, GENERIC])


def test_reset_clears_client_list(puppet):
    script = LIST + chat("a") + "headers a l\nperform a\nreset a\nurl a {chat}\npost a {}\nperform a"
    result = puppet(script, [GENERIC, GENERIC])
    assert [r.value("Authorization") for r in result.requests] == ["Bearer sk", None]


def test_reset_forgets_the_prereq(puppet):
    script = chat("a") + "prereq a abort\nperform a\nreset a\nurl a {chat}\npost a {}\nperform a"
    puppet(script, [GENERIC])


def test_dup_copies_client_state(puppet):
    script = LIST + chat("a") + "headers a l\ndup a b\nperform a\ndup a c\ncleanup a\n"
    result = puppet(script + "perform b\ncleanup b\nperform c\ncleanup c\nfree l", [GENERIC] * 3)
    assert [r.value("X-Own") for r in result.requests] == ["1"] * 3


def test_dup_in_flight(puppet):
    script = LIST + chat("a") + "headers a l\nonwrite a dup a b\nperform a\ncleanup a\nperform b\n"
    puppet(script + "perform b\ncleanup b", [GENERIC] * 3)


def test_dup_in_flight_of_a_multi(puppet):
    script = LIST + chat("a") + "headers a l\nprereq a ok\nonwrite a dup a b\nmulti m\nadd m a\nrun m\n"
    puppet(script + "multicleanup m\ncleanup a\nperform b", [GENERIC] * 2)


def test_added_twice(puppet):
    puppet(chat("a") + "multi m\nadd m a\nadd m a\nrun m\nremove m a\nremove m a\n", [GENERIC])


def test_perform_of_a_handle_in_a_multi(puppet):
    script = "multi m\nadd m a\nperform a\nrun m\nremove m a\nperform a"
    result = puppet(chat("a") + script, [GENERIC] * 2)
    assert b'  2 "' in result.stdout


def test_perform_inside_its_own_callback(puppet, relay):
    # The refused call must not end the transfer that is under way: its second hop is tagged.
    script = f"init a\nurl a {relay.url}/switch/redirect-307-same/v1/chat/completions\npost a {{}}\n"
    result = puppet(script + "follow a 1\nonheader a perform a\nperform a", [GENERIC] * 2)
    assert request_id(result.requests[0]) == request_id(result.requests[1])


def test_list_set_in_a_callback(puppet):
    script = (
        LIST
        + "append n X-Other: new\n"
        + "init a\nurl a {url}/switch/redirect-307-same/v1/chat/completions\npost a {}\nfollow a 1\n"
        + "headers a l\nonheader a headers a n\nperform a"
    )
    result = puppet(script, [GENERIC, GENERIC])
    assert [r.value("X-Other") for r in result.requests] == [None, "new"]


def test_late_add_while_another_runs(puppet):
    script = chat("a") + chat("b") + "multi m\nadd m a\nstep m\nadd m b\nrun m\nremove m a\n"
    # Whether the second one finds the first's connection free is a matter of time.
    puppet(script + "add m a\nrun m", [GENERIC] * 3, unordered=True)


def test_url_set_after_add(puppet):
    script = "init a\npost a {}\nmulti m\nadd m a\nurl a {chat}\nrun m\nremove m a\n"
    puppet(script + "url a {url}/other\nadd m a\nrun m", [GENERIC, PLAIN])


def test_url_handle_wins(puppet):
    script = chat("a") + "curlu a {url}/other\nperform a\ncurlu a {chat}\nurl a {url}/x\nperform a"
    puppet(script, [PLAIN, GENERIC])


def test_stale_url_of_a_redirect(puppet):
    script = "init a\nurl a {url}/switch/redirect-307-same/other\npost a {}\nfollow a 1\nperform a\n"
    puppet(script + "url a {chat}\nperform a", [PLAIN, PLAIN, GENERIC])


METHODS = {  # what 7.88.1 sends, and so what is tagged
    "post a {}": GENERIC,
    "post a {}\nget a": PLAIN,
    "post a {}\nhead a 1": PLAIN,
    "post a {}\ncustom a PUT": PLAIN,
    "custom a POST": GENERIC,
    "custom a post": PLAIN,
    "get a": PLAIN,
    "get a\npost a {}": GENERIC,
}


@pytest.mark.parametrize("setting", METHODS, ids=lambda text: text.replace("\n", ", "))
def test_method_on_the_wire(puppet, setting):
    puppet("init a\nurl a {chat}\n" + setting + "\nperform a", [METHODS[setting]])


def test_client_prereq_is_chained(puppet):
    puppet(chat("a") + "prereq a ok\nperform a\nprereq a none\nperform a", [GENERIC] * 2)


def test_client_prereq_aborts(puppet):
    result = puppet(chat("a") + "prereq a abort\nperform a\nprereq a ok\nperform a", [GENERIC])
    assert b'  42 "operation aborted by pre-request callback"' in result.stdout


def test_client_prereq_set_in_flight(puppet):
    script = "init a\nurl a {url}/switch/redirect-307-same/v1/chat/completions\npost a {}\nfollow a 1\n"
    puppet(script + "onheader a prereq a abort\nperform a", [GENERIC])


PREREQ_HALVES = [  # what libcurl has been given by then is the client's, whatever was there for us
    "prereqdata a on\nperform a\nprereqfunction a on\nperform a",
    "perform a\nprereqfunction a on\nperform a",
    "prereqfunction a on\nperform a\nprereqdata a on\nperform a\nprereqdata a off\nperform a",
    "prereq a ok\nperform a\nprereqfunction a off\nperform a\nprereqfunction a on\nperform a",
    "perform a\ndup a b\nprereqfunction b on\nperform b",
    "prereqdata a on\nperform a\ndup a b\ncleanup a\nprereqfunction b on\nperform b",
    "onwrite a dup a b\nperform a\nprereqfunction b on\nperform b",
    "onwrite a prereqfunction a on\nperform a\nperform a",
    "perform a\nreset a\nurl a {chat}\npost a {}\nprereqfunction a on\nperform a",
    "prereqdata a on\nperform a\nenv TAGALONG_OFF 1\nprereqfunction a on\nperform a\nunenv TAGALONG_OFF",
]


@pytest.mark.parametrize("script", PREREQ_HALVES, ids=range(len(PREREQ_HALVES)))
def test_client_prereq_by_halves(puppet, script):
    performs = len(re.findall("perform [ab]", script))
    off = "OFF" in script
    puppet(chat("a") + script, [GENERIC] * (performs - off) + [PLAIN] * off)


def test_client_sets_list_in_its_prereq(puppet):
    script = LIST + chat("a") + "prereq a ok\nonprereq a headers a l\nperform a"
    puppet(script, [GENERIC])


def test_unified_headers_are_left_alone(puppet):
    puppet(chat("a") + "unified a 1\nperform a\nunified a 0\nperform a", [PLAIN, GENERIC])


@pytest.mark.parametrize("callback", ["onwrite", "onheader", "onprereq"])
def test_longjmp_out_of_a_callback(puppet, callback):
    # What every call may find after a jump: a started transfer that never ended.
    script = LIST + chat("a") + f"headers a l\nprereq a ok\n{callback} a jump\nperform a\n"
    tags = [] if callback == "onprereq" else [GENERIC]
    # libcurl's own state is stuck in the transfer: the handle cannot perform again, only end.
    puppet(script + "perform a\n" + chat("b") + "headers b l\nperform b\ncleanup b", tags + [GENERIC])


@pytest.mark.skipif(LIBCURL == (8, 5, 0), reason="libcurl 8.5.0 divides by zero in such a host")
def test_multi_cleanup_with_handles_inside(puppet):
    script = LIST + chat("a") + chat("b") + "url b {chat}?b\n"
    script += "headers a l\nmulti m\nadd m a\nadd m b\nrun m\n"
    script += "multicleanup m\nfree l\nheaders a -\nperform a\ncleanup b\nperform a\ncleanup a"
    puppet(script, [GENERIC] * 4, unordered=True)  # two of them run side by side


CLEANUPS = [  # every order in which a handle can leave
    "cleanup a\nmulticleanup m",
    "multicleanup m\ncleanup a",
    "remove m a\ncleanup a\nmulticleanup m",
    "remove m a\nmulticleanup m\ncleanup a",
    "reset a\ncleanup a\nmulticleanup m",
    "multicleanup m\nreset a\ncleanup a",
]


@pytest.mark.parametrize("end", CLEANUPS, ids=lambda text: text.replace("\n", ", "))
@pytest.mark.parametrize("ran", [True, False])
def test_orders_of_cleanup(puppet, end, ran):
    script = LIST + chat("a") + "headers a l\nmulti m\nadd m a\n" + ("run m\n" if ran else "") + end
    again = "\nfree l\n" + chat("c") + "multi n\nadd n c\nrun n\nremove n c\ncleanup c\nmulticleanup n"
    puppet(script + again, [GENERIC] * (2 if ran else 1))


def test_address_reuse(puppet):
    script = "repeat 200 init a ; cleanup a\n" + LIST
    script += "repeat 20 init a ; url a {chat} ; post a {} ; headers a l ; perform a ; cleanup a"
    puppet(script, [GENERIC] * 20)


def test_memory_is_flat(run, relay):
    script = "repeat 2000 init a ; url a http://x/ ; headers a l ; dup a b ; cleanup a ; cleanup b\n"
    text = LIST + script + "rss\n" + script * 24 + "rss\n"
    result = run(PUPPET, stdin=text.encode())
    assert (result.rc, result.stderr) == (0, b"")
    first, last = (int(kib) for kib in re.findall(rb"rss (\d+) KiB", result.stdout))
    assert last - first <= 256, f"{first} KiB after 4,000 handles, {last} KiB after 100,000"


def test_errors_of_the_client(puppet):
    script = (
        chat("a")
        + "url a http://127.0.0.1:1/v1/chat/completions\nperform a\n"
        + "url a {url}/switch/slow-2000/v1/chat/completions\ntimeout a 400\nperform a\n"
        + "timeout a 0\nurl a {url}/switch/drop-first/v1/chat/completions\nperform a\n"
        + "url a nonsense://x/v1/chat/completions\nperform a\ninfo a"
    )
    puppet(script, [GENERIC] * 2, normalise=[MILLISECONDS, MILLISECONDS_LONG])


def test_fork(puppet):
    script = LIST + chat("a") + "headers a l\nperform a\nfork perform a ; perform a\nfork perform a\n"
    result = puppet(script, [GENERIC] * 4, one_trace=False)
    # The handle and its list are the parent's; each process has a trace of its own.
    traces = [trace_id(request) for request in result.requests]
    assert traces[1] == traces[2] and len(set(traces)) == 3


def test_host_closes_all_descriptors(puppet):
    puppet(chat("a") + "perform a\ncleanup a\nclosefds\n" + chat("b") + "perform b", [GENERIC] * 2)


def test_off_and_on_again(puppet):
    script = "perform a\nenv TAGALONG_OFF 1\nperform a\nunenv TAGALONG_OFF\nperform a"
    puppet(LIST + chat("a") + "headers a l\n" + script, [GENERIC, PLAIN, GENERIC])


def test_context_changes_while_queued(puppet):
    # Added with T-42, sent with T-43: what counts is when the request is sent.
    script = chat("a") + "multi m\nadd m a\nenv TAGALONG_TASK_ID T-43\nrun m"
    puppet(script, [GENERIC | {"X-Task-Id": "T-43"}])


def test_no_environment_at_all(puppet):
    nothing = without(GENERIC, "X-Task-Id", "X-Conversation-Id", "X-Session-Id", "X-Project-Id")
    puppet(chat("a") + "perform a", [nothing], env={})


def test_debug_lines_have_no_secrets(run, relay, tmp_path):
    log = tmp_path / "debug.log"
    script = LIST + chat("a") + "headers a l\nperform a\nurl a http://u:p@127.0.0.1:1/v1/messages?key=k\nperform a"
    script = script.replace("{chat}", relay.url + "/v1/chat/completions?api_key=hunter2")
    result = run(PUPPET, env=CONTEXT | {"TAGALONG_DEBUG": str(log)}, stdin=script.encode())
    text = log.read_text()
    assert (result.rc, result.stderr) == (0, b"")
    assert "/v1/chat/completions: the request is to be tagged" in text
    assert "X-Task-Id: T-42" in text
    for secret in ("Bearer", "hunter2", "u:p"):
        assert secret not in text
    assert log.stat().st_mode & 0o777 == 0o600
