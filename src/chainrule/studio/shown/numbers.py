"""What there is to say of a number: its derivation as nested lists of a page's parts, with its checks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from chainrule._numbers import DIGITS
from chainrule.explain.derive.derivation import PATH_QUANTITIES, Form, derive
from chainrule.explain.derive.lines import Derivation, LineCheck
from chainrule.explain.derive.matrices import has_matrix_form
from chainrule.explain.notation.factors import in_factors
from chainrule.explain.notation.naming import Naming
from chainrule.explain.notation.record import notation
from chainrule.explain.show.document import Worked
from chainrule.explain.show.html import environment, section_data
from chainrule.explain.trace.address import Address
from chainrule.explain.trace.trace import Trace
from chainrule.studio.protocol.nested import nested
from chainrule.studio.shown.checks import differences_of, held_against_run
from chainrule.studio.shown.embedding import embedding_nodes
from chainrule.studio.shown.looking import Look
from chainrule.studio.shown.told import gradient_told, paragraphs, with_inputs_named
from chainrule.studio.training.changeable import change_of

Nodes = list[Any]


def naming_of(look: Look, name: str) -> Naming | None:
    """Return the names of a network's numbers in a notation; None for ours."""
    return None if name == "ours" else Naming(notation(name), look.course.network)


def found_place(look: Look, address: str, naming: Naming | None = None) -> tuple[Trace, Address]:
    """Return the trace that has an address's number, and the address in it; raises SettingsError where there is none.

    What a row has is the picked row's, unless the address names another; a derivative by a parameter without a row, and what
    the update makes, are the batch's.
    """
    place = Address.parse(address) if naming is None else naming.read(address)
    place = replace(place, step=None, member=None)
    per_row = place.quantity.per_row
    if place.row is not None and place.row != look.row and look.batch is not None and not look.in_batch:
        return look.batch, place
    if per_row or place.row is not None:
        several = len(look.step.rows) > 1
        return look.picked, replace(
            place, row=(place.row or look.row) if several and not place.is_whole else None
        )
    trace = look.picked if look.batch is None else look.batch
    return trace, place


def member_named(address: str) -> dict[str, int]:
    """Return the member that an address names, as a query names it; nothing where it names none."""
    found = re.search(r"@member=(\d{1,9})(?!\d)", address)
    return {} if found is None else {"member": int(found[1])}


def derived(look: Look, trace: Trace, place: Address, form: Form = "short") -> Derivation:
    """Return the derivation of a number, its update held against the run."""
    return held_against_run(derive(trace, place, form=form), look)


def forms_of(trace: Trace, place: Address) -> tuple[Form, ...]:
    """Return the forms that a number's derivation has."""
    found: list[Form] = [] if place.is_whole else ["short"]
    if place.name in PATH_QUANTITIES and not place.is_whole:
        found.append("paths")
    if has_matrix_form(trace.network, place):
        found.append("matrix")
    return tuple(found) or ("short",)


def inspected(
    look: Look, query: Mapping[str, Any], notation_name: str, *, tells_update: bool = True
) -> dict[str, Any]:
    """Return what the inspector shows of an address: title, value, what it says, and its derivation.

    ``tells_update``: a derivative comes with what the update makes of it.
    """
    naming = naming_of(look, str(query.get("notation") or notation_name))
    trace, place = found_place(look, str(query["address"]), naming)
    forms = forms_of(trace, place)
    form: Any = query.get("form") or "short"
    form = form if form in forms else forms[0]
    made = with_inputs_named(derived(look, trace, place, form), look.course)
    resolved = trace.resolve(place)
    value = None if resolved.is_whole else trace.number(resolved)
    nodes, ok = derivation_nodes(made, trace, naming, difference=differences_of(trace, resolved))
    nodes = paragraphs(gradient_told(look, trace, place, naming, tells_update=tells_update)) + nodes
    nodes += embedding_nodes(look, place.plain)
    told = {"address": str(place.plain), "title": made.title, "value": value, "nodes": nodes, "ok": ok}
    told["forms"] = list(forms)
    change = change_of(look, place)
    return told if change is None else {**told, "change": change}


def derivation_nodes(
    derivation: Derivation,
    trace: Trace,
    naming: Naming | None = None,
    *,
    difference: LineCheck | None = None,
    digits: int = DIGITS,
) -> tuple[Nodes, bool | None]:
    """Return a derivation as nested lists, with a difference beside it, and whether all its checks hold; None without any."""
    if naming is not None and naming.notation.delta == "factors":
        derivation = in_factors(derivation, trace)
    data = section_data(Worked(derivation, digits, naming))
    module: Any = environment().get_template("parts.html").module
    nodes = nested(str(module.contents(data)))
    for part in data["parts"]:
        nodes += nested(str(module.section(part)))
    oks = [check.ok for check in derivation.checks]
    if difference is not None:
        nodes.append(_difference(difference))
        oks.append(difference.ok)
    return nodes, all(oks) if oks else None


def _difference(check: LineCheck) -> Nodes:
    """Return the line of a central difference."""
    from chainrule._numbers import number_text

    words = f"{check.against}: {number_text(check.value, DIGITS)}"
    mark = ["span", {"class": "check ok"}, "✓"]
    if not check.ok:
        off, room = number_text(check.difference, 2), number_text(check.tolerance, 2)
        mark = ["span", {"class": "check wrong"}, f"✗ off by {off}, and {room} is explained"]
    value = repr(check.value)
    return ["p", {"class": "difference"}, ["span", {"data-value": value}, words], " ", mark]
