#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""As `calls post`, from pycurl: loop.py N URL. Prints nanoseconds of a request: mean, median, and the
processor's time."""

import os
import statistics
import sys
import time

import pycurl

OWN = ["X-Task-Id: T-42", "X-Conversation-Id: c-7f3a91", "X-Session-Id: c-7f3a91", "X-Project-Id: billing"]


def send(easy, own):
    headers = ["Authorization: Bearer sk-bench", "Expect:"]
    if own:
        headers += OWN
        headers.append(f"X-Request-Id: 01a20c81-625b-7aee-89b0-{os.urandom(6).hex()}")
        headers.append(f"traceparent: 00-7eb31299dc38c34d9de68ffd7da0ce4a-{os.urandom(8).hex()}-02")
    easy.setopt(pycurl.HTTPHEADER, headers)
    easy.perform()


def main(times, url):
    easy, own, saw = pycurl.Curl(), "OWN_HEADERS" in os.environ, []
    easy.setopt(pycurl.URL, url)
    easy.setopt(pycurl.POSTFIELDS, "{}")
    easy.setopt(pycurl.WRITEFUNCTION, lambda data: None)
    easy.setopt(pycurl.HEADERFUNCTION, saw.append)
    for _ in range(20):
        send(easy, own)
    seen = [line[7:].strip().decode() for line in saw if line.lower().startswith(b"x-saw: ")]
    if set(seen) != {os.environ["EXPECT"]}:
        sys.exit(f"loop.py: the relay saw {set(seen)}")
    easy.setopt(pycurl.HEADERFUNCTION, lambda line: None)
    samples, cpu = [], time.process_time_ns()
    for _ in range(times):
        start = time.perf_counter_ns()
        send(easy, own)
        samples.append(time.perf_counter_ns() - start)
    cpu = time.process_time_ns() - cpu
    print(f"{statistics.mean(samples):.2f} {statistics.median(samples):.2f} {cpu / times:.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
