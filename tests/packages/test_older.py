# SPDX-License-Identifier: MIT
"""The library that was built here in a system with glibc 2.31, where what finds and loads libraries is in
libdl.so.2. Its libcurl is older than 7.80, too."""

import json
import platform
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from chroot import ROOT, Chroot, Impossible, obstacle, older
from neutral import compare
from tags import CONTEXT, GENERIC

SOURCES = Path(__file__).resolve().parent / "older"
PLACE = "/tmp/older"
PYCURL = """
import io, pycurl, sys
curl, answer = pycurl.Curl(), io.BytesIO()
for option, value in (("URL", sys.argv[1]), ("POSTFIELDS", "{}"), ("WRITEDATA", answer), ("HTTPHEADER", ["X-Own: 1"])):
    curl.setopt(getattr(pycurl, option), value)
curl.perform()
sys.stdout.write(answer.getvalue().decode())
"""


def build(folder, output, *words):
    command = ["cc", "-O1", "-g", "-Wall", "-Wextra", "-Wno-unused-parameter", "-nostartfiles", "-o", output]
    subprocess.run([*command, *words], cwd=folder, check=True)


@pytest.fixture(scope="module")
def system():
    reason = obstacle() or (platform.machine() != "x86_64" and "the programs are for x86-64")
    if reason:
        pytest.skip(reason)
    try:
        with Chroot(older) as system:
            folder = system.root / PLACE[1:]
            shutil.copytree(SOURCES, folder)
            shutil.copy(ROOT / "build" / "libtagalong.so", folder)
            build(folder, "libcurl.so.4", "-shared", "-fPIC", "-Wl,-soname,libcurl.so.4", "libcurl.c")
            build(folder, "plain", "plain.c", "module.c", "libcurl.so.4", f"-Wl,-rpath,{PLACE}")
            build(folder, "late", "-DLATE", "plain.c")
            build(folder, "next", "-D_GNU_SOURCE", "next.c", "-Wl,--no-as-needed", "-l:libdl.so.2")
            build(folder, "module.so", "-shared", "-fPIC", "-DMODULE", "module.c", "-l:libcurl.so.4")
            (folder / "gconv-modules").write_text(f"module INTERNAL MODULE// {PLACE}/module 1\n")
            yield system
    except Impossible as error:
        pytest.skip(str(error))


@pytest.fixture
def neutral(system, relay):
    """One command twice, held against each other."""

    def run(shim, words, url, context):
        relay.reset()
        variables = {name: value for name, value in {"URL": url, **context}.items() if value}
        preload = [f"LD_PRELOAD={PLACE}/libtagalong.so"] * shim
        done = system.run("env", *preload, *words, check=False, **variables)
        return SimpleNamespace(rc=done.returncode, stdout=done.stdout.encode(), stderr=done.stderr.encode(),
                               traffic={"relay": list(relay.requests)})

    def twice(*words, tags=GENERIC, path="/v1/chat/completions", own=(), **context):
        url = relay.url + path
        words = [url if word == "URL" else word for word in words]
        bare, tagged = (run(shim, words, url, CONTEXT | context) for shim in (False, True))
        compare(bare, tagged, {"relay": [tags] if tags is not None else []}, own=own)
        return bare

    return twice


def test_it_is_older(system):
    told = system.run("python3", "-c", "import platform, pycurl; print(platform.libc_ver()[1], pycurl.version)").stdout
    glibc, libcurl = told.split()[:2]
    assert glibc == "2.31" and libcurl.split("/")[1] < "7.80"


def test_curl(neutral):
    assert neutral("curl", "-sS", "-H", "X-Own: 1", "-d", "{}", "URL", own=["X-Own"]).stdout
    neutral("curl", "-sS", "-d", "{}", "URL", path="/v1/models", tags={})


def test_a_plugin(neutral):
    """Loaded for Python alone, with the flavour that it was built for."""
    assert neutral("python3", "-c", PYCURL, "URL", own=["X-Own"]).stdout


def test_the_configuration(system, neutral, relay):
    """stat has another name there."""
    folder = system.root / PLACE[1:]
    (folder / "config.json").write_text(json.dumps({"relays": [{"match": [relay.url], "preset": "w3c"}]}))
    (folder / "config.json").chmod(0o644)
    baggage = "gen_ai.conversation.id=C-7,task.id=T-42,vcs.repository.name=billing"
    tags = {"traceparent": GENERIC["traceparent"], "baggage": baggage}
    neutral("curl", "-sS", "-d", "{}", "URL", tags=tags, TAGALONG_CONFIG=f"{PLACE}/config.json")
    (folder / "config.json").chmod(0o666)  # anybody's
    neutral("curl", "-sS", "-d", "{}", "URL", tags={}, TAGALONG_CONFIG=f"{PLACE}/config.json")


def test_no_libdl(system, neutral):
    """The program's libcurl is found without dlsym, and its calls go there."""
    assert b"perform" in neutral(f"{PLACE}/plain", tags=None).stdout
    needed = system.run("env", "LD_TRACE_LOADED_OBJECTS=1", f"{PLACE}/plain").stdout
    assert "libcurl" in needed and "libdl" not in needed


def test_libdl_comes_late(system, neutral):
    """It was not there when the shim was bound."""
    assert b"0 from a module" in neutral(f"{PLACE}/late", own=["X-Own"], GCONV_PATH=PLACE).stdout
    needed = system.run("env", "LD_TRACE_LOADED_OBJECTS=1", f"{PLACE}/late").stdout
    assert "libdl" not in needed


def test_the_next_one(system, neutral):
    """Up to glibc 2.35 dlsym(RTLD_NEXT) takes a definition of ours, as if the program were linked with it."""
    stdout = neutral(f"{PLACE}/next", tags=None).stdout
    assert stdout.count(b"absent: ") == 3 and stdout.count(b"undefined symbol: curl_") == 3
