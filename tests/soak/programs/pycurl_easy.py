# SPDX-License-Identifier: MIT
"""One handle for all: each line of stdin is a body, each line of stdout the answer's status."""

import sys

import pycurl

curl = pycurl.Curl()
curl.setopt(pycurl.URL, sys.argv[1])
curl.setopt(pycurl.HTTPHEADER, ["Authorization: Bearer sk-test", "Content-Type: application/json"])
curl.setopt(pycurl.WRITEFUNCTION, lambda data: None)
for line in sys.stdin:
    curl.setopt(pycurl.POSTFIELDS, line.strip())
    curl.perform()
    print(curl.getinfo(pycurl.RESPONSE_CODE), flush=True)
