"""What docs/pipeline.md claims of its table, in shorter trials."""

from trials import measure

SECONDS = 4


def test_retries_turn_rare_errors_into_successes():
    bare = measure("1 % errors", "none", SECONDS)
    retried = measure("1 % errors", "retry+timeout", SECONDS)
    assert bare["success"] < retried["success"]
    assert retried["success"] > 0.99
    assert retried["load"] < 1.1


def test_in_a_brown_out_retries_stay_within_their_budget():
    bare = measure("30 % errors", "none", SECONDS)
    retried = measure("30 % errors", "retry+timeout+breaker", SECONDS)
    assert retried["success"] > bare["success"] + 0.05
    # A fifth of what succeeds, and ten a second, of 200 calls.
    assert retried["load"] < 1 + 0.2 + 10 / 200 + 0.05


def test_hedges_cut_the_tail():
    bare = measure("2 % take 200 ms", "none", SECONDS)
    hedged = measure("2 % take 200 ms", "hedge", SECONDS)
    assert bare["p99"] > 190
    assert hedged["p99"] < 0.8 * bare["p99"]
    assert hedged["load"] < 1.4


def test_a_breaker_spares_what_is_down():
    retried = measure("down for a third of the time", "retry+timeout", SECONDS)
    protected = measure("down for a third of the time", "retry+timeout+breaker", SECONDS)
    assert retried["load"] > 1.3
    assert protected["load"] < 0.9
    assert protected["success"] > 0.4
