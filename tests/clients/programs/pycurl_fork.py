# SPDX-License-Identifier: MIT
"""A handle that has been used, in a forked child, and then again in the parent."""

import os
import sys

import pycurl

curl = pycurl.Curl()
curl.setopt(pycurl.URL, sys.argv[1])
curl.setopt(pycurl.POSTFIELDS, '{"model":"m","messages":[]}')
curl.setopt(pycurl.HTTPHEADER, ["Authorization: Bearer sk-test", "Content-Type: application/json"])
# The connection is the parent's and the child's; neither may take the other's answer.
curl.setopt(pycurl.FORBID_REUSE, 1)
curl.setopt(pycurl.WRITEFUNCTION, lambda data: print(data, flush=True))
curl.perform()
child = os.fork()
curl.perform() if child == 0 else os.waitpid(child, 0)
if child == 0:
    os._exit(0)
curl.perform()
