"""What a server is told by flags, environment and file, and what it says when that is wrong."""

import pytest
from server_process import run

BAD_USAGE = 2


@pytest.fixture
def config(tmp_path):
    """Writes a file of options and returns its path."""

    def write(text):
        path = tmp_path / "fusebox.yaml"
        path.write_text(text)
        return path

    return write


def refusal(*flags, **env):
    """What a server that must not start says, and so does one that is to print what is in force."""
    ended = run(*flags, **env)
    assert ended.returncode == BAD_USAGE, ended
    assert ended.stdout == ""
    printed = run(*flags, "--print-config", **env)
    assert (printed.returncode, printed.stdout) == (BAD_USAGE, "")
    assert printed.stderr == ended.stderr
    return ended.stderr


def test_prints_its_configuration_as_a_file_that_means_the_same(config):
    flags = ("--max-breakers=42", "--listen=127.0.0.1:0", "--lame-duck=1500ms")
    printed = run(*flags, "--print-config")
    assert printed.returncode == 0
    assert "max_breakers: 42" in printed.stdout
    again = run(f"--config={config(printed.stdout)}", "--print-config")
    assert again.stdout == printed.stdout


def test_a_flag_goes_before_the_environment_and_that_before_the_file(config):
    path = config("server:\n  max_breakers: 1\n  max_watchers: 1\n  max_events: 1\n")
    environment = {"FUSEBOX_MAX_BREAKERS": "2", "FUSEBOX_MAX_WATCHERS": "2"}
    printed = run(f"--config={path}", "--max-breakers=3", "--print-config", **environment).stdout
    for line in ("max_breakers: 3", "max_watchers: 2", "max_events: 1"):
        assert f"  {line}\n" in printed


def test_the_environment_may_name_the_file(start, connect):
    process = start(
        config="""
        server:
          max_breakers: 5
        """
    )
    assert connect(process).info().max_breakers == 5


def test_a_variable_that_nobody_reads_is_named_with_the_one_that_was_meant(start):
    server = start(env={"FUSEBOX_MAX_BREAKER": "2", "FUSEBOX_PORT": "tcp://10.0.0.1:7400"})
    warning = "event=misspelt_variable name=FUSEBOX_MAX_BREAKER meant=FUSEBOX_MAX_BREAKERS"
    assert any(warning in line for line in server.log), server.log
    assert not [line for line in server.log if "FUSEBOX_PORT" in line]


def test_an_unknown_flag_is_named_with_the_one_that_was_meant():
    said = refusal("--max-breaker=3")
    assert '"--max-breaker"' in said
    assert "--max-breakers" in said.replace('"--max-breaker"', "")


def test_help_and_version_go_to_stdout_and_exit_0():
    for flag, text in (("--help", "--drain-timeout"), ("--version", "fusebox ")):
        ended = run(flag)
        assert (ended.returncode, ended.stderr) == (0, "")
        assert text in ended.stdout


def test_a_key_that_is_not_known_is_named_with_its_line(config):
    path = config("server:\n  max_breakers: 3\n  max_braekers: 4\n")
    said = refusal(f"--config={path}")
    assert f"{path}:3" in said
    assert "max_braekers" in said and "max_breakers" in said


def test_broken_yaml_is_reported_with_its_line(config):
    path = config("server:\n  max_breakers: 3\n listen: [\n")
    assert f"{path}:" in refusal(f"--config={path}")


def test_a_policy_out_of_range_is_named_with_its_line(config):
    path = config(
        "policies:\n"
        "- name: payments\n"
        "  match: [payments/**]\n"
        "  circuit_breaker:\n"
        "    jitter: 3\n"
    )
    said = refusal(f"--config={path}")
    assert f"{path}:5: policies[0].circuit_breaker.jitter" in said
    assert "3" in said


def test_all_that_is_wrong_is_said_at_once(config):
    path = config("server:\n  max_breakers: 0\n  lame_duck: 1h\n")
    said = refusal(f"--config={path}")
    assert f"{path}:2" in said
    assert f"{path}:3" in said


def test_a_drain_that_is_shorter_than_its_lame_duck_is_a_contradiction():
    said = refusal("--lame-duck=5s", "--drain-timeout=1s")
    assert "--drain-timeout is 1s" in said
    assert "--lame-duck" in said


def test_two_listeners_on_one_address_are_a_contradiction():
    said = refusal("--listen=127.0.0.1:7400", "--http-listen=127.0.0.1:7400")
    assert "127.0.0.1:7400" in said
    assert "--http-listen" in said and "--listen" in said


def test_policies_that_match_the_same_names_are_a_contradiction(config):
    path = config(
        "policies:\n- name: one\n  match: [db/*]\n- name: two\n  match:\n  - cache/*\n  - db/*\n"
    )
    said = refusal(f"--config={path}")
    assert said.startswith(f"{path}:7: policies[1].match[1]: ")
    assert '"one"' in said and '"two"' in said and "db/*" in said


def test_a_budget_that_does_not_exist_is_named_with_its_line(config):
    path = config(
        "policies:\n- name: one\n  match: [db/*]\n  shared_retry_budget: chekout\n"
        "retry_budgets:\n- name: checkout\n"
    )
    said = refusal(f"--config={path}")
    assert said.startswith(f'{path}:4: policies[0].shared_retry_budget is "chekout"')
    assert "did you mean checkout?" in said


@pytest.mark.parametrize("name", ["Checkout!", "", "a" * 64, "caf\\u00e9"])
def test_a_budget_with_a_bad_name_is_named_with_its_line(config, name):
    path = config(f'retry_budgets:\n- settings: {{retry_ratio: 0.1}}\n  name: "{name}"\n')
    said = refusal(f"--config={path}")
    assert said.startswith(f'{path}:3: retry_budgets[0].name is "')
    assert "; use 1 to 63 lower-case letters, digits and dashes" in said


def test_a_budget_without_a_name_is_named_with_its_line(config):
    path = config("retry_budgets:\n- settings: {retry_ratio: 0.1}\n")
    said = refusal(f"--config={path}")
    assert said.startswith(f'{path}:2: retry_budgets[0].name is ""; use 1 to 63')


def test_an_address_that_is_none_is_refused_alike_for_grpc_and_http():
    for flag in ("--listen", "--http-listen"):
        said = refusal(f"{flag}=:7401")
        assert said.startswith(f'{flag} is ":7401"; write host:port, like 127.0.0.1:7400')


def test_help_promises_the_pages_that_there_are(server):
    said = run("--help").stdout
    assert "metrics, the status page and JSON over HTTP" in " ".join(said.split())
    for path in ("/metrics", "/healthz", "/readyz", "/", "/json/breakers"):
        assert server.get(path)[0] == 200


def test_a_file_that_is_not_there_is_named_with_its_flag(tmp_path):
    said = refusal(f"--config={tmp_path}/none.yaml")
    assert f"--config is \"{tmp_path}/none.yaml\"" in said
    assert "No such file" in said
