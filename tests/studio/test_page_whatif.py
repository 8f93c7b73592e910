"""What if, in the file that plays a training: answered by the model in it, which first finds the recorded numbers again."""

import csv

import numpy as np
import pytest
from tests.studio.studio_browser import five, penguins
from tests.studio.test_one_file_page import Reader

from chainrule.engines import JUDGE
from chainrule.studio.studio import Studio
from chainrule.studio.taken import carried
from chainrule.studio.taken.carried import CarriedModel, carried_model
from chainrule.studio.taken.onefile import page_file, trained_through
from chainrule.studio.taken.recorder import Recorder
from chainrule.studio.training.opening import opened_table

pytestmark = pytest.mark.slow

ODD = "</script><!-- é"


def written(folder, course):
    """The file, its studio, and the outputs (n_out,) of its last network for a row with other cells by the page's columns."""
    made = Studio(course)
    trained_through(made)
    try:
        path = folder / "page.html"
        path.write_bytes(page_file(made))
        parameters = np.asarray(made.made.tape.state(made.made.tape.frontier, 0).parameters, np.float64)
        model, table, columns, _ = carried._model(course, parameters)
        return path, made, lambda row, cells: outputs_of(model, table, columns, course.places[row], cells)
    finally:
        made.close()


def outputs_of(model, table, columns, place, cells):
    row = {name: table.cell(place, name) for name in columns.values()}
    row |= {columns[column]: cell or None for column, cell in cells.items()}
    x = model.encoder.transform(model.table({name: [cell] for name, cell in row.items()}))
    return model.outputs(x, JUDGE)[0, 0]


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return written(tmp_path_factory.mktemp("whatif"), penguins(hidden=[4], epochs=6))


def change(page, column, text):
    """Change a cell by the keyboard alone."""
    cell = page.locator(f"cr-row button[data-cell='{column}']").first
    cell.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Control+a")
    page.keyboard.type(text) if text else page.keyboard.press("Delete")
    page.keyboard.press("Enter")


def shown(page, address):
    page.locator(
        f"svg.net [data-address='{address}'], cr-row [data-address='{address}']"
    ).first.dispatch_event("click")
    exact = page.locator("cr-inspector output.exact")
    page.locator(f"cr-inspector code.where:has-text('{address}')").wait_for()
    return float(exact.get_attribute("data-value"))


def number_of_row(page):
    return int(page.locator("cr-row input").first.input_value())


def test_cells_are_changed_by_keyboard_and_answered_as_the_model_answers(file, browser):
    path, _, right = file
    reader = Reader(browser, path)
    page = reader.page
    try:
        assert (
            "this page answers by itself, by the network after update 48"
            in page.locator("cr-about").inner_text()
        )
        assert "not by the engine" in page.locator("cr-about").inner_text()
        row, cells = number_of_row(page), {}
        recorded = None
        for column, text in (("bill_length_mm", "50"), ("sex", ""), ("island", "Nowhere")):
            change(page, column, text)
            cells[column] = text
            page.locator(f"cr-branch li:has-text('{column}')").wait_for()
            want = right(row, cells)
            np.testing.assert_allclose([shown(page, f"a[2][{j}]") for j in (1, 2, 3)], want, rtol=1e-12)
            was = page.locator("cr-inspector .was").inner_text()
            assert was.startswith("was ")
            recorded = float(was[4:].replace("−", "-"))
        assert recorded == pytest.approx(right(row, {})[2], rel=1e-12)
        assert (
            "worked out in this page by the exported model, not by the engine"
            in page.locator("cr-branch").inner_text()
        )
        # Where a number comes from, and that it is not the engine's.
        told = page.locator("cr-inspector").inner_text()
        assert "softmax" in told or "exp(" in told
        assert "Worked out in this page by the exported model" in told
        # Back by one, by all, and by going on.
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Undo").click()
        page.locator("cr-branch li:has-text('island')").wait_for(state="detached")
        page.get_by_role("button", name="As recorded").click()
        page.locator("cr-branch p").wait_for(state="hidden")
        assert shown(page, "a[2][1]") == pytest.approx(right(row, {})[0], rel=1e-12)
        page.keyboard.press("Escape")
        change(page, "bill_length_mm", "50")
        page.locator("cr-branch p").wait_for()
        page.get_by_role("button", name="Step back").click()
        page.locator("cr-branch p").wait_for(state="hidden")
        reader.waits(47)
    finally:
        reader.close()


def test_what_is_no_cell_of_its_column_changes_nothing_and_says_so(file, browser):
    reader = Reader(browser, file[0])
    page = reader.page
    try:
        change(page, "bill_depth_mm", "abc")
        page.locator("cr-notices").get_by_text(
            'bill_depth_mm: "abc" is not a number; give one such as 12.5, or nothing for a missing cell: nothing is changed'
        ).wait_for()
        assert page.locator("cr-branch p").is_hidden()
        change(page, "species", "Gentoo")
        page.locator("cr-notices").get_by_text("are the cells of its row. Live: chainrule studio").wait_for()
    finally:
        reader.close()


def test_a_model_that_finds_other_numbers_is_not_asked(tmp_path, browser, monkeypatch):
    """A planted fault: the file carries a network whose parameters are another's by a ten-millionth."""

    def other(course, parameters, rows):
        return carried_model(course, parameters * (1 + 1e-7), rows)

    monkeypatch.setattr("chainrule.studio.taken.recorder.carried_model", other)
    path, _, _ = written(tmp_path, penguins(hidden=[3], epochs=2))
    reader = Reader(browser, path)
    try:
        told = reader.page.locator("cr-about").inner_text()
        assert "This file doesn't answer what if a cell were another: of row" in told
        assert "was recorded" in told
        change(reader.page, "bill_length_mm", "50")
        reader.page.locator("cr-notices").get_by_text("what if isn't answered in it: of row").wait_for()
        assert reader.page.locator("cr-branch p").is_hidden()
    finally:
        reader.close()


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("table") / "t.csv"
    rng = np.random.default_rng(4)
    rows = []
    for i, a in enumerate(rng.normal(size=50).round(3)):
        day, level = f"201{i % 9}-0{i % 9 + 1}-11", "uv"[i % 2] + "</script>"
        rows.append((f"$ {1000 + 900 * a:,.2f}", level, day, "yes" if a > 0 else "no", a, 2 * a - i % 2))
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("price", ODD, "when", "wet", "y", "w"), *rows])
    return str(path)


KINDS = {
    "a number": ("y", {}),
    "several numbers": (["y", "w"], {}),
    "truth values by hinge": ("wet", {"loss": "hinge"}),
    "members that share": ("wet", {"members": 2, "sharing": "tabm"}),
    "the recipe": ("y", {"recipe": True, "members": 1}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_table_and_target(kind, table, tmp_path, browser):
    target, settings = KINDS[kind]
    inputs = [name for name in ("price", ODD, "when", "wet") if name != target]
    course = opened_table(
        table, {"target": target, "inputs": inputs}, {"hidden": (4,), "epochs": 2, **settings}
    )
    path, _, right = written(tmp_path, course)
    reader = Reader(browser, path)
    page = reader.page
    try:
        cells = {"price": "$ 2,500.00", ODD: "v</script>", "when": "2019-02-28"}
        for column, text in cells.items():
            change(page, column, text)
        page.locator("cr-branch li:has-text('when')").wait_for()
        last = len(course.network.layers)
        want = right(number_of_row(page), cells)
        np.testing.assert_allclose(
            [shown(page, f"a[{last}][{j}]") for j in range(1, len(want) + 1)], want, rtol=1e-11, atol=1e-14
        )
    finally:
        reader.close()


def test_a_lessons_inputs_are_changed_too(tmp_path, browser):
    path, _, right = written(tmp_path, five())
    reader = Reader(browser, path)
    page = reader.page
    try:
        change(page, "x[1]", "0.5")
        page.locator("cr-branch li:has-text('i1')").wait_for()
        np.testing.assert_allclose(
            [shown(page, f"a[2][{j}]") for j in (1, 2)], right(1, {"x[1]": "0.5"}), rtol=1e-12
        )
    finally:
        reader.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_if_is_open_to_all(file, browser, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core is not installed")
    for width in (1280, 320):
        reader = Reader(browser, file[0], width, 800, color_scheme=scheme)
        try:
            change(reader.page, "bill_length_mm", "50")
            reader.page.locator("cr-branch li").wait_for()
            assert reader.page.evaluate("document.documentElement.scrollWidth") <= width
            found = axe.Axe().run(reader.page).response
            assert [(rule["id"], rule["nodes"][0]["html"][:160]) for rule in found["violations"]] == []
        finally:
            reader.close()


def test_a_network_too_large_to_be_carried_says_why():
    assert (
        "120,000 parameters would make the file too large" in carried_model(None, np.zeros(120_000), (1,)).why
    )
    assert CarriedModel().module == ""
    made = Studio(penguins(hidden=[3], epochs=1))
    trained_through(made)
    try:
        assert Recorder(made).carried.rows.keys() == set(map(str, Recorder(made).plan.rows))
        assert all("species" not in cells for cells in Recorder(made).carried.rows.values())
    finally:
        made.close()
