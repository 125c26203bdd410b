# SPDX-License-Identifier: MIT
"""The Debian packages: what is in them, what they say of themselves, and that a second build is the same."""

import hashlib
import io
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from chroot import ROOT, release
from contents import commands, library, mode

NAMES = ("tagalong", "libtagalong")
SYMBOLS = ("tagalong-dbgsym", "libtagalong-dbgsym")


def deb_field(package, field):
    return subprocess.run(["dpkg-deb", "--field", package, field], check=True, capture_output=True, text=True).stdout


def files(package):
    """{path below /usr: mode}, without folders and documents."""
    told = subprocess.run(["dpkg-deb", "--contents", package], check=True, capture_output=True, text=True).stdout
    rows = [line.split() for line in told.splitlines() if not line.startswith("d")]
    assert all(row[1] == "root/root" and row[5].startswith("./usr/") for row in rows)
    found = {row[5].removeprefix("./usr/"): row[0] for row in rows}
    return {name: mode for name, mode in found.items() if not name.startswith("share/doc/")}


@pytest.fixture(scope="module")
def lib():
    done = subprocess.run(["dpkg-architecture", "-qDEB_HOST_MULTIARCH"], check=True, capture_output=True, text=True)
    return f"lib/{done.stdout.strip()}"


def test_files(deb, lib):
    assert set(deb) == {*NAMES, *SYMBOLS}
    wanted = commands(lib, "share/zsh/vendor-completions", gz=".gz")
    found = files(deb["tagalong"])
    assert found == {name: mode(name) for name in wanted} | {"share/lintian/overrides/tagalong": "-rw-r--r--"}
    assert files(deb["libtagalong"]) == {name: mode(name) for name in library(lib)}


def test_what_they_want(deb):
    version = deb_field(deb["tagalong"], "Version").strip()
    built = subprocess.run([ROOT / "build" / "tagalong", "version"], capture_output=True, text=True, check=True)
    assert version in built.stdout.splitlines()[0].split()
    wanted = {word.split()[0].removesuffix("t64") for word in deb_field(deb["tagalong"], "Depends").split(", ")}
    assert {"libc6", "libcurl4", "libcjson1", "libelf1"} <= wanted
    assert {re.sub("[0-9.-]+$", "", word) for word in wanted} == {
        "libtagalong", "libc", "libcurl", "libcjson", "libelf", "libsqlite", "libhiredis", "libssl",
        "libevent-core", "libevent-extra", "libevent-openssl"}
    assert f"libtagalong (= {version})" in deb_field(deb["tagalong"], "Depends")
    assert re.fullmatch(r"libc6 \(>= [0-9.]+\)\n", deb_field(deb["libtagalong"], "Depends"))
    assert deb_field(deb["libtagalong"], "Multi-Arch") == "same\n"
    assert deb_field(deb["tagalong"], "Multi-Arch") == "foreign\n"


def contents(package, folder):
    """{path: (mode, owner, time, link, hash)} of all that is in it, and what it says of itself. What is unpacked would
    not do: links come last in the archive, and give their folder the time of day."""
    packed = subprocess.run(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE, check=True)
    found = {}
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        for member in archive:
            content = archive.extractfile(member).read() if member.isreg() else b""
            found[member.name.removeprefix("./")] = (member.mode, member.uname, member.gname, member.mtime,
                                                     member.linkname, hashlib.sha256(content).hexdigest())
    subprocess.run(["dpkg-deb", "--control", package, folder], check=True)
    found.update({f"DEBIAN/{path.name}": hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()})
    return found, (folder / "control").read_text()


@pytest.mark.parametrize("name", [*NAMES, *SYMBOLS])
def test_a_second_build_is_the_same(second_deb, deb, name, tmp_path):
    """In another folder, for another user at another hour: only the version differs, and where it is said."""
    if "--build-id-seed" in Path(shutil.which("dh_strip")).read_text():
        pytest.skip("this dh_strip, Ubuntu's, puts the version into the build id")
    first, said = contents(deb[name], tmp_path / "1")
    second, said_then = contents(second_deb[name], tmp_path / "2")
    differ = {path for path in {*first, *second} if first.get(path) != second.get(path)}
    documents = {path for path in differ if path.startswith("usr/share/doc/")}
    assert {path.rpartition("/")[2] for path in documents} <= {"changelog.gz"}
    assert differ - documents <= {"DEBIAN/control", "DEBIAN/md5sums"}
    then, now = deb_field(deb[name], "Version").strip(), deb_field(second_deb[name], "Version").strip()
    assert then != now and said_then.replace(now, then) == said


@pytest.mark.parametrize("name, scripts", [("tagalong", {"postinst", "prerm"}), ("libtagalong", set())])
def test_nothing_is_for_the_administrator(deb, name, scripts, tmp_path):
    """No configuration; what is run compiles the Python hook, and takes that away again (test_life.py)."""
    subprocess.run(["dpkg-deb", "--control", deb[name], tmp_path / "control"], check=True)
    assert {path.name for path in (tmp_path / "control").iterdir()} == {"control", "md5sums"} | scripts


def test_lintian(deb):
    if not shutil.which("lintian"):
        pytest.skip("there is no lintian: scripts/install-deps packages")
    if release()[0] != "debian":
        pytest.skip("another distribution's lintian has rules of its own")
    (changes,) = deb["tagalong"].parent.glob("*.changes")
    command = ["lintian", "--allow-root", "--fail-on", "error,warning", changes]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_the_loader_means_that_folder_by_LIB(lib):
    """What its own says: the folder that LD_PRELOAD's $LIB stands for."""
    loader = re.search(r"\[.*interpreter: (\S+)\]", subprocess.run(
        ["readelf", "-lW", ROOT / "build" / "tagalong"], check=True, capture_output=True, text=True).stdout)[1]
    told = subprocess.run([loader, "--list-diagnostics"], check=True, capture_output=True, text=True).stdout
    assert f'dl_dst_lib="{lib}"' in told.splitlines()
