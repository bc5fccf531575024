"""The manifests are valid, and harden what they run."""

import hashlib
import pathlib
import re
import shutil
import subprocess
import tempfile

import pytest
import yaml
from kubernetes_validate import validate
from server_process import ServerProcess, run

FOLDER = pathlib.Path(__file__).parents[3] / "deploy/kubernetes"
VERSION = "1.30"


def built(folder):
    """All manifests, as kustomize makes them."""
    made = subprocess.run(
        ["kubectl", "kustomize", folder], capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr
    return list(yaml.safe_load_all(made.stdout))


def built_with_identities():
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copytree(FOLDER, pathlib.Path(folder) / "kubernetes")
        file = copy / "kustomization.yaml"
        file.write_text(file.read_text().replace("\n# components:", "\ncomponents:"))
        return built(copy)


ALL = built(FOLDER)
GUARDED = built_with_identities()


def of_kind(kind, name="fusebox", among=ALL):
    [found] = [m for m in among if m["kind"] == kind and m["metadata"]["name"] == name]
    return found


@pytest.mark.parametrize(
    "manifest", ALL + GUARDED, ids=lambda m: f"{m['kind']}/{m['metadata']['name']}"
)
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


def test_with_identities_it_mounts_what_it_is_told_to_read():
    pod = of_kind("StatefulSet", among=GUARDED)["spec"]["template"]["spec"]
    [container] = pod["containers"]
    told = {entry["name"]: entry["value"] for entry in container["env"]}
    assert told.pop("FUSEBOX_INSECURE") == "false"
    mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    secrets = {v["name"]: v["secret"]["secretName"] for v in pod["volumes"] if "secret" in v}
    keys = {"fusebox-tls": {"tls.crt", "tls.key"}}  # As `kubectl create secret tls` names them.
    keys["fusebox-identities"] = set(of_kind("Secret", "fusebox-identities", GUARDED)["data"])
    for path in map(pathlib.PurePath, told.values()):
        assert path.name in keys[secrets[mounts[str(path.parent)]]]
    assert of_kind("NetworkPolicy", among=GUARDED) == of_kind("NetworkPolicy")


def test_the_server_takes_identities_once_they_have_hashes(tmp_path):
    text = (FOLDER / "identities/identities.yaml").read_text()
    file = tmp_path / "identities.yaml"
    file.write_text(text)
    refused = run(f"--identities={file}", "--listen=127.0.0.1:0", "--http-listen=127.0.0.1:0")
    assert refused.returncode != 0
    assert "identities[0].token_sha256[0]" in refused.stderr
    assert "identities[1].token_sha256[0]" in refused.stderr
    hashed = re.sub("of .*\\.token(?=\")", lambda m: hashlib.sha256(m[0].encode()).hexdigest(), text)
    file.write_text(hashed)
    with ServerProcess(f"--identities={file}"):
        pass
