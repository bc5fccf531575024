"""The inside of the service: how fast it answers, what it holds, how near its bounds it is."""

import parts
from parts import GREEN, RED, THIRD, YELLOW, graph, number, query

ALLOW = 'grpc_service="fusebox.v1.BreakerService", grpc_method="Allow"'


def quantile(share):
    return (
        f"histogram_quantile({share}, sum by (le) (rate(grpc_server_handling_seconds_bucket{{"
        f"$server, {ALLOW}}}[$__rate_interval])))"
    )


def server():
    made = parts.board(
        "server",
        "Fusebox / server",
        "The service itself: how fast it answers, what it holds, how near its bounds it is.",
        [],
    )
    for each in [*numbers(), *calls(), *bounds(), *process()]:
        made = made.with_panel(each)
    return made


def numbers():
    return [
        number(
            "Servers",
            "Servers that answer Prometheus.",
            "none",
            query("count(fusebox_build_info{$server})", "servers", instant=True),
            steps=((None, RED), (1, GREEN)),
        ),
        number(
            "Durable",
            "1 while what operators say can be kept; of several servers the least. Of a store in"
            " memory nothing is said.",
            "none",
            query("min(fusebox_store_durable{$server})", "durable", instant=True),
            steps=((None, RED), (1, GREEN)),
            no_value="unknown",
        ),
        number(
            "Allow, 99 of 100",
            "99 of 100 answers to Allow take less, inside of the server.",
            "s",
            query(quantile(0.99), "p99"),
            steps=((None, GREEN), (0.001, YELLOW), (0.005, RED)),
            no_value="no calls",
        ),
        number(
            "Up",
            "How long the server that started last has been up.",
            "s",
            query("time() - max(process_start_time_seconds{$server})", "up", instant=True),
        ),
    ]


def calls():
    return [
        graph(
            "Calls by method",
            "RPCs that ended, per second.",
            "reqps",
            query(
                "sum by (grpc_method) (rate(grpc_server_handled_total{$server}"
                "[$__rate_interval])) > 0",
                "{{grpc_method}}",
            ),
            span=THIRD,
        ),
        graph(
            "Allow inside of the server",
            "How long answers to Allow take, without the network.",
            "s",
            query(quantile(0.5), "p50"),
            query(quantile(0.99), "p99"),
            query(quantile(0.999), "p99.9"),
            span=THIRD,
        ),
        graph(
            "Errors by reason",
            "RPCs that ended with an error, by its reason.",
            "reqps",
            query(
                "sum by (reason) (rate(fusebox_errors_total{$server}[$__rate_interval]))",
                "{{reason}}",
            ),
            span=THIRD,
        ),
        graph(
            "Sessions",
            "Clients with a session, and breakers that they follow.",
            "none",
            query("sum(fusebox_sessions{$server})", "sessions"),
            query("sum(fusebox_session_topics{$server})", "breakers followed"),
            span=THIRD,
        ),
        graph(
            "What sessions move",
            "Rows that clients report, states that are pushed, permits that are lent.",
            "ops",
            query("sum(rate(fusebox_session_rows_total{$server}[$__rate_interval]))", "rows"),
            query("sum(rate(fusebox_session_states_total{$server}[$__rate_interval]))", "states"),
            query(
                "sum(rate(fusebox_session_permits_total{$server}[$__rate_interval]))", "permits"
            ),
            span=THIRD,
        ),
        graph(
            "Waiting calls",
            "Calls that wait for a place in a bulkhead or for a token of a rate limit.",
            "none",
            query("sum(fusebox_waiting_calls{$server})", "waiting"),
            span=THIRD,
        ),
        graph(
            "HTTP by answer",
            "Requests over HTTP by the status of their answers, per second.",
            "reqps",
            query(
                "sum by (code) (rate(fusebox_http_requests_total{$server}[$__rate_interval]))",
                "{{code}}",
            ),
            span=THIRD,
        ),
    ]


def bounds():
    return [
        graph(
            "Room",
            "How much is taken of what each bound allows; the flag that moves it is in its metric.",
            "percentunit",
            query(
                "max(sum by (job, instance) (fusebox_breakers{$server})"
                " / on (job, instance) fusebox_breakers_max{$server})",
                "breakers",
            ),
            query("max(fusebox_sessions{$server} / fusebox_sessions_max{$server})", "sessions"),
            query("max(fusebox_events{$server} / fusebox_events_max{$server})", "history"),
            query("max(process_open_fds{$server} / process_max_fds{$server})", "files"),
            span=THIRD,
        ),
        graph(
            "Breakers",
            "Breakers by state, and those without series of their own.",
            "none",
            query("sum by (state) (fusebox_breakers{$server})", "{{state}}"),
            query("sum(fusebox_metrics_folded_breakers{$server})", "folded"),
            span=THIRD,
        ),
        graph(
            "Store",
            "Commits per second, and those that failed.",
            "ops",
            query("sum(rate(fusebox_store_commits_total{$server}[$__rate_interval]))", "commits"),
            query("sum(rate(fusebox_store_failures_total{$server}[$__rate_interval]))", "failed"),
            span=THIRD,
        ),
    ]


def process():
    return [
        graph(
            "Processor",
            "Processors in use by each server.",
            "none",
            query(
                "sum by (instance) (rate(process_cpu_seconds_total{$server}[$__rate_interval]))",
                "{{instance}}",
            ),
        ),
        graph(
            "Memory",
            "Resident memory of each server.",
            "bytes",
            query(
                "max by (instance) (process_resident_memory_bytes{$server})", "{{instance}}"
            ),
        ),
    ]
