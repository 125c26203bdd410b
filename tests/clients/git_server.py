# SPDX-License-Identifier: MIT
"""git over smart http: the CGI that git comes with, behind a recorder.

A URL names the repository by its whole path: server.url + "/tmp/x/origin.git". Whoever asks may
push to any that allows it (http.receivepack), so this is for loopback and tests alone.
"""

import os
import subprocess

from server import Server
from wire import Response, send_response

CGI_SECONDS = 20


class GitServer(Server):
    def serve(self, connection):
        for request in connection.requests():
            self.record(request)
            send_response(connection.send, request, run_cgi(request))


def run_cgi(request):
    """RFC 3875: the request in variables and on stdin, the answer with header lines of its own."""
    path, _, query = request.target.partition("?")
    variables = {
        "PATH": os.environ["PATH"],
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_PROJECT_ROOT": "/",
        "GATEWAY_INTERFACE": "CGI/1.1",
        "REQUEST_METHOD": request.method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "CONTENT_TYPE": request.value("Content-Type", ""),
        "CONTENT_LENGTH": str(request.body_length),
        "HTTP_CONTENT_ENCODING": request.value("Content-Encoding", ""),
        "HTTP_GIT_PROTOCOL": request.value("Git-Protocol", ""),
    }
    done = subprocess.run(
        ["git", "http-backend"],
        input=request.body,
        env=variables,
        capture_output=True,
        timeout=CGI_SECONDS,
    )
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode("latin-1").split("\r\n") if line)
    status = int(headers.pop("Status", "200").split()[0])
    return Response(status, headers, body)
