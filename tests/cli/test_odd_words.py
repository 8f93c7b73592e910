"""Words on the command line that no one means, and names that look like two."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from chainrule.cli import main

ROWS = 'a,"b,c",y\n' + "".join(f"{i},{i * 7 % 11},{'no' if i % 3 else 'yes'}\n" for i in range(40))


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    (tmp_path / "t.csv").write_text(ROWS)
    out = str(tmp_path / "m.safetensors")
    return ["train", str(tmp_path / "t.csv"), "--target", "y", "--epochs", "1", "--out", out]


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        (["--members", "9223372036854775808"], "--members 9223372036854775808 must be less than"),
        (["--hidden", "1099511627776,1099511627776"], "parameters are more than the"),
        (["--encoding", "punycode"], "--encoding 'punycode' is unknown: choose"),
        (["--encoding", "undefined"], "--encoding 'undefined' is unknown: choose"),
        (["--drop", "b,d"], "the column to drop 'b' is not there; the columns are a, b,c, y"),
    ],
)
def test_each_is_one_line_and_exit_code_2(
    odd: list[str], said: str, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, *odd]) == 2
    (line,) = [one for one in capsys.readouterr().err.splitlines() if one.startswith("error: ")]
    assert said in line
    assert not Path(words[-1]).exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    "how", [["--inputs", "b,c"], ["--drop", "b,c"], ["--kinds", "b,c=category"]], ids=lambda how: how[0]
)
def test_a_column_with_a_comma_in_its_name_can_be_named(how: list[str], words: list[str]) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "²"}  # is read as if it weren't there
    command = [sys.executable, "-m", "chainrule", *words, "--hidden", "2", *how]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    rows = [line.split()[1:3] for line in done.stdout.splitlines() if line.startswith(" b,c")]
    wanted = {"--inputs": [["number", "input"]], "--drop": [], "--kinds": [["category", "input"]]}
    assert [row for row in rows if row[1] == "input"] == wanted[how[0]]
