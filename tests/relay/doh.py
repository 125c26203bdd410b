# SPDX-License-Identifier: MIT
"""A DNS-over-HTTPS resolver (RFC 8484) that records its requests and knows one address.

Every name has the A record 127.0.0.1 and nothing else, so that a test can invent host names.
It speaks plain HTTP; libcurl insists on https for DoH, so the nginx of front.py stands before it
at /dns-query.
"""

import struct

from server import Server
from wire import Response, send_response

A, IN, TTL_SECONDS = 1, 1, 60


class Doh(Server):
    def serve(self, connection):
        for request in connection.requests():
            self.record(request)
            answer = resolve(request.body)
            headers = {"Content-Type": "application/dns-message"}
            send_response(connection.send, request, Response(200, headers, answer))


def resolve(query):
    """The answer to a DNS query with one question, in wire format (RFC 1035 section 4)."""
    end = query.index(b"\0", 12) + 1  # of the name: labels up to the empty one
    question = query[12 : end + 4]
    kind = struct.unpack("!H", query[end : end + 2])[0]
    answers = b""
    if kind == A:
        name_of_question = 0xC00C  # a pointer to offset 12
        answers = struct.pack("!HHHIH4B", name_of_question, A, IN, TTL_SECONDS, 4, 127, 0, 0, 1)
    flags = 0x8180  # a response, recursion desired and available, no error
    return query[:2] + struct.pack("!5H", flags, 1, bool(answers), 0, 0) + question + answers
