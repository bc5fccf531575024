"""One client of a server: its own connection and short words for what tests do most."""

import uuid

import grpc
from fusebox.v1 import admin_pb2, admin_pb2_grpc, breaker_pb2, breaker_service_pb2_grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from timing import PATIENCE_S

FAILURE = breaker_pb2.OUTCOME_FAILURE
SUCCESS = breaker_pb2.OUTCOME_SUCCESS


class Api:
    """Calls end after PATIENCE_S. `client` is who calls; `channel` is one that takes no plaintext."""

    def __init__(self, address, client="", channel=None):
        # Channels of one process share connections unless told not to.
        options = [("grpc.use_local_subchannel_pool", 1)]
        self.channel = channel or grpc.insecure_channel(address, options=options)
        self.client = client
        self.breakers = breaker_service_pb2_grpc.BreakerServiceStub(self.channel)
        self.admin = admin_pb2_grpc.AdminServiceStub(self.channel)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.channel.close()

    def allow(self, breaker, attempt=0):
        request = breaker_pb2.AllowRequest(breaker=breaker, attempt=attempt, client=self.client)
        return self.breakers.Allow(request, timeout=PATIENCE_S)

    def record(self, breaker, permit=b"", outcome=None, **fields):
        """`permit` is what allow() answered, or the bytes of a permit."""
        request = breaker_pb2.RecordRequest(
            breaker=breaker,
            permit=getattr(permit, "permit", permit),
            outcome=outcome,
            client=self.client,
            **fields,
        )
        return self.breakers.Record(request, timeout=PATIENCE_S)

    def batch(self, *items, batch_id=None):
        request = breaker_pb2.BatchRecordRequest(
            batch_id=uuid.uuid4().bytes if batch_id is None else batch_id,
            client=self.client,
            items=[breaker_pb2.BatchRecordItem(**item) for item in items],
        )
        return self.breakers.BatchRecord(request, timeout=PATIENCE_S).results

    def call(self, breaker, outcome):
        """Makes a call that must be allowed and ends so."""
        answer = self.allow(breaker)
        assert answer.decision == breaker_pb2.DECISION_ALLOWED, answer
        return self.record(breaker, answer, outcome)

    def get(self, breaker):
        request = admin_pb2.GetBreakerRequest(name=breaker)
        return self.admin.GetBreaker(request, timeout=PATIENCE_S).breaker

    def force_open(self, breaker, reason):
        request = admin_pb2.OverrideBreakerRequest(
            match=breaker, mode=breaker_pb2.OVERRIDE_MODE_FORCED_OPEN, reason=reason
        )
        self.admin.OverrideBreaker(request, timeout=PATIENCE_S)

    def info(self):
        return self.admin.GetServerInfo(admin_pb2.GetServerInfoRequest(), timeout=PATIENCE_S)

    def watch(self, match="", resume_token=""):
        return Watch(self.admin, match, resume_token)


class Watch:
    """A watch that was read up to its sync mark: to the breakers and the names that are gone."""

    def __init__(self, admin, match, resume_token):
        request = admin_pb2.WatchBreakersRequest(match=match, resume_token=resume_token)
        self._call = admin.WatchBreakers(request, timeout=PATIENCE_S)
        self._stream = self._steps()
        self.resume_token = resume_token
        self.snapshot, self.gone = [], []
        while not (event := next(self._stream)).HasField("synced"):
            if event.HasField("breaker"):
                self.snapshot.append(event.breaker)
            else:
                self.gone.append(event.removed)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._call.cancel()

    def _steps(self):
        for event in self._call:
            self.resume_token = event.resume_token or self.resume_token
            yield event

    def until(self, state):
        """Reads on to the first breaker in the state, and returns it."""
        for event in self._stream:
            if event.breaker.state == state:
                return event.breaker
        raise AssertionError(f"the watch ended before state {state}")

    def until_removed(self, name):
        """Reads on to where the breaker is gone."""
        while next(self._stream).removed != name:
            pass

    def end(self):
        """Reads to the end and returns the error that it ends with."""
        try:
            for _ in self._stream:
                pass
        except grpc.RpcError as error:
            return Error(error)
        raise AssertionError("the watch ended without an error")


class Error:
    """What an RpcError carries: code, message, and from its details reason, fields and retry."""

    def __init__(self, error):
        self.code, self.message = error.code(), error.details()
        self.reason, self.domain, self.fields, self.retry_s = "", "", [], None
        status = rpc_status.from_call(error)
        for detail in status.details if status else ():
            self._add(detail)

    def _add(self, detail):
        info = error_details_pb2.ErrorInfo()
        bad = error_details_pb2.BadRequest()
        retry = error_details_pb2.RetryInfo()
        if detail.Unpack(info):
            self.reason, self.domain = info.reason, info.domain
        elif detail.Unpack(bad):
            self.fields += [violation.field for violation in bad.field_violations]
        elif detail.Unpack(retry):
            self.retry_s = seconds(retry.retry_delay)


def error_of(call):
    """Makes a call that must fail, and returns its Error."""
    try:
        answer = call()
    except grpc.RpcError as error:
        return Error(error)
    raise AssertionError(f"no error, but {answer}")


def seconds(message):
    """A Duration, or a Timestamp since 1970, in seconds."""
    return message.seconds + message.nanos / 1e9
