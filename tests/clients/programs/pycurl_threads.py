# SPDX-License-Identifier: MIT
"""Four threads with a pycurl handle and a header of their own, five requests each."""

import io
import sys
import threading

import pycurl

answers = {}


def work(n):
    curl = pycurl.Curl()
    curl.setopt(pycurl.POSTFIELDS, '{"model":"m","messages":[]}')
    own = ["Authorization: Bearer sk-test", "Content-Type: application/json", f"X-Thread: {n}"]
    curl.setopt(pycurl.HTTPHEADER, own)
    for turn in range(5):
        answer = io.BytesIO()
        curl.setopt(pycurl.URL, f"{sys.argv[1]}?{n}-{turn}")
        curl.setopt(pycurl.WRITEDATA, answer)
        curl.perform()
        answers[n, turn] = answer.getvalue()
    curl.close()


threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
for key in sorted(answers):
    print(key, answers[key])
