# SPDX-License-Identifier: MIT
"""pycurl's easy interface: one handle for three requests, a new list before the last; a reset."""

import io
import sys

import pycurl

OWN = ["Authorization: Bearer sk-test", "Content-Type: application/json"]


def setup(curl):
    curl.setopt(pycurl.URL, sys.argv[1])
    curl.setopt(pycurl.POSTFIELDS, '{"model":"m","messages":[]}')
    curl.setopt(pycurl.HTTPHEADER, OWN)


def perform(curl):
    answer = io.BytesIO()
    curl.setopt(pycurl.WRITEDATA, answer)
    curl.perform()
    print(curl.getinfo(pycurl.RESPONSE_CODE), answer.getvalue())


curl = pycurl.Curl()
setup(curl)
perform(curl)
perform(curl)
curl.setopt(pycurl.HTTPHEADER, [*OWN, "X-Turn: 3"])
perform(curl)
curl.reset()
setup(curl)
perform(curl)
curl.close()
