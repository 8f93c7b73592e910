"""Texts on a screen and in JSON: nothing unseen in them, and the same texts when they are read back."""

import json
import unicodedata

from chainrule._numbers import printable, visible

DEFAULT_IGNORABLE = """
00AD 034F 061C 115F-1160 17B4-17B5 180B-180F 200B-200F 202A-202E 2060-206F 3164 FE00-FE0F FEFF FFA0 FFF0-FFF8
1BCA0-1BCA3 1D173-1D17A E0000-E0FFF
"""
"""Unicode 15.1, DerivedCoreProperties.txt, Default_Ignorable_Code_Point."""


def ignorable() -> set[str]:
    found: set[str] = set()
    for part in DEFAULT_IGNORABLE.split():
        first, _, last = part.partition("-")
        found |= {chr(code) for code in range(int(first, 16), int(last or first, 16) + 1)}
    return found


def test_what_is_not_seen_is_spelled_out_and_nothing_else():
    # Planes 4 to 13 are empty, 15 and 16 private.
    every = [chr(code) for code in (*range(0x40000), *range(0xE0000, 0xF0100))]
    formats = {sign for sign in every if unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
    unseen = (formats | ignorable()) - {"\t", "\n"}
    seen = "".join(sign for sign in every if sign not in unseen)
    assert visible(seen) == seen
    assert not any(visible(sign) == sign or printable(sign) == sign for sign in unseen)
    assert printable("\t\n\u00a0é") == r"\t\n\xa0é"


def test_spelled_as_json_spells_it():
    for sign in sorted(ignorable() | {"\x7f", "\x9b", "\ud800", "é", "漢", "🙂"}):
        text = visible(json.dumps([f"a{sign}b"], ensure_ascii=False))
        assert json.loads(text) == [f"a{sign}b"]
    family = "\U0001f468\u200d\U0001f469"
    assert visible(family) == "\U0001f468\\u200d\U0001f469"
    assert printable(f"tag {chr(0xE0041)}") == r"tag \U000e0041"
