"""Every method of the server, who may call it, and how to call it about a breaker.

What a method is about decides what a grant for other names is worth:

    NAME    one breaker, or a glob: nothing
    SOME    what the caller may see: an answer without the rest
    ALL     all breakers: nothing, nor is one for some names
"""

import dataclasses
import os
import queue

import grpc
from fusebox.v1 import admin_pb2, breaker_pb2, breaker_service_pb2, policy_pb2
from google.protobuf import message_factory
from timing import PATIENCE_S

CALLER, READER, OPERATOR = "CALLER", "READER", "OPERATOR"
NAME, SOME, ALL = "NAME", "SOME", "ALL"
OURS = "ours"  # The policy over "ours/**".
TRIAL = {"validate_only": True}  # So that a call may be made again.
FAILURE = breaker_pb2.OUTCOME_FAILURE
CLOSED = breaker_pb2.OVERRIDE_MODE_FORCED_CLOSED


@dataclasses.dataclass(frozen=True)
class Row:
    """What a method takes; `fields` makes its request about a breaker, or several of a stream."""

    role: str
    about: str
    fields: object = lambda name: {}


def policy(name, match):
    return {"policy": policy_pb2.Policy(name=name, match=[match]), **TRIAL}


def budget(_):
    return {"retry_budget": policy_pb2.RetryBudget(name="new"), **TRIAL}


def named(name):
    return {"name": name}


def matching(name):
    return {"match": name}


ROWS = {
    "BreakerService": {
        "Allow": Row(CALLER, NAME, lambda name: {"breaker": name}),
        "Record": Row(CALLER, NAME, lambda name: {"breaker": name, "outcome": FAILURE}),
        "BatchRecord": Row(
            CALLER,
            SOME,
            lambda name: {"items": [breaker_pb2.BatchRecordItem(breaker=name, outcome=FAILURE)]},
        ),
        "Session": Row(
            CALLER,
            SOME,
            lambda name: [
                {"hello": {"session_id": os.urandom(16)}},
                {"subscribe": [{"handle": 1, "breaker": name}]},
            ],
        ),
    },
    "AdminService": {
        "GetBreaker": Row(READER, NAME, named),
        "ListBreakers": Row(READER, SOME, matching),
        "WatchBreakers": Row(READER, SOME, matching),
        "GetHealth": Row(READER, SOME, lambda name: {"prefix": name}),
        "ResetBreaker": Row(OPERATOR, NAME, lambda name: {"name": name, "reason": "test"}),
        "DeleteBreaker": Row(OPERATOR, NAME, lambda name: {"name": name, "reason": "test"}),
        "OverrideBreaker": Row(
            OPERATOR, NAME, lambda name: {"match": name, "mode": CLOSED, "reason": "test", **TRIAL}
        ),
        "ClearOverride": Row(OPERATOR, NAME, lambda name: {"match": name, **TRIAL}),
        "ListOverrides": Row(READER, SOME),
        "CreatePolicy": Row(OPERATOR, NAME, lambda name: policy("new", name)),
        "GetPolicy": Row(READER, NAME, lambda _: {"name": OURS}),
        "ListPolicies": Row(READER, SOME),
        "UpdatePolicy": Row(OPERATOR, NAME, lambda name: policy(OURS, name)),
        "DeletePolicy": Row(OPERATOR, NAME, lambda _: {"name": OURS, **TRIAL}),
        "CreateRetryBudget": Row(OPERATOR, ALL, budget),
        "GetRetryBudget": Row(READER, SOME, lambda _: {"name": "none"}),
        "ListRetryBudgets": Row(READER, SOME),
        "UpdateRetryBudget": Row(OPERATOR, ALL, budget),
        "DeleteRetryBudget": Row(OPERATOR, ALL, lambda _: {"name": "none"}),
        "ListTransitions": Row(READER, SOME, matching),
        "GetServerInfo": Row(READER, SOME),
    },
}

def services():
    """The services of the API as the protos describe them."""
    files = (breaker_service_pb2.DESCRIPTOR, admin_pb2.DESCRIPTOR)
    return {name: s for file in files for name, s in file.services_by_name.items()}


def methods():
    """Each method of each service, as the protos describe it."""
    return [method for service in services().values() for method in service.methods]


def row_of(method):
    return ROWS[method.containing_service.name][method.name]


def call(channel, method, name="", fields=None):
    """Makes the call about a breaker, or with these fields; of a stream reads the first message,
    and where requests are a stream, too, the answer to the last of them.

    Returns the answer or the RpcError.
    """
    request_type = message_factory.GetMessageClass(method.input_type)
    response_type = message_factory.GetMessageClass(method.output_type)
    make = channel.unary_stream if method.server_streaming else channel.unary_unary
    if method.client_streaming:
        make = channel.stream_stream
    function = make(
        f"/{method.containing_service.full_name}/{method.name}",
        request_serializer=request_type.SerializeToString,
        response_deserializer=response_type.FromString,
    )
    fields = row_of(method).fields(name) if fields is None else fields
    if method.client_streaming:
        requests = [request_type(**message) for message in fields]
    else:
        requests = [request_type(**fields)]
    said = queue.SimpleQueue()
    try:
        if not method.client_streaming:
            answer = function(requests[0], timeout=PATIENCE_S)
        else:
            answer = function(iter(said.get, None), timeout=PATIENCE_S)
        if not method.server_streaming:
            return answer
        for request in requests:  # Each is answered before the next is said.
            said.put(request)
            last = next(answer)
        answer.cancel()
        return last
    except grpc.RpcError as error:
        return error
    finally:
        said.put(None)  # Nobody waits for more.
