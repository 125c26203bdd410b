# SPDX-License-Identifier: MIT
"""A forward proxy that records what it was told: absolute-form requests and CONNECT.

What runs inside a CONNECT tunnel is not looked at; who ends the tunnel records it.
"""

import socket
import threading
from urllib.parse import urlsplit

from server import Server


def own_address():
    """One of this machine's that is not loopback, as another machine's would be; None: it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            return None
        return probe.getsockname()[0]


class Proxy(Server):
    def serve(self, connection):
        for request in connection.requests():
            self.record(request)
            if request.method == "CONNECT":
                host, port = request.target.rsplit(":", 1)
                return self.tunnel(connection, host.strip("[]"), int(port))
            self.forward(connection, request)

    def tunnel(self, connection, host, port):
        with socket.create_connection((host, port)) as upstream:
            connection.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=copy, args=(upstream, connection.sock), daemon=True)
            back.start()
            copy(connection.sock, upstream)
            back.join()

    def forward(self, connection, request):
        """Sends the head on as it came (the relay takes absolute URLs) and the answer back."""
        url = urlsplit(request.target)
        with socket.create_connection((url.hostname, url.port or 80)) as upstream:
            framed = request.body
            if request.value("Transfer-Encoding"):
                framed = b"%x\r\n%s\r\n0\r\n\r\n" % (len(framed), framed)
            upstream.sendall(request.head + framed)
            upstream.shutdown(socket.SHUT_WR)
            copy(upstream, connection.sock, end=False)


def copy(source, sink, end=True):
    """Until the source ends; then ends the sink, if asked to, so that the other side learns."""
    try:
        while block := source.recv(65536):
            sink.sendall(block)
        if end:
            sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # one side went away: so does the tunnel
