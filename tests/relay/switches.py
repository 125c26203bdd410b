# SPDX-License-Identifier: MIT
"""How the relay is told to misbehave: by the beginning of the path.

    /switch/NAME/v1/chat/completions         one switch, then the rest of the path
    /switch/NAME/switch/NAME/v1/...          the first now, the second by whoever gets the rest

So a client needs nothing but a URL, and endpoints, which are matched on the end of a path, stay
what they are. The switches:

    redirect-CODE-same     to the rest, on the same host (a relative Location)
    redirect-CODE-other    to the rest, at the relay named as `other`
    redirect-CODE-alias    to the rest, at this very port under its other name: localhost
    digest                 401 until a right Digest answer (RFC 7616, MD5, USER and PASSWORD)
    drop-first             the first request for this URL is read and the connection closed
    drop-reused            so is one that is not the first on its connection
    slow-MILLISECONDS      waits, then goes on
    status-CODE            that status, with a small JSON error
    require-session        400 MissingSessionID without a session header, as OpenCode Go answers

There and back again is two redirects: /switch/redirect-307-other/switch/redirect-307-other/...
"""

import hashlib
import re

from wire import Response, json_response

USER, PASSWORD, REALM = "user", "secret", "test relay"
NONCE = "dGFnYWxvbmcgdGVzdCByZWxheQ=="  # fixed, so that runs can be compared
SESSION_HEADERS = ("x-opencode-session", "x-claude-code-session-id", "x-session-id", "session-id")

CLOSE = object()  # instead of a Response: close the connection, answer nothing


def apply(relay, request, path):
    """Takes the switches off the path: (rest, None), or (rest, Response or CLOSE) to stop here."""
    while match := re.fullmatch(r"/switch/([^/]+)(/.*)", path):
        name, path = match.groups()
        for pattern, act in SWITCHES:
            if arguments := re.fullmatch(pattern, name):
                result = act(relay, request, path, *arguments.groups())
                break
        else:
            result = error(404, "unknown_switch", name)
        if result is not None:
            return path, result
    return path, None


def error(status, kind, message, headers=None):
    return json_response(status, {"error": {"type": kind, "message": message}}, headers)


def redirect(relay, request, rest, code, where):
    base = {"same": "", "other": relay.other, "alias": f"http://localhost:{relay.port}"}[where]
    return Response(int(code), {"Location": base + rest}, b"moved\n")


def digest(relay, request, rest):
    answered = request.value("Authorization", "")
    fields = dict(re.findall(r'(\w+)="?([^",]+)"?', answered))
    if answered.startswith("Digest ") and fields.get("response") == digest_response(
        request.method, fields
    ):
        return None
    challenge = f'Digest realm="{REALM}", nonce="{NONCE}", qop="auth", algorithm=MD5'
    return error(401, "unauthorized", "who are you?", {"WWW-Authenticate": challenge})


def digest_response(method, fields):
    def md5(*parts):
        return hashlib.md5(":".join(parts).encode()).hexdigest()

    try:
        middle = [fields[key] for key in ("nonce", "nc", "cnonce", "qop")]
        return md5(md5(USER, REALM, PASSWORD), *middle, md5(method, fields["uri"]))
    except KeyError:
        return None


def drop_first(relay, request, rest):
    return CLOSE if relay.first_time(request.target) else None


def drop_reused(relay, request, rest):
    return CLOSE if request.nth > 1 else None


def slow(relay, request, rest, milliseconds):
    relay.pause(int(milliseconds) / 1000)


def status(relay, request, rest, code):
    return error(int(code), "test_error", f"as asked: {code}")


def require_session(relay, request, rest):
    if any(request.value(name) for name in SESSION_HEADERS):
        return None
    message = "Request is missing x-opencode-session and cannot be routed efficiently"
    return error(400, "MissingSessionID", message)


SWITCHES = [
    (r"redirect-(30[12378])-(same|other|alias)", redirect),
    (r"digest", digest),
    (r"drop-first", drop_first),
    (r"drop-reused", drop_reused),
    (r"slow-(\d+)", slow),
    (r"status-([45]\d\d)", status),
    (r"require-session", require_session),
]
