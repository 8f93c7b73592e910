"""What the page and the studio say to each other: names, shapes and the version of the protocol.

What comes from the page is checked against these shapes before anything is done with it; what goes to it is, in the tests. The
page's types, ``page/types.js``, are made from them by `types` and compared by a test.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from chainrule.errors import ChainruleError
from chainrule.studio.protocol.shapes import NESTED, Fields, shape_tree, typedef, wrong, wrong_fields

PROTOCOL: Final = 1

LONGEST_TEXT: Final = 2000
MOST_DEPTH: Final = 12

GRAIN = '"term" | "neuron" | "layer" | "pass" | "update" | "epoch"'
PHASE = '"ready" | "training" | "paused" | "ended" | "diverged" | "failed"'

COMMANDS: Mapping[str, Fields] = {
    "build": {"target?": "string | string[] | null", "inputs?": "string[] | null", "settings?": "Record<string, unknown>",
              "recipe?": '"small" | "full"', "beside?": "boolean"},
    "step": {"grain": GRAIN, "by": "whole"},
    "play": {"grain": GRAIN, "speed": "number", "direction": "whole"},
    "pause": {},
    "run_to": {"t?": "whole", "epoch?": "whole"},
    "train": {},
    "seek": {"t": "whole", "place?": "PlaceAsked | null"},
    "reset": {},
    "row": {"number": "whole | null"},
    "member": {"number": "whole"},
    "notation": {"name": "string"},
    "open_test": {},
    "lesson": {"name?": "string | null", "number?": "whole", "passed?": "whole"},
    "answer": {"given": "string"},
    "reveal": {},
    "predict": {"on": "boolean"},
    "take_over": {},
    "edit": {"edits": "EditAsked[]", "again?": "boolean", "anew?": "boolean"},
    "undo": {},
    "run": {"number": "whole"},
    "close_run": {"number": "whole"},
    "end": {},
}  # fmt: skip
"""What the page can ask to be done, by ``do``, and what each needs to be told."""

ENVELOPE: Fields = {"protocol": "whole", "client": "string", "n": "whole", "do": "string"}

QUERIES: Mapping[str, Fields] = {
    "number": {"address": "string", "t?": "whole", "row?": "whole", "member?": "whole", "form?": "string", "notation?": "string"},
    "picture": {"kind": '"curves" | "gradients" | "score" | "confusion" | "residuals" | "activation" | "compare" | '
                        '"weight" | "line"', "name?": "string",
                "t?": "whole", "layer?": "whole", "width?": "whole", "part?": '"validation" | "test"'},
    "plane": {"x?": "string", "y?": "string", "row?": "whole", "show?": "string", "t?": "whole", "member?": "whole",
              "points?": "whole", "heat?": "whole", "quick?": "whole"},
    "mountain": {"kind": '"slice" | "path" | "race"', "a?": "string", "b?": "string", "t?": "whole", "member?": "whole",
                 "rows?": '"training" | "batch"', "zoom?": "whole", "start?": "string", "steps?": "whole", "pace?": "whole",
                 "quick?": "whole"},
    "take": {"what": '"page" | "model" | "command" | "python" | "tape"'},
    "stream": {"client": "string", "since?": "whole", "quiet?": "whole"},
}  # fmt: skip
"""What can be asked for in an address, after its question mark."""

SHAPES: Mapping[str, Fields] = {
    "PlaceAsked": {"pass": "string", "layer?": "whole | null", "neuron?": "whole | null", "term?": "whole | null",
                   "index?": "whole", "of?": "whole"},
    "EditAsked": {"kind": '"number" | "frozen" | "activation" | "setting" | "cells" | "row"', "address?": "string",
                  "value?": "number | string | boolean | null", "frozen?": "boolean", "name?": "string", "layer?": "whole",
                  "row?": "whole | null", "cells?": "Record<string, string | number | boolean | null>"},
    "EditShown": {"words": "string", "address": "string | null", "old": "string", "new": "string"},
    "BranchShown": {"number": "whole", "from": "whole", "at": "whole", "edits": "EditShown[]"},
    "RunLine": {"number": "whole", "from": "whole | null", "at": "whole", "words": "string", "epochs": "whole",
                "ended": "boolean"},
    "WasShown": {"eta": "number | null", "cost": "number | null", "cost_new": "number | null", "row_loss": "number | null",
                 "answer": "AnswerShown | null", "arrays": "FrameArrays"},
    "NamedText": {"name": "string", "value": "string"},
    "WayOut": {"words": "string", "edits": "EditAsked[]", "anew?": "boolean"},
    "FindingShown": {"kind": "string", "grave": "boolean", "what": "string", "where": "string[]", "numbers": "NamedText[]",
                     "why": "string",
                     "remedy": "string", "ways": "WayOut[]"},
    "Source": {"kind": '"table" | "lesson" | "model"', "name": "string", "rows": "whole", "command": "string | null"},
    "Column": {"name": "string", "kind": "string", "gaps": "whole", "used": "boolean", "why": "string", "note": "string",
               "words?": "string[]"},
    "Target": {"names": "string[]", "task": "string", "classes": "string[]"},
    "RowCounts": {"training": "whole", "validation": "whole", "test": "whole", "numbers": "whole[]"},
    "Field": {"name": "string", "label": "string",
              "kind": '"choice" | "number" | "text" | "flag" | "list" | "column" | "columns"',
              "value": "unknown", "choices?": "string[]", "titles?": "string[]", "unset": "string",
              "help": "string", "more?": "boolean"},
    "FieldGroup": {"group": "string", "fields": "Field[]"},
    "LayerHead": {"number": "whole", "title": "string", "size": "whole", "x": "number", "formula": "string", "hidden": "whole"},
    "Neuron": {"address": "string", "z": "string | null", "layer": "whole", "index": "whole", "x": "number", "y": "number",
                    "name": "string", "bias": "string | null"},
    "EdgesDrawn": {"drawn": "whole", "of": "whole", "list": "[whole, whole, string][]"},
    "Block": {"layer": "whole", "x": "number", "y": "number", "width": "number", "height": "number", "words": "string",
              "rows": "whole", "columns": "whole"},
    "BlockPicture": {"largest": "number | null", "shares": "Packed"},
    "BlockShown": {"layer": "whole", "pictures": "Record<string, BlockPicture>"},
    "More": {"layer": "whole", "x": "number", "y": "number", "words": "string"},
    "NetworkList": {"width": "number", "height": "number", "radius": "number", "layers": "LayerHead[]", "neurons": "Neuron[]",
                     "edges": "EdgesDrawn", "blocks": "Block[]", "more": "More[]"},
    "Named": {"name": "string", "title": "string"},
    "Hello": {"protocol": "whole", "version": "string", "title": "string", "generation": "whole", "source": "Source",
              "columns": "Column[]", "target": "Target", "rows": "RowCounts", "form": "FieldGroup[]", "network": "NetworkList",
              "cells": "boolean", "grains": "string[]", "notations": "Named[]", "members": "whole", "steps_per_epoch": "whole",
              "epochs": "whole | null", "unit": "string", "limits": "Record<string, unknown>", "notes": "string[]",
              "recorded?": "RecordedFile"},
    "RecordedFile": {"command": "string | null", "run": "string | null", "rows": "whole[]", "whole": "whole[]", "stops": "whole",
                     "updates": "whole", "whatif": "WhatIfAbout"},
    "WhatIfAbout": {"at": "whole", "kept": "whole | null", "refused": "string | null", "numbers": "whole", "off": "number"},
    "WhatIfShown": {"at": "whole", "row": "whole | null", "edits": "EditShown[]"},
    "Packed": {"dtype": "string", "shape": "whole[]", "base64": "string"},
    "NeuronPacked": {"a?": "Packed", "z?": "Packed", "delta?": "Packed", "slope?": "Packed"},
    "ParameterPacked": {"weight?": "Packed", "gradient?": "Packed", "change?": "Packed", "meant?": "Packed"},
    "FrameArrays": {"neurons": "NeuronPacked", "edges": "ParameterPacked", "biases": "ParameterPacked"},
    "Batch": {"size": "whole", "rows": "whole[]"},
    "NamedValue": {"name": "string", "value": "number | null"},
    "AnswerShown": {"words": "string", "value": "unknown", "truth": "unknown", "right": "boolean | null", "each": "NamedValue[]"},
    "CellStep": {"words": "string"},
    "CellShown": {"column": "string", "cell": "string", "steps": "CellStep[]", "inputs": "string[]"},
    "Checks": {"compared": "whole", "wrong": "whole", "worst": "string | null"},
    "Place": {"pass": "string", "layer": "whole | null", "neuron": "whole | null", "term": "whole | null", "step?": "string",
              "index": "whole", "of": "whole"},
    "Term": {"address": "string", "factors": "[string, number | null][]", "product": "number | null", "done": "boolean",
             "names?": "string[]"},
    "Rest": {"count": "whole", "value": "number | null"},
    "SumShown": {"address": "string", "name?": "string", "so_far": "number | null", "value": "number | null", "done": "boolean"},
    "CurveShown": {"nodes": "Nested[]"},
    "Stage": {"title": "string", "said": "string", "lit": "string[]", "terms": "Term[]", "rest": "Rest | null",
              "sum": "SumShown | null", "nodes": "Nested[]", "curve": "CurveShown | null", "ok?": "boolean | null",
              "flow?": "string | null"},
    "Frame": {"seq": "whole", "generation": "whole", "t": "whole", "frontier": "whole", "updates": "whole | null",
              "epoch": "whole",
              "steps_per_epoch": "whole", "phase": PHASE, "playing": "boolean", "direction": "whole", "speed": "number",
              "grain": GRAIN, "driver": "string | null", "member": "whole", "notation": "string", "row": "whole | null",
              "row_picked?": "whole | null",
              "row_in_batch": "whole | null", "checks?": "Checks | null", "batch": "Batch",
              "eta": "number | null", "cost": "number | null",
              "cost_new": "number | null", "row_loss": "number | null",
              "answer": "AnswerShown | null", "together?": "AnswerShown | null",
              "cells": "CellShown[]", "blocks?": "BlockShown[]",
               "flags?": "Record<string, string>", "frozen?": "string[]", "findings?": "FindingShown[]", "follows?": "boolean",
               "run?": "whole", "branch?": "BranchShown | null", "runs?": "RunLine[]", "was?": "WasShown",
               "told?": "string[]", "kept?": "whole | null", "settings?": "Record<string, unknown>",
               "whatif?": "WhatIfShown",
              "place": "Place", "withheld?": "boolean", "stage": "Stage | null", "names?": "Record<string, string>",
              "arrays": "FrameArrays"},
    "CurveNews": {"generation": "whole", "epochs": "whole[]", "training": "(number | null)[]",
                  "validation": "(number | null)[] | null",
              "rate": "(number | null)[]", "gradient": "(number | null)[]", "whole?": "boolean"},
    "Untold": {"nodes": "Nested[]", "done": "boolean"},
    "LessonShown": {"name": "string", "title": "string", "source": "string", "titles": "string[]", "number": "whole",
                    "of": "whole",
                    "passed": "whole", "nodes": "Nested[]", "light": "string[]", "tab": "string | null", "until": "Untold | null",
                    "may_go": "boolean", "others": "Named[]"},
    "ReplyShown": {"given": "string", "right": "boolean", "tries": "whole", "nodes": "Nested[]"},
    "TruthShown": {"nodes": "Nested[]", "right": "whole | null", "gap": "Nested[]"},
    "QuestionShown": {"id": "string", "kind": "string", "nodes": "Nested[]", "options": "Nested[][]", "guess": "boolean",
                      "may_reveal": "boolean", "opened": "boolean", "reply": "ReplyShown | null", "truth": "TruthShown | null"},
    "LessonNews": {"lesson": "LessonShown | null", "question": "QuestionShown | null", "asks": "boolean",
                   "offer": "Named | null"},
    "StatusNews": {"phase": PHASE, "words": "string"},
    "ProblemNews": {"words": "string", "remedy?": "string | null"},
    "Bye": {"words": "string"},
    "Done": {"ok?": "boolean", "seq?": "whole", "problem?": "string"},
    "NumberAnswer": {"address": "string", "title": "string", "value": "number | null", "nodes": "Nested[]",
                     "ok": "boolean | null", "change?": "ChangeOffered", "forms?": "string[]"},
    "ChangeOffered": {"kind": '"number" | "setting" | "activation" | "cells"', "value": "number | string | null",
                      "address?": "string", "reach?": "number", "frozen?": "boolean | null", "name?": "string",
                      "layer?": "whole", "row?": "whole", "column?": "string", "choices?": "string[]"},
    "PictureAnswer": {"title": "string", "nodes": "Nested[]", "table": "Nested[]"},
    "PlaneTick": {"at": "number", "words": "string"},
    "PlaneSide": {"name": "string", "kind": '"number" | "datetime" | "words"', "low": "number", "high": "number",
                  "ticks": "PlaneTick[]", "side": "whole"},
    "PlaneLine": {"label": "string", "points": "Packed"},
    "PlanePoints": {"rows": "whole[]", "of": "whole", "x": "number[]", "y": "number[]", "training": "boolean[]",
                    "truth": "(number | null)[]", "classes": "string[]"},
    "PlaneHeats": {"pictures": "Packed", "largest": "(number | null)[]"},
    "PlaneShown": {"name": "string", "title": "string"},
    "PlaneAnswer": {"generation": "whole", "t": "whole", "x": "PlaneSide", "y": "PlaneSide", "show": "string",
                    "kind": '"share" | "classes" | "number" | "neuron"', "title": "string", "unit": "string",
                    "classes": "string[]", "values": "Packed", "codes": "Packed | null", "low": "number | null",
                    "high": "number | null", "lines": "PlaneLine[]", "held": "string", "columns?": "string[]",
                    "shows?": "PlaneShown[]", "points?": "PlanePoints", "heats?": "PlaneHeats"},
    "HillHere": {"x": "number", "y": "number", "cost": "number | null", "surface": "number | null"},
    "HillPath": {"name": "string", "words": "string", "steps": "whole[]", "x": "number[]", "y": "number[]",
                 "cost": "(number | null)[]", "surface": "(number | null)[]"},
    "HillAnswer": {"generation": "whole", "t": "whole", "kind": "string", "a": "string", "b": "string",
                   "parameters": "string[]", "x": "PlaneSide", "y": "PlaneSide", "heights": "Packed", "shares": "Packed",
                   "low": "number", "high": "number", "legend": "string", "lines": "PlaneLine[]", "here": "HillHere",
                   "paths": "HillPath[]", "whole": "boolean", "rows": "string", "said": "string[]"},
    "TakeAnswer": {"name?": "string", "mime?": "string", "base64?": "string", "text?": "string"},
    "Session": {"token": "string", "client": "string"},
}  # fmt: skip
"""The other messages, and their parts, by name."""

EVENTS: Mapping[str, str] = {
    "hello": "Hello", "frame": "Frame", "curve": "CurveNews", "status": "StatusNews", "problem": "ProblemNews", "bye": "Bye",
    "lesson": "LessonNews",
}  # fmt: skip
"""The events of the stream, and the shape of what each tells."""


class MessageError(ChainruleError):
    """A message that is not of the protocol."""


def read_command(body: bytes) -> dict[str, Any]:
    """Return the command in a request's body; raises MessageError for anything that is none."""
    try:
        data = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise MessageError("the command is no JSON") from None
    if not isinstance(data, dict):
        raise MessageError("a command is an object")
    if data.get("protocol") != PROTOCOL:
        raise MessageError(f"this studio speaks protocol {PROTOCOL}: load the page again")
    do = data.get("do")
    if not isinstance(do, str) or do not in COMMANDS:
        raise MessageError(f"there is no command {_short(do)}; there are {', '.join(COMMANDS)}")
    if problem := wrong_fields(data, {**ENVELOPE, **COMMANDS[do]}, SHAPES, do):
        raise MessageError(problem)
    if _too_long(data, MOST_DEPTH):
        raise MessageError(f"{do}: a text has at most {LONGEST_TEXT} letters, and lists few levels")
    if not 0 <= data["n"] < 2**53:
        raise MessageError(f"{do}: n counts commands, from 0 on")
    if (most := _beyond(data)) is not None:
        raise MessageError(f"{do}: {most} is too large")
    return data


def read_query(name: str, pairs: Mapping[str, str]) -> dict[str, Any]:
    """Return the query of a name in an address's words; raises MessageError for anything that is none."""
    fields = QUERIES[name]
    found: dict[str, Any] = {}
    for key, text in pairs.items():
        kind = fields.get(key, fields.get(f"{key}?"))
        try:
            found[key] = int(text) if kind == "whole" and len(text) <= 18 else text
        except ValueError:
            found[key] = text
    if problem := wrong_fields(found, fields, SHAPES, name):
        raise MessageError(problem)
    return found


def wrong_event(name: str, data: object) -> str:
    """Return what is wrong with what an event tells; "" where it has its shape."""
    return wrong(data, shape_tree(EVENTS[name]), SHAPES, name)


def types() -> str:
    """Return ``page/types.js``: the shapes for those who write the page."""
    parts = [
        "// Made by chainrule.studio.protocol.messages from the shapes of the protocol; a test compares.",
        f"export const PROTOCOL = {PROTOCOL};",
    ]
    parts.append(f"/** @typedef {{{NESTED}}} Nested */")
    parts += [typedef(name, f"{name}.", fields) for name, fields in SHAPES.items()]
    for do, fields in COMMANDS.items():
        name = "".join(part.capitalize() for part in do.split("_"))
        parts.append(typedef(f"{name}Command", f"The command {do}.", {"do": f'"{do}"', **fields}))
    union = " | ".join(f"{''.join(part.capitalize() for part in do.split('_'))}Command" for do in COMMANDS)
    parts.append(f"/** @typedef {{{union}}} Command */")
    return "\n\n".join(parts) + "\n"


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}…"


def _too_long(value: object, depth: int) -> bool:
    if isinstance(value, str):
        return len(value) > LONGEST_TEXT
    if isinstance(value, dict | list):
        items = [*value, *value.values()] if isinstance(value, dict) else value
        return depth == 0 or any(_too_long(item, depth - 1) for item in items)
    return False


def _beyond(value: object) -> int | None:
    """Return a whole number that no array could count."""
    if isinstance(value, int) and abs(value) >= 2**63:
        return value
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return next((found for item in items if (found := _beyond(item)) is not None), None)
