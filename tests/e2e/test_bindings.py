# SPDX-License-Identifier: MIT
"""Every way in which a program comes to a libcurl, and several libcurls in one process.

The host program (tests/fixtures/binding) prints from which library each answer came, so the two
runs that are compared tell whether each call reached its own. Each user sends three requests: a
handle, its copy by the multi interface, the handle again. Over the system's libcurl, and where it
is OpenSSL's, over a stand-in whose inner calls do not come out through the PLT.
"""

import re
from pathlib import Path

import pytest

from conftest import WRAP
from grants import REFUSED
from neutral import compare
from standin import FOLDER as STANDIN
from standin import SANITIZED, standin
from tags import CONTEXT, GENERIC, PLAIN

FOLDER = STANDIN.parent / "binding"
OWN = ["Authorization", "X-Own"]
OPENSSL, GNUTLS, NSS = "libcurl.so.4", "libcurl-gnutls.so.4", "libcurl-nss.so.4"
ASKED = [GENERIC] * 3
PLACE = (rb"(the same|a new) place", b"PLACE")  # the loader's own choice, in any run


def plugin(flavour):
    return str(FOLDER / f"plugin-{flavour}.so")


@pytest.fixture
def host(neutral, relay):
    """host(steps, tags): {chat} in a step is a chat URL, {openssl} a plugin that is linked so."""

    def host(steps, expect, program="host", env=None, **how):
        if SANITIZED and ("deepbind" in steps or "STANDIN" in (env or {})):
            pytest.skip("a sanitizer's runtime refuses RTLD_DEEPBIND")
        plugins = {flavour: plugin(flavour) for flavour in ("openssl", "gnutls", "nss")}
        for flavour in ("gnutls", "nss"):
            wanted = f"{{{flavour}}}" in steps or f"libcurl-{flavour}" in steps
            if wanted and not Path(plugin(flavour)).exists():
                pytest.skip(f"{REFUSED}: libcurl-{flavour}.so.4")  # Debian 13 has no NSS
        text = steps.format(chat=relay.url + "/v1/chat/completions", **plugins)
        command = [*WRAP, str(FOLDER / program), *text.split()]
        env = CONTEXT | (env or {})
        result = neutral(command, expect, env=env, own=OWN, normalise=[PLACE], **how)
        assert (result.rc, result.stderr) == (0, b"")
        for request in result.requests:
            assert request.values("Authorization") == ["Bearer sk"]
        return result

    return host


def libraries(result):
    """From which library each answer came, in order."""
    return [name.decode() for name in re.findall(rb"200 from (\S+)", result.stdout)]


SHAPES = {
    "linked": "linked {chat}",
    "plugin": "load 1 {openssl} local ask 1 {chat}",
    "plugin, RTLD_GLOBAL": "load 1 {openssl} global ask 1 {chat}",
    "plugin, RTLD_DEEPBIND": "load 1 {openssl} deepbind ask 1 {chat}",
    "a caller without libcurl": "load 1 {openssl} local from-here 1 {chat}",
    "the same, RTLD_DEEPBIND": "load 1 {openssl} deepbind from-here 1 {chat}",
    "dlsym": f"names {OPENSSL} {{chat}}",
    "dlvsym": f"version {OPENSSL} CURL_OPENSSL_4 {{chat}}",
    "RTLD_DEFAULT": "load 1 {openssl} global default {chat}",
    "RTLD_DEFAULT, linked": "default {chat}",
    "RTLD_NEXT, linked": "next {chat}",
    "dlopen(NULL), linked": "self {chat}",
}


def program_of(shape):
    return "host-linked" if "linked" in shape else "host"


@pytest.mark.parametrize("inner", ["shown", "hidden"])
@pytest.mark.parametrize("shape", SHAPES)
def test_inner_calls_seen_or_hidden(host, shape, inner):
    env = standin() if inner == "hidden" else {}
    result = host(SHAPES[shape], ASKED, program_of(shape), env)
    assert libraries(result) == [OPENSSL] * 3


@pytest.mark.parametrize("flavour, name, node", [("gnutls", GNUTLS, "CURL_GNUTLS_3"), ("nss", NSS, "CURL_NSS_3")])
def test_symbol_versions_of_each_flavour(host, flavour, name, node):
    steps = f"load 1 {{{flavour}}} local ask 1 {{chat}} version {name} {node} {{chat}}"
    result = host(steps, ASKED * 2)
    assert libraries(result) == [name] * 6
    assert result.stdout.count(b"SSL_CTX_FUNCTION: 4") == 2


ALL = [OPENSSL] * 3 + [GNUTLS] * 3 + [NSS] * 3
THREE = {
    # What RTLD_NEXT finds is right for one of them at most.
    "linked and two plugins": "linked {chat} load 1 {gnutls} local ask 1 {chat} load 2 {nss} local ask 2 {chat}",
    "a global one first": "load 1 {openssl} global ask 1 {chat} load 2 {gnutls} local ask 2 {chat} "
    "load 3 {nss} global ask 3 {chat}",
    "by name": f"names {OPENSSL} {{chat}} names {GNUTLS} {{chat}} names {NSS} {{chat}}",
    "by name beside plugins": "load 1 {openssl} local load 2 {gnutls} local "
    f"names {OPENSSL} {{chat}} ask 2 {{chat}} names {NSS} {{chat}}",
}


@pytest.mark.parametrize("case", THREE)
def test_three_libcurls_at_once(host, case):
    result = host(THREE[case], ASKED * 3, program_of(case))
    assert libraries(result) == ALL


def test_lent_by_plugins_in_turns(host):
    # The caller has no libcurl: what tells them apart is the version that each plugin was linked by.
    turn = "from-here 1 {chat} from-here 2 {chat} "
    steps = "load 1 {gnutls} local load 2 {openssl} local " + turn * 3
    assert libraries(host(steps, ASKED * 6)) == ([GNUTLS] * 3 + [OPENSSL] * 3) * 3


def test_come_and_go(host):
    # Plugins and their libraries leave between the turns, and others take their place.
    turn = " ".join(f"load 1 {{{each}}} local ask 1 {{chat}} close 1" for each in ("openssl", "gnutls", "nss"))
    assert libraries(host(" ".join([turn] * 4), ASKED * 12)) == ALL * 4


@pytest.mark.parametrize("flavour, name", [("openssl", OPENSSL), ("gnutls", GNUTLS), ("nss", NSS)])
@pytest.mark.parametrize("visible", ["local", "global", "deepbind"])
def test_back_in_another_place(host, flavour, name, visible):
    # What is known of a library that is gone leads nowhere.
    turn = f"load 1 {{{flavour}}} {visible} ask 1 {{chat}} where {name} close 1 where {name} occupy "
    result = host(turn * 2, ASKED * 2)
    assert libraries(result) == [name] * 6
    assert re.findall(rb"(new place|gone|occupied)", result.stdout) == [b"new place", b"gone", b"occupied"] * 2


def test_named_and_dropped_again(host):
    result = host(f"times 20 names {GNUTLS} {{chat}} times 20 names {OPENSSL} {{chat}}", ASKED * 40)
    assert libraries(result) == [GNUTLS] * 60 + [OPENSSL] * 60


def test_another_build_at_the_same_place(host):
    one, other = STANDIN / OPENSSL, STANDIN / "other" / OPENSSL
    turn = f"names {one} {{chat}} names {other} {{chat}} "
    result = host("times 2 names {} {{chat}} ".format(one) + turn * 3, ASKED * 8, env=standin())
    assert b"the same place" in result.stdout


def test_start_up_dependency_by_name(host):
    result = host(f"linked {{chat}} names {OPENSSL} {{chat}} self {{chat}}", ASKED * 3, "host-linked")
    assert libraries(result) == [OPENSSL] * 9


@pytest.mark.parametrize("order", ["{next}:{shim}", "{shim}:{next}", "{next} {shim}"])
def test_beside_another_preload(run, relay, shim, order):
    if not shim or SANITIZED:
        pytest.skip("--bare, or a sanitizer's runtime has to be the first")
    command = [str(FOLDER / "host-linked"), "linked", relay.url + "/v1/chat/completions"]
    neighbour = str(FOLDER / "nextdoor.so")
    bare = run(command, shim=None, env=CONTEXT | {"LD_PRELOAD": neighbour})
    tagged = run(command, shim=order.format(next=neighbour, shim=shim))
    assert bare.stdout.count(b"next door") == 2
    compare(bare, tagged, {"relay": ASKED}, OWN)


UNSEEN = {
    "dlsym": f"names {OPENSSL} {{chat}}",
    "dlvsym": f"version {GNUTLS} CURL_GNUTLS_3 {{chat}}",
    "plugin, RTLD_DEEPBIND": "load 1 {openssl} deepbind ask 1 {chat}",
    "from here, RTLD_DEEPBIND": "load 1 {openssl} deepbind from-here 1 {chat}",
}


@pytest.mark.parametrize("shape", UNSEEN)
def test_handles_created_unseen(host, shape):
    # Their inner calls come by, but what the client has set is not known: nothing is ever set.
    host(UNSEEN[shape], [PLAIN] * 3, env={"TAGALONG_HOOKS": "libcurl"})


@pytest.mark.parametrize("shape", ["dlsym", "dlvsym", "plugin, RTLD_DEEPBIND"])
def test_a_door_by_name(host, shape):
    host(SHAPES[shape], ASKED, env={"TAGALONG_HOOKS": "libcurl, dl"})


def test_plain_link_needs_no_dl_hooks(host):
    host("linked {chat}", ASKED, "host-linked", env={"TAGALONG_HOOKS": "libcurl"})


NOT_THERE = {
    "RTLD_DEFAULT": "default {chat}",
    "dlopen(NULL)": "self {chat}",
    "RTLD_NEXT": "next {chat}",
    "RTLD_DEFAULT, a local plugin": "load 1 {openssl} local default {chat}",
}


@pytest.mark.parametrize("shape", NOT_THERE)
def test_no_libcurl_to_be_found(host, shape):
    # A program that asks whether libcurl is there must not find our functions instead.
    host(NOT_THERE[shape], [])
