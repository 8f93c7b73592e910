"""The tables in the terminal and the plain data of a result."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.growth import exponents
from benchmarks.peers import MODULES, OURS
from benchmarks.targets import PEAK, target_of
from benchmarks.timing import best_of_each_peer, quartiles, ratios

_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


def plain(result: dict[str, Any], peak: float) -> dict[str, Any]:
    """Return a result as plain data: every contestant's spread in seconds, ratios of the best medians, part of the peak."""
    contestants = result["contestants"]
    entries = []
    for c in contestants:
        entry: dict[str, Any] = {"peer": c.peer, "variant": c.variant}
        if c.absent is not None:
            entry["absent"] = c.absent
        elif c.samples:
            entry |= {key: _rounded(number) for key, number in quartiles(c.samples).items()}
            if c.checked is not None:
                entry["check"] = _rounded(c.checked)
        entries.append(entry)
    medians = {peer: c.median for peer, c in best_of_each_peer(contestants).items()}
    kept = {key: value for key, value in result.items() if key != "contestants"}
    kept["entries"] = entries
    if OURS in medians:
        kept["ratios"] = {peer: _rounded(ratio) for peer, ratio in ratios(medians, OURS).items()}
        if "flops" in result and peak:
            kept["of_peak"] = _rounded(result["flops"] / medians[OURS] / peak)
    return kept


def best_entry(result: dict[str, Any], peer: str) -> dict[str, Any] | None:
    """Return the entry of a peer's fastest variant."""
    timed = [entry for entry in result["entries"] if entry["peer"] == peer and "median" in entry]
    return min(timed, key=lambda entry: entry["median"]) if timed else None


def duration(seconds: float) -> str:
    """Return seconds with three digits and a unit that suits them."""
    for factor, unit in _UNITS:
        if seconds >= factor:
            return f"{seconds / factor:.3g} {unit}"
    return f"{seconds:.3g} s"


def print_report(console: Console, report: dict[str, Any]) -> None:
    """Print the ratios with their targets, the checks, how time and memory grow, and the verdict."""
    results = report["results"]
    if results:
        console.print(_ratio_table(results))
        console.print(
            "[dim]× is the peer's median time divided by ours (best variant of each), with the target in brackets and ✓ or ✗. "
            "The range under ours is that of the quartiles.[/]"
        )
        console.print(_check_table(results))
    for result in results:
        others = [peer for peer in result.get("ratios", {}) if peer not in MODULES]
        for peer, best in ((peer, best_entry(result, peer)) for peer in others):
            if best is not None:
                console.print(f"{result['work']}: {peer} {duration(best['median'])}")
        for problem in result["problems"]:
            console.print(f"[red]check failed[/] {result['work']}: {problem}")
    if report["growth"]:
        console.print(_growth_table(report["growth"]))
    peak = report["sgemm_gflops"]
    console.print(
        f"sgemm peak {peak['all_cores']:.0f} GFLOP/s on {report['machine']['cores']} cores, {peak['one_core']:.0f} on one"
    )
    judged = [verdict for verdict in report["targets"] if verdict["reached"] is not None]
    console.print(
        f"targets: {sum(v['reached'] for v in judged)} reached, {sum(not v['reached'] for v in judged)} not reached, "
        f"{len(report['targets']) - len(judged)} not measured"
    )


def _ratio_table(results: list[dict[str, Any]]) -> Table:
    peers = [peer for peer in MODULES if peer != OURS]
    table = Table(title="chainrule and its peers")
    table.add_column("work", min_width=20)
    for name in ("chainrule", "of peak", *peers):
        table.add_column(name, justify="right", no_wrap=True)
    for result in results:
        ours = best_entry(result, OURS)
        shown = "–"
        if ours is not None:
            shown = f"{duration(ours['median'])}/{result['unit']}\n[dim]{duration(ours['q1'])}–{duration(ours['q3'])}[/]"
        cells = [_cell(result, PEAK, result.get("of_peak"), percent=True)]
        cells += [_cell(result, peer, result.get("ratios", {}).get(peer)) for peer in peers]
        table.add_row(result["work"], shown, *cells)
    return table


def _cell(result: dict[str, Any], peer: str, measured: float | None, *, percent: bool = False) -> str:
    if measured is None:
        return "–"
    target = target_of(result["work"], peer)
    shown = f"{measured:.0%}" if percent else f"{measured:.3g}×"
    if target is None:
        return shown
    wanted = f"{target:.0%}" if percent else f"{target:g}"
    color, sign = ("green", "✓") if measured >= target else ("red", "✗")
    return f"[{color}]{shown} {sign}[/]\n[dim](≥ {wanted})[/]"


def _check_table(results: list[dict[str, Any]]) -> Table:
    table = Table(title="checks: the libraries did the same work", expand=True)
    table.add_column("work", ratio=3)
    table.add_column("check", ratio=2)
    table.add_column("of each library (best variant)", ratio=6)
    for result in results:
        if "check" not in result:
            continue
        found = []
        for peer in dict.fromkeys(entry["peer"] for entry in result["entries"]):
            best = best_entry(result, peer)
            if best is not None:
                found.append(f"{peer} {best['check']:.3g}")
            else:
                reason = next(e for e in result["entries"] if e["peer"] == peer).get("absent", "not measured")
                found.append(f"{peer}: {reason}")
        before = f", {result['loss_before']:.3g} before" if "loss_before" in result else ""
        table.add_row(result["work"], result["check"] + before, "; ".join(found))
    return table


def _growth_table(points: list[dict[str, Any]]) -> Table:
    table = Table(
        title="growth of chainrule's time and memory (20-64-64-4, batch 256, with one thing changed)"
    )
    for name in ("axis", "size", "an epoch", "a step", "memory above the table", "the table"):
        table.add_column(name, justify="right")
    for point in points:
        memory = "–" if point["bytes"] is None else _mebibytes(point["bytes"])
        table.add_row(
            point["axis"],
            f"{point['size']:,}",
            duration(point["seconds"]),
            duration(point["seconds"] / point["steps"]),
            memory,
            _mebibytes(point["table_bytes"]),
        )
    for axis, slopes in exponents(points).items():
        grown = ", ".join(f"{quantity} ~ {axis}^{slope:.2f}" for quantity, slope in slopes.items())
        table.add_row(axis, "", f"[dim]{grown}[/]")
    return table


def _mebibytes(number: int) -> str:
    return f"{number / 2**20:.1f} MiB"


def _rounded(number: float) -> float:
    return float(f"{number:.4g}")
