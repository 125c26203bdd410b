# SPDX-License-Identifier: MIT
"""One multi handle for all, a new easy handle for each: see pycurl_easy.py."""

import sys

import pycurl

multi = pycurl.CurlMulti()
for line in sys.stdin:
    curl = pycurl.Curl()
    curl.setopt(pycurl.URL, sys.argv[1])
    curl.setopt(
        pycurl.HTTPHEADER, ["Authorization: Bearer sk-test", "Content-Type: application/json"]
    )
    curl.setopt(pycurl.WRITEFUNCTION, lambda data: None)
    curl.setopt(pycurl.POSTFIELDS, line.strip())
    multi.add_handle(curl)
    running = 1
    while running:
        _, running = multi.perform()
        multi.select(1.0)
    print(curl.getinfo(pycurl.RESPONSE_CODE), flush=True)
    multi.remove_handle(curl)
    curl.close()
