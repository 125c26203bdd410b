# SPDX-License-Identifier: MIT
"""What stands around the relay, tested by itself: proxy, nginx front, DoH resolver, mail sink."""

import struct
from pathlib import Path

import pytest

from doh import Doh, resolve
from front import Front
from proxy import Proxy
from relay import Relay
from smtp import Smtp
from test_relay import CHAT, curl


@pytest.fixture
def relay():
    with Relay(delay_ms=0) as server:
        yield server


def test_proxy_plain_and_connect(relay):
    with Proxy() as proxy:
        proxied = ("--proxy", proxy.url, "-d", "{}")
        url = relay.url + CHAT
        assert b"Tagalong says" in curl(*proxied, url, url).stdout
        assert b"Tagalong says" in curl(*proxied, "--proxytunnel", url).stdout
        seen = [r.start.decode() for r in proxy.requests]
    where = f"127.0.0.1:{relay.port}"
    assert seen == [f"POST {url} HTTP/1.1"] * 2 + [f"CONNECT {where} HTTP/1.1"]
    assert len(relay.requests) == 3


@pytest.mark.parametrize("version", ["--http1.1", "--http2", "--http2-prior-knowledge"])
def test_front(relay, version):
    with Front({"/": relay.port}) as front:
        url = front.plain_url if "prior" in version else front.url
        tls = ("--cacert", front.ca)
        own = ("-H", "X-One: 1", "-H", "x_two: 2", "-H", "X-Three: 3")
        result = curl(*tls, version, *own, url + CHAT, "-d", "{}")
        pid = front._nginx.pid
    assert b"Tagalong says" in result.stdout
    (request,) = relay.requests
    names = [line.split(b":")[0] for line in request.lines]
    ours = [name for name in names if name.lower() in (b"x-one", b"x_two", b"x-three")]
    if version == "--http1.1":
        assert ours == [b"X-One", b"x_two", b"X-Three"]
        assert request.value("X-Front-Protocol") == "HTTP/1.1"
    else:
        assert ours == [b"x-one", b"x_two", b"x-three"]
        assert request.value("X-Front-Protocol") == "HTTP/2.0"
    assert not Path(front.ca).exists() and not Path(f"/proc/{pid}").exists()


def test_doh_answers_any_name(relay):
    with Doh() as doh, Front({"/dns-query": doh.port}) as front:
        doh_url = ("--doh-url", front.url + "/dns-query", "--doh-insecure")
        result = curl(*doh_url, f"http://invented.test:{relay.port}{CHAT}", "-d", "{}")
        assert b"Tagalong says" in result.stdout
        assert {r.method for r in doh.requests} == {"POST"}
        assert b"\x08invented\x04test\0" in doh.requests[0].body


def test_doh_message():
    question = b"\x01a\x04test\0" + struct.pack("!HH", 28, 1)  # AAAA
    answer = resolve(b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0" + question)
    assert answer == b"\x12\x34\x81\x80\0\x01\0\0\0\0\0\0" + question


def test_smtp_keeps_the_mail():
    with Smtp() as smtp:
        result = curl(
            f"smtp://127.0.0.1:{smtp.port}",
            *("--mail-from", "a@sink.test", "--mail-rcpt", "b@sink.test"),
            *("-F", "=hello;type=text/plain", "-H", "Subject: x"),
        )
        assert result.returncode == 0
        (mail,) = smtp.requests
    assert b"MAIL FROM:<a@sink.test>" in mail.head
    assert b"\r\nSubject: x\r\n" in mail.body and b"\r\n\r\nhello\r\n" in mail.body
    assert mail.body.endswith(b"--\r\n") and mail.body_length == len(mail.body)
