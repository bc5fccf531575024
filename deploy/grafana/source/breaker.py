"""One breaker: its state, why it moves, what it lets pass."""

import parts
from parts import BLUE, GREEN, HALF, RED, STATE, YELLOW, graph, number, query, timeline
from parts import transitions, variable

ONE = '{$server, breaker="$breaker"}'
BREAKER = variable(
    "breaker",
    "Breaker",
    "The breaker to look at; one without series of its own is in \"other\"",
    'label_values(fusebox_breaker_calls_total{job=~"$job", instance=~"$instance"}, breaker)',
    with_all=False,
)


def rate(metric):
    return f"sum(rate({metric}{ONE}[$__rate_interval]))"


def breaker():
    made = parts.board(
        "breaker",
        "Fusebox / breaker",
        "One breaker: its state, what it saw, what it let pass.",
        [BREAKER],
    ).annotation(transitions("$breaker"))
    for each in [*numbers(), *graphs(), *limits()]:
        made = made.with_panel(each)
    return made


def numbers():
    return [
        number(
            "State",
            "0 closed, 1 half-open, 2 open; of several servers the worst.",
            "none",
            query(STATE, "state", instant=True),
            steps=((None, GREEN), (1, YELLOW), (2, RED)),
            no_value="no series",
        ).mappings([parts.STATES]),
        number(
            "For",
            "How long it has been in its state; nothing before its first transition.",
            "s",
            query(
                f"time() - max(fusebox_breaker_state_start_timestamp_seconds{ONE})",
                "for",
                instant=True,
            ),
            no_value="always",
        ),
        number(
            "Override",
            "How many modes an operator imposes on it: 0 is none.",
            "none",
            query(f"count(max by (mode) (fusebox_breaker_override{ONE})) or vector(0)", "override",
                  instant=True),
            steps=((None, GREEN), (1, BLUE)),
        ),
        number(
            "Failure ratio",
            "Share of failures in its window; nothing while there are too few calls to say.",
            "percentunit",
            query(f"max(fusebox_breaker_failure_ratio{ONE})", "failed", instant=True),
            steps=((None, GREEN), (0.1, YELLOW), (0.5, RED)),
            no_value="too few calls",
        ),
    ]


def graphs():
    return [
        timeline(
            "State over time",
            "Green is closed, yellow half-open, red open; of several servers the worst.",
            query(STATE, "{{breaker}}"),
            height=5,
        ),
        graph(
            "Calls",
            "Calls that were allowed and refused, and outcomes that counted as failures.",
            "ops",
            query(rate("fusebox_breaker_calls_total"), "allowed"),
            query(rate("fusebox_breaker_refused_total"), "refused"),
            query(rate("fusebox_breaker_failures_total"), "failed"),
        ),
        graph(
            "Failure ratio over time",
            "What failure_rate_threshold is compared with; gaps where there are too few calls.",
            "percentunit",
            query(f"max by (instance) (fusebox_breaker_failure_ratio{ONE})", "{{instance}}"),
        ),
    ]


def limits():
    return [
        graph(
            "Bulkhead",
            "Places taken, places there are, and calls that wait for one; empty without a bulkhead.",
            "none",
            query(f"sum(fusebox_breaker_bulkhead_in_use{ONE})", "in use"),
            query(f"sum(fusebox_breaker_bulkhead_max{ONE})", "places"),
            query(f"sum(fusebox_breaker_waiting_calls{ONE})", "waiting"),
            span=HALF,
        ),
        graph(
            "Rate limit",
            "Calls that it would grant at once; empty without a rate limit.",
            "none",
            query(f"sum(fusebox_breaker_rate_limit_available{ONE})", "available"),
            span=HALF,
        ),
    ]
