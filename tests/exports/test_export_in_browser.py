"""An export in JavaScript in a page that is opened from a file, under a policy that allows no eval."""

import json

import numpy as np
import pytest
from small_models import MODELS

from browsers import CHROMIUM, started
from chainrule.exports.certificate import truth
from chainrule.exports.program import Program
from chainrule.exports.run.made_rows import made_rows
from chainrule.exports.targets import LANGUAGES

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

pytestmark = [
    pytest.mark.slow,  # browsers run in .ci/run
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
]


def test_a_page_from_a_file_answers_rows_without_eval(tmp_path):
    program = Program(MODELS["classes by softmax"]())
    rows = made_rows(program, 200)
    module = LANGUAGES["javascript"].content(program).decode()
    asked = json.dumps([dict(row) for row in rows.cells]).replace("</", "<\\/")
    policy = "default-src 'none'; script-src 'unsafe-inline'"
    (tmp_path / "page.html").write_text(
        f'<!doctype html><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}">'
        f'<script type="module">{module}\nwindow.said = {asked}.map((row) => predict(row).kind);</script>'
    )
    with started() as chromium:
        page = chromium.new_page()
        page.goto((tmp_path / "page.html").as_uri())
        said = page.evaluate("window.said")
    right = truth(program, rows)
    found = np.array([list(one["probabilities"].values()) for one in said])
    np.testing.assert_allclose(found, right.double, atol=1e-12)
    labels = program.model.target.labels
    assert [labels.index(one["label"]) for one in said] == right.places[:, 0].tolist()
