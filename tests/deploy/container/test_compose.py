"""What compose starts: its file is sound, what it mounts is there, and the fleet calls."""

import json
import pathlib
import re
import subprocess
import sys

import yaml
from server_process import ServerProcess
from timing import eventually

DEPLOY = pathlib.Path(__file__).parents[3] / "deploy"
FOLDER = DEPLOY / "compose"
COMPOSE = yaml.safe_load((FOLDER / "compose.yaml").read_text())
LINTER = DEPLOY.parent / ".tools/node/node_modules/dclint/bin/dclint.cjs"


def test_the_linter_finds_nothing():
    found = subprocess.run(
        ["node", LINTER, "--config", DEPLOY.parent / ".ci/dclint.json", FOLDER / "compose.yaml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout + found.stderr


def test_what_is_mounted_is_there():
    for service in COMPOSE["services"].values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (FOLDER / source).exists(), source
            else:
                assert source in COMPOSE["volumes"]
    build = COMPOSE["services"]["fusebox"]["build"]
    assert (FOLDER / build["context"] / build["dockerfile"]).exists()


def test_the_parts_find_each_other():
    scraped = yaml.safe_load((DEPLOY / "prometheus/prometheus.yaml").read_text())
    [job] = scraped["scrape_configs"]
    assert job["job_name"] == "fusebox"
    assert job["static_configs"] == [{"targets": ["fusebox:7401"]}]
    sources = yaml.safe_load(
        (DEPLOY / "grafana/provisioning/datasources/prometheus.yaml").read_text()
    )
    assert sources["datasources"][0]["url"] == "http://prometheus:9090"
    boards = yaml.safe_load((DEPLOY / "grafana/provisioning/dashboards/fusebox.yaml").read_text())
    mounted = [volume.split(":")[1] for volume in COMPOSE["services"]["grafana"]["volumes"]]
    assert boards["providers"][0]["options"]["path"] in mounted


def test_prometheus_takes_its_configuration():
    checked = subprocess.run(
        ["promtool", "check", "config", DEPLOY / "prometheus/prometheus.yaml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_fleet_calls_all_that_it_says():
    flags = [f"--config={FOLDER}/fusebox.yaml"]
    with ServerProcess(*flags) as server:
        fleet = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", sys.executable, FOLDER / "fleet.py"]
            + [f"http://{server.http}"],
            stdout=subprocess.PIPE,
            text=True,
        )
        said = fleet.stdout.readline()
        named = set(re.search(r"call (.*);", said)[1].split(", "))

        def called():
            status, board = server.get("/json/breakers")
            assert status == 200
            return {row["name"] for row in json.loads(board).get("rows", [])} == named

        eventually(called, "each has been called")
        fleet.terminate()
        fleet.wait()
        fleet.stdout.close()
