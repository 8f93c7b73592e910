"""The report in the terminal: scores by table, ranks, duels and seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean, stdev
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.report import duration
from benchmarks.tabular.ranking import DIGITS, PRIMARY, collect, means

TITLES = {"primary": "error / RMSE ÷ standard deviation", "logloss": "log-loss"}


def print_report(console: Console, report: Mapping[str, Any]) -> None:
    """Print the scores, the summary of each metric, and the fit seconds."""
    console.print(
        f"scored on {report['scored_on']}; a star marks the best, ± is over the seeds", highlight=False
    )
    for metric, summary in report["summary"].items():
        if summary["methods"]:
            console.print(_scores(report, metric))
            console.print(_ranks(summary, metric))
            if summary["beats"]:
                console.print(_duels(summary, metric))
    if report.get("against"):
        console.print(_against(report))
    if report["seconds"]:
        console.print(_seconds(report["seconds"]))
        console.print("[dim]† one of the two was timed in another run, maybe on another machine[/]")
    for entry in report["results"]:
        if "failed" in entry:
            console.print(
                f"[red]failed[/] {entry['table']}, {entry['method']}, seed {entry['seed']}: {escape(entry['failed'])}"
            )


def _scores(report: Mapping[str, Any], metric: str) -> Table:
    scores = collect(report["results"], metric)
    mean = means(scores)
    names = [row["method"] for row in report["summary"][metric]["methods"]]
    table = Table(title=TITLES[metric])
    table.add_column("table", no_wrap=True)
    for name in names:
        table.add_column(name, justify="right")
    for name, about in report["tables"].items():
        if name in scores:
            best = min(mean[name].values())
            cells = [_cell(scores[name].get(method), best) for method in names]
            shown = metric if metric != "primary" else PRIMARY[about["task"]]
            table.add_row(f"{name}\n[dim]{about['shape']}, {shown}[/]", *cells)
    return table


def _cell(by_seed: Mapping[int | None, float] | None, best: float) -> str:
    if by_seed is None:
        return "–"
    values = list(by_seed.values())
    mean = fmean(values)
    star = "*" if round(mean, DIGITS) == round(best, DIGITS) else ""
    spread = f"\n± {stdev(values):.4f}" if len(values) > 1 else ""
    return f"{mean:.4f}{star}{spread}"


def _ranks(summary: Mapping[str, Any], metric: str) -> Table:
    table = Table(title=f"ranks, {TITLES[metric]}")
    table.add_column("method")
    for name in ("tables", "mean rank", "within each seed", "wins", "mean gap", "median gap"):
        table.add_column(name, justify="right")
    for row in summary["methods"]:
        table.add_row(
            row["method"],
            str(row["tables"]),
            f"{row['mean_rank']:.2f}",
            f"{row['mean_rank_by_seed']:.2f}",
            str(row["wins"]),
            *("–" if row[name] is None else f"{row[name]:.1%}" for name in ("mean_gap", "median_gap")),
        )
    return table


def _duels(summary: Mapping[str, Any], metric: str) -> Table:
    table = Table(title=f"tables on which ours is better, equal, worse; {TITLES[metric]}")
    table.add_column("")
    peers = list(dict.fromkeys(peer for duels in summary["beats"].values() for peer in duels))
    for peer in peers:
        table.add_column(peer, justify="right")
    for own, duels in summary["beats"].items():
        cells = [
            f"{d['better']}, {d['equal']}, {d['worse']}" if (d := duels.get(peer)) else "" for peer in peers
        ]
        table.add_row(own, *cells)
    return table


def _against(report: Mapping[str, Any]) -> Table:
    table = Table(title=f"against {report['baseline']}, paired over the seeds; above 0 ours is worse")
    for name in ("table", "score", "method"):
        table.add_column(name, no_wrap=True)
    for name in ("seeds", "ours", report["baseline"], "difference", "standard error"):
        table.add_column(name, justify="right")
    table.add_column("verdict")
    for row in report["against"]:
        task = report["tables"][row["table"]]["task"]
        score = PRIMARY[task] if row["metric"] == "primary" else row["metric"]
        numbers = (row["ours"], row["baseline"])
        cells = ["failed" if value is None else f"{value:.4f}" for value in numbers]
        apart = ["–" if row[name] is None else f"{row[name]:+.4f}" for name in ("difference", "error")]
        words = f"[red]{row['verdict']}[/]" if row["verdict"] == "worse" else row["verdict"]
        table.add_row(
            row["table"],
            score,
            row["method"],
            str(row["seeds"]),
            *cells,
            apart[0],
            apart[1].lstrip("+"),
            words,
        )
    return table


def _seconds(rows: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(title="seconds to fit, over the tables that both have")
    for name in ("ours", "peer"):
        table.add_column(name)
    for name in ("tables", "ours", "peer", "ours ÷ peer"):
        table.add_column(name, justify="right")
    for row in rows:
        ratio = f"{row['ours_s'] / row['peer_s']:.2f}" if row["peer_s"] else "–"
        table.add_row(
            row["ours"],
            row["peer"] + (" †" if row["elsewhere"] else ""),
            str(row["tables"]),
            duration(row["ours_s"]),
            duration(row["peer_s"]),
            ratio,
        )
    return table
