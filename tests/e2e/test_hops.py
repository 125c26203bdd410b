# SPDX-License-Identifier: MIT
"""Transfers of several requests: redirects, authentication rounds, silent retries, signatures.

One request id for all requests of a transfer, a parent-id for each, and nothing at all on the
ones that go to a host that is no relay.
"""

import pytest

import sigv4
from commands import BODY, CHAT, curl, headers, parallel, post
from neutral import AMZ_AUTHORIZATION, AMZ_DATE, AMZ_SIGNATURE, DIGEST
from switches import PASSWORD, USER
from tags import CONTEXT, GENERIC, PLAIN, request_id

CODES = [301, 302, 303, 307, 308]
OWN = headers("Authorization: Bearer sk-test", "X-Own: 1")
# What the list of signed headers grows by on a tagged hop.
SIGNED_TAGS = (rb";(traceparent|x-(task|conversation|session|project|request)-id)(?=[;,])", b"")


def only(relay):
    """The environment in which this relay, at this port, is the only one."""
    return CONTEXT | {"TAGALONG_RELAYS": relay.url}


def second(code):
    """301, 302 and 303 turn a POST into a GET, which is not tagged."""
    return GENERIC if code in (307, 308) else PLAIN


def assert_one_transfer(requests):
    ids = {request_id(r) for r in requests} - {None}
    assert len(ids) == 1


@pytest.mark.parametrize("code", CODES)
def test_redirect_on_the_same_host(neutral, relay, code):
    url = f"{relay.url}/switch/redirect-{code}-same{CHAT}"
    result = neutral(post(url, "-L", *OWN), [GENERIC, second(code)], env=only(relay))
    assert_one_transfer(result.requests)


@pytest.mark.parametrize("code", CODES)
def test_redirect_to_another_port(neutral, relay, code):
    url = f"{relay.url}/switch/redirect-{code}-other{CHAT}"
    expect = {"relay": [GENERIC], "other": [PLAIN]}
    neutral(post(url, "-L", *OWN), expect, env=only(relay))
    # with no list of the client's own, ours is unlinked too
    neutral(post(url, "-L"), expect, env=only(relay))


@pytest.mark.parametrize("code", CODES)
def test_redirect_to_another_name(neutral, relay, code):
    # the same port by another name is another host
    url = f"{relay.url}/switch/redirect-{code}-alias{CHAT}"
    neutral(post(url, "-L", *OWN), [GENERIC, PLAIN], env=only(relay))


@pytest.mark.parametrize("code", CODES)
def test_there_and_back_again(neutral, relay, code):
    hop = f"/switch/redirect-{code}-other"
    expect = {"relay": [GENERIC, second(code)], "other": [PLAIN]}
    result = neutral(post(relay.url + hop + hop + CHAT, "-L", *OWN), expect, env=only(relay))
    assert_one_transfer(result.requests)


@pytest.mark.parametrize("code", CODES)
def test_redirect_from_elsewhere_to_the_relay(neutral, relay, other_relay, code):
    # what counts is the URL about to be used, not the one that was set
    url = f"{other_relay.url}/switch/redirect-{code}-other{CHAT}"
    neutral(post(url, "-L", *OWN), {"other": [PLAIN], "relay": [second(code)]}, env=only(relay))


def test_redirect_between_relays(neutral, relay):
    # Nothing configured: all of loopback is the user's.
    url = relay.url + "/switch/redirect-307-other" + CHAT
    result = neutral(post(url, "-L"), {"relay": [GENERIC], "other": [GENERIC]})
    assert_one_transfer(result.requests + result.traffic["other"])


@pytest.mark.parametrize("how", [["-X", "POST"], ["--post302"]])
def test_redirect_that_stays_a_post(neutral, relay, how):
    # the method of the hop, by whatever rule the client has for it
    url = relay.url + "/switch/redirect-302-same" + CHAT
    result = neutral(post(url, "-L", *how), [GENERIC, GENERIC])
    assert [r.method for r in result.requests] == ["POST", "POST"]
    assert_one_transfer(result.requests)


def test_redirects_in_parallel(neutral, relay):
    hop = "/switch/redirect-307-other"
    urls = [f"{relay.url}{hop}{hop}{CHAT}?{n}" for n in range(3)]
    command = parallel("-L", "-d", BODY, *OWN, *urls)
    expect = {"relay": [GENERIC] * 6, "other": [PLAIN] * 3}
    result = neutral(command, expect, env=only(relay), unordered=True)
    for n in range(3):
        assert_one_transfer([r for r in result.requests if r.target.endswith(f"?{n}")])
    assert len({request_id(r) for r in result.requests}) == 3


def test_next_transfer_after_a_redirect_away(neutral, relay):
    # the handle's last URL is another host's; its list is still whole
    away = relay.url + "/switch/redirect-307-other" + CHAT
    command = curl("-L", "-d", BODY, *OWN, away, relay.url + CHAT)
    neutral(command, {"relay": [GENERIC] * 2, "other": [PLAIN]}, env=only(relay))


@pytest.mark.parametrize("how", ["--digest", "--anyauth"])
def test_digest_rounds(neutral, relay, how):
    url = relay.url + "/switch/digest" + CHAT
    command = post(url, how, "-u", f"{USER}:{PASSWORD}", "-H", "X-Own: 1")
    result = neutral(command, [GENERIC, GENERIC], normalise=[DIGEST])
    assert b"Tagalong says" in result.stdout
    assert_one_transfer(result.requests)


def test_silent_retry_on_a_dead_connection(neutral, relay):
    url = relay.url + "/switch/drop-reused" + CHAT
    result = neutral(curl("-d", BODY, *OWN, url, url), [GENERIC] * 3)
    assert result.rc == 0
    assert [(r.connection, r.nth) for r in result.requests] == [(1, 1), (1, 2), (2, 1)]
    assert request_id(result.requests[0]) != request_id(result.requests[1])
    assert_one_transfer(result.requests[1:])


def test_dropped_first_connection(neutral, relay):
    result = neutral(post(relay.url + "/switch/drop-first" + CHAT), [GENERIC])
    assert result.rc == 52  # empty reply from server


def test_signature_covers_the_added_lines(neutral, relay):
    command = post(relay.url + CHAT, *sigv4.OPTIONS, "-H", "X-Own: 1")
    result = neutral(command, [GENERIC], normalise=[AMZ_AUTHORIZATION, AMZ_DATE])
    (request,) = result.requests
    sigv4.need_whole_signatures()
    assert sigv4.signature_is_right(request)
    assert {name.lower() for name in GENERIC} <= set(sigv4.signed_headers(request))


@pytest.mark.parametrize("own", [["-H", "X-Own: 1"], []])
def test_signature_of_an_unmatched_request(neutral, relay, own):
    # SignedHeaders is compared here, too; a blanked line of ours would be in it
    normalise = [AMZ_DATE, AMZ_SIGNATURE]
    command = post(relay.url + "/v1/other", *sigv4.OPTIONS, *own)
    result = neutral(command, [PLAIN], normalise=normalise)
    sigv4.need_whole_signatures()
    assert sigv4.signature_is_right(result.requests[0])


@pytest.mark.parametrize("own", [["-H", "X-Own: 1"], []])
def test_signature_of_an_unmatched_hop(neutral, relay, own):
    url = relay.url + "/switch/redirect-307-alias" + CHAT
    command = post(url, "-L", "--location-trusted", *sigv4.OPTIONS, *own)
    normalise = [AMZ_DATE, AMZ_SIGNATURE, SIGNED_TAGS]
    result = neutral(command, [GENERIC, PLAIN], env=only(relay), normalise=normalise)
    first, last = result.requests
    sigv4.need_whole_signatures()
    assert "x-task-id" in sigv4.signed_headers(first)
    assert "x-task-id" not in sigv4.signed_headers(last)
    assert all(sigv4.signature_is_right(request) for request in result.requests)
