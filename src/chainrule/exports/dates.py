"""The parts of a date as arithmetic, for languages that read no dates: from seconds since 1970-01-01.

Source: Hinnant, "chrono-compatible low-level date algorithms", 2021, civil_from_days.
"""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.equations.graph import Graph, Traced

DAY, ERA = 86_400.0, 146_097.0


def parts_graph(parts: Sequence[str], *, time_only: bool, rows: int | str) -> Graph:
    """Return the graph from ``seconds`` (rows,) to the parts (rows,) by name; of a time of day they are since midnight."""
    graph = Graph()
    seconds = graph.input("seconds", (rows,))
    days = graph.floor(seconds / DAY)
    made: dict[str, Traced] = {"hour": (seconds - days * DAY) / 3600.0}
    if not time_only:
        made |= _date(graph, days) | {"days": seconds / DAY}
    for part in parts:
        graph.output(part, made[part])
    return graph


def _date(graph: Graph, days: Traced) -> dict[str, Traced]:
    """Return year, month, day and weekday of days since 1970-01-01."""
    floor = graph.floor
    since = days + 719_468.0  # from March 1 of the year 0
    era = floor(since / ERA)
    of_era = since - era * ERA
    year = floor(
        (of_era - floor(of_era / 1460.0) + floor(of_era / 36_524.0) - floor(of_era / 146_096.0)) / 365.0
    )
    of_year = of_era - (365.0 * year + floor(year / 4.0) - floor(year / 100.0))
    from_march = floor((5.0 * of_year + 2.0) / 153.0)
    month = graph.where(from_march < 10.0, from_march + 3.0, from_march - 9.0)
    this_year = year + 400.0 * era + graph.where(month <= 2.0, graph.traced(1.0), graph.traced(0.0))
    day = of_year - floor((153.0 * from_march + 2.0) / 5.0) + 1.0
    weekday = days + 3.0 - 7.0 * floor((days + 3.0) / 7.0) + 1.0
    return {"year": this_year, "month": month, "day": day, "weekday": weekday}


def civil_graph(parts: Sequence[str], *, time_only: bool) -> Graph:
    """Return the graph from a date's digits, year to second (1,) each, to its parts; of a time of day hour to second alone."""
    graph = Graph()
    given = {name: graph.input(name, (1,)) for name in ("hour", "minute", "second")}
    clock = (given["hour"] * 60.0 + given["minute"]) * 60.0 + given["second"]
    made: dict[str, Traced] = {"hour": clock / 3600.0}
    if not time_only:
        year, month, day = (graph.input(name, (1,)) for name in ("year", "month", "day"))
        days = _days(graph, year, month, day)
        weekday = days + 3.0 - 7.0 * graph.floor((days + 3.0) / 7.0) + 1.0
        made |= {"year": year, "month": month, "day": day, "weekday": weekday, "days": days + clock / DAY}
    for part in parts:
        graph.output(part, made[part])
    return graph


def _days(graph: Graph, year: Traced, month: Traced, day: Traced) -> Traced:
    """Return the days since 1970-01-01 of a date."""
    floor = graph.floor
    early = month <= 2.0
    since = year - graph.where(early, graph.traced(1.0), graph.traced(0.0))
    from_march = month + graph.where(early, graph.traced(9.0), graph.traced(-3.0))
    of_year = floor((153.0 * from_march + 2.0) / 5.0) + day - 1.0
    leap = floor(since / 4.0) - floor(since / 100.0) + floor(since / 400.0)
    total: Traced = 365.0 * since + leap + of_year - 719_468.0
    return total
