"""``chainrule describe``: what a model file holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chainrule.cli.console import AsJson, print_json, screen

EXAMPLES = """[bold]Examples[/bold]

[cyan]chainrule describe penguins.safetensors[/cyan]

[cyan]chainrule describe penguins.safetensors --json[/cyan]
"""


def command(
    model: Annotated[Path, typer.Argument(help="A model file that chainrule train wrote.")],
    as_json: AsJson = False,
) -> None:
    """Say what a model is: its inputs and their arithmetic, its layers, its target, its training."""
    from chainrule.cli.report import print_description
    from chainrule.model.model import Model

    loaded = Model.load(model)
    if as_json:
        print_json(
            {
                "members": loaded.members,
                "parameters_per_member": loaded.parameters.shape[1],
                **loaded.to_dict(),
            }
        )
    else:
        print_description(screen(), loaded, str(model))
