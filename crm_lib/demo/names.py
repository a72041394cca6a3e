"""Invented names: with apostrophes, diacritics and Chinese characters, as real customers have them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def words(text: str) -> tuple[str, ...]:
    """Return the words of a text."""
    return tuple(text.split())


FIRST = words(
    "Olivia Amelia Isla Ava Freya Lily Florence Ivy Willow Rosie Noah Oliver George Arthur Muhammad Leo Harry Oscar "
    "Theodore Aisha Priya Siobhán Zoë Chloë José Łukasz Søren Björn Renée Małgorzata Nguyễn Ayşe Çağla Émile Ioana "
    "Kwame Adaeze Tomáš Niamh Dafydd Eilidh Hamish Rhiannon Yusuf Fatima Ingrid Mateo Giulia Anaïs Jürgen"
)
LAST = words(
    "Smith Jones Taylor Brown Williams Wilson Davies Patel Khan Hussain Singh Begum Wright Walker Green Hall Clarke "
    "O'Neill O'Brien D'Souza Okafor Mensah Nowak Kowalska Müller Ångström García Fernández Lefèvre Đorđević Şahin "
    "Novák Horváth Ó'Súilleabháin MacLeod McKenzie Llewellyn Pritchard Featherstonehaugh Nakamura Tanaka Silva"
)
CHINESE = words("王伟 李娜 张敏 刘洋 陈静 杨磊 赵婷 黄强 周芳 吴昊 徐丽 孙鹏 欧阳雪 司马清 诸葛明")
PLACES = words("Ashby Kingsford Dunmere Harrowgate Penrhyn Strathallan Wexcombe Millbrook Oakhurst Thornbury")
KINDS = ("Primary School", "Academy", "Public Library", "College", "Nursery", "Reading Rooms", "Bookcafé")
SCRIPT = "<script>alert('Lantern')</script>"
"""Somebody's idea of a name: harmless only where every value is escaped."""


def full_names(rng: np.random.Generator, group: NDArray[np.object_]) -> NDArray[np.object_]:
    """Draw a name for each customer by customer group; the fifth customer is called :data:`SCRIPT`."""
    n = len(group)
    first, last, chinese, place, kind = (
        rng.integers(0, len(options), n) for options in (FIRST, LAST, CHINESE, PLACES, KINDS)
    )
    is_chinese = rng.random(n) < 0.02
    names = np.array(
        [
            f"{PLACES[place[i]]} {KINDS[kind[i]]}"
            if group[i] == "business"
            else CHINESE[chinese[i]]
            if is_chinese[i]
            else f"{FIRST[first[i]]} {LAST[last[i]]}"
            for i in range(n)
        ],
        dtype=object,
    )
    names[4:5] = SCRIPT
    return names
