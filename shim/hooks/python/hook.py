# SPDX-License-Identifier: MIT
"""The hook into Python programs, loaded by sitecustomize.py when a program imports one of the modules in
HOOKS. It stands where a request is complete and not yet sent, asks the library, which is in the process
already, for the header lines, and adds them to what is sent, not to the program's own objects: so each
redirect hop and each retry is decided anew. Whatever goes wrong, the request goes out as it was."""
import functools
import os
import socket
import sys

LINES_BYTES = 16384  # more than the library ever writes
BODY_BYTES = 1 << 21  # more than it reads of a body

library_function = None  # False: there is none


def find_function():
    """tagalong_headers, in the process by LD_PRELOAD; else from the library's file beside the hooks."""
    import ctypes

    try:
        found = ctypes.CDLL(None).tagalong_headers
    except (AttributeError, OSError):
        # Beside hooks/, or in a source tree's build/.
        above = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
        paths = above + "/libtagalong.so", os.path.dirname(above) + "/build/libtagalong.so"
        found = ctypes.CDLL(next(filter(os.path.exists, paths))).tagalong_headers
    text, size = ctypes.c_char_p, ctypes.c_size_t
    found.argtypes = [text, text, text, text, size, text, size]

    def ask(method, url, head, body):
        lines = ctypes.create_string_buffer(LINES_BYTES)
        found(method, url, head, body, len(body or b""), lines, LINES_BYTES)
        return lines.value

    return ask


def is_loopback(host):
    return host in ("localhost", "::1", "[::1]") or host.startswith("127.") or host.endswith(".localhost")


def is_unix(sock):
    return getattr(sock, "family", None) == socket.AF_UNIX


def header_lines(method, scheme, host, port, path, own, body, proxy=None):
    """[(name, value)] as bytes: what is to be added to this request. `own` are the program's lines."""
    global library_function
    if method != b"POST" or library_function is False:
        return []
    if proxy and is_loopback(host) and not is_loopback(proxy):
        return []  # that proxy's loopback is another machine's
    if library_function is None:
        try:
            library_function = find_function()
        except Exception:
            library_function = False
            raise
    if ":" in host and not host.startswith("["):
        host = "[" + host + "]"
    url = b"%s://%s:%d%s" % (scheme, host.encode("ascii" if host.isascii() else "idna"), port, path)
    if isinstance(body, str):
        body = body.encode()
    elif isinstance(body, (bytearray, memoryview)):
        body = bytes(memoryview(body).cast("B")[:BODY_BYTES])
    elif not isinstance(body, bytes):
        body = None
    head = b"\n".join(own).replace(b"\0", b"") + b"\n"
    lines = library_function(method, url, head, body).splitlines()
    return [tuple(line.split(b": ", 1)) for line in lines]


def safely(function, *arguments):
    """What it returns; nothing when it fails: the request then goes out as it was."""
    try:
        return function(*arguments)
    except Exception:
        return []


def replace(owner, name, make):
    """Puts make(original) in the place of the function owner.name, if there is one."""
    original = getattr(owner, name, None)
    if original is not None:
        setattr(owner, name, functools.wraps(original)(make(original)))


def hook_http_client(module):
    """urllib, urllib3, requests: the head is complete, and nothing of it was sent."""
    connection = module.HTTPConnection

    def lines_for(self, body):
        start = self._buffer[0].split(b" ")  # POST, target, HTTP/1.1
        host, port, target, proxy = self.host, self.port, start[1], None
        scheme = b"https" if self.default_port == 443 else b"http"
        if self._tunnel_host:
            proxy, host, port = host, self._tunnel_host, self._tunnel_port
        elif not target.startswith(b"/"):  # a proxy gets the absolute URL
            scheme, _, rest = target.partition(b"://")
            place, slash, path = rest.partition(b"/")
            name, colon, number = place.decode("ascii").rpartition(":")
            if not colon or number.endswith("]"):
                name, number = place.decode("ascii"), {b"http": 80, b"https": 443}[scheme]
            proxy, host, port, target = host, name, int(number), slash + path
        if body is None:  # urllib3's, see hook_urllib3
            body = self.__dict__.get("_tagalong_body")
        return header_lines(b"POST", scheme, host, port or self.default_port, target, self._buffer[1:], body, proxy)

    def make(original):
        def endheaders(self, message_body=None, *args, **kwargs):
            added = safely(lines_for, self, message_body) if getattr(self, "_method", None) == "POST" else ()
            if added and self.sock is None and self.auto_open:
                self.connect()  # as the original would do next: only a socket tells that it is no Unix one
            if added and not safely(is_unix, self.sock):
                self._buffer.extend(map(b": ".join, added))  # what putheader does with lines that were checked
            return original(self, message_body, *args, **kwargs)

        return endheaders

    replace(connection, "endheaders", make)


def hook_urllib3(module):
    """From 2 on, urllib3 sends the body behind endheaders: it is noted for the moment before."""

    def make(original):
        if "preload_content" not in original.__code__.co_varnames:
            return original

        def request(self, method, url, body=None, *args, **kwargs):
            self._tagalong_body = body
            try:
                return original(self, method, url, body, *args, **kwargs)
            finally:
                self.__dict__.pop("_tagalong_body", None)

        return request

    replace(module.HTTPConnection, "request", make)


def hook_httpcore(module):
    """httpx, and the SDKs that are built on it: HTTP/1.1 and HTTP/2, each redirect hop."""

    def lines_for(pool, request):
        if request.method != b"POST" or getattr(pool, "_uds", None):
            return []
        url, stream = request.url, request.stream
        proxy = getattr(pool, "_proxy_url", None) or getattr(getattr(pool, "_proxy", None), "url", None)
        body = b"".join(stream) if type(stream).__name__ == "ByteStream" else None  # it can be read again
        return header_lines(
            request.method,
            url.scheme,
            url.host.decode("ascii"),
            url.port or {b"http": 80, b"https": 443}[url.scheme],
            url.target,
            [name + b": " + value for name, value in request.headers],
            body,
            proxy and proxy.host.decode("ascii"),
        )

    def make(original):
        def handle_request(self, request):
            added = safely(lines_for, self, request)
            if not added:
                return original(self, request)
            before = request.headers
            request.headers = [*before, *added]
            try:
                return original(self, request)
            finally:
                request.headers = before

        return handle_request

    def make_async(original):
        async def handle_async_request(self, request):
            added = safely(lines_for, self, request)
            if not added:
                return await original(self, request)
            before = request.headers
            request.headers = [*before, *added]
            try:
                return await original(self, request)
            finally:
                request.headers = before

        return handle_async_request

    if hasattr(module, "ConnectionPool"):
        replace(module.ConnectionPool, "handle_request", make)
    if hasattr(module, "AsyncConnectionPool"):
        replace(module.AsyncConnectionPool, "handle_async_request", make_async)


def hook_aiohttp(module):
    """The request's headers are written within send(), and seen by the program afterwards."""

    def lines_for(request, conn):
        if request.method != "POST" or is_unix(conn.transport.get_extra_info("socket")):
            return []
        url, proxy = request.url, request.proxy
        own = ["{}: {}".format(*pair).encode() for pair in request.headers.items()]
        body = getattr(request.body, "_value", request.body)
        path = url.raw_path_qs.encode("ascii")
        proxy = proxy and proxy.raw_host
        return header_lines(b"POST", url.scheme.encode(), url.raw_host, url.port, path, own, body, proxy)

    def make(original):
        async def send(self, *args, **kwargs):
            added = [(name.decode(), value.decode()) for name, value in safely(lines_for, self, *args)]
            for name, value in added:
                self.headers.add(name, value)
            try:
                return await original(self, *args, **kwargs)
            finally:
                for name, _ in added:
                    self.headers.popall(name, None)

        return send

    replace(module.ClientRequest, "send", make)


HOOKS = {
    "http.client": hook_http_client,
    "urllib3.connection": hook_urllib3,
    "aiohttp.client_reqrep": hook_aiohttp,
    "httpcore._sync.connection_pool": hook_httpcore,
    "httpcore._async.connection_pool": hook_httpcore,
    "httpcore2._sync.connection_pool": hook_httpcore,
    "httpcore2._async.connection_pool": hook_httpcore,
}


def find_spec(finder, name, path, target):
    """The module's spec as the finders behind ours give it; when it was executed, it is hooked."""
    wanted = os.environ.get("TAGALONG_HOOKS")
    if wanted and "python" not in wanted.replace(" ", "").split(","):
        return None
    spec = None
    for other in sys.meta_path[sys.meta_path.index(finder) + 1 :]:
        spec = other.find_spec(name, path, target) if hasattr(other, "find_spec") else None
        if spec is not None:
            break
    loader = spec and spec.loader
    # The loader stays what it is, for those who ask a module for it; a class, as that of frozen modules,
    # is everybody's.
    if loader is None or isinstance(loader, type) or not hasattr(loader, "exec_module"):
        return spec
    original = loader.exec_module

    def exec_module(module):
        if module.__name__ != name:
            return original(module)  # a zip file's loader is that of all its modules
        vars(loader).pop("exec_module", None)  # the loader is as it was
        original(module)
        safely(HOOKS[name], module)

    try:
        loader.exec_module = exec_module
    except AttributeError:
        pass
    return spec


for name in HOOKS:
    if name in sys.modules:
        safely(HOOKS[name], sys.modules[name])
