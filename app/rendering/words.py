"""Figures and labels as the words of a sentence, a table or a legend."""

import math
import unicodedata

NOT_REACHED = "not reached"
NOT_ESTIMABLE = "not estimable"


def p_value(value: float) -> str:
    """Return a p value as journals print it.

    Examples
    --------
    >>> p_value(0.0312), p_value(0.00001), p_value(math.nan)
    ('P = 0.031', 'P < 0.001', 'not estimable')
    """
    if math.isnan(value):
        return NOT_ESTIMABLE
    return "P < 0.001" if value < 0.001 else f"P = {value:.3f}"


def percent(share: float) -> str:
    """Return a share as a percentage.

    Examples
    --------
    >>> percent(0.0625), percent(math.nan)
    ('6.2 %', 'not known')
    """
    return "not known" if math.isnan(share) else f"{100 * share:.1f} %"


def level_of(confidence_level: float) -> str:
    """Return what limits are called.

    Examples
    --------
    >>> level_of(0.95)
    '95 % CI'
    """
    return f"{100 * confidence_level:g} % CI"


def counted(number: float, noun: str) -> str:
    """Return so many of something.

    Examples
    --------
    >>> counted(1, "lesion"), counted(2.5, "lesion")
    ('1 lesion', '2.5 lesions')
    """
    return f"{number:.15g} {noun}{'' if number == 1 else 's'}"


def significant(value: float) -> str:
    """Return a figure with three significant digits, whole ones in full.

    Examples
    --------
    >>> [significant(value) for value in (1234.56, 31.46, 2.5, 0.04567, 18.0)]
    ['1235', '31.5', '2.5', '0.0457', '18']
    """
    if value == 0 or not 1e-4 <= abs(value) < 1e9:
        return f"{value:.3g}"
    decimals = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if decimals else text


def ratio(value: float) -> str:
    """Return a ratio with two decimals, or two digits where it is small, three where it is large.

    Examples
    --------
    >>> ratio(2.498), ratio(0.0123), ratio(123.45)
    ('2.50', '0.012', '123')
    """
    if value >= 10:
        return significant(value)
    return f"{value:.2f}" if value >= 0.095 else f"{value:.2g}"


def count(value: float) -> str:
    """Return a number of subjects, a sum of fractional weights with one decimal.

    Examples
    --------
    >>> count(300000.0), count(12.34)
    ('300000', '12.3')
    """
    return f"{value:.0f}" if value == round(value) else f"{value:.1f}"


def printable(text: str) -> str:
    r"""Return a text in one line, without the characters that an image or XML cannot have.

    Examples
    --------
    >>> printable("a\tb\x00 \uffff\n<c> ")
    'a b <c>'
    """
    unfit = {"Cc", "Cs", "Cn", "Zl", "Zp"}
    return " ".join("".join(" " if unicodedata.category(one) in unfit else one for one in text).split())


def in_line(text: str) -> str:
    r"""Return a text in one line that cannot turn round what stands beside it: printable, without bidi controls.

    Marks of direction (LRM, RLM) stay: they change nothing but where they stand.

    Examples
    --------
    >>> in_line("a\n\u202eb\u2069 c")
    'a b c'
    """
    return printable(text).translate(dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A))))
