"""How fuseboxctl prints: -o table, wide, json, yaml and name."""

import json

import yaml
from cli_driver import OUTPUT_FAILED, Running, rows
from fusebox.v1 import admin_pb2
from google.protobuf.duration_pb2 import Duration


def test_yaml_says_what_json_says_in_the_words_of_the_file(cli, name):
    cli.trip(name)
    breaker = cli.yaml("get", name)["breaker"]
    assert (breaker["name"], breaker["state"]) == (name, "OPEN")
    assert breaker["last_transition"]["cause"] == "CONSECUTIVE_FAILURES"
    assert breaker["last_transition"]["time"].isoformat()  # A time to any reader of YAML.
    assert breaker["last_transition"]["open_for"] == "30s"


def test_a_permit_in_yaml_is_the_one_in_json(cli, name):
    permit = cli.yaml("allow", name)["permit"]
    assert cli.yaml("record", name, "--permit", permit, "--outcome", "SUCCESS") == {
        "state": "CLOSED",
        "outcome": "SUCCESS",
        "counted": "COUNTED",
        "epoch": cli.yaml("get", name)["breaker"]["epoch"],
    }


def test_names_are_one_a_line_and_nothing_else(cli, name):
    for leaf in ("a", "b"):
        cli.ok("allow", f"{name}/{leaf}")
    assert cli.ok("list", f"{name}/*", "-o", "name") == f"{name}/a\n{name}/b\n"
    assert cli.ok("list", f"{name}-none/*", "-o", "name") == ""
    assert cli.ok("get", f"{name}/a", "-o", "name") == f"{name}/a\n"
    assert cli.ok("watch", f"{name}/*", "--until-synced", "-o", "name").split() == [
        f"{name}/a",
        f"{name}/b",
    ]


def test_wide_adds_columns_to_those_of_the_table(cli, name):
    cli.trip(name)
    narrow, wide = (rows(cli.ok("list", name, "-o", form)) for form in ("table", "wide"))
    assert wide[0] == [*narrow[0], "SCORE", "REOPENS", "PROBES", "CAUSE", "EPOCH"]
    assert dict(zip(wide[0], wide[1]))["CAUSE"] == "CONSECUTIVE_FAILURES"


def test_what_has_no_name_is_printed_as_a_table(cli):
    assert cli.ok("health", "-o", "name") == "SERVING\n"


def test_a_stream_in_yaml_is_a_document_for_each_step(cli, name):
    cli.ok("allow", name)
    with Running(cli.address, "watch", name, "-o", "yaml", "--count", "2") as watch:
        text, _, code = watch.end()
    steps = list(yaml.safe_load_all(text))
    assert code == 0
    assert steps[0]["breaker"]["name"] == name
    assert "synced" in steps[1]


def test_streams_in_json_have_a_document_on_each_line(cli, name):
    cli.ok("allow", name)
    lines = cli.ok("watch", name, "--until-synced", "-o", "json").splitlines()
    assert ["breaker" in json.loads(line) for line in lines] == [True, False]


def test_an_answer_that_json_cannot_hold_is_an_error(stand_in):
    far = Duration(seconds=10**15)
    cli = stand_in(
        GetServerInfo=lambda request, _: admin_pb2.GetServerInfoResponse(version="9", uptime=far)
    )
    result = cli("version", "-o", "json")
    assert (result.returncode, result.stdout) == (OUTPUT_FAILED, "")
    assert "fuseboxctl: the answer cannot be written as JSON: " in result.stderr
    assert cli("version").returncode == 0
