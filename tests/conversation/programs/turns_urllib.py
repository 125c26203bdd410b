# SPDX-License-Identifier: MIT
import sys
from urllib.request import urlopen

for n in 1, 2, 3:
    sys.stdout.buffer.write(urlopen(sys.argv[1], open(f"{n}.json", "rb").read()).read())
