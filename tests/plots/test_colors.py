"""Colors: told apart by the color-blind, strong enough on their paper, ramps that go one way by even steps."""

import itertools

import numpy as np
import pytest

from chainrule.plots.colors import COLORS, STEPS, contrast, linear_rgb, oklab, ramp, step_of, text_on

# Machado, Oliveira, Fernandes 2009, severity 1: shares of light as seen without red, green or blue cones.
SIGHTS = {
    "normal": np.eye(3),
    "protan": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deutan": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritan": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
THEMES = ["light", "dark"]


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("theme", THEMES)
def test_the_six_colors_differ_in_every_sight(theme, sight):
    light = np.array([linear_rgb(COLORS[theme][name]) for name in "123456"])
    seen = oklab(np.clip(light @ np.transpose(SIGHTS[sight]), 0, 1))
    nearest = min(float(np.linalg.norm(a - b)) for a, b in itertools.combinations(seen, 2))
    # Okabe and Ito's eight come down to 0.07; 0.02 is about what a careful eye can see.
    assert nearest > 0.085


@pytest.mark.parametrize("theme", THEMES)
def test_marks_and_texts_stand_out_from_the_paper(theme):
    colors = COLORS[theme]
    for name in [*"123456", "plus", "minus", "good", "bad", "quiet"]:
        assert contrast(colors[name], colors["paper"]) >= 3, name
    for name in ("ink", "quiet", "good", "bad"):
        assert contrast(colors[name], colors["paper"]) >= 4.5, name


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("kind", ["sequential", "diverging"])
def test_ramps_go_one_way_by_even_steps(kind, theme):
    colors = ramp(kind, theme)
    assert len(colors) == STEPS
    seen = oklab(np.array([linear_rgb(color) for color in colors]))
    parts = [seen] if kind == "sequential" else [seen[STEPS // 2 :], seen[STEPS // 2 :: -1]]
    for part in parts:
        lightness = np.diff(part[:, 0])
        assert (lightness < 0).all() if theme == "light" else (lightness > 0).all()
        steps = np.linalg.norm(np.diff(part, axis=0), axis=1)
        assert steps.max() / steps.min() < 2.2


@pytest.mark.parametrize("theme", THEMES)
def test_minus_and_plus_differ_without_color_vision_too(theme):
    colors = ramp("diverging", theme)
    for matrix in SIGHTS.values():
        ends = oklab(
            np.clip(np.array([linear_rgb(colors[0]), linear_rgb(colors[-1])]) @ np.transpose(matrix), 0, 1)
        )
        assert np.linalg.norm(ends[0] - ends[1]) > 0.1


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("kind", ["sequential", "diverging"])
def test_texts_on_a_ramp_can_be_read(kind, theme):
    for i, color in enumerate(ramp(kind, theme)):
        text = COLORS[theme][text_on(kind, i)]
        assert contrast(color, text) >= 4.5, (i, color)


def test_contrast_by_hand():
    # WCAG 2.2: (1 + 0.05) / (0 + 0.05).
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_steps_of_a_ramp():
    assert [step_of(v, -1, 1) for v in (-2, -1, 0, 1, 5)] == [0, 0, STEPS // 2, STEPS - 1, STEPS - 1]
    assert step_of(3, 3, 3) == STEPS // 2
