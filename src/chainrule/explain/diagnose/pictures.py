"""What a diagnosis looks at, drawn: the network with its dead and saturated neurons, gradients and outputs by layer."""

from __future__ import annotations

import numpy as np

from chainrule._blas import one_blas_thread
from chainrule.explain.check.certificate import batch_of
from chainrule.explain.diagnose.diagnosis import rows_looked_at
from chainrule.explain.diagnose.neurons import neuron_flags
from chainrule.explain.show.document import Block, Picture
from chainrule.explain.show.drawn import model_layers, picture
from chainrule.explain.show.layers import flow, histograms
from chainrule.model.model import Model
from chainrule.model.source import Source


@one_blas_thread()
@np.errstate(all="ignore")
def diagnosis_pictures(
    model: Model, table: Source, *, member: int | None = None, seed: int = 0
) -> tuple[Block, ...]:
    """Return the pictures of a diagnosis of the same words, of the first member that it looks at."""
    read, one = model.table(table), member or 0
    rows, _ = rows_looked_at(model, read, seed)
    batch = batch_of(model, read, rows=rows.tolist(), member=one)
    flags = neuron_flags(batch.network, batch.p, batch.record)
    title = "The network" if model.members == 1 else f"The network of member {one + 1}"
    gradients = [
        np.asarray(batch.gradients.parameters[number][layer.product.name])
        for number, layer in enumerate(batch.network.layers, 1)
    ]
    outputs = [np.asarray(layer.a) for layer in batch.record.layers]
    return (
        picture(model_layers(model, one, flags=flags), title),
        Picture(flow(batch.network, gradients)),
        Picture(histograms(batch.network, outputs, "Outputs of neurons", "a", shared=False)),
    )
