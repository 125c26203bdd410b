#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The test relay: a small OpenAI-compatible gateway that keeps every byte it was sent.

As a program (tests, scripts/demo); it prints its URL in one line when it is ready and runs until
SIGINT or SIGTERM:

    python3 tests/relay/relay.py --port 8090 --record requests.jsonl
    curl http://127.0.0.1:8090/v1/chat/completions -d '{"model": "m", "stream": true}'

In a test:

    with Relay() as relay:
        subprocess.run(["curl", relay.url + "/v1/chat/completions", "-d", "{}"])
        relay.requests[0].lines        # header lines as they came

POST to /v1/chat/completions, /v1/responses and /v1/messages (under any prefix) is answered as
those interfaces do, streams too (answers.py); anything else is 200 with a line of JSON. Redirects,
401 rounds, dropped connections and the like are asked for in the path (switches.py). Plain
sockets on purpose: an HTTP library would tidy away what is to be tested (wire.py).
"""

import argparse
import re
import signal
import sys

import answers
import switches
from server import Server
from wire import json_response, keeps_alive, send_response

DELAY_MS = 20  # between the pieces of a stream


class Relay(Server):
    def __init__(self, *args, other=None, delay_ms=DELAY_MS, require_session=False, **kwargs):
        super().__init__(*args, **kwargs)
        self.other = other or self.url
        self.delay_ms = delay_ms
        self.require_session = require_session
        self._seen = set()

    def reset(self):
        super().reset()
        self._seen.clear()

    def first_time(self, key):
        """Whether this key is asked about for the first time since the last reset."""
        with self._lock:
            first = key not in self._seen
            self._seen.add(key)
        return first

    def serve(self, connection):
        for request in connection.requests():
            self.record(request)
            if not request.complete:
                return
            response = self.respond(request)
            if response is switches.CLOSE:
                return
            send_response(connection.send, request, response)
            if not keeps_alive(request):
                return

    def respond(self, request):
        # A client that takes us for its HTTP proxy sends the whole URL.
        path = re.sub(r"^\w+://[^/]*", "", request.target)
        path, response = switches.apply(self, request, path)
        if response is None and self.require_session:
            response = switches.require_session(self, request, path)
        if response is None and request.method == "POST":
            response = answers.answer(path.split("?")[0], request.body, self.pause_between)
        return response or json_response(200, {"method": request.method, "path": path})

    def pause_between(self):
        self.pause(self.delay_ms / 1000)


def main():
    parser = argparse.ArgumentParser(description="A test relay on loopback. See switches.py.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    parser.add_argument("--record", metavar="FILE", help="append each request as a JSON line")
    parser.add_argument("--other", metavar="URL", help="where the redirect-CODE-other switch leads")
    parser.add_argument("--delay-ms", type=float, default=DELAY_MS, help="between stream pieces")
    parser.add_argument("--require-session", action="store_true", help="as OpenCode Go does")
    options = vars(parser.parse_args())
    where = options["host"], options["port"]

    # Blocked before any thread starts, so that all inherit it and only sigwait() sees them.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        relay = Relay(**options)
    except OSError as error:
        sys.exit(f"relay: cannot serve on {where[0]}:{where[1]}: {error.strerror}")
    with relay:
        print(relay.url, flush=True)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})


if __name__ == "__main__":
    main()
