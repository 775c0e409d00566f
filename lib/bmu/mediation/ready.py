"""All profiles that come with bmuid: those of `bmu.mediation.profiles`, and the documents beside them in ``ready/``."""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

from bmu.mediation.document import profile_of
from bmu.mediation.profile import Profile
from bmu.mediation.profiles import PLAIN

_SUFFIX = ".toml"


class Ready(Mapping[str, Profile]):
    """The profiles by their codes; a document is read when its profile is asked for."""

    def __getitem__(self, code: str) -> Profile:
        """Give a profile."""
        return PLAIN[code] if code in PLAIN else _read(code)

    def __iter__(self) -> Iterator[str]:
        """Give the codes, in the order of the alphabet."""
        return iter(_codes())

    def __len__(self) -> int:
        """Count them."""
        return len(_codes())

    def __contains__(self, code: object) -> bool:
        """Tell whether there is one of that code, without reading it."""
        return code in _codes()


BUILT_IN = Ready()


@cache
def _codes() -> tuple[str, ...]:
    names = [each.name for each in (files("bmu.mediation") / "ready").iterdir()]
    documents = (name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX))
    return tuple(sorted({*PLAIN, *documents}))


@cache
def _read(code: str) -> Profile:
    if code not in _codes():
        raise KeyError(code)
    text = (files("bmu.mediation") / "ready" / (code + _SUFFIX)).read_text(encoding="utf-8")
    profile = profile_of(text)
    # They come with the program and are tested with it.
    assert isinstance(profile, Profile), profile
    assert profile.code == code, profile.code
    return profile
