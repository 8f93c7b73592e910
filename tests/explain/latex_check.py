r"""A strict reader of the LaTeX that is written here: what it passes compiles, though much that compiles it doesn't pass.

It knows the commands and environments of amsmath, amssymb and the kernel that may occur, keeps the stack of groups,
environments, ``$`` and ``\left``, and refuses scripts outside mathematics, two of a kind on one symbol, ``&`` outside
a table, and letters that pdflatex lacks.
"""

import re

MATH = {
    "frac", "sqrt", "sum", "left", "right", "cdot", "odot", "bar", "times", "partial", "mathrm", "operatorname", "text",
    "exp", "ln", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arctan", "max", "min", "infty", "le", "ge",
    "ne", "approx", "lfloor", "rfloor", "hat", "prime", "quad", "checkmark", "boldsymbol", "cdots", "vdots", "nabla",
    "surd", "to", "pm", "in", "|", ",", "alpha", "beta", "gamma", "delta", "varepsilon", "eta", "theta", "lambda",
    "mu", "sigma", "tau", "pi", "Delta", "Sigma", "kappa", "phi", "rho", "omega", "dots", "vec",
}  # fmt: skip
TEXT = {
    "documentclass", "usepackage", "allowdisplaybreaks", "setlength", "parindent", "parskip", "section", "subsection",
    "subsubsection", "paragraph", "par", "emph", "small", "texttt", "textless", "textgreater", "textbar",
    "textbackslash", "textasciitilde", "textasciicircum", "textasciigrave", "textquotedbl", "dots", "{", "}", "$", "&",
    "#", "_", "%", "textit", "textbf", "LARGE", "bfseries", "hline", "medskip",
}  # fmt: skip
ENVIRONMENTS = {
    "document": False,
    "align*": True,
    "bmatrix": True,
    "cases": True,
    "tabular": False,
    "aligned": True,
}
TABLES = {"align*", "bmatrix", "cases", "tabular", "aligned"}
_TOKEN = re.compile(r"\\(?:[A-Za-z]+\*?|.)|[{}$&^_%]|\n\s*\n|.", re.DOTALL)


def complaints(source: str) -> list[str]:
    """Return what is wrong with a document or a part of one; empty if nothing is."""
    found: list[str] = []
    stack: list[tuple[str, bool]] = []  # what is open, and whether mathematics surrounded it
    math = False
    scripts: dict[int, set[str]] = {}  # scripts on the last symbol, by depth
    tokens = _TOKEN.findall(source)
    place = 0
    while place < len(tokens):
        token = tokens[place]
        place += 1
        depth = len(stack)
        if token in ("\\begin", "\\end"):
            stop = tokens.index("}", place)
            name = "".join(tokens[place + 1 : stop])
            place = stop + 1
            if name not in ENVIRONMENTS:
                found.append(f"unknown environment {name}")
            elif token == "\\begin":
                if ENVIRONMENTS[name] and math and name == "align*":
                    found.append("align* inside mathematics")
                if name in ("bmatrix", "cases", "aligned") and not math:
                    found.append(f"{name} outside mathematics")
                stack.append((name, math))
                math = ENVIRONMENTS[name]
                if name == "tabular":  # its columns are no text
                    opened = 0
                    while True:
                        opened += (tokens[place] == "{") - (tokens[place] == "}")
                        place += 1
                        if not opened:
                            break
            elif not stack or stack[-1][0] != name:
                found.append(f"\\end{{{name}}} closes {stack[-1][0] if stack else 'nothing'}")
            else:
                math = stack.pop()[1]
            scripts.pop(len(stack), None)
        elif token == "{":
            is_text = place > 1 and tokens[place - 2] in ("\\text", "\\texttt")
            stack.append(("{", math))
            math = math and not is_text
        elif token == "}":
            if not stack or stack[-1][0] != "{":
                found.append(f"}} closes {stack[-1][0] if stack else 'nothing'}")
            else:
                math = stack.pop()[1]
        elif token == "$":
            if stack and stack[-1][0] == "$":
                math = stack.pop()[1]
            elif math:
                found.append("$ inside mathematics")
            else:
                stack.append(("$", math))
                math = True
        elif token == "&":
            if not stack or stack[-1][0] not in TABLES:
                found.append(f"& inside {stack[-1][0] if stack else 'no table'}")
            scripts.pop(depth, None)
        elif token in "^_":
            if not math:
                found.append(f"{token} outside mathematics")
            if token in scripts.setdefault(depth, set()):
                found.append(f"two {token} on one symbol")
            scripts[depth].add(token)
            if place < len(tokens) and tokens[place] != "{":
                found.append(f"{token} without a group")
            continue
        elif token == "\\left":
            stack.append(("\\left", math))
            place += 1
        elif token == "\\right":
            if not stack or stack[-1][0] != "\\left":
                found.append(f"\\right closes {stack[-1][0] if stack else 'nothing'}")
            else:
                stack.pop()
            place += 1
            scripts.pop(len(stack), None)
            continue
        elif token == "\\\\":
            if not stack or stack[-1][0] not in TABLES:
                found.append(f"\\\\ inside {stack[-1][0] if stack else 'no table'}")
        elif token.startswith("\\"):
            name = token[1:].rstrip("*")
            known = MATH if math else TEXT | {"checkmark"}
            if name not in known and name not in ("{", "}", "$", "&", "#", "_", "%", "quad"):
                found.append(f"\\{name} is no command of {'mathematics' if math else 'text'}")
        elif token == "%":
            found.append("% begins a comment")
        elif token.strip() == "" and token.count("\n") > 1 and math:
            found.append("an empty line inside mathematics")
        elif ord(token[0]) >= 0x250 or (math and ord(token[0]) > 126):
            found.append(f"pdflatex lacks {token!r}")
        # A script stays on its symbol while only its own group follows.
        if token not in "}" or not scripts.get(len(stack)) or tokens[place : place + 1] not in (["^"], ["_"]):
            scripts.pop(len(stack), None)
    found += [f"{name} is never closed" for name, _ in stack]
    return found
