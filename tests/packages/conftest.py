# SPDX-License-Identifier: MIT
"""The packages, each built once in a run, whichever of pytest-xdist's workers asks first."""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parent))

from chroot import BUILD, ROOT  # noqa: E402

# Another folder, user, hour and mask than the first's: none of it may be in what is built.
ELSEWHERE = {"DEB_VERSION": "0.1.0+next", "TZ": "Asia/Kathmandu", "LOGNAME": "somebody", "USER": "somebody"}


def build(kind, folder, umask=0o022, **variables):
    """{name: path} of the packages of one call of scripts/packaging/build."""
    tool = {"deb": "dpkg-buildpackage", "rpm": "rpmbuild"}[kind]
    if not shutil.which(tool):
        pytest.skip(f"there is no {tool}: scripts/install-deps packages")
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    folder.parent.mkdir(parents=True, exist_ok=True)
    stamp = folder.with_suffix(".built")
    with open(folder.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != run:
            command = [ROOT / "scripts" / "packaging" / "build", kind, folder]
            done = subprocess.run(command, umask=umask, env=os.environ | variables, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            stamp.write_text(run)
    return {path.name.split("_")[0]: path for path in sorted([*folder.glob("*.*deb"), *folder.glob("*/*.rpm")])}


@pytest.fixture(scope="session")
def deb():
    return build("deb", BUILD / "deb")


@pytest.fixture(scope="session")
def second_deb():
    """The same as the next version."""
    return build("deb", BUILD / "elsewhere" / "next", umask=0o027, **ELSEWHERE)


@pytest.fixture(scope="session")
def rpm():
    return build("rpm", BUILD / "rpm")
