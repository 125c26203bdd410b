# SPDX-License-Identifier: MIT
"""What the measurements share: the built programs, and the servers that they talk to."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "relay"))
import nginx  # noqa: E402

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


# On loopback a request takes 30 us or 75, by whether the scheduler wakes the server on the client's
# processor or on another one. That is chance, so those who compare latencies keep them apart.
processors = sorted(os.sched_getaffinity(0))


def keep_clients_apart():
    """From now on what this process starts has the first processor, and its servers have the others."""
    os.sched_setaffinity(0, {processors[0]})


def start_server(command, **options):
    def beside_the_clients():
        if len(os.sched_getaffinity(0)) < len(processors):
            os.sched_setaffinity(0, processors[1:])

    return subprocess.Popen(command, preexec_fn=beside_the_clients, **options)


def preload(library, **more):
    return {"LD_PRELOAD": library, "XDG_RUNTIME_DIR": "/dev/shm", **CONTEXT, **more}


# The relay says in X-Saw which task a request was for; /streamed/ answers in many small chunks. It
# answers before it has read the body, which HTTP/2 clients take badly where the body is long or the
# answer is; /whole/ reads it first, by asking itself over HTTP/1.1.
RELAY = """
  upstream relay {{ server 127.0.0.1:{port}; keepalive 16; }}
  server {{
    listen 127.0.0.1:{port}; listen 127.0.0.1:{tls_port} ssl http2;
    ssl_certificate {work}/cert.pem; ssl_certificate_key {work}/key.pem;
    add_header X-Saw "$http_x_task_id-"; root {work};
    location / {{ return 200 "{{}}\\n"; }}
    location /whole/ {{
      proxy_pass http://relay/; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_buffering off;
    }}
    location /streamed/ {{
      error_page 404 405 =200 /streamed/answer; sub_filter_types *; sub_filter "nowhere" "";
      output_buffers 1 256; postpone_output 0;
      location = /streamed/answer {{ }}
    }}
  }}
"""
# What people use instead: a proxy of their own that adds the headers.
PROXY = """
  upstream relay {{ server 127.0.0.1:{relay_port}; keepalive 16; }}
  upstream tls_relay {{ server 127.0.0.1:{relay_tls_port}; keepalive 16; }}
  proxy_http_version 1.1; proxy_buffering off; proxy_request_buffering off; proxy_ssl_verify off;
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://relay; proxy_set_header Connection ""; {headers} }}
  }}
  server {{
    listen 127.0.0.1:{tls_port} ssl http2;
    ssl_certificate {work}/cert.pem; ssl_certificate_key {work}/key.pem;
    location / {{ proxy_pass https://tls_relay; proxy_set_header Connection ""; {headers} }}
  }}
"""
NGINX = """
daemon off; master_process off; worker_processes 1; pid {work}/{name}.pid; 
events {{ worker_connections 2048; }}
http {{
  access_log off; keepalive_requests 100000000; client_body_temp_path {work}/{name}-body;
  proxy_temp_path {work}/{name}-p; fastcgi_temp_path {work}/{name}-f;
  uwsgi_temp_path {work}/{name}-u; scgi_temp_path {work}/{name}-s;
  large_client_header_buffers 8 32k; client_max_body_size 0; client_body_buffer_size 2m;
  {servers}
}}
"""
# The six lines that the shim adds.
SIX_HEADERS = {
    "X-Task-Id": "T-42",
    "X-Conversation-Id": "c-7f3a91",
    "X-Session-Id": "c-7f3a91",
    "X-Project-Id": "billing",
    "X-Request-Id": "01a20c81-625b-7aee-89b0-785f41983e09",
    "traceparent": "00-7eb31299dc38c34d9de68ffd7da0ce4a-3a1193ac721b31fe-02",
}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, process):
    for _ in range(1_000):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            break
        time.sleep(0.02)
    sys.exit(f"bench: {process.args[0]} does not start")


def make_certificate(work):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
         "-keyout", f"{work}/key.pem", "-out", f"{work}/cert.pem"],
        check=True, capture_output=True,
    )


def run_nginx(work, name, servers):
    configuration = Path(work) / f"{name}.conf"
    configuration.write_text(NGINX.format(work=work, name=name, servers=servers))
    return start_server(nginx.command(work, configuration, "crit"))


def start_relay(work):
    """nginx, which answers at once. Its process, its port, and that of TLS."""
    port, tls_port = free_port(), free_port()
    if not Path(work, "cert.pem").is_file():
        make_certificate(work)
    (Path(work) / "streamed").mkdir(exist_ok=True)
    event = b'data: {"choices":[{"delta":{"content":"some words"}}]}\n\n'
    (Path(work) / "streamed" / "answer").write_bytes(event * 400)
    server = run_nginx(work, "relay", RELAY.format(work=work, port=port, tls_port=tls_port))
    wait_for(port, server)
    return server, port, tls_port


def start_nginx_proxy(work, relay_port, relay_tls_port):
    port, tls_port = free_port(), free_port()
    headers = "".join(f'proxy_set_header {name} "{value}"; ' for name, value in SIX_HEADERS.items())
    server = run_nginx(work, "proxy", PROXY.format(
        work=work, port=port, tls_port=tls_port, headers=headers, relay_port=relay_port,
        relay_tls_port=relay_tls_port,
    ))
    wait_for(port, server)
    return server, port, tls_port


def start_mitmproxy(work, upstream):
    """In front of one URL. Its process and its port."""
    port = free_port()
    command = ["mitmdump", "--quiet", "--listen-host", "127.0.0.1", "--listen-port", str(port),
               "--mode", f"reverse:{upstream}", "--ssl-insecure", "--set", f"confdir={work}/mitm",
               "--set", "connection_strategy=lazy"]
    for name, value in SIX_HEADERS.items():
        command += ["--modify-headers", f"/~q/{name}/{value}"]
    server = start_server(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(port, server)
    return server, port


def start_service(work, name="live", *options, build=BUILD):
    """A context service on NAME/context.sock."""
    (Path(work) / name).mkdir(mode=0o700)
    path = f"{work}/{name}/context.sock"
    service = start_server(
        [Path(build) / "tagalong", "serve", "--socket", path, *options],
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
