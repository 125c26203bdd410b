# SPDX-License-Identifier: MIT
"""What the measurements share: the built programs, and the servers that they talk to."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = Path(os.environ.get("TAGALONG_BUILD", ROOT / "build"))
SHIM = str(BUILD / "libtagalong.so")
EMPTY = str(BUILD / "bench" / "empty.so")
CALLS = str(BUILD / "bench" / "calls")
BODY = str(BUILD / "bench" / "body")
GET = str(BUILD / "bench" / "get")

CONTEXT = {
    "TAGALONG_TASK_ID": "T-42",
    "TAGALONG_CONVERSATION_ID": "c-7f3a91",
    "TAGALONG_PROJECT_ID": "billing",
}


def preload(library, **more):
    return {"LD_PRELOAD": library, "XDG_RUNTIME_DIR": "/nonexistent", **CONTEXT, **more}


NGINX = """
daemon off; master_process off; worker_processes 1; pid {work}/pid; error_log stderr crit;
events {{ worker_connections 64; }}
http {{
  access_log off; keepalive_requests 100000000; client_body_temp_path {work}/body;
  proxy_temp_path {work}/p; fastcgi_temp_path {work}/f; uwsgi_temp_path {work}/u;
  scgi_temp_path {work}/s; large_client_header_buffers 8 32k;
  server {{ listen 127.0.0.1:{port}; location / {{ return 200 "{{}}\\n"; }} }}
}}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_nginx(work, port):
    configuration = Path(work) / "nginx.conf"
    configuration.write_text(NGINX.format(work=work, port=port))
    server = subprocess.Popen(["/usr/sbin/nginx", "-e", "stderr", "-c", str(configuration), "-p", work])
    for _ in range(100):
        probe = ["curl", "-s", "-o", "/dev/null", f"http://127.0.0.1:{port}/"]
        if subprocess.run(probe, check=False).returncode == 0:
            return server
    sys.exit("bench: nginx does not start")


def start_service(work, name="live", *options):
    """A context service on NAME/context.sock."""
    (Path(work) / name).mkdir(mode=0o700)
    path = f"{work}/{name}/context.sock"
    service = subprocess.Popen(
        [BUILD / "tagalong", "serve", "--socket", path, *options],
        env={"PATH": "/usr/bin:/bin", "XDG_STATE_HOME": f"{work}/{name}/state"},
        stderr=subprocess.DEVNULL,
    )
    probe = socket.socket(socket.AF_UNIX)
    for _ in range(500):
        if probe.connect_ex(path) == 0:
            return service
        time.sleep(0.01)
    sys.exit("bench: the context service does not start")


def make_faulty_sockets(work):
    """A socket that listens and never answers, and one that was left behind."""
    for name in ("dead", "hangs"):
        (Path(work) / name).mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(f"{work}/dead/context.sock")
    hanging = socket.socket(socket.AF_UNIX)
    hanging.bind(f"{work}/hangs/context.sock")
    os.chmod(f"{work}/hangs/context.sock", 0o600)
    hanging.listen()
    return hanging
