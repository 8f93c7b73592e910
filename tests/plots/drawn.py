"""What is read back from a drawn SVG: elements, texts with their boxes, and numbers in pixels."""

import re
import xml.etree.ElementTree as ET

from chainrule.plots.widths import text_width

NS = "{http://www.w3.org/2000/svg}"


def parsed(svg):
    return ET.fromstring(svg)


def found(root, tag, **attributes):
    """The elements of a tag with these attributes (``_`` for ``-``; None: any value)."""
    wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
    return [
        element
        for element in root.iter(NS + tag)
        if all(
            name in element.attrib and value in (None, element.get(name)) for name, value in wanted.items()
        )
    ]


def texts(root):
    """Each text with its left, top, right and bottom in the picture; turned ones are left out."""
    made = []

    def walk(element, x, y, size):
        moved = re.match(r"translate\(([-\d.e]+) ([-\d.e]+)\)", element.get("transform", ""))
        if moved:
            x, y = x + float(moved[1]), y + float(moved[2])
        size = float(element.get("font-size", size))
        if element.tag == NS + "text" and not element.get("transform"):
            text = "".join(element.itertext())
            title = element.find(NS + "title")
            text = text.removeprefix(title.text or "") if title is not None else text
            bold = element.get("font-weight") == "600"
            wide = text_width(text, size, bold=bold) / 1.04 / (1.02 if bold else 1)
            anchor = element.get("text-anchor", walk.anchor)
            left = x + float(element.get("x")) - {"start": 0, "middle": wide / 2, "end": wide}[anchor]
            bottom = y + float(element.get("y")) + 0.2 * size
            made.append((text, left, bottom - 0.95 * size, left + wide, bottom))
        for child in element:
            before = walk.anchor
            walk.anchor = element.get("text-anchor", before)
            walk(child, x, y, size)
            walk.anchor = before

    walk.anchor = "start"
    walk(root, 0.0, 0.0, 12.0)
    return made


def path_points(d):
    return [(float(a), float(b)) for a, b in re.findall(r"[ML]([-\d.]+) ([-\d.]+)", d)]
