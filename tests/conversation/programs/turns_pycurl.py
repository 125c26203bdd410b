# SPDX-License-Identifier: MIT
import sys

import pycurl

curl = pycurl.Curl()
curl.setopt(curl.URL, sys.argv[1])
for n in 1, 2, 3:
    curl.setopt(curl.POSTFIELDS, open(f"{n}.json").read())
    curl.perform()
