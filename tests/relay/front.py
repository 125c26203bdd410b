# SPDX-License-Identifier: MIT
"""nginx in front of the relay, for TLS and HTTP/2.

    with Front({"/": relay.port, "/dns-query": doh.port}) as front:
        subprocess.run(["curl", "--cacert", front.ca, front.url + "/v1/chat/completions", ...])

One port speaks HTTP/1.1 and HTTP/2 over TLS, as the client negotiates; `plain_url` speaks HTTP/2
without TLS (prior knowledge). nginx passes the header lines on in the order in which they came,
after Host, Connection, X-Front-Protocol ("HTTP/2.0") and Content-Length, which it writes itself;
HTTP/2 names are lower case. The certificate is self-signed, for the names in NAMES, and made anew
each time. Everything lives in a folder of its own and ends with the `with`, or, should this
process die first, with this process (setpriv --pdeathsig).
"""

import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import nginx

NAMES = ["localhost", "relay.example.com", "corp.example", "*.corp.example"]
START_SECONDS = 10

CONFIG = """
daemon off;
master_process off;  # one process of our own user, root or not: no worker to lose
pid {folder}/nginx.pid;
events {{ worker_connections 128; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    ignore_invalid_headers off;  # the relay is to see what the client sent, good or bad
    underscores_in_headers on;
    large_client_header_buffers 8 256k;
    client_max_body_size 64m;
    server {{
        listen 127.0.0.1:{port} ssl http2 reuseport;
        listen 127.0.0.1:{plain_port} http2 reuseport;
        ssl_certificate {folder}/cert.pem;
        ssl_certificate_key {folder}/key.pem;
        proxy_http_version 1.1;
        proxy_buffering off;
        proxy_next_upstream off;  # a dropped request is the client's to repeat
        proxy_set_header Host $http_host;
        proxy_set_header Connection "";
        proxy_set_header X-Front-Protocol $server_protocol;
        {locations}
    }}
}}
"""


class Front:
    def __init__(self, upstreams):
        self._upstreams = upstreams  # path prefix: port

    def __enter__(self):
        self._folder = Path(tempfile.mkdtemp(prefix="tagalong-front-"))
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self):
        # Bound and never listening, with SO_REUSEPORT, these two keep the ports ours until nginx
        # listens on them, and get no connection themselves.
        held = [hold_port(), hold_port()]
        self.port, self.plain_port = (sock.getsockname()[1] for sock in held)
        self.url = f"https://127.0.0.1:{self.port}"
        self.plain_url = f"http://127.0.0.1:{self.plain_port}"
        self.ca = str(self._folder / "cert.pem")
        make_certificate(self._folder)
        self._write_config()
        with (self._folder / "error.log").open("wb") as log:
            self._nginx = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", *nginx.command(self._folder, self._folder / "nginx.conf")],
                stdin=subprocess.DEVNULL,
                stderr=log,
            )
        self._wait_until_ready()
        for sock in held:
            sock.close()

    def _write_config(self):
        locations = "".join(
            f"location {path} {{ proxy_pass http://127.0.0.1:{port}; }}\n"
            for path, port in self._upstreams.items()
        )
        config = CONFIG.format(
            folder=self._folder, port=self.port, plain_port=self.plain_port, locations=locations
        )
        (self._folder / "nginx.conf").write_text(config)

    def _wait_until_ready(self):
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.plain_port)).close()
                return
            except ConnectionRefusedError:
                if self._nginx.poll() is not None or time.monotonic() > deadline:
                    log = (self._folder / "error.log").read_text()
                    raise RuntimeError(f"nginx does not serve:\n{log}") from None
                time.sleep(0.01)

    def __exit__(self, *_):
        if process := getattr(self, "_nginx", None):
            process.terminate()
            process.wait()
        shutil.rmtree(self._folder)


def hold_port():
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind(("127.0.0.1", 0))
    return sock


def make_certificate(folder):
    names = ",".join(f"DNS:{name}" for name in NAMES) + ",IP:127.0.0.1"
    # fmt: off
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=tagalong test", "-addext", f"subjectAltName={names}",
         "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
        check=True, capture_output=True,
    )
    # fmt: on
