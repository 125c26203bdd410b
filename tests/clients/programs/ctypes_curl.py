# SPDX-License-Identifier: MIT
"""libcurl by dlopen and dlsym, as any foreign-function interface does. Others import chat()."""

import ctypes
import sys

OWN = [b"Authorization: Bearer sk-test", b"Content-Type: application/json"]
BODY = b'{"model":"m","messages":[]}'
URL, HTTPHEADER, POSTFIELDS = 10002, 10023, 10015
WRITEFUNCTION = 20011


def chat(url, count, mode=ctypes.DEFAULT_MODE):
    """Sends `count` requests on one handle and prints the answers."""
    lib = ctypes.CDLL("libcurl.so.4", mode=mode)
    lib.curl_easy_init.restype = ctypes.c_void_p
    lib.curl_slist_append.restype = ctypes.c_void_p
    lib.curl_slist_append.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    lib.curl_easy_setopt.argtypes = [ctypes.c_void_p, ctypes.c_int]
    lib.curl_easy_perform.argtypes = lib.curl_easy_cleanup.argtypes = [ctypes.c_void_p]

    @ctypes.CFUNCTYPE(ctypes.c_size_t, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_void_p)
    def on_write(data, size, count, _arg):
        print(ctypes.string_at(data, size * count))
        return size * count

    headers = None
    for line in OWN:
        headers = lib.curl_slist_append(headers, line)
    easy = lib.curl_easy_init()
    lib.curl_easy_setopt(easy, URL, ctypes.c_char_p(url.encode()))
    lib.curl_easy_setopt(easy, POSTFIELDS, ctypes.c_char_p(BODY))
    lib.curl_easy_setopt(easy, HTTPHEADER, ctypes.c_void_p(headers))
    lib.curl_easy_setopt(easy, WRITEFUNCTION, on_write)
    for _ in range(count):
        print(lib.curl_easy_perform(easy))
    lib.curl_easy_cleanup(easy)
    lib.curl_slist_free_all(ctypes.c_void_p(headers))


if __name__ == "__main__":
    chat(sys.argv[1], 2)
