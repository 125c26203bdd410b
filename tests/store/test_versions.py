# SPDX-License-Identifier: MIT
"""Servers of other releases: Redis 6.0 (Debian 11), Redis 8 and Valkey 8 (Debian 13); the whole suite with one of them
is `TAGALONG_REDIS=$(tests/store/server_of trixie valkey-server) pytest tests/store`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import grants
from serving import TOOLED

HERE = Path(__file__).resolve().parent
# All that goes through the script, and what servers word differently: errors, ACLs, TLS.
CHOSEN = "acl or tls or password or failover or replica or full or not_ours or mebibytes or machine or time_to_live or limits"


@pytest.mark.skipif("TAGALONG_REDIS" in os.environ, reason="it is another version")
@pytest.mark.skipif(TOOLED, reason="the service does the same with each of them")
@pytest.mark.parametrize("suite, package, version", [
    ("bullseye", "redis-server", "v=6.0."), ("trixie", "redis-server", "v=8.0."), ("trixie", "valkey-server", "v=8.1."),
])
def test_another_server(suite, package, version):
    try:
        found = subprocess.run([HERE / "server_of", suite, package], capture_output=True, text=True, timeout=240)
    except subprocess.TimeoutExpired:
        pytest.skip(f"{grants.REFUSED}: {package} of {suite} from this machine's mirror, in time")
    if found.returncode != 0:
        pytest.skip(f"{grants.REFUSED}: {package} of {suite} from this machine's mirror")
    program = found.stdout.strip()
    assert version in subprocess.check_output([program, "--version"], text=True)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", CHOSEN, HERE / "test_faults.py", HERE / "test_shared.py",
         HERE / "test_recipes.py"],
        env=os.environ | {"TAGALONG_REDIS": program}, capture_output=True, text=True, timeout=400,
    )
    assert done.returncode == 0, done.stdout[-5000:]
