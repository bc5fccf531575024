"""fuseboxctl drill."""

import pytest
from cli_driver import DENIED, INVALID_ARGUMENT, Running, fields
from fusebox.v1 import admin_pb2


def test_a_drill_is_an_override_for_a_while(cli, name):
    table = cli.ok("drill", name, "--ttl", "1h", "--reason", "game day", "--actor", "ann")
    assert "FORCED_OPEN (drill)" in table
    assert cli("allow", name).returncode == DENIED
    override = cli.json("get", name)["breaker"]["override"]
    assert (override["drill"], override["actor"], override["reason"]) == (True, "ann", "game day")


def test_a_drill_that_is_waited_for_tells_whom_it_refused(cli, name):
    drill = ("drill", name, "--ttl", "1h", "--reason", "game day", "--wait")
    with Running(cli.address, *drill) as waiting:
        assert waiting.process.stderr.readline() == (
            f"{name} is FORCED_OPEN for 1h, also if you interrupt this; `fuseboxctl clear` ends it.\n"
        )
        for client, calls in (("shop", 2), ("cart", 1)):
            for _ in range(calls):
                assert cli("allow", name, "--client", client).returncode == DENIED
        cli.ok("clear", name, "--reason", "enough", "--actor", "ann")
        stdout, stderr, code = waiting.end()
    assert (stderr, code) == ("The drill is over: ann took the override back: enough.\n", 0)
    shown = fields(stdout)
    assert shown.pop("lasted").endswith("s")
    assert shown == {"refused": "3", "refused to shop": "2", "refused to cart": "1"}


def test_a_drill_ends_by_itself(cli, name):
    result = cli("drill", name, "--ttl", "1s", "--reason", "game day", "--wait")
    assert result.returncode == 0
    assert result.stderr.endswith("The drill is over: the override's time was over.\n")
    assert fields(result.stdout)["refused"] == "0"
    cli.ok("allow", name)


@pytest.mark.parametrize("more", [(), ("--wait",)])
def test_a_dry_run_imposes_nothing_and_waits_for_nothing(cli, name, more):
    result = cli("drill", name, "--ttl", "1h", "--reason", "game day", "--dry-run", *more)
    assert (result.returncode, result.stderr) == (0, "Nothing was done (dry run).\n")
    assert "FORCED_OPEN (drill)" in result.stdout
    cli.ok("allow", name)


def test_what_the_server_refuses_is_said_with_its_reason(cli, name):
    result = cli("drill", name, "--ttl", "1ms", "--reason", "why", "--wait")
    assert (result.returncode, result.stdout) == (INVALID_ARGUMENT, "")
    assert "\n  reason: TTL_INVALID\n" in result.stderr


def test_what_others_wrote_cannot_steer_the_terminal(stand_in):
    def impose(request, _):
        imposed = admin_pb2.Override(match=request.match)
        return admin_pb2.OverrideBreakerResponse(override=imposed)

    def history(request, _):
        return admin_pb2.ListTransitionsResponse(
            transitions=[
                admin_pb2.Transition(
                    breaker=request.match,
                    number=2,
                    cause=admin_pb2.CAUSE_OVERRIDE_CLEARED,
                    actor="\x1b]0;title\x07ann",
                    reason="over\nfuseboxctl: all is well\u202e",
                    drill_report=admin_pb2.DrillReport(refused=1),
                ),
                admin_pb2.Transition(
                    breaker=request.match, number=1, cause=admin_pb2.CAUSE_OVERRIDDEN
                ),
            ]
        )

    cli = stand_in(OverrideBreaker=impose, ListTransitions=history)
    result = cli("drill", "a/b", "--ttl", "1h", "--reason", "why", "--wait")
    assert result.returncode == 0
    assert result.stderr.splitlines()[1:] == [
        r"The drill is over: \x1b]0;title\x07ann took the override back: "
        r"over\x0afuseboxctl: all is well\u202e."
    ]
