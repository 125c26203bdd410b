# SPDX-License-Identifier: MIT
"""Two machines with a cable between them (network namespaces), and an unmodified client that never stops on one."""

import sys
import time
from pathlib import Path

import pytest

import grants
from machines import Chat, Network
from redis_server import Server
from serving import TOOLED, wait_until
from test_faults import fresh, is_stale, refused

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench"))
import store_lag  # noqa: E402

pytestmark = [
    pytest.mark.skipif(**grants.networks),
    pytest.mark.skipif(TOOLED, reason="a sanitizer's runtime does not load into Python"),
]
BOUND = 0.5  # seconds, on a busy machine


def test_every_request_there_has_what_was_set_here():
    """What was answered the bound before the request began (`store_lag.py` does it 10,000 times)."""
    took, lags, late = store_lag.measure(500)
    assert len(took) == len(lags) == 500 and len(late) > 100
    assert max(late) < BOUND


def test_every_packet_is_dropped(make):
    """The client goes on with what it had, and is never slower; a set is refused; all comes back by itself."""
    network = Network()
    server = Server(host=network.ADDRESSES[0], before=network.here).start()
    here = make(server, before=network.here)
    there = make(server, before=network.there)
    chat = Chat(there, pause=0.005, before=network.there)
    try:
        with here.connect() as one, there.connect() as two:
            one.op("set", context={"task_id": "first"})
            wait_until(lambda: two.context() == {"task_id": "first"})
            assert chat.latest(time.monotonic())[2] == "first"
            network.cut()
            since = time.monotonic()
            one.op("set", context={"task_id": "second"})
            assert "no answer in time" in refused(two)
            wait_until(lambda: is_stale(two), 5)
            refused(two)
            requests = chat.requests(since)
            assert {task for _, _, task in requests} == {"first"}
            assert max(took for _, took, _ in requests) < BOUND
            network.mend()
            fresh(two)
            assert two.context() == {"task_id": "second"}
            assert chat.latest(time.monotonic())[2] == "second"
    finally:
        chat.end()
        server.release()
        network.close()
