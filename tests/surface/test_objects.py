# SPDX-License-Identifier: MIT
"""What the two built files show, need and are protected by; held against tests/golden/surface.

scripts/check-exports looks at the shim of every machine; this is the full list, for x86_64.
"""

import os
import platform
import re
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from conftest import ROOT

BUILD = Path(os.environ.get("TAGALONG_BUILD", ROOT / "build"))
SHIM, TAGALONG = BUILD / "libtagalong.so", BUILD / "tagalong"
BOTH = pytest.mark.parametrize("file", [SHIM, TAGALONG], ids=lambda file: file.name)
GOLDEN = ROOT / "tests" / "golden" / "surface"
# The lists of symbols hold for this one; a newer glibc has newer versions of some.
GOLDEN_GLIBC = "2.36"


def tool(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def golden(name):
    return (GOLDEN / name).read_text().splitlines()


def symbols(file, *options):
    """name@VERSION of each."""
    return sorted(line.split()[-1].replace("@@", "@") for line in tool("nm", *(options and ["-D", *options]), file).splitlines())


def version_of(symbol):
    return tuple(int(part) for part in re.search(r"GLIBC_([\d.]+)", symbol)[1].split("."))


def newer_than(symbols, version):
    return {s.split("@")[0] for s in symbols if "GLIBC_" in s and version_of(s) > version}


def test_exported_names():
    assert symbols(SHIM, "--defined-only") == golden("exported")


def test_undefined():
    """Nothing that forks, waits, prints, exits, or starts threads."""
    needed, allowed = symbols(SHIM, "--undefined-only"), golden("needed")
    if platform.libc_ver()[1] == GOLDEN_GLIBC:
        assert needed == allowed
    else:
        # What a compiler may call by itself, and each does where it likes; another name of environ, by the linker.
        own = {"memcmp", "memcpy", "memmove", "memset", "_environ"}
        assert {s.split("@")[0] for s in needed} <= {s.split("@")[0] for s in allowed} | own
    # The loader's list has one name in glibc and another in musl.
    assert {symbol for symbol in needed if "@GLIBC_" not in symbol} == {"_dl_debug_addr", "_r_debug"}


def test_needed_libraries():
    libraries = {file: re.findall(r"NEEDED.*\[(.*)\]", tool("readelf", "-d", file)) for file in (SHIM, TAGALONG)}
    assert libraries[SHIM] == ["libc.so.6"]
    assert {re.split(r"[-.]", name)[0] for name in libraries[TAGALONG]} <= {
        "libcurl", "libcjson", "libevent_core", "libsqlite3", "libhiredis", "libhiredis_ssl", "libelf", "libc"}


def test_oldest_glibc():
    """By the versions of what it needs; tests/packages/test_older.py runs it with 2.31."""
    assert not newer_than(symbols(SHIM, "--undefined-only"), (2, 28))


@BOTH
def test_hardening(file):
    header, dynamic = tool("readelf", "-hW", file), tool("readelf", "-dW", file)
    segments = tool("readelf", "-lW", file)
    assert re.search(r"Type: +DYN", header)
    assert "BIND_NOW" in dynamic and "GNU_RELRO" in segments
    assert re.search(r"GNU_STACK .* RW +0x", segments)
    loads = re.findall(r"^ +LOAD +(?:0x\w+ +){5}(.{3})", segments, re.M)
    assert sorted(flags.strip() for flags in loads) == ["R", "R", "R E", "RW"], "writable and executable"
    for bad in ("TEXTREL", "RPATH", "RUNPATH"):
        assert bad not in dynamic
    used = symbols(file, "--undefined-only")
    assert any("__stack_chk_fail@" in s for s in used)
    # The library brings the checks along, because musl has none.
    fortified = used if file == TAGALONG else symbols(file)
    assert any(s.split("@")[0].endswith("cpy_chk") for s in fortified)


def test_pie():
    assert re.search(r"FLAGS_1.*\bPIE\b", tool("readelf", "-dW", TAGALONG))
    assert "NODELETE" in tool("readelf", "-dW", SHIM)


def test_one_constructor():
    """start.c's: it unbinds weak references where there is no libcurl."""
    dynamic = tool("readelf", "-dW", SHIM)
    assert re.findall(r"\((INIT|FINI|INIT_ARRAY|FINI_ARRAY|PREINIT_ARRAY)\)", dynamic) == ["INIT_ARRAY"]
    assert re.search(r"INIT_ARRAYSZ\)\s+8 \(bytes\)", dynamic)


CET = "IBT, SHSTK"


def test_cet():
    """The shim is marked: one object that is not takes it from the whole process. So is every object of
    the command's; its start files are Debian's, which are not."""
    assert CET in tool("readelf", "-nW", SHIM)
    objects = list((BUILD / "obj").rglob("*.o"))
    assert len(objects) > 20
    assert [o.name for o in objects if CET not in tool("readelf", "-nW", o)] == []


def test_two_builds_are_equal(tmp_path):
    """Here, and in a folder of another name and depth, with another parallelism."""
    other = tmp_path / "of" / "another" / "depth"
    for name in ("shim", "scripts", "docs"):
        shutil.copytree(ROOT / name, other / name)
    shutil.copy(ROOT / "Makefile", other)
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "CC", "CFLAGS") if name in os.environ}
    subprocess.run(["make", "-s", "-j2"], cwd=other, env=environment, stdout=subprocess.DEVNULL, check=True)
    for name in ("libtagalong.so", "tagalong"):
        equal = (BUILD / name).read_bytes() == (other / "build" / name).read_bytes()
        assert equal, f"{name} (is build/ older than the Makefile? make clean)"  # showing a difference takes minutes


def test_flags_of_a_distribution(tmp_path):
    """Ubuntu and Fedora build packages with link-time optimization."""
    flags = "-g -O2 -flto=auto -ffat-lto-objects"
    command = ["make", "-s", "-j2", f"BUILD={tmp_path}", f"CFLAGS={flags}", f"LDFLAGS={flags}", f"{tmp_path}/libtagalong.so"]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    assert symbols(tmp_path / "libtagalong.so", "--defined-only") == golden("exported")


def test_relocations():
    """What the loader writes when it loads the shim, into what becomes read-only then."""
    kinds = re.findall(r"R_X86_64_(\w+)", tool("readelf", "-rW", SHIM))
    counts = {kind: kinds.count(kind) for kind in set(kinds)}
    assert set(counts) == {"RELATIVE", "GLOB_DAT", "JUMP_SLOT"}
    # Each is written into a page of every process that inherits the preload.
    assert counts["RELATIVE"] <= 32 and counts["GLOB_DAT"] <= 16 and counts["JUMP_SLOT"] <= 96


def pages_of(pid):
    """The shim's private ones: those that are present and no file's (proc_pid_pagemap(5))."""
    page = os.sysconf("SC_PAGE_SIZE")
    maps = Path(f"/proc/{pid}/maps").read_text()
    start = int(re.search(rf"^(\w+)-.*/{SHIM.name}$", maps, re.M)[1], 16)
    loads = re.findall(r"^ +LOAD +\w+ (\w+) \w+ \w+ (\w+)", tool("readelf", "-lW", SHIM), re.M)
    pages = -(-sum(int(number, 16) for number in loads[-1]) // page)
    with open(f"/proc/{pid}/pagemap", "rb") as pagemap:
        pagemap.seek(start // page * 8)
        entries = struct.unpack(f"{pages}Q", pagemap.read(pages * 8))
    return sum(1 for entry in entries if entry >> 63 & 1 and not entry >> 61 & 1)


def private_pages(command):
    """In a process that waits for its standard input."""
    environment = {"PATH": "/usr/bin:/bin", "LD_PRELOAD": str(SHIM)}
    host = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True)
    try:
        host.stdin.write("x\n")
        host.stdin.flush()
        assert host.stdout.readline() == "x\n"  # it is at work
        return pages_of(host.pid)
    finally:
        host.stdin.close()
        host.wait()


PYTHON = "import ssl, json, sys; [(print(l, end='', flush=True)) for l in sys.stdin]"


@pytest.mark.parametrize(
    "command, most", [(["cat"], 1), (["/usr/bin/python3", "-c", PYTHON], 2)], ids=["cat", "python3"]
)
def test_private_pages(command, most):
    """Of a process that sends nothing: the page of relocations; and where it loads objects by itself,
    one with what the dlopen hooks have found."""
    assert 1 <= private_pages(command) <= most
