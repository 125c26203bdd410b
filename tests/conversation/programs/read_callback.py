# SPDX-License-Identifier: MIT
"""Bodies from CURLOPT_READFUNCTION, which nobody may call ahead: it is asked for its bytes once."""

import sys

import pycurl

easy = pycurl.Curl()
easy.setopt(pycurl.URL, sys.argv[1])
easy.setopt(pycurl.POST, 1)
for name in "1.json", "2.json", "3.json":
    body = open(name, "rb").read()
    pieces = [body, b""]
    easy.setopt(pycurl.READFUNCTION, lambda size, pieces=pieces: pieces.pop(0))
    easy.setopt(pycurl.POSTFIELDSIZE, len(body))
    easy.perform()
    assert pieces == [b""] or not pieces, "the body was read by somebody else"
