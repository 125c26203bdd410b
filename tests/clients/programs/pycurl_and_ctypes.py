# SPDX-License-Identifier: MIT
"""Two libcurls in one process: pycurl brings the GnuTLS one, ctypes opens the OpenSSL one."""

import ctypes
import sys

import pycurl
from ctypes_curl import OWN, chat


def perform(curl):
    curl.perform()
    print(curl.getinfo(pycurl.RESPONSE_CODE))


before = pycurl.Curl()
for curl in (before,):
    curl.setopt(pycurl.URL, sys.argv[1] + "?before")
    curl.setopt(pycurl.POSTFIELDS, "{}")
    curl.setopt(pycurl.HTTPHEADER, OWN)
    curl.setopt(pycurl.WRITEFUNCTION, print)
perform(before)
chat(sys.argv[1] + "?other", 1, ctypes.RTLD_GLOBAL)
perform(before)
after = before.duphandle() if hasattr(before, "duphandle") else before  # pycurl 7.44 has none
perform(after)
chat(sys.argv[1] + "?other", 1)
