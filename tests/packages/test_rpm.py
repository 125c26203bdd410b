# SPDX-License-Identifier: MIT
"""The rpm packages, as far as they can be looked at where there is no Fedora: what they have and want."""

import os
import re
import shutil
import subprocess

import pytest

from chroot import BUILD, ROOT
from contents import commands, library, mode

DOCUMENTS = ("doc/", "licenses/")


def query(package, *what):
    command = ["rpm", "--dbpath", BUILD / "rpm" / "db", "--query", "--package", package, *what]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def named(rpm, name):
    (found,) = [path for path in rpm.values() if query(path, "--queryformat", "%{NAME}") == [name]]
    return found


def files(package):
    """Below /usr, without folders, documents and links to what was built. Some versions of rpm compress manuals."""
    rows = [line.split("\t") for line in query(package, "--queryformat", "[%{FILEMODES:perms}\t%{FILENAMES}\n]")]
    assert all(name.startswith("/usr/") for _, name in rows)
    found = {name.removeprefix("/usr/"): mode for mode, name in rows if not mode.startswith("d")}
    return {re.sub(r"^(share/man/.*)\.gz$", r"\1", name): mode for name, mode in found.items()
            if not name.startswith("lib/.build-id") and not name.removeprefix("share/").startswith(DOCUMENTS)}


def test_commands(rpm):
    package = named(rpm, "tagalong")
    found = files(package)
    assert found == {name: mode(name) for name in commands("lib64", "share/zsh/site-functions")}
    wanted = query(package, "--requires")
    for library in ("libcurl.so.4()(64bit)", "libcjson.so.1()(64bit)", "libelf.so.1()(64bit)"):
        assert library in wanted
    assert [line for line in wanted if line.startswith("libevent_core")]
    assert [line for line in wanted if line.startswith("tagalong-libs")][0].endswith(" = 0.1.0-1")


def test_library(rpm):
    package = named(rpm, "tagalong-libs")
    assert files(package) == {name: mode(name) for name in library("lib64")}
    wanted = query(package, "--requires")
    assert {line.split("(")[0] for line in wanted} <= {"libc.so.6", "rpmlib", "rtld", "ld-linux-x86-64.so.2"}


def test_an_installation_runs_python_alone(rpm):
    """The Python hook is compiled, and what that made is taken away with the last version."""
    assert query(named(rpm, "tagalong-libs"), "--scripts", "--triggers") == []
    scripts = query(named(rpm, "tagalong"), "--scripts", "--triggers")
    assert [line.split()[0] for line in scripts if "scriptlet" in line] == ["postinstall", "postuninstall"]


def test_rpmlint(rpm, tmp_path):
    if not shutil.which("rpmlint"):
        pytest.skip("there is no rpmlint: scripts/install-deps packages")
    folder = ROOT / "scripts" / "packaging"
    packages = [path for name, path in rpm.items() if "debug" not in name]
    command = ["rpmlint", "-r", folder / "tagalong.rpmlintrc", *packages, folder / "tagalong.spec"]
    home = os.environ | {"HOME": str(tmp_path)}  # rpm makes a data base there
    done = subprocess.run(command, env=home, capture_output=True, text=True)
    assert " specfiles checked; " in done.stdout, done.stdout + done.stderr
    # A filter of another version's finding, and a dictionary without libcurl, are no faults of the packages.
    found = [line for line in done.stdout.splitlines() if re.search(r": [EW]: (?!unused-rpmlintrc-filter|spelling-error)", line)]
    assert not found, done.stdout
