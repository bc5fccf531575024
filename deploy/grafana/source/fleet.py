"""All breakers of all servers: what is open now, what was, and what it cost."""

import parts
from parts import (
    BLUE,
    GREEN,
    HALF,
    RED,
    STATE,
    THIRD,
    YELLOW,
    graph,
    number,
    query,
    rows,
    timeline,
    transitions,
    variable,
)

BREAKER = variable(
    "breaker",
    "Breaker",
    "Breakers to look at",
    'label_values(fusebox_breaker_state{job=~"$job", instance=~"$instance"}, breaker)',
)


def fleet():
    made = parts.board(
        "fleet",
        "Fusebox / fleet",
        "Which dependencies are sick, since when, and what it costs their callers.",
        [BREAKER],
    ).annotation(transitions("$breaker"))
    for each in [*numbers(), *states(), *decisions(), *retries()]:
        made = made.with_panel(each)
    return made


def numbers():
    return [
        number(
            "Open now",
            "Breakers that refuse calls, of all that exist, whether they have series or not.",
            "none",
            query('sum(fusebox_breakers{$server, state="open"})', "open", instant=True),
            steps=((None, GREEN), (1, RED)),
        ),
        number(
            "Half-open now",
            "Breakers that let probes pass to see whether their dependency is back.",
            "none",
            query('sum(fusebox_breakers{$server, state="half_open"})', "half-open", instant=True),
            steps=((None, GREEN), (1, YELLOW)),
        ),
        number(
            "Overridden now",
            "Breakers, of those with series of their own, that an operator imposes something on.",
            "none",
            query("count(max by (breaker) (fusebox_breaker_override{$server})) or vector(0)",
                  "overridden", instant=True),
            steps=((None, GREEN), (1, BLUE)),
        ),
        number(
            "Refused",
            "Share of calls that were refused, whatever the reason.",
            "percentunit",
            query(
                'sum(rate(fusebox_decisions_total{$server, decision="denied"}[$__rate_interval]))'
                " / sum(rate(fusebox_decisions_total{$server}[$__rate_interval]))",
                "refused",
            ),
            steps=((None, GREEN), (0.01, YELLOW), (0.1, RED)),
        ),
    ]


def states():
    return [
        timeline(
            "States",
            "Each breaker that was not closed all the time: of several servers the worst state.",
            query(
                f"{STATE} and on (breaker) max by (breaker) (max_over_time("
                'fusebox_breaker_state{$server, breaker=~"$breaker", state!="closed"}'
                "[$__range])) > 0",
                "{{breaker}}",
            ),
        ),
        rows(
            "Not closed now",
            "Since when each breaker is open or half-open, in seconds.",
            "s",
            query(
                "sort_desc(time() - min by (breaker) ("
                'fusebox_breaker_state_start_timestamp_seconds{$server, breaker=~"$breaker"}'
                " and on (job, instance, breaker) (fusebox_breaker_state{"
                '$server, state=~"open|half_open"} == 1)))',
                "{{breaker}}",
                instant=True,
                as_table=True,
            ),
            span=HALF,
        ),
        graph(
            "Transitions",
            "Changes of state per minute, by the state that they lead to.",
            "cpm",
            query(
                "60 * sum by (to) (rate(fusebox_transitions_total{$server}[$__rate_interval]))",
                "to {{to}}",
            ),
        ),
    ]


def decisions():
    return [
        graph(
            "Decisions",
            "Answers to Allow. Sessions report what their clients decided by themselves.",
            "ops",
            query(
                "sum by (decision) (rate(fusebox_decisions_total{$server}[$__rate_interval]))",
                "{{decision}}",
            ),
            span=THIRD,
            stacked=True,
        ),
        graph(
            "Refusals by reason",
            "Why calls were refused.",
            "ops",
            query(
                "sum by (reason) (rate(fusebox_decisions_total{"
                '$server, decision="denied"}[$__rate_interval]))',
                "{{reason}}",
            ),
            span=THIRD,
            stacked=True,
        ),
        graph(
            "Outcomes",
            "How calls ended, by what their policy made of it.",
            "ops",
            query(
                "sum by (outcome) (rate(fusebox_outcomes_total{$server}[$__rate_interval]))",
                "{{outcome}}",
            ),
            span=THIRD,
            stacked=True,
        ),
        graph(
            "Nearest to opening",
            "The ten highest shares of failures in a window.",
            "percentunit",
            query(
                "topk(10, max by (breaker) (fusebox_breaker_failure_ratio{"
                '$server, breaker=~"$breaker"}))',
                "{{breaker}}",
            ),
        ),
        graph(
            "Busiest",
            "The ten breakers with the most calls.",
            "ops",
            query(
                "topk(10, sum by (breaker) (rate(fusebox_breaker_calls_total{"
                '$server, breaker=~"$breaker", breaker!="other"}[$__rate_interval])))',
                "{{breaker}}",
            ),
        ),
    ]


def retries_that_were(how):
    """By shared budgets, of which there may be none, and by breakers' own."""

    def rate(budgets):
        return f"sum(rate(fusebox_{budgets}_{how}_total{{$server}}[$__rate_interval]))"

    return f"({rate('retry_budget')} or vector(0)) + {rate('private_retry_budgets')}"


def retries():
    return [
        graph(
            "Shared retry budgets",
            "Retries that each budget would grant at once.",
            "none",
            query("sum by (budget) (fusebox_retry_budget_balance{$server})", "{{budget}}"),
        ),
        graph(
            "Retries",
            "Retries granted and refused, by shared budgets and by breakers' own.",
            "ops",
            query(retries_that_were("spent"), "granted"),
            query(retries_that_were("refused"), "refused"),
        ),
    ]
