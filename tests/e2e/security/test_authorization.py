"""Every method against every way of not being allowed to call it, and against being allowed to."""

import contextlib

import grpc
import pytest
from api import Api, Error
from clients import WithHeader, bearer, plain_channel, secure_channel, sha256
from fusebox.v1 import admin_pb2, admin_pb2_grpc, breaker_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)
from methods import ALL, CALLER, NAME, OPERATOR, READER, ROWS, call, row_of, services
from methods import methods as all_methods
from server_process import ServerProcess
from timing import PATIENCE_S, eventually

METHODS = {method.name: method for method in all_methods()}
ROLES = (CALLER, READER, OPERATOR)
OURS, OTHERS = "ours/**", "others/**"
HERE, NOWHERE = "ours/here", "ours/nowhere"  # A breaker that exists, and one that does not.
UNAUTHENTICATED, DENIED = grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED

PROVEN = {"CREDENTIALS_MISSING", "TOKEN_UNKNOWN", "TOKEN_INVALID", "CERTIFICATE_UNKNOWN"}
SCOPES = {"all": "**", "ours": OURS, "others": OTHERS}
EVERYBODY = [
    (f"{role.lower()}-{scope}", role, match) for role in ROLES for scope, match in SCOPES.items()
]


each_method = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)


def token_of(name):
    return f"token-of-{name}"


def uri_of(name):
    return f"spiffe://test/{name}"


@pytest.fixture(scope="module")
def identities(tmp_path_factory):
    """One identity per role and scope, each known by a token and by a certificate."""
    lines = ["identities:"]
    for name, role, match in EVERYBODY:
        lines += [
            f"- name: {name}",
            f"  token_sha256: [{sha256(token_of(name))}]",
            f"  san: ['{uri_of(name)}']",
            f"  grants: [{{role: {role}, match: ['{match}']}}]",
        ]
    path = tmp_path_factory.mktemp("identities") / "identities.yaml"
    path.write_text("\n".join(lines))
    return path


@pytest.fixture(scope="module")
def policies(tmp_path_factory):
    path = tmp_path_factory.mktemp("policies") / "fusebox.yaml"
    path.write_text(
        "policies:\n"
        f"- {{name: ours, match: ['{OURS}'], circuit_breaker: {{max_probes: 2}}}}\n"
        f"- {{name: theirs, match: ['{OTHERS}'], circuit_breaker: {{max_probes: 4}}}}\n"
    )
    return path


@contextlib.contextmanager
def serving(*flags, connect):
    """A server with a breaker that exists and that is overridden."""
    with ServerProcess("--store=memory", *flags) as process:
        channel = connect(process)
        Api("", channel=channel).allow(HERE)
        admin_pb2_grpc.AdminServiceStub(channel).OverrideBreaker(
            admin_pb2.OverrideBreakerRequest(
                match=HERE, mode=breaker_pb2.OVERRIDE_MODE_SHADOW, reason="test", actor="nobody"
            ),
            timeout=PATIENCE_S,
        )
        channel.close()
        yield process


@pytest.fixture(scope="module")
def server(identities, policies):
    """Where tokens say who calls."""
    operator = bearer(token_of("operator-all"))
    with serving(
        f"--identities={identities}",
        f"--config={policies}",
        connect=lambda process: plain_channel(process.address, operator),
    ) as process:
        yield process


@pytest.fixture(scope="module")
def mutual(identities, policies, authority, server_pair):
    """Where certificates do."""
    pair = authority.issue("operator", f"URI:{uri_of('operator-all')}")
    with serving(
        f"--tls-cert={server_pair.certificate}",
        f"--tls-key={server_pair.key}",
        f"--tls-client-ca={authority.certificate}",
        f"--identities={identities}",
        f"--config={policies}",
        connect=lambda process: secure_channel(process.address, authority, pair),
    ) as process:
        yield process


class Channels:
    """Channels by who shows what, each opened once."""

    def __init__(self):
        self._open = {}

    def get(self, key, make):
        if key not in self._open:
            self._open[key] = make()
        return self._open[key]

    def close(self):
        for channel in self._open.values():
            channel.close()


@pytest.fixture(scope="module")
def channels(server, mutual):
    opened = Channels()
    yield opened
    opened.close()


@pytest.fixture
def with_header(channels, server):
    """Channels that send a header, or none."""

    def make(*header):
        interceptor = WithHeader(header) if header else None
        return channels.get(header, lambda: plain_channel(server.address, interceptor))

    return make


@pytest.fixture
def as_token(with_header):
    return lambda name: with_header("authorization", f"Bearer {token_of(name)}")


@pytest.fixture
def as_certificate(channels, mutual, authority):
    """Channels that show a certificate of ours."""

    def make(name):
        def connect():
            pair = authority.issue(name, f"URI:{uri_of(name)}")
            return secure_channel(mutual.address, authority, pair)

        return channels.get(("certificate", name), connect)

    return make


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


def test_every_method_has_a_row():
    described = {name: {m.name for m in s.methods} for name, s in services().items()}
    assert {name: set(rows) for name, rows in ROWS.items()} == described


@each_method
def test_who_shows_nothing_is_told_so(method, with_header):
    assert refusal(with_header(), method) == (UNAUTHENTICATED, "CREDENTIALS_MISSING")


@each_method
@pytest.mark.parametrize("token", ["wrong", "", token_of("operator-all") + "x"])
def test_a_wrong_token_is_nobody_s(token, method, with_header):
    code, reason = refusal(with_header("authorization", f"Bearer {token}"), method)
    assert code == UNAUTHENTICATED
    assert reason == ("TOKEN_UNKNOWN" if token else "TOKEN_INVALID")


@each_method
@pytest.mark.parametrize("header", ["Basic b3BlcmF0b3I6", token_of("operator-all"), ""])
def test_another_scheme_is_no_token(header, method, with_header):
    got = refusal(with_header("authorization", header), method)
    assert got == (UNAUTHENTICATED, "TOKEN_INVALID")


@each_method
@pytest.mark.parametrize("shows", ["nothing", "an expired one", "a stranger's"])
def test_without_a_certificate_of_ours_nobody_connects(
    shows, method, channels, mutual, authority, stranger
):
    def connect():
        uri = f"URI:{uri_of('operator-all')}"
        pair = {
            "nothing": lambda: None,
            "an expired one": lambda: authority.issue("expired", uri, days=-1),
            "a stranger's": lambda: stranger.issue("foreign", uri),
        }[shows]()
        return secure_channel(mutual.address, authority, pair)

    answer = call(channels.get(shows, connect), method, HERE)
    assert answer.code() == grpc.StatusCode.UNAVAILABLE


@each_method
def test_a_certificate_of_ours_that_nobody_is_known_by_is_not_enough(method, as_certificate):
    got = refusal(as_certificate("somebody-else"), method)
    assert got == (UNAUTHENTICATED, "CERTIFICATE_UNKNOWN")


@each_method
@pytest.mark.parametrize("show", ["as_token", "as_certificate"])
def test_another_role_is_not_enough(show, method, request):
    for role in ROLES:
        if role in (row_of(method).role, OPERATOR):
            continue
        channel = request.getfixturevalue(show)(f"{role.lower()}-all")
        assert refusal(channel, method) == (DENIED, "PERMISSION_DENIED")


@each_method
@pytest.mark.parametrize("show", ["as_token", "as_certificate"])
def test_the_role_over_other_names_is_not_enough(show, method, request):
    row = row_of(method)
    channel = request.getfixturevalue(show)(f"{row.role.lower()}-others")
    if row.about in (NAME, ALL):
        assert refusal(channel, method) == (DENIED, "PERMISSION_DENIED")
        return
    answer = call(channel, method, HERE)
    assert_let_through(answer)
    if method.name == "BatchRecord":
        (result,) = answer.results
        assert result.error.code == DENIED.value[0] and "ours/here" in result.error.message
    elif method.name == "Session":
        (refused,) = answer.refused
        assert refused.error.code == DENIED.value[0] and "ours/here" in refused.error.message
    elif method.name == "GetHealth":  # As of a prefix with nothing under it, which it names.
        assert Error(answer).reason == "BREAKER_NOT_FOUND"
    else:
        assert "ours" not in str(answer), answer


@each_method
@pytest.mark.parametrize("show", ["as_token", "as_certificate"])
def test_the_role_is_enough_and_so_is_an_operator_s(show, method, request):
    row = row_of(method)
    scopes = ("all",) if row.about == ALL else ("all", "ours")
    for role in {row.role, OPERATOR}:
        for scope in scopes:
            channel = request.getfixturevalue(show)(f"{role.lower()}-{scope}")
            assert_let_through(call(channel, method, HERE))


# Who may not look must not find out what is there.
@each_method
def test_what_exists_is_no_secret_told_by_an_error(method, as_token):
    def ending(name):
        answer = call(as_token(f"{row_of(method).role.lower()}-others"), method, name)
        if isinstance(answer, grpc.RpcError):
            error = Error(answer)
            return error.code, error.reason, error.message.replace(name, "NAME")
        return str(answer).replace(name, "NAME")

    if method.name not in ("GetServerInfo", "WatchBreakers"):  # Time passes; streams go on.
        assert ending(HERE) == ending(NOWHERE)


# Nor by where a page ends. What exists is no page's last, so that there is more to come.
@pytest.mark.parametrize("name", ["ListBreakers", "ListTransitions"])
@pytest.mark.parametrize("size", [1, 2, 1000])
def test_what_exists_is_no_secret_told_by_a_page(size, name, as_token):
    assert_let_through(call(as_token("operator-all"), METHODS["Allow"], "neither/later"))

    def page(match, reader="reader-others"):
        fields = {"match": match, "page_size": size}
        return call(as_token(reader), METHODS[name], fields=fields)

    for match in (HERE, "ours/h*"):
        hidden, missing = page(match), page(NOWHERE)
        assert hidden == missing
        assert hidden.next_page_token == missing.next_page_token
    assert "ours/here" in str(page(HERE, "reader-ours"))


# Nor by the name of a policy, nor what it matches.
@pytest.mark.parametrize("name", ["GetPolicy", "UpdatePolicy", "DeletePolicy"])
def test_a_policy_of_others_looks_like_none(name, with_header, as_token):
    method = METHODS[name]
    endings = []
    for policy in ("theirs", "none"):
        fields = {"name": policy}
        if name == "UpdatePolicy":
            fields = {"policy": {"name": policy, "match": [HERE]}}
        answer = call(as_token(f"{row_of(method).role.lower()}-ours"), method, fields=fields)
        error = Error(answer)
        endings.append((error.code, error.reason, error.message.replace(policy, "POLICY")))
    assert endings[0] == endings[1]
    assert endings[0][:2] == (DENIED, "PERMISSION_DENIED")
    missing = call(as_token(f"{row_of(method).role.lower()}-all"), method, fields=fields)
    assert Error(missing).reason == "POLICY_NOT_FOUND"


# What it will match takes the right as much as what it matches.
def test_a_policy_is_not_moved_to_names_of_others(as_token):
    fields = {"policy": {"name": "ours", "match": ["others/more/*"]}, "validate_only": True}
    answer = call(as_token("operator-ours"), METHODS["UpdatePolicy"], fields=fields)
    assert Error(answer).reason == "PERMISSION_DENIED"


def test_the_default_policy_is_for_who_may_do_everything(as_token):
    fields = {"policy": {"name": "default", "match": [HERE]}, "validate_only": True}
    for name in ("CreatePolicy", "UpdatePolicy"):
        answer = call(as_token("operator-ours"), METHODS[name], fields=fields)
        assert Error(answer).reason == "PERMISSION_DENIED"
    answer = call(as_token("operator-ours"), METHODS["DeletePolicy"], fields={"name": "default"})
    assert Error(answer).reason == "PERMISSION_DENIED"
    assert_let_through(call(as_token("reader-ours"), METHODS["GetPolicy"], fields={"name": "default"}))


# Who spends from a budget takes from all who share it.
def test_a_shared_budget_is_attached_to_by_who_may_do_everything(as_token):
    everybody, us = as_token("operator-all"), as_token("operator-ours")

    def change(channel, method, budget, **fields):
        policy = {"name": "spender", "match": [HERE], "shared_retry_budget": budget}
        if not budget:
            policy = {"name": "spender", "match": [HERE], "circuit_breaker": {"max_probes": 3}}
        return call(channel, METHODS[method], fields={"policy": policy, **fields})

    for budget in ("theirs", "more"):
        fields = {"retry_budget": {"name": budget}}
        assert_let_through(call(everybody, METHODS["CreateRetryBudget"], fields=fields))
    for budget in ("theirs", "none"):
        error = Error(change(us, "CreatePolicy", budget))
        assert error.reason == "PERMISSION_DENIED" and "shared_retry_budget" in error.message
    assert_made(change(us, "CreatePolicy", ""))
    for fields in ({}, {"update_mask": {"paths": ["shared_retry_budget"]}}):
        assert Error(change(us, "UpdatePolicy", "theirs", **fields)).reason == "PERMISSION_DENIED"
    assert_made(change(everybody, "UpdatePolicy", "theirs"))
    assert_made(change(us, "UpdatePolicy", "theirs"))
    assert Error(change(us, "UpdatePolicy", "more")).reason == "PERMISSION_DENIED"
    assert_made(change(us, "UpdatePolicy", ""))
    assert_made(call(us, METHODS["DeletePolicy"], fields={"name": "spender"}))
    for budget in ("theirs", "more"):
        assert_made(call(everybody, METHODS["DeleteRetryBudget"], fields={"name": budget}))


@pytest.mark.parametrize("match", ["**", "*", "our*/**", "*/here", "ours*"])
def test_a_glob_that_reaches_further_than_the_grant_is_refused(match, as_token):
    fields = {"match": match, "mode": 1, "reason": "test", "validate_only": True}
    answer = call(as_token("operator-ours"), METHODS["OverrideBreaker"], fields=fields)
    assert Error(answer).reason == "PERMISSION_DENIED"
    assert_let_through(call(as_token("operator-all"), METHODS["OverrideBreaker"], fields=fields))


def test_lists_show_what_concerns_breakers_that_the_caller_may_read(as_token):
    def shown(scope, method, field, name_of):
        answer = call(as_token(f"reader-{scope}"), METHODS[method], HERE, fields={})
        return [name_of(item) for item in getattr(answer, field)]

    policies = {scope: shown(scope, "ListPolicies", "policies", lambda p: p.name) for scope in SCOPES}
    assert policies == {
        "all": ["default", "ours", "theirs"],
        "ours": ["default", "ours"],
        "others": ["default", "theirs"],
    }
    for method, field, name_of in (
        ("ListOverrides", "overrides", lambda override: override.match),
        ("ListTransitions", "transitions", lambda transition: transition.breaker),
        ("ListBreakers", "breakers", lambda breaker: breaker.name),
    ):
        assert HERE in shown("all", method, field, name_of)
        assert set(shown("ours", method, field, name_of)) == {HERE}
        assert shown("others", method, field, name_of) == []


# Neither by a token after the last that they may see, nor by what the token says.
@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("scope", SCOPES)
def test_pages_of_policies_tell_nothing_of_hidden_ones(scope, size, as_token):
    def page(**fields):
        return call(as_token(f"reader-{scope}"), METHODS["ListPolicies"], fields=fields)

    whole = [policy.name for policy in page().policies]
    listed, token = [], ""
    while True:
        answer = page(page_size=size, page_token=token)
        names = [policy.name for policy in answer.policies]
        listed += names
        token = answer.next_page_token
        assert len(names) == size or not token
        assert token in ("", names[-1])
        if not token:
            break
        assert listed != whole, "a page after the last"
    assert listed == whole


def test_a_taken_name_is_all_that_is_told_of_a_policy_of_others(as_token):
    fields = {"policy": {"name": "theirs", "match": [HERE]}, "validate_only": True}
    error = Error(call(as_token("operator-ours"), METHODS["CreatePolicy"], fields=fields))
    assert error.reason == "POLICY_NAME_TAKEN"
    assert "others" not in error.message


# Nobody signs with another name than their own.
def test_the_history_has_the_identity_as_the_actor(as_token):
    answer = call(as_token("reader-ours"), METHODS["ListTransitions"], HERE)
    (event,) = (t for t in answer.transitions if t.cause == admin_pb2.CAUSE_OVERRIDDEN)
    assert event.override.actor == "operator-all"


# Nor hides behind one; and whose calls a wide drill refused is told to who may read as widely.
def test_the_clients_of_a_drill_are_named_to_who_may_read_all_of_it(
    identities, start, plain_client
):
    server = start("--store=memory", f"--identities={identities}")
    match = "*/drilled"

    def ask(name, method, **fields):
        channel = plain_client(server.address, bearer(token_of(name))).channel
        answer = call(channel, METHODS[method], fields=fields)
        assert_made(answer)
        return answer

    ask(
        "operator-all",
        "OverrideBreaker",
        match=match,
        mode=breaker_pb2.OVERRIDE_MODE_FORCED_OPEN,
        drill=True,
        reason="test",
        ttl={"seconds": 60},
    )
    for scope in ("ours", "others"):
        for client in ("web-7", "x" * 256):
            ask(f"caller-{scope}", "Allow", breaker=f"{scope}/drilled", client=client)
    ask("operator-all", "ClearOverride", match=match)

    def report(reader):
        causes = [admin_pb2.CAUSE_OVERRIDE_CLEARED]
        answer = ask(reader, "ListTransitions", match=match, causes=causes)
        return answer.transitions[0].drill_report

    whole = report("reader-all")
    callers = {client.client.split("@")[0] for client in whole.clients}
    assert callers == {"caller-ours", "caller-others"}
    assert [client.calls for client in whole.clients] == [1] * 4
    part = report("reader-ours")
    assert not part.clients
    assert part.refused == part.refused_to_others == whole.refused == 4


def test_what_is_missing_is_not_found_by_who_may_look(as_token):
    error = Error(call(as_token("reader-ours"), METHODS["GetBreaker"], NOWHERE))
    assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "BREAKER_NOT_FOUND")


def test_the_error_names_who_what_and_how_to_mend_it(as_token):
    error = Error(call(as_token("caller-others"), METHODS["Allow"], HERE))
    assert error.message == (
        'Allow: "caller-others" is no CALLER of "ours/here"; grant it role CALLER for that in the '
        "server's file of identities"
    )


# A proxy's certificate may carry the tokens of many.
def test_a_token_goes_before_a_certificate(mutual, authority, channels):
    pair = authority.issue("proxy", f"URI:{uri_of('operator-all')}")
    channel = secure_channel(mutual.address, authority, pair, bearer(token_of("caller-others")))
    assert refusal(channel, METHODS["Allow"]) == (DENIED, "PERMISSION_DENIED")
    channel.close()


def test_health_and_reflection_are_open_to_who_can_connect(with_header):
    health = health_pb2_grpc.HealthStub(with_header())
    answer = health.Check(health_pb2.HealthCheckRequest(), timeout=PATIENCE_S)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING
    services_shown = ProtoReflectionDescriptorDatabase(with_header()).get_services()
    assert "fusebox.v1.AdminService" in services_shown


# Of a breaker that exists. Which one it is depends on what other tests have recorded.
ANSWERS = (health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING)


def check_health(channel, service):
    """What a health check answers, or why it does not."""
    stub = health_pb2_grpc.HealthStub(channel)
    try:
        return stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=PATIENCE_S).status
    except grpc.RpcError as error:
        return Error(error).reason


# A probe has no credentials, but what it may ask without them is about the server alone.
def test_the_health_of_breakers_takes_a_reader(with_header, as_token):
    for service in (f"breaker:{HERE}", "prefix:ours", "prefix:"):
        assert check_health(with_header(), service) == "CREDENTIALS_MISSING"
        assert check_health(as_token("caller-all"), service) == "PERMISSION_DENIED"
        for reader in ("reader-all", "reader-ours", "operator-ours"):
            assert check_health(as_token(reader), service) in ANSWERS


def test_what_exists_is_no_secret_told_by_a_health_check(as_token):
    reader = as_token("reader-others")
    for name in (HERE, NOWHERE):
        assert check_health(reader, f"breaker:{name}") == "PERMISSION_DENIED"
        assert check_health(reader, f"prefix:{name}") == "BREAKER_NOT_FOUND"
    assert check_health(as_token("reader-ours"), f"breaker:{NOWHERE}") == "BREAKER_NOT_FOUND"


@pytest.mark.parametrize("service", [f"breaker:{HERE}", "prefix:ours"])
def test_a_health_watch_of_breakers_takes_a_reader(service, with_header, as_token):
    def first(channel):
        stub = health_pb2_grpc.HealthStub(channel)
        call = stub.Watch(health_pb2.HealthCheckRequest(service=service), timeout=PATIENCE_S)
        try:
            return next(call).status
        except grpc.RpcError as error:
            return Error(error).reason
        finally:
            call.cancel()

    assert first(with_header()) == "CREDENTIALS_MISSING"
    assert first(as_token("caller-ours")) == "PERMISSION_DENIED"
    assert first(as_token("reader-ours")) in ANSWERS


# Of what others see in it, nothing is told: neither that it is there, nor how it is.
def test_the_health_of_a_prefix_is_that_of_what_the_caller_sees(as_token):
    assert_made(call(as_token("operator-all"), METHODS["Allow"], "others/there"))

    def breakers(reader):
        answer = call(as_token(reader), METHODS["GetHealth"], "")
        return answer.healthy + answer.degraded + answer.unhealthy

    ours, others = breakers("reader-ours"), breakers("reader-others")
    assert ours > 0 and others > 0
    eventually(lambda: breakers("reader-all") >= ours + others, "a report of all of them")


def test_errors_about_who_calls_are_counted_by_reason(server, with_header):
    call(with_header(), METHODS["Allow"], HERE)
    _, text = server.get("/metrics")
    counted = {
        line.split('"')[1]: float(line.rsplit(" ", 1)[1])
        for line in text.splitlines()
        if line.startswith("fusebox_errors_total{")
    }
    assert counted["CREDENTIALS_MISSING"] > 0
    assert counted["other"] == 0
    assert PROVEN <= set(counted)
