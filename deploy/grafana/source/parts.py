"""What all dashboards are made of: panels with a unit and a text, variables, links, annotations."""

from grafana_foundation_sdk.builders import (
    annotationslist,
    common,
    dashboard,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models

SERVER = 'job=~"$job", instance=~"$instance"'
DATASOURCE = models.DataSourceRef(type_val="prometheus", uid="$datasource")
UIDS = {"fleet": "fusebox-fleet", "breaker": "fusebox-breaker", "server": "fusebox-server"}
RED, YELLOW, GREEN, BLUE = "dark-red", "dark-yellow", "dark-green", "blue"
HALF, THIRD, WHOLE, QUARTER = 12, 8, 24, 6  # Of the 24 columns.


def query(expr, legend, *, instant=False, as_table=False):
    """SERVER stands for what the variables choose, in `expr` as $server."""
    asked = (
        prometheus.Dataquery()
        .expr(expr.replace("$server", SERVER))
        .legend_format(legend)
        .datasource(DATASOURCE)
    )
    if as_table:
        asked = asked.format("table")
    return asked.instant() if instant else asked.range()


def panel(kind, title, about, unit, span, height, queries):
    made = kind.title(title).description(about).unit(unit).datasource(DATASOURCE)
    made = made.span(span).height(height)
    for ref, asked in zip("ABCDEFGH", queries, strict=False):
        made = made.with_target(asked.ref_id(ref))
    return made


def graph(title, about, unit, *queries, span=HALF, stacked=False):
    made = panel(timeseries.Panel(), title, about, unit, span, 8, queries)
    made = made.fill_opacity(20 if stacked else 8).min(0)
    made = made.legend(
        common.VizLegendOptions()
        .display_mode(common_models.LegendDisplayMode.TABLE)
        .placement(common_models.LegendPlacement.RIGHT if span == WHOLE else
                   common_models.LegendPlacement.BOTTOM)
        .show_legend(True)
        .calcs(["lastNotNull", "max"])
    )
    made = made.tooltip(common.VizTooltipOptions().mode(common_models.TooltipDisplayMode.MULTI))
    if stacked:
        made = made.stacking(
            common.StackingConfig().mode(common_models.StackingMode.NORMAL)
        )
    return made


def number(title, about, unit, asked, *, steps=(), span=QUARTER, no_value="0"):
    """One number. `steps` are (from, colour), the first without a from."""
    made = panel(stat.Panel(), title, about, unit, span, 4, [asked])
    made = made.no_value(no_value).reduce_options(
        common.ReduceDataOptions().calcs(["lastNotNull"])
    )
    return made.thresholds(limits(steps or ((None, GREEN),)))


def limits(steps):
    return (
        dashboard.ThresholdsConfig()
        .mode(models.ThresholdsMode.ABSOLUTE)
        .steps([models.Threshold(value=value, color=colour) for value, colour in steps])
    )


STATES = models.ValueMap(
    options={
        "0": models.ValueMappingResult(text="CLOSED", color=GREEN, index=0),
        "1": models.ValueMappingResult(text="HALF_OPEN", color=YELLOW, index=1),
        "2": models.ValueMappingResult(text="OPEN", color=RED, index=2),
    }
)

# 0 closed, 1 half-open, 2 open: of each breaker the worst of all servers.
STATE = (
    'max by (breaker) (fusebox_breaker_state{$server, breaker=~"$breaker", state="half_open"}'
    ' or 2 * fusebox_breaker_state{$server, breaker=~"$breaker", state="open"})'
)


def timeline(title, about, asked, *, span=WHOLE, height=10):
    made = panel(statetimeline.Panel(), title, about, "none", span, height, [asked])
    return made.mappings([STATES]).show_value(common_models.VisibilityMode.NEVER).row_height(0.8)


def rows(title, about, unit, *queries, span=WHOLE, height=8):
    return panel(table.Panel(), title, about, unit, span, height, queries)


def variable(name, label, about, asked, *, with_all=True):
    made = (
        dashboard.QueryVariable(name)
        .label(label)
        .description(about)
        .datasource(DATASOURCE)
        .query({"query": asked, "refId": name})
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
    )
    if not with_all:
        return made
    everything = models.VariableOption(text="All", value="$__all", selected=True)
    return made.include_all(True).multi(True).all_value(".*").current(everything)


def transitions(breakers):
    """Marks where breakers changed their state: at the moments that the server tells."""
    expr = (
        "1000 * max by (breaker) (fusebox_breaker_state_start_timestamp_seconds"
        f'{{$server, breaker=~"{breakers}"}})'
    )
    return (
        dashboard.AnnotationQuery()
        .name("Transitions")
        .datasource(DATASOURCE)
        .enable(True)
        .icon_color(BLUE)
        .expr(expr.replace("$server", SERVER))
    )


# What the SDK has no words for: an annotation of Prometheus takes its time from the value.
TRANSITION_TEXTS = {"titleFormat": "{{breaker}} changed its state", "useValueForTime": True}


def link(title, uid, keep_variables=True):
    return (
        dashboard.DashboardLink(title)
        .type(models.DashboardLinkType.LINK)
        .url(f"/d/{uid}")
        .include_vars(keep_variables)
        .keep_time(True)
    )


def board(which, title, about, variables):
    """A dashboard without panels, with the variables that all have."""
    made = (
        dashboard.Dashboard(title)
        .uid(UIDS[which])
        .description(about)
        .tags(["fusebox"])
        .time("now-1h", "now")
        .refresh("30s")
        .timezone("browser")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .editable()
        .with_variable(
            dashboard.DatasourceVariable("datasource")
            .label("Data source")
            .description("The Prometheus that scrapes Fusebox")
            .type("prometheus")
        )
        .with_variable(
            variable("job", "Job", "The job that scrapes it", "label_values(fusebox_build_info, job)")
        )
        .with_variable(
            variable(
                "instance",
                "Server",
                "Servers to look at",
                'label_values(fusebox_build_info{job=~"$job"}, instance)',
            )
        )
    )
    for each in variables:
        made = made.with_variable(each)
    for other, uid in UIDS.items():
        if other != which:
            made = made.link(link(f"Fusebox / {other}", uid))
    return made
