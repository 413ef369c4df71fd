"""The colours of both domains: what a game's artists choose, and what stands in a street.

Every entry has the same themes, and every theme the same number of colours, in both domains, so that
a palette can be mixed from the two. An image uses one theme per entry, each colour a little off.
"""

from dataclasses import dataclass

import numpy as np

from fada_lib.data.world.canvas import Colour

_GAME: dict[str, tuple[str, ...]] = {
    "sky_top": ("4d8fd6 6fa8dc 3f78c4 86b6e2", "a9b9c9 b8c4cc 98a8bb c4ccd2", "7d8fc0 c79a8a 6c86b8 b7a6b6"),
    "sky_low": ("bcdcf2 d6e8f4 a9d0f0 e6eff2", "d4dade dcdfe0 c8d2da e4e4e0", "f0cfae f4d9c0 e8c0a0 f0e0cc"),
    "cloud": ("ffffff f6f9fc ffffff f2f4f6", "eeeeee e4e6e8 f2f2f0 dadee2", "fff0e0 f6e4d8 ffe8d4 f4ece8"),
    "facade": (
        "c9b79a b5836a d8cdb8 9c8f84 c2a27c a86a54 dccfae 8f9aa3",
        "9fa4a8 b9bcc0 7f868d c8c2b6 aab4bc 8d8479 d2d4d2 6f7880",
        "d9b48a c98d5e e0c9a6 b0704e cfa98e e6dcc6 a2826a c7b8a2",
    ),
    "trim": ("efe8da d8d0c0 6b5f55 f4f0e8", "dfe2e4 8a8f94 f0f0ee 5d6268", "f2e6d2 8a5a40 e8d8c0 6a4a3a"),
    "roof": ("8a4b3a 6f5a50 9c6248 5c5650", "5b6066 6e7378 4a4e54 7c7f82", "a4583c 8a6a54 b47454 6a5a50"),
    "glass": ("3d566e 54708a 2c4258 6b8aa4", "4a5a68 5f7486 38464f 7590a2", "5a6470 6e7c88 46505c 8494a0"),
    "shop": ("b03a2e 2e6da4 3b8a5a d4a017 6b3fa0 e67e22", "44505c 8c2f39 27666e c0882a 54436b 9c5a2c"),
    "door": ("5a3a28 2f4858 7a2e2e 3c5a3c", "4a4038 38424c 6a3a34 40503f"),
    "road": ("6a6c70 74767a 5e6064 7c7a76", "565a60 62666a 4c5056 6c6e70"),
    "marking": ("f2f2ee ece8d8 f6f4ea e8e8e4", "f0d060 f2f2ee e8c850 eeeeea"),
    "kerb": ("b9b6ae c6c2b8 a8a6a0 d0ccc2", "a4a4a2 b0b0ae 989896 bcbab6"),
    "sidewalk": ("aaa59a b8b2a6 9c988e c2bcb0", "a09890 b09c8c 948c84 bcaea0"),
    "paving": ("9e988c aca698 908c82 b6ae9e", "98928a a6988a 8c867e b0a494"),
    "lawn": ("7fa64a 8cb356 6f9840 9abd62", "90a84e a0b45c 7e9a46 aabb6a"),
    "leaf": ("4f8a34 5f9a3e 3f7a2c 74a84a 48843c 6a9236", "6a8e34 88a040 547c2e 9aa84a 5c8838 a8963c"),
    "trunk": ("6e5138 7c5e42 5c4430 8a6c50", "6a5a4a 786858 584a3c 86786a"),
    "hedge": ("3f7a30 4c883a 356c2a 5c9446", "58803a 66903f 4a7034 789c4c"),
    "car": (
        "c0262c 1f4fa3 e8e8e8 20242a d9a21b 9aa0a6 2b7a4b 7a1f3d",
        "f0f0ee 30343a 8a9098 4a90d0 c84a20 d8d4c4 54585e 3a6a5a",
    ),
    "car_glass": ("27323c 35444f 1e272f 445462",) * 2,
    "tyre": ("1c1c1e 242426 18181a 2a2a2c",) * 2,
    "rim": ("a8acb0 c0c4c8 8c9094 70747a",) * 2,
    "bus": ("d23a2e f0b323 2d6db5 3c9a5f e8e4dc f07a28", "c83c50 e8c840 3a88c8 58a878 f0ece4 b0485c"),
    "shirt": (
        "c23b3b 3b6fc2 e6e0d4 2c2f36 d9a441 4f9a5a 8a5aa8 e8e8e8",
        "d86a4a 4a9ac2 f0e8e0 3c4048 b8b040 6aaa7a a8688a 706a60",
    ),
    "trousers": ("2f3e5c 3a3a3e 7a6a54 55606a 22262e", "3a4a70 464448 8a7a60 606c78 2a3038"),
    "skin": ("e0b08c c68e68 8c5a3c f0c8a8",) * 2,
    "hair": ("3a2a1e 1e1a18 8a6a3e 5a4a40",) * 2,
    "pole": ("7c8084 666a6e 8e9296 54585c", "5c6a62 70746e 888c86 4a524e"),
    "lamp": ("f4f0dc e8e4d0 d8d8d4 fff8e0",) * 2,
    "sign_face": ("f2f2f2 2467c4 f2f2f2 1f8a4a", "f6f6f4 1f5fd0 f4c52a 2a9a5a"),
    "sign_rim": ("d42a2a f2f2f2 d42a2a f2f2f2", "d83030 f4f4f4 202020 f4f4f4"),
    "fence": ("8a6a48 e4e0d6 4a4e52 a08460", "9a7a58 d8d4cc 54605a b09470"),
    "bin": ("2f6a4a 3c4046 c23a2e 7a7e82", "3a5a8a 50545a d0a030 6a4a3a"),
}

_STREET: dict[str, tuple[str, ...]] = {
    "sky_top": ("cdd6dc d8dee0 c2cdd6 dfe3e2", "dfe2e2 e6e8e6 d6dadc ecedea", "b4c4d4 c8d2da a8bccf d2dade"),
    "sky_low": ("e6eaea ecefed dfe5e7 f1f2ef", "eeefec f3f3f0 e8eae8 f6f6f3", "dfe6ea e8ecec d6e0e6 eef0ee"),
    "cloud": ("f6f7f5 eef0ef f8f8f6 e8ebeb", "f2f3f0 eaeceb f6f6f3 e4e7e7", "f0f3f4 e9eced f5f6f5 e2e7ea"),
    "facade": (
        "b9ab92 8f7a6a c6bfae 857f78 a89a82 8a6f60 c9c2ac 8a8f90",
        "949692 aaaba6 7b7e7e b4b0a6 9ea4a4 837d74 bcbcb6 6c7070",
        "bda58a a58468 c6b8a0 906c56 b49c88 cac4b4 907c6c b2a898",
    ),
    "trim": ("cfcabd b8b2a4 5c554c d6d2c8", "c2c4c2 7a7e7e d2d2ce 52565a", "d0c6b6 7a5844 c6baa8 5c463a"),
    "roof": ("704a3e 5e524c 7e5c4c 4e4a48", "4e5254 5e6264 404446 6a6c6c", "84543f 725e50 8c664f 5a504a"),
    "glass": ("38444c 4c5a62 2a343a 667680", "424c50 545f64 343b3e 6a787e", "4a5054 5c6468 3c4144 747e82"),
    "shop": ("8c3a34 34587c 3f6c52 a88832 5a4676 b06c38", "3e464c 74343a 2e5458 9a7438 4c4258 805238"),
    "door": ("4c382c 323f48 5e3230 384838", "403a34 343a40 563634 3a443a"),
    "road": ("5a5c5c 646664 505252 6c6b67", "4c4f50 57595a 444748 5f6060"),
    "marking": ("d4d6d0 ccccc2 dad9d0 c6c8c4", "d0cdb8 d4d5cf c6c4b0 d0d2cc"),
    "kerb": ("9a9992 a6a49c 8c8b86 b0aea6", "8c8c88 989894 80807c a4a29e"),
    "sidewalk": ("8e8c86 9a978e 82807a a49f96", "8a847e 988a80 7e7a74 a0968c"),
    "paving": ("86847c 928e84 7c7972 9c978c", "84807a 908680 7a7670 989088"),
    "lawn": ("62783e 6e8448 566c36 7a8e52", "747e46 828a50 667240 8c9058"),
    "leaf": ("3c5a2c 486634 324e26 58743c 3a5632 506430", "506030 667038 42542a 747840 465c30 7c6e36"),
    "trunk": ("4e4236 5a4c3e 42382e 665848", "4c463e 585048 403a32 645c52"),
    "hedge": ("345228 405e32 2c4824 4c6a3a", "465832 526438 3c4e2c 606e42"),
    "car": (
        "8c2a2c 2f4a7a d8dad8 22262a a8863a 8e9496 345c46 5c2a3c",
        "dededa 2c3034 7e8486 4c7498 945038 c0beb2 4c5054 3a564e",
    ),
    "car_glass": ("20282c 2c363c 181e22 3a464c",) * 2,
    "tyre": ("161618 1e1e20 121214 242426",) * 2,
    "rim": ("888c8e 9ca0a2 707476 5c6064",) * 2,
    "bus": ("b0403a d0a840 3a648c 4c8060 d4d2ca c47c44", "a44250 c4b050 44789c 5c8c70 d8d6ce 944c58"),
    "shirt": (
        "8c3a3a 3a557c c8c4ba 26292e a0824a 466a4c 64486e c4c6c4",
        "94584a 446c80 d0ccc4 32363a 88844a 54745c 74546a 5c5852",
    ),
    "trousers": ("2a3448 303034 5e5448 484e54 1e2226", "323c54 3a383c 6a604e 50565c 24282c"),
    "skin": ("c09a80 a87c60 74503a d0b098",) * 2,
    "hair": ("32281e 1c1a18 6e5838 4a4038",) * 2,
    "pole": ("646866 545856 747874 464a48", "4c5652 5c605c 707470 3e4442"),
    "lamp": ("d4d4c8 c8c8bc bcbeba dcdace",) * 2,
    "sign_face": ("d8dad6 2c5494 d8dad6 2c6c48", "dadad6 2a508e ccac40 347650"),
    "sign_rim": ("b03434 d8dad6 b03434 d8dad6", "b43838 dadad6 242424 dadad6"),
    "fence": ("6e5a44 c0beb4 42464a 80705a", "7a6650 b8b6ae 4a524e 8a7a62"),
    "bin": ("30543f 383c40 983c34 6a6e70", "38506e 44484c a88840 5a463a"),
}


def _parsed(book: dict[str, tuple[str, ...]]) -> dict[str, np.ndarray]:
    """Return (themes, colours, 3) float arrays of 0..255 by entry."""
    return {
        name: np.array([[tuple(bytes.fromhex(c)) for c in theme.split()] for theme in themes], np.float64)
        for name, themes in book.items()
    }


GAME, STREET = _parsed(_GAME), _parsed(_STREET)


@dataclass(frozen=True)
class Palette:
    """The colours of one image, by entry."""

    entries: dict[str, list[Colour]]

    def pick(self, entry: str, tint: float) -> Colour:
        """Return the colour of an entry that a tint in 0..1 chooses."""
        colours = self.entries[entry]
        return colours[int(tint * len(colours)) % len(colours)]


def sample_palette(rng: np.random.Generator, appearance_shift: float) -> Palette:
    """Draw the palette of one image.

    Parameters
    ----------
    rng : numpy.random.Generator
    appearance_shift : float
        0 gives a palette of the game. Above 0 it moves towards the street's colours, by 0.2..0.4
        of the way at 1: a moderate shift that varies between images.
    """
    amount = appearance_shift * rng.uniform(0.2, 0.4)
    entries = {}
    for name, themes in GAME.items():
        theme = rng.integers(len(themes))
        jitter = rng.uniform(0.92, 1.08, (themes.shape[1], 1)) * rng.uniform(0.95, 1.05, (1, 3))
        colours = (1 - amount) * themes[theme] + amount * STREET[name][theme]
        entries[name] = [tuple(c) for c in np.clip(colours * jitter, 0, 255).astype(int).tolist()]
    return Palette(entries)
