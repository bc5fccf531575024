"""What exists is no secret that leaks, and what is seen is true of who looks."""

import grpc
import pytest
from api import Error
from clients import bearer
from everybody import (
    DENIED,
    HERE,
    METHODS,
    NOWHERE,
    SCOPES,
    assert_let_through,
    assert_made,
    each_method,
    token_of,
)
from fusebox.v1 import admin_pb2, breaker_pb2
from methods import call, row_of


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


def test_what_is_missing_is_not_found_by_who_may_look(as_token):
    error = Error(call(as_token("reader-ours"), METHODS["GetBreaker"], NOWHERE))
    assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "BREAKER_NOT_FOUND")


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
