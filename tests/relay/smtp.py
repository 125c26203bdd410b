# SPDX-License-Identifier: MIT
"""A mail sink: takes every mail and records it, the envelope commands as head, DATA as body."""

from server import Server
from wire import Request


class Smtp(Server):
    def serve(self, connection):
        def reply(text):
            connection.send(text.encode() + b"\r\n")

        commands = b""
        reply("220 sink.test ESMTP")
        while line := connection.file.readline():
            commands += line
            verb = line.split()[0].upper() if line.split() else b""
            if verb == b"DATA":
                reply("354 go on")
                body = b"".join(iter(connection.file.readline, b".\r\n"))
                mail = Request(commands + b"\r\n", body, len(body))
                self.record(connection.tag(mail))
                commands = b""
                reply("250 taken")
            elif verb == b"QUIT":
                return reply("221 bye")
            else:
                reply("250 sink.test" if verb in (b"EHLO", b"HELO") else "250 fine")
