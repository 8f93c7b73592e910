"""The names of months, as dates have them, in several languages."""

from functools import cache

LETTERS = "A-Za-zÀ-ÖØ-öø-ɏа-яА-ЯёЁіІїЇєЄ"
"""The letters of names, as a class of signs that Python, Rust and JavaScript have in common."""

_NAMES = {
    "English": "january february march april may june july august september october november december"
    " jan feb mar apr may jun jul aug sep oct nov dec",
    "German": "januar februar märz april mai juni juli august september oktober november dezember"
    " jan feb mär apr mai jun jul aug sep okt nov dez",
    "French": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre"
    " janv févr mars avr mai juin juil août sept oct nov déc",
    "Spanish": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"
    " ene feb mar abr may jun jul ago sep oct nov dic",
    "Portuguese": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro"
    " jan fev mar abr mai jun jul ago set out nov dez",
    "Italian": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre"
    " gen feb mar apr mag giu lug ago set ott nov dic",
    "Dutch": "januari februari maart april mei juni juli augustus september oktober november december"
    " jan feb mrt apr mei jun jul aug sep okt nov dec",
    "Swedish": "januari februari mars april maj juni juli augusti september oktober november december"
    " jan feb mar apr maj jun jul aug sep okt nov dec",
    "Danish and Norwegian": "januar februar marts april maj juni juli august september oktober november december"
    " januar februar mars april mai juni juli august september oktober november desember"
    " jan feb mar apr mai jun jul aug sep okt nov des",
    "Polish": "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia"
    " sty lut mar kwi maj cze lip sie wrz paź lis gru",
    "Czech": "ledna února března dubna května června července srpna září října listopadu prosince",
    "Russian": "января февраля марта апреля мая июня июля августа сентября октября ноября декабря"
    " янв фев мар апр май июн июл авг сен окт ноя дек",
    "Turkish": "ocak şubat mart nisan mayıs haziran temmuz ağustos eylül ekim kasım aralık"
    " oca şub mar nis may haz tem ağu eyl eki kas ara",
}
"""By language, the months from January to December: their names, then what is short for them."""

MONTH_NAMES = tuple(_NAMES)
"""The languages whose names of months are read."""

_MORE = {
    "sept": "9",
    "janeiro": "1",
    "jän": "1",
    "jänner": "1",
    "setiembre": "9",
    "juill": "7",
    "февр": "2",
    "сент": "9",
    "нояб": "11",
}


@cache
def month_numbers() -> dict[str, str]:
    """Return the number of a month, as text, by its names in lower case; none means two months."""
    found: dict[str, str] = dict(_MORE)
    for words in _NAMES.values():
        for at, name in enumerate(words.split()):
            number = str(at % 12 + 1)
            if found.setdefault(name, number) != number:
                raise ValueError(f"the name {name!r} is of the months {found[name]} and {number}")
    return found
