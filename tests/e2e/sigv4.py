# SPDX-License-Identifier: MIT
"""AWS Signature Version 4, computed from a request as it arrived, to check curl's --aws-sigv4."""

import hashlib
import hmac
import re

import pytest

from tags import LIBCURL

ACCESS, SECRET, PROVIDER = "AKIDTEST", "wJalrXUtnFEMI", "aws:amz:us-east-1:bedrock"
OPTIONS = ["--aws-sigv4", PROVIDER, "-u", f"{ACCESS}:{SECRET}"]

AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<scope>[^,]+), "
    r"SignedHeaders=(?P<signed>[^,]+), Signature=(?P<signature>[0-9a-f]{64})"
)


def signed_headers(request):
    """The names that the client says it signed, in order."""
    return AUTHORIZATION.fullmatch(request.value("Authorization"))["signed"].split(";")


def need_whole_signatures():
    """Where there are none, what a test has compared before is all that can be said."""
    if LIBCURL < (7, 87):
        pytest.skip("libcurl before 7.87 signs neither the port nor the client's header lines")


def signature_is_right(request):
    """Whether the signature covers the request as it arrived (for a path without a query)."""
    fields = AUTHORIZATION.fullmatch(request.value("Authorization"))
    signed, scope = fields["signed"], fields["scope"]
    headers = "".join(f"{name}:{request.value(name)}\n" for name in signed.split(";"))
    body = hashlib.sha256(request.body).hexdigest()
    canonical = "\n".join([request.method, request.target, "", headers, signed, body])
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = "\n".join(["AWS4-HMAC-SHA256", request.value("X-Amz-Date"), scope, digest])
    key = ("AWS4" + SECRET).encode()
    for part in [*scope.split("/"), to_sign]:
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return fields["key"] == ACCESS and key.hex() == fields["signature"]
