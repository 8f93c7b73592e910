"""The studio as a widget, without a browser: what its messages are answered by, and the front doors that make it."""

import subprocess
import sys
import time

import numpy as np
import pytest

import chainrule
from chainrule.errors import SettingsError
from chainrule.studio.protocol.messages import wrong_event

ROWS = {"x": [0, 1, 2, 3] * 10, "y": ["no", "yes", "no", "yes"] * 10}


def asked(widget, what, about, n=1):
    """Return the answer to a message, as the page would get it."""
    said = []
    widget.send = said.append
    widget._answers({"chainrule": 1, "view": "page", "n": n, "what": what, "asked": about})
    (answer,) = said
    assert (answer["view"], answer["n"]) == ("page", n)
    return answer["data"]


@pytest.fixture(scope="module")
def trained():
    pytest.importorskip("anywidget", reason="the extra notebook is not installed")
    return chainrule.train(ROWS, "y", hidden=[3], members=1, epochs=4)


@pytest.fixture
def widget(trained):
    made = chainrule.show(trained)
    yield made
    made.close()


def command(widget, do, n=1, **words):
    return asked(widget, "command", {"protocol": 1, "client": "page", "n": n, "do": do, **words}, n)


def test_feature_24_a_page_hears_what_happened_and_asks_on_while_it_goes_on(widget):
    first = asked(widget, "news", {"since": 0})
    assert [event for event, _ in first["news"]][:3] == ["hello", "curve", "frame"]
    for event, data in first["news"]:
        assert wrong_event(event, data) == ""
    assert command(widget, "step", 2, grain="update", by=1)["ok"]
    for _ in range(200):
        news = asked(widget, "news", {"since": first["seq"]}, 3)
        if any(event == "frame" and data["t"] == 1 for event, data in news["news"]):
            break
        time.sleep(0.01)
    else:
        raise AssertionError("no frame of update 1 came")
    assert asked(widget, "news", {"since": news["seq"]}, 4)["news"] == []


def test_feature_24_numbers_and_pictures_are_the_studios(widget):
    query = {"address": "a[1][1]", "t": "0", "form": "short"}
    assert (
        asked(widget, "number", query)["value"]
        == widget.studio.number({"address": "a[1][1]", "t": 0})["value"]
    )
    assert asked(widget, "picture", {"kind": "gradients", "t": "0"})["nodes"]
    taken = asked(widget, "take", {"what": "tape"})
    assert taken["name"].endswith(".csv")
    assert taken["base64"]


@pytest.mark.parametrize(
    ("what", "about", "words"),
    [
        ("number", {"address": "nowhere[1]"}, "nowhere"),
        ("close", {}, "there is nothing called 'close' to ask for"),
        ("_hears", {}, "there is nothing called '_hears' to ask for"),
        ("stream", {"client": "a"}, "there is nothing called 'stream' to ask for"),
        ("command", {"do": "step"}, "protocol"),
        ("command", {"protocol": 1, "client": "a", "n": 1, "do": "rm"}, "there is no command 'rm'"),
        ("number", {"address": "a[1][1]", "path": "/etc/passwd"}, "path"),
    ],
)
def test_what_is_no_question_is_one_line(widget, what, about, words):
    problem = asked(widget, what, about)["problem"]
    assert words in problem
    assert "\n" not in problem


def test_a_message_of_another_kind_is_not_answered(widget):
    said = []
    widget.send = said.append
    for message in (None, 3, "news", [], {"n": 1}, {"what": 3}):
        widget._answers(message)
    assert said == []


def test_frames_that_play_wait_as_the_newest_alone(widget):
    for number in range(50):
        widget._hears("frame", {"playing": True, "t": number, "driver": None})
    kept = [data["t"] for _, event, data in widget._news if event == "frame" and data.get("playing")]
    assert kept == [49]


def test_feature_24_an_estimator_is_trained_as_fit_would(trained):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    y = np.where(X[:, 0] + X[:, 1] > 0, "up", "down")
    est = chainrule.TableClassifier(hidden=[4], members=1, epochs=8, early_stopping=False, random_state=5)
    made = chainrule.Studio(est, X, y)
    try:
        assert not hasattr(est, "model_"), "the estimator stays as it is"
        assert made.model is None
        made.studio.command({"do": "train"})
        while made.studio.made.tape.last is None:
            time.sleep(0.005)
        fitted = est.fit(X, y)
        own, model = fitted.predict_proba(X), made.model
        found = model.answer(model.encoder.transform(model.table(X)))
        # The studio trains in float64, fit in float32.
        assert np.allclose(found.probabilities, own, atol=2e-4)
        assert made.studio.take("tape")[0].endswith(".csv")
        with pytest.raises(SettingsError, match="the words that made this model aren't known here"):
            made.studio.take("command")
    finally:
        made.close()


def test_feature_24_the_picture_of_a_saved_notebook_needs_nothing(widget):
    from chainrule.studio.taken.stills import still_page

    text = still_page(widget.studio, "chainrule-1")
    assert text.startswith(
        '<div id="chainrule-1" class="chainrule-still"><img src="data:image/svg+xml;base64,'
    )
    assert "<script" not in text
    assert "http" not in text
    assert 'alt="' in text


def test_what_cannot_be_shown_says_what_to_do(trained, tmp_path):
    path = tmp_path / "m.safetensors"
    trained.model.save(path)
    with pytest.raises(SettingsError, match="name it, as in show"):
        chainrule.show(str(path))
    with pytest.raises(SettingsError, match="not of MLPClassifier"):
        chainrule.Studio(chainrule.MLPClassifier(), [[0.0]], [0])


def test_without_widgets_what_to_install_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "anywidget", None)
    monkeypatch.delitem(sys.modules, "chainrule.studio.notebooks.widget", raising=False)
    with pytest.raises(ImportError, match=r"pip install 'chainrule\[notebook\]'"):
        chainrule.Studio(None, None, None)


def test_the_front_door_is_not_hidden_by_the_package_of_its_name():
    """And costs nothing until it is opened."""
    code = (
        "import sys, chainrule, chainrule.studio.training.course; "
        "assert callable(chainrule.Studio) and callable(chainrule.show); "
        "assert chainrule.studio.__name__ == 'chainrule.studio'; assert 'anywidget' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
