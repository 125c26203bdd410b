# SPDX-License-Identifier: MIT
"""Portkey's gateway, from npm, with two relays as its upstreams.

    with Portkey() as gateway:
        gateway.url, gateway.config({"a": relay.url, "b": other.url}, "metadata.project", "billing", "a", "b")

scripts/install-npm gateways puts it into build/npm.
"""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SERVER = ROOT / "build/npm/gateways/node_modules/@portkey-ai/gateway/build/start-server.js"
START_SECONDS = 30


class Portkey:
    def __enter__(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self._folder = tempfile.mkdtemp(prefix="tagalong-portkey-")
        # It sends nothing to upstreams on loopback unless it is told to trust them.
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": self._folder,
            "TRUSTED_CUSTOM_HOSTS": "127.0.0.1",
        }
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "node", SERVER, f"--port={port}", "--headless"],
            env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        self.url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + START_SECONDS
        while not answers(port):
            if time.monotonic() > deadline or self._process.poll() is not None:
                self.__exit__()
                raise RuntimeError("Portkey's gateway does not start")
            time.sleep(0.05)
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self._folder)


def answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def conditional(targets, key, value, then, default):
    """A value of x-portkey-config: requests whose metadata `key` is `value` go to target `then`."""
    return json.dumps(
        {
            "strategy": {
                "mode": "conditional",
                "conditions": [{"query": {f"metadata.{key}": {"$eq": value}}, "then": then}],
                "default": default,
            },
            "targets": [
                {"name": name, "provider": "openai", "api_key": "k", "custom_host": f"{url}/v1"}
                for name, url in targets.items()
            ],
        }
    )
