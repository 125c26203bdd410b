# SPDX-License-Identifier: MIT
"""A listener on a loopback port with a recorder: what all servers of this folder are made of.

    with SomeServer() as server:        # port=0 takes a free one
        ... server.port, server.requests
        server.reset()                  # forget what was recorded

A subclass says in serve(connection) what it speaks. Each connection has a thread of its own, so
serve() may block; leaving the `with` closes every socket and waits for every thread.
"""

import json
import socket
import threading
import time

from wire import Malformed, read_request


class Recorder:
    """What arrived, in order, and the same as JSON lines in a file when one is named.

    Heads and bodies are bytes; in the file each byte is the character of the same number
    (Latin-1), so that `line["head"].encode("latin-1")` gives them back exactly.
    """

    def __init__(self, path=None):
        self._lock = threading.Lock()
        self._requests = []
        self._file = open(path, "a", encoding="utf-8") if path else None

    def add(self, request):
        with self._lock:
            self._requests.append(request)
            request.number = len(self._requests)
            if self._file:
                json.dump(self._row(request), self._file)
                self._file.write("\n")
                self._file.flush()

    @staticmethod
    def _row(request):
        return {
            "number": request.number,
            "connection": request.connection,
            "head": request.head.decode("latin-1"),
            "body": request.body.decode("latin-1"),
            "body_length": request.body_length,
            "complete": request.complete,
        }

    @property
    def requests(self):
        with self._lock:
            return list(self._requests)

    def clear(self):
        with self._lock:
            self._requests.clear()

    def close(self):
        if self._file:
            self._file.close()


class Connection:
    """One accepted connection: `file` to read from, send() to write to."""

    def __init__(self, sock, number):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # pieces stay pieces
        self.sock = sock
        self.number = number
        self.file = sock.makefile("rb")
        self.send = sock.sendall
        self._count = 0

    def tag(self, request):
        """Notes on the request where it came in."""
        self._count += 1
        request.connection, request.nth = self.number, self._count
        return request

    def requests(self):
        """The HTTP requests of this connection, until the client ends it."""
        while request := read_request(self.file, self.send):
            yield self.tag(request)


class Server:
    def __init__(self, host="127.0.0.1", port=0, record=None):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            self._listener = socket.create_server((host, port), family=family, backlog=64)
        except OSError as error:
            if host != "localhost" or error.errno not in (socket.EAI_NONAME, socket.EAI_AGAIN):
                raise
            # A machine without /etc/hosts. curl knows the address of this name by itself.
            self._listener = socket.create_server(("127.0.0.1", port), backlog=64)
        self.host = host
        self.port = self._listener.getsockname()[1]
        self._recorder = Recorder(record)
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._open = {}  # thread: socket
        self._before = set()  # those that were open at the last reset
        self._accepted = 0
        self._acceptor = threading.Thread(target=self._accept, daemon=True)

    @property
    def url(self):
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def requests(self):
        return self._recorder.requests

    def record(self, request):
        self._recorder.add(request)

    def reset(self):
        self._recorder.clear()
        with self._lock:
            self._accepted = 0
            self._before = set(self._open)

    def settle(self, seconds=2):
        """Waits until the clients that are gone are seen to be gone: what one of them left in the
        middle is recorded then. Not for long, as another may still be there."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with self._lock:
                if not set(self._open) - self._before:
                    return
            time.sleep(0.002)

    def serve(self, connection):
        raise NotImplementedError

    def pause(self, seconds):
        """Sleeps, but not beyond the server's end."""
        self._closing.wait(seconds)

    def start(self):
        self._acceptor.start()
        return self

    def stop(self):
        self._closing.set()
        self._shut(self._listener)
        self._acceptor.join()
        with self._lock:
            left = dict(self._open)
        for thread, sock in left.items():
            self._shut(sock)
            thread.join()
        self._recorder.close()

    __enter__ = start

    def __exit__(self, *_):
        self.stop()

    @staticmethod
    def _shut(sock):
        """Wakes whoever blocks on the socket, in accept() too."""
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the peer was faster

    def _accept(self):
        with self._listener:
            while not self._closing.is_set():
                try:
                    sock, _ = self._listener.accept()
                except OSError:
                    continue
                with self._lock:
                    self._accepted += 1
                    connection = Connection(sock, self._accepted)
                    thread = threading.Thread(target=self._run, args=(connection,), daemon=True)
                    self._open[thread] = sock
                thread.start()

    def _run(self, connection):
        try:
            with connection.sock, connection.file:
                self.serve(connection)
        except (OSError, Malformed):
            pass  # the client went away, or speaks no HTTP: its business
        finally:
            with self._lock:
                del self._open[threading.current_thread()]
