"""The manifests are valid, and harden what they run."""

import pathlib
import subprocess

import pytest
import yaml
from kubernetes_validate import validate
from server_process import run

FOLDER = pathlib.Path(__file__).parents[3] / "deploy/kubernetes"
VERSION = "1.30"


def built():
    """All manifests, as kustomize makes them."""
    made = subprocess.run(
        ["kubectl", "kustomize", FOLDER], capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr
    return list(yaml.safe_load_all(made.stdout))


ALL = built()


def of_kind(kind, name="fusebox"):
    [found] = [m for m in ALL if m["kind"] == kind and m["metadata"]["name"] == name]
    return found


@pytest.mark.parametrize("manifest", ALL, ids=lambda m: f"{m['kind']}/{m['metadata']['name']}")
def test_a_manifest_is_valid(manifest):
    validate(manifest, VERSION, strict=True)


def test_there_is_one_replica_with_a_volume():
    spec = of_kind("StatefulSet")["spec"]
    assert spec["replicas"] == 1
    assert spec["serviceName"] == "fusebox-headless"
    assert of_kind("Service", "fusebox-headless")["spec"]["clusterIP"] == "None"
    [claim] = spec["volumeClaimTemplates"]
    [container] = spec["template"]["spec"]["containers"]
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    image = (FOLDER.parent / "docker/Dockerfile").read_text()
    assert f"\nENV FUSEBOX_DATA_DIR={mounts[claim['metadata']['name']]}\n" in image


def test_probes_name_ports_by_number():
    [container] = of_kind("StatefulSet")["spec"]["template"]["spec"]["containers"]
    for probe, path in {
        "startupProbe": "/healthz",
        "livenessProbe": "/healthz",
        "readinessProbe": "/readyz",
    }.items():
        assert container[probe]["httpGet"] == {"path": path, "port": 7401}


def test_it_may_do_little():
    pod = of_kind("StatefulSet")["spec"]["template"]["spec"]
    [container] = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["runAsUser"] == 65532
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_it_has_the_time_to_drain():
    settings = yaml.safe_load(of_kind("ConfigMap")["data"]["fusebox.yaml"])
    grace = of_kind("StatefulSet")["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    assert int(settings["server"]["drain_timeout"].removesuffix("s")) < grace


# What docs/operations.md says that each takes; a fifth is left for what policies add.
def test_what_it_may_hold_fits_into_its_memory():
    settings = yaml.safe_load(of_kind("ConfigMap")["data"]["fusebox.yaml"])["server"]
    [container] = of_kind("StatefulSet")["spec"]["template"]["spec"]["containers"]
    limit = int(container["resources"]["limits"]["memory"].removesuffix("Gi")) << 30
    held = settings["max_breakers"] * 1_900 + settings["max_sessions"] * (48 << 10) + (25 << 20)
    assert held < 0.8 * limit


def test_the_policy_is_for_the_pods_that_there_are():
    labels = of_kind("StatefulSet")["spec"]["template"]["metadata"]["labels"]
    policy = of_kind("NetworkPolicy")["spec"]
    assert policy["podSelector"]["matchLabels"] == labels
    assert policy["egress"] == []
    for name in ("fusebox", "fusebox-headless"):
        assert of_kind("Service", name)["spec"]["selector"] == labels


@pytest.mark.parametrize("kind", ["kubernetes", "compose"])
def test_the_server_takes_its_configuration(kind, tmp_path):
    file = FOLDER.parent / kind / "fusebox.yaml"
    shown = run(f"--config={file}", "--print-config")
    assert shown.returncode == 0, shown.stderr
