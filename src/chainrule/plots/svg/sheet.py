"""The one style sheet of all plots, and its hash for the page's content security policy.

Marks carry the light colors as attributes, so that any program draws them; where a browser knows ``light-dark()``, the sheet
makes them variables (``--plot-1``, ``--plot-ink``, …) that follow the page's ``color-scheme`` and that a page may set.
"""

import base64
import hashlib

from chainrule.plots.colors import COLORS, STEPS, Color, Ramp, ramp

_KINDS: tuple[Ramp, ...] = ("sequential", "diverging")

_PAGE = """\
svg.plot{display:block;max-width:100%;height:auto;overflow:visible}
svg.plot:root{color-scheme:light dark}
@media print{svg.plot{color-scheme:only light}}
.plot-figure{container-type:inline-size;margin:1.2rem 0;break-inside:avoid}
.plot-narrow{display:none}
@container (max-width:519px){.plot-narrow{display:block}.plot-narrow+.plot-wide{display:none}}
.plot-figure figcaption,.plot-figure details{font:0.82rem/1.45 Helvetica,Arial,"Liberation Sans",sans-serif}
.plot-figure summary{cursor:pointer;padding:0.3rem 0}
.plot-table{overflow-x:auto;max-height:24rem;overflow-y:auto}
.plot-table table{border-collapse:collapse;font-variant-numeric:tabular-nums}
.plot-table th,.plot-table td{text-align:right;padding:0.15rem 0.9rem 0.15rem 0;white-space:nowrap}
.plot-table th{font-weight:600;border-bottom:1px solid currentcolor}
.plot-table .words{text-align:left}
@media print{.plot-figure details{display:none}}
"""


def _rules() -> str:
    light, dark = COLORS["light"], COLORS["dark"]
    named = "".join(f"--plot-{name}:light-dark({light[name]},{dark[name]});" for name in light)
    lines = [f":where(.plot){{{named}}}"]
    for name in light:
        lines.append(
            f".plot .f-{name}{{fill:var(--plot-{name})}}.plot .s-{name}{{stroke:var(--plot-{name})}}"
        )
    for kind in _KINDS:
        steps = zip(ramp(kind), ramp(kind, "dark"), range(STEPS), strict=True)
        lines += [f".plot .{kind[0]}{i}{{fill:light-dark({day},{night})}}" for day, night, i in steps]
    return "@supports (color:light-dark(#000,#fff)){\n" + "\n".join(lines) + "\n}\n"


SHEET = _PAGE + _rules()
"""The style sheet: the same text on every page, once."""

SHEET_HASH = "sha256-" + base64.b64encode(hashlib.sha256(SHEET.encode()).digest()).decode()
"""What a page's policy lists: ``style-src 'sha256-…'``."""

HOLLOW: Color = "paper"
"""What hollow marks are filled with."""
