# SPDX-License-Identifier: MIT
"""HTTP/1.1 on the wire: requests as they came, answers as they go.

The tests compare bytes, so nothing here tidies up: a head is kept from its first byte to the
empty line, header lines keep their order, case and blanks, and a line that HTTP forbids is kept
like any other. Only the body is interpreted as far as one must to find where it ends; a chunked
one is kept without its framing, which depends on how a client happened to fill its buffer.

    read_request(file, send)    the next request of a connection, or None at its end
    Response(status, ...)       what to answer; send_response() writes it
"""

import json
from dataclasses import dataclass, field
from http import HTTPStatus

HEAD_BYTES_MAX = 4 << 20  # libcurl builds heads of up to 1 MiB
BODY_BYTES_KEPT = 1 << 20  # of each request; its full length is counted


class Malformed(Exception):
    """What arrived is no HTTP message that we can find the end of."""


@dataclass
class Request:
    """One request (or, in the other recorders, one mail) as it arrived."""

    head: bytes  # first line to empty line, both included, untouched
    body: bytes = b""  # the first BODY_BYTES_KEPT bytes
    body_length: int = 0
    complete: bool = True  # False: the client went away in the middle of the body
    number: int = 0  # of this request at this server, from 1
    connection: int = 0  # of its connection at this server, from 1
    nth: int = 0  # of this request on its connection, from 1

    @property
    def lines(self):
        """The header lines in order, without the first line and without line ends."""
        lines = [line.removesuffix(b"\r") for line in self.head.split(b"\n")]
        return lines[1 : lines.index(b"")]

    @property
    def start(self):
        return self.head.split(b"\n", 1)[0].removesuffix(b"\r")

    @property
    def method(self):
        return self.start.split(b" ")[0].decode("latin-1")

    @property
    def target(self):
        return b" ".join(self.start.split(b" ")[1:-1]).decode("latin-1")

    def values(self, name):
        """The values of every line with this name, in any letter case."""
        pairs = (line.split(b":", 1) for line in self.lines if b":" in line)
        return [v.strip().decode("latin-1") for n, v in pairs if same_name(n, name)]

    def value(self, name, default=None):
        return next(iter(self.values(name)), default)


def same_name(line_name, name):
    return line_name.lower() == name.lower().encode("latin-1")


def read_head(file):
    """The bytes up to and with the next empty line; b"" when the peer has closed before any."""
    head = bytearray()
    while not head.endswith((b"\n\r\n", b"\n\n")):
        line = file.readline(HEAD_BYTES_MAX - len(head))
        if not line.endswith(b"\n"):
            if not head and not line:
                return b""
            raise Malformed("head cut off, or longer than HEAD_BYTES_MAX")
        if head or line.strip():  # RFC 9112 2.2: an empty line before a request is ignored
            head += line
    return bytes(head)


def read_body(file, message):
    """Fills in the message's body, its length, and whether all of it came."""
    kept = bytearray()

    def take(size):
        while size:
            block = file.read1(min(size, 65536))
            if not block:
                message.complete = False
                return
            size -= len(block)
            message.body_length += len(block)
            kept.extend(block[: BODY_BYTES_KEPT - len(kept)])

    try:
        if "chunked" in (message.value("Transfer-Encoding") or "").lower():
            while size := int(file.readline().split(b";")[0] or b"0", 16):
                take(size)
                file.readline()
            while file.readline().strip():  # trailer fields
                pass
        elif length := message.value("Content-Length"):
            take(int(length))
    except ValueError as error:
        raise Malformed(str(error)) from error
    message.body = bytes(kept)


def read_request(file, send):
    """Reads one request; answers `Expect: 100-continue` by send(). None at the end of input."""
    request = Request(read_head(file))
    if not request.head:
        return None
    if (request.value("Expect") or "").lower() == "100-continue":
        send(b"HTTP/1.1 100 Continue\r\n\r\n")
    read_body(file, request)
    return request


def keeps_alive(request):
    return request.start.endswith(b"HTTP/1.1") and request.value("Connection", "") != "close"


@dataclass
class Response:
    """An answer: `body`, or `pieces` that are sent one by one as they are made (a stream)."""

    status: int
    headers: dict = field(default_factory=dict)
    body: bytes = b""
    pieces: object = None


def json_response(status, value, headers=None):
    body = json.dumps(value).encode() + b"\n"
    return Response(status, {"Content-Type": "application/json", **(headers or {})}, body)


def send_response(send, request, response):
    """Writes the answer to this request; a stream goes in chunks, to HTTP/1.0 until close."""
    chunked = response.pieces is not None and request.start.endswith(b"HTTP/1.1")
    headers = dict(response.headers)
    if chunked:
        headers["Transfer-Encoding"] = "chunked"
    elif response.pieces is None:
        headers["Content-Length"] = str(len(response.body))
    status = HTTPStatus(response.status)
    head = f"HTTP/1.1 {status.value} {status.phrase}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
    if request.method == "HEAD":
        send(head.encode())
    elif response.pieces is None:
        send(head.encode() + response.body)
    else:
        send(head.encode())
        for piece in response.pieces:
            send(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
        if chunked:
            send(b"0\r\n\r\n")
