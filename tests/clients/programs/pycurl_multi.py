# SPDX-License-Identifier: MIT
"""pycurl's multi interface, run by perform and select or by socket_action, as argv[2] says."""

import io
import select
import sys

import pycurl

URL, HOW = sys.argv[1:]


def make(n):
    curl = pycurl.Curl()
    curl.answer = io.BytesIO()
    curl.setopt(pycurl.URL, f"{URL}?{n}")
    curl.setopt(pycurl.POSTFIELDS, '{"model":"m","messages":[]}')
    curl.setopt(
        pycurl.HTTPHEADER, ["Authorization: Bearer sk-test", "Content-Type: application/json"]
    )
    curl.setopt(pycurl.WRITEDATA, curl.answer)
    return curl


def run_by_perform(multi):
    running = 1
    while running:
        _, running = multi.perform()
        multi.select(1.0)


def run_by_socket_action(multi):
    poll, events = select.poll(), {pycurl.POLL_IN: select.POLLIN, pycurl.POLL_OUT: select.POLLOUT}
    events[pycurl.POLL_INOUT] = select.POLLIN | select.POLLOUT

    def on_socket(what, fd, _multi, _data):
        if what == pycurl.POLL_REMOVE:
            poll.unregister(fd)
        else:
            poll.register(fd, events[what])

    multi.setopt(pycurl.M_SOCKETFUNCTION, on_socket)
    multi.setopt(pycurl.M_TIMERFUNCTION, lambda _ms: None)
    _, running = multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
    while running:
        for fd, seen in poll.poll(10):
            mask = (pycurl.CSELECT_IN if seen & (select.POLLIN | select.POLLHUP) else 0) | (
                pycurl.CSELECT_OUT if seen & select.POLLOUT else 0
            )
            _, running = multi.socket_action(fd, mask)
        _, running = multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)


multi = pycurl.CurlMulti()
handles = [make(n) for n in range(3)]
for curl in handles:
    multi.add_handle(curl)
run_by_perform(multi) if HOW == "perform" else run_by_socket_action(multi)
for curl in handles:
    print(curl.getinfo(pycurl.RESPONSE_CODE), curl.answer.getvalue())
    multi.remove_handle(curl)
