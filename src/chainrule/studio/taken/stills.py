"""What a saved notebook shows where no kernel answers: the network as it stood, without a script."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import escape

from chainrule.explain.show.drawn import network_layers
from chainrule.plots.network.draw import network_chart
from chainrule.plots.svg.draw import to_svg

if TYPE_CHECKING:
    from chainrule.studio.studio import Studio

WIDTH = 640.0


def still_page(studio: Studio, name: str) -> str:
    """Return the picture of the network that a studio shows, with its weights, as a piece of HTML called ``name``."""
    made, state = studio.made, studio.state
    course = made.course
    t = min(state.t, made.tape.frontier)
    flat = np.asarray(made.tape.state(t, state.member - 1).parameters, np.float64)
    layers = network_layers(
        course.network, course.layout.unflatten(flat), inputs=course.inputs, outputs=course.outputs
    )
    chart = network_chart(layers, width=WIDTH, title=course.title or "The network")
    # As an image, as notebooks that one hasn't said to trust take other drawings out.
    image = b64encode(to_svg(chart, WIDTH, alone=True).encode()).decode("ascii")
    drawn = (
        f'<img src="data:image/svg+xml;base64,{image}" alt="{escape(chart.description)}" width="{WIDTH:.0f}">'
    )
    words = f"{escape(course.title)} after update {t:,}: run the cell to play, change and ask."
    return f'<div id="{escape(name)}" class="chainrule-still">{drawn}<p>{words}</p></div>'
