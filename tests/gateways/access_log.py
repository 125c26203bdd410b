# SPDX-License-Identifier: MIT
"""nginx as a relay that writes down what it got, with the log_format of docs/attribution.md.

    with AccessLog(relay.port) as nginx:
        nginx.url, nginx.path, nginx.rows()
"""

import json
import re
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import nginx

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "attribution.md"
START_SECONDS = 10

CONFIG = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
events {{ worker_connections 64; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {log_format}
    access_log {folder}/access.log tagalong;
    server {{
        listen 127.0.0.1:{port};
        location / {{ proxy_pass http://127.0.0.1:{upstream}; }}
    }}
}}
"""


class AccessLog:
    def __init__(self, upstream):
        self._upstream = upstream

    def __enter__(self):
        self._folder = Path(tempfile.mkdtemp(prefix="tagalong-nginx-"))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        log_format = re.search(r"```nginx\n(.*?)```", PAGE.read_text(), re.S)[1]
        (self._folder / "nginx.conf").write_text(
            CONFIG.format(folder=self._folder, port=port, upstream=self._upstream, log_format=log_format)
        )
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *nginx.command(self._folder, "nginx.conf")],
            stderr=subprocess.DEVNULL,
        )
        self.url, self.path = f"http://127.0.0.1:{port}", self._folder / "access.log"
        deadline = time.monotonic() + START_SECONDS
        while socket.socket().connect_ex(("127.0.0.1", port)):
            assert time.monotonic() < deadline and self._process.poll() is None, "nginx does not start"
            time.sleep(0.02)
        return self

    def rows(self):
        return [json.loads(line) for line in self.path.read_text().splitlines()]

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self._folder)
