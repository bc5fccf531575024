"""fuseboxctl version."""

from cli_driver import UNAVAILABLE, fields, run
from fusebox.v1 import admin_pb2


def test_version_prints_both_versions(cli):
    shown = fields(cli.ok("version"))
    assert (shown["client"], shown["server"]) == ("0.1.0", "0.1.0")
    assert shown["store"]


def test_version_in_json_holds_all_that_the_server_says(cli, api):
    versions = cli.json("version")
    assert versions["client"] == "0.1.0"
    assert versions["server"]["life"] == str(api.info().life)


def test_version_of_the_client_asks_no_server(closed_port):
    server = f"127.0.0.1:{closed_port}"
    result = run("version", "--client", "--server", server)
    assert (result.returncode, result.stdout, result.stderr) == (0, "client  0.1.0\n", "")
    assert run("--version").stdout == "0.1.0\n"


def test_version_without_a_server_still_prints_its_own(closed_port):
    result = run("version", "--server", f"127.0.0.1:{closed_port}")
    assert (result.returncode, result.stdout) == (UNAVAILABLE, "client  0.1.0\n")
    assert "no server answers" in result.stderr


def test_version_tells_everything_that_is_wrong_with_the_server(stand_in):
    faults = {
        "not_durable": "the disk is full",
        "config_error": "line 1",
        "certificate_error": "expired",
        "identities_error": "line 2",
    }
    cli = stand_in(GetServerInfo=lambda request, _: admin_pb2.GetServerInfoResponse(**faults))
    shown = fields(cli.ok("version"))
    assert {name.replace("_", " "): what for name, what in faults.items()}.items() <= shown.items()
