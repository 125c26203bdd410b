# SPDX-License-Identifier: MIT
"""One request to a FastCGI server, as a web server sends it: enough to visit a page of php-fpm."""

import socket
import struct

BEGIN, PARAMS, STDIN = 1, 4, 5
RESPONDER = struct.pack(">HB5x", 1, 0)


def record(kind, content=b""):
    return struct.pack(">BBHHBx", 1, kind, 1, len(content), 0) + content


def pair(name, value):
    """Lengths of four bytes each: their highest bit is set."""
    return struct.pack(">II", len(name) | 1 << 31, len(value) | 1 << 31) + name.encode() + value.encode()


def visit(path, script, query):
    """The server's whole answer, until it closes."""
    params = {"REQUEST_METHOD": "GET", "SCRIPT_FILENAME": str(script), "QUERY_STRING": query}
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(20)
        peer.connect(str(path))
        words = b"".join(pair(*item) for item in params.items())
        peer.sendall(record(BEGIN, RESPONDER) + record(PARAMS, words) + record(PARAMS) + record(STDIN))
        return b"".join(iter(lambda: peer.recv(65536), b""))
