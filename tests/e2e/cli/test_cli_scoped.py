"""fuseboxctl as somebody who may do everything with some breakers and nothing with the others."""

import hashlib

import pytest
from cli_driver import DIFFERENT, PERMISSION_DENIED, Cli, rows

TOKENS = {"ours": "token-of-ours", "all": "token-of-all"}
OURS = "policies: [{name: ours, match: ['ours/**'], circuit_breaker: {max_probes: %d}}]"
THEIRS = "policies: [{name: theirs, match: [%s], circuit_breaker: {max_probes: 9}}]"


class As(Cli):
    """fuseboxctl with a token."""

    def __init__(self, address, who):
        super().__init__(address)
        self.token = TOKENS[who]

    def __call__(self, *args, **options):
        return super().__call__(*args, FUSEBOX_TOKEN=self.token, **options)


@pytest.fixture
def guarded(start, tmp_path):
    """A server on which `ours` may do everything with ours/**, and `all` with all."""
    lines = ["identities:"]
    for name, match in (("ours", "ours/**"), ("all", "**")):
        sha256 = hashlib.sha256(TOKENS[name].encode()).hexdigest()
        grants = f"[{{role: OPERATOR, match: ['{match}']}}]"
        lines += [f"- name: {name}", f"  token_sha256: [{sha256}]", f"  grants: {grants}"]
    path = tmp_path / "identities.yaml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return start("--store=memory", f"--identities={path}").address


@pytest.fixture
def ours(guarded):
    return As(guarded, "ours")


@pytest.fixture
def everything(guarded):
    return As(guarded, "all")


def test_a_new_policy_for_ones_own_breakers_can_be_applied(ours):
    assert ours.ok("apply", "-f", "-", "--dry-run", stdin=OURS % 4) == (
        "policy/ours created (dry run)\n"
    )
    assert ours.ok("apply", "-f", "-", stdin=OURS % 4) == "policy/ours created\n"
    assert ours.ok("apply", "-f", "-", stdin=OURS % 4) == "policy/ours unchanged\n"
    assert ours.ok("apply", "-f", "-", stdin=OURS % 5) == "policy/ours updated\n"


def test_a_new_policy_for_the_breakers_of_others_is_refused(ours):
    result = ours("apply", "-f", "-", stdin=THEIRS % "theirs/**")
    assert (result.returncode, result.stdout) == (PERMISSION_DENIED, "")
    assert "CreatePolicy" in result.stderr
    assert "\n  reason: PERMISSION_DENIED\n" in result.stderr


def test_a_policy_of_others_is_not_taken_for_a_new_one(ours, everything):
    everything.ok("apply", "-f", "-", stdin=THEIRS % "theirs/**")
    # It would be ours by its glob, but the name is taken.
    result = ours("apply", "-f", "-", stdin=THEIRS % "ours/x")
    assert (result.returncode, result.stdout) == (PERMISSION_DENIED, "")
    assert "GetPolicy" in result.stderr
    assert everything.yaml("policy", "get", "theirs")["policies"][0]["match"] == ["theirs/**"]


def test_diff_shows_what_may_not_be_looked_at_as_new(ours):
    result = ours("diff", "-f", "-", stdin=OURS % 4)
    assert result.returncode == DIFFERENT
    assert "+name: ours\n" in result.stdout
    assert result.stderr == (
        "policy/ours is shown as new: it is not there, or you may not look at it.\n"
    )
    ours.ok("apply", "-f", "-", stdin=OURS % 4)
    result = ours("diff", "-f", "-", stdin=OURS % 4)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_edit_changes_ones_own_and_opens_no_others(ours, everything, tmp_path):
    ours.ok("apply", "-f", "-", stdin=OURS % 4)
    sed = "sed -i 's/max_probes: 4/max_probes: 5/'"
    assert ours.ok("edit", "policy/ours", EDITOR=sed) == "policy/ours updated\n"
    everything.ok("apply", "-f", "-", stdin=THEIRS % "theirs/**")
    seen = tmp_path / "seen"
    result = ours("edit", "policy/theirs", EDITOR=f"touch {seen} #")
    assert result.returncode == PERMISSION_DENIED
    assert not seen.exists()


def test_top_and_list_show_ones_own(ours, everything):
    for name in ("ours/a", "theirs/a"):
        everything.ok("allow", name)
    everything.ok("apply", "-f", "-", stdin=THEIRS % "theirs/**")
    assert ours.ok("list", "-o", "name") == "ours/a\n"
    result = ours("top", "--once", "--interval", "1ms")
    assert result.returncode == 0
    assert [row[:2] for row in rows(result.stdout)[1:]] == [["ours/a", "CLOSED"]]
    assert result.stderr == "1 breakers: 0 open, 0 half-open, 0 overridden\n"
