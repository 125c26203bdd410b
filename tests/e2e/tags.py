# SPDX-License-Identifier: MIT
"""What the shim is meant to add: ordered {name: value}, a value being text or a compiled pattern.

CONTEXT is what every command of the suite finds in its environment, GENERIC what the default
preset makes of it.
"""

import ctypes
import re

CONTEXT = {
    "TAGALONG_TASK_ID": "T-42",
    "TAGALONG_CONVERSATION_ID": "C-7",
    "TAGALONG_PROJECT_ID": "billing",
}

UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
# Version 00, and a trace that the shim started itself: not sampled, random trace-id.
TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-02")

COMPUTED = {"X-Request-Id": UUID7, "traceparent": TRACEPARENT}
GENERIC = {
    "X-Task-Id": "T-42",
    "X-Conversation-Id": "C-7",
    "X-Session-Id": "C-7",
    "X-Project-Id": "billing",
    **COMPUTED,
}
PLAIN = {}

# (7, 88, 1): that of libcurl.so.4.
_version = ctypes.CDLL("libcurl.so.4").curl_version
_version.restype = ctypes.c_char_p
LIBCURL = tuple(map(int, re.match(r"libcurl/(\d+)\.(\d+)\.(\d+)", _version().decode()).groups()))


def without(tags, *names):
    return {name: value for name, value in tags.items() if name not in names}


def request_id(request):
    return request.value("X-Request-Id")


def trace_id(request):
    return request.value("traceparent").split("-")[1]


def parent_id(request):
    return request.value("traceparent").split("-")[2]
