"""Documents read from files, with their faults named by file."""

from collections.abc import Mapping
from pathlib import Path

from bmu.billing.catalogue import Catalogue, read_parts
from bmuid.calendars import holidays


class DocumentError(Exception):
    """Documents that can't be used; *faults* has a line for each thing to mend."""

    def __init__(self, *faults: str) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def read_catalogue(path: Path) -> Catalogue:
    """
    Read a catalogue from a file, or from the parts in a directory.

    Errors:
        DocumentError: all that is wrong with it.
    """
    found = read_parts(_parts(path), holidays)
    if not isinstance(found, Catalogue):
        raise DocumentError(*found)
    return found


def read_text(path: Path) -> str:
    """
    Read a file's text.

    Errors:
        DocumentError: it is not there, or not in UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise DocumentError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DocumentError(f"{path}: is not UTF-8: octet {error.start}") from error


def write_parts(directory: Path, parts: Mapping[str, str]) -> None:
    """
    Write a catalogue's parts to a directory, which is made where it is not there.

    Errors:
        DocumentError: it holds something already, or can't be written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if any(directory.iterdir()):
            raise DocumentError(f"{directory}: is not empty")
        for name, text in parts.items():
            (directory / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise DocumentError(f"{error.filename}: {error.strerror}") from error


def _parts(path: Path) -> Mapping[str, str]:
    if not path.is_dir():
        return {path.name: read_text(path)}
    files = [one for one in sorted(path.iterdir()) if one.suffix in (".toml", ".csv")]
    if not files:
        raise DocumentError(f"{path}: holds neither *.toml nor *.csv")
    return {one.name: read_text(one) for one in files}
