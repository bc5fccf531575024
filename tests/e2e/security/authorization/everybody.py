"""One identity per role and scope, and what a call of theirs may end with."""

import grpc
import pytest
from api import Error
from methods import CALLER, OPERATOR, READER, call
from methods import methods as all_methods

METHODS = {method.name: method for method in all_methods()}
ROLES = (CALLER, READER, OPERATOR)
OURS, OTHERS = "ours/**", "others/**"
HERE, NOWHERE = "ours/here", "ours/nowhere"  # A breaker that exists, and one that does not.
UNAUTHENTICATED, DENIED = grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED

SCOPES = {"all": "**", "ours": OURS, "others": OTHERS}
EVERYBODY = [
    (f"{role.lower()}-{scope}", role, match) for role in ROLES for scope, match in SCOPES.items()
]


each_method = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)


def token_of(name):
    return f"token-of-{name}"


def uri_of(name):
    return f"spiffe://test/{name}"


def refusal(channel, method, name=HERE):
    """The code and the reason that a call must end with."""
    answer = call(channel, method, name)
    assert isinstance(answer, grpc.RpcError), answer
    error = Error(answer)
    assert error.domain == "fusebox" and method.name in error.message and "; " in error.message
    return error.code, error.reason


def assert_let_through(answer):
    """It may end with an error, but with none about who calls."""
    if isinstance(answer, grpc.RpcError):
        error = Error(answer)
        assert error.code not in (UNAUTHENTICATED, DENIED, grpc.StatusCode.UNAVAILABLE), error.message


def assert_made(answer):
    assert not isinstance(answer, grpc.RpcError), answer
