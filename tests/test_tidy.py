"""The rules of the house that no linter knows. One rule, one test."""

import ast
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted(
    p
    for d in ("lib", "bmuid", "cgi-bin")
    for p in (ROOT / d).rglob("*.py")
    if "compiled" not in p.parts
)
MODULE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
NAMES_THAT_SAY_NOTHING = re.compile(
    r"(Manager|Handler|Processor|Engine|Helper|Utils?|Impl|Abstract|Base|Data|Info)$"
)
MODULES_THAT_SAY_NOTHING = {
    "util", "utils", "helper", "helpers", "common", "misc", "core", "base", "manager", "types", "constants",
    "handler", "engine", "service", "data", "info", "impl",
}  # fmt: skip
SQL = re.compile(r"\b(SELECT\b.+\bFROM|INSERT\s+INTO|UPDATE\b.+\bSET|DELETE\s+FROM)\b", re.DOTALL)
# Where rating and bills are made of amounts.
EXACT_ROOMS = (
    "lib/bmu/money.py",
    "lib/bmu/rating",
    "lib/bmu/billing",
    "bmuid/billrun",
    "bmuid/store",
)
# Run as a file: by the web server, by setup.py.
RUN_BY_PATH = {ROOT / "cgi-bin/bmui.py", ROOT / "lib/bmu/ui/compile.py"}
# A module's full name, alone or as setup.py has it: "bmuid = bmuid.__main__:main".
ENTRY_POINT = re.compile(r"(?:\w+ = )?(bmuid?(?:\.\w+)+)(?::\w+)?")
# A link of a page in Markdown.
LINK = re.compile(r"\]\(([^)#\s][^)\s]*)\)")
# What third parties a room may import; the standard library and our own rooms aside.
THIRD_PARTIES = {
    "lib": {"bmu", "jinja2"},
    "cgi-bin": {"bmu"},
    "bmuid": {
        "bmu",
        "bmuid",
        "twisted",
        "psycopg2",
        "zope",
        "OpenSSL",
        "cryptography",
        "daemon",
        "service_identity",
        "holidays",
        "phonenumbers",
        "netflume",
    },
}
# Hosts of package registries, and places of one machine: spelled apart here, so that this file may hold them.
NAMED_NOWHERE = tuple(re.compile("".join(parts).encode()) for parts in (
    ("pypi", r"\.org"), ("pythonhosted", r"\.org"), ("deb.debian", r"\.org"), (r"registry\.npm", "js"), ("(?<![\\w}])/wor", "k/"),
))  # fmt: skip

COMPILER = shutil.which((sysconfig.get_config_var("CC") or "cc").split()[0])
# What Python's own tables of functions ask for: parameters nobody needs, fields left at nothing.
NO_WARNINGS = ("-Wno-unused-parameter", "-Wno-missing-field-initializers")


@cache
def tree_of(path: Path) -> ast.Module:
    """Parse one source file."""
    return ast.parse(path.read_text(encoding="utf-8"), path.name)


@cache
def imports_of(path: Path) -> set[str]:
    """Full names of the modules that a file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@cache
def mentioned_in(path: Path) -> set[str]:
    """Full names of the modules that a file imports, or names in a text: commands are loaded when they are said."""
    texts = {
        node.value
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    matches = (ENTRY_POINT.fullmatch(text) for text in texts)
    return imports_of(path) | {match[1] for match in matches if match}


def module_name(path: Path) -> str:
    """The import name of a source file."""
    relative = path.relative_to(ROOT / "lib" if path.is_relative_to(ROOT / "lib") else ROOT)
    return ".".join(relative.with_suffix("").parts).removesuffix(".__init__")


def committed() -> list[Path]:
    """Every file of the tree but what .gitignore names; git itself need not be there."""
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    names = [name.rstrip("/") for name in ignored if "/" not in name.rstrip("/")] + [".git"]
    places = {ROOT / name.strip("/") for name in ignored if "/" in name.rstrip("/")}
    found = []
    for folder, folders, files in os.walk(ROOT):
        here = Path(folder)
        folders[:] = [
            name
            for name in folders
            if here / name not in places and not any(fnmatch(name, each) for each in names)
        ]
        found += [here / name for name in files if not any(fnmatch(name, each) for each in names)]
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.relative_to(ROOT).as_posix())
class TestEverySource:
    """What holds for each source file."""

    def test_fits_the_eye(self, path: Path) -> None:
        """No module and no function outgrows what one can hold in view."""
        assert len(path.read_text(encoding="utf-8").splitlines()) <= MODULE_LINES_MAX
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert (node.end_lineno or 0) - node.lineno < FUNCTION_LINES_MAX, node.name

    def test_names_mean_something(self, path: Path) -> None:
        """No drawer modules, no class named for doing "something"."""
        assert path.stem not in MODULES_THAT_SAY_NOTHING
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.ClassDef):
                assert not NAMES_THAT_SAY_NOTHING.search(node.name), node.name

    def test_sql_lives_in_the_store(self, path: Path) -> None:
        """No statement outside bmuid/store."""
        if "store" in path.parts:
            return
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert not SQL.search(node.value), node.value

    def test_imports_what_its_room_may(self, path: Path) -> None:
        """The library stands on the standard library, the CGI script on the library."""
        room = path.relative_to(ROOT).parts[0]
        third_parties = {name.split(".")[0] for name in imports_of(path)} - sys.stdlib_module_names
        allowed = THIRD_PARTIES[room]
        if room == "lib" and "ui" not in path.parts:
            allowed = allowed - {"jinja2"}
        assert third_parties <= allowed

    def test_amounts_are_never_floats(self, path: Path) -> None:
        """Where amounts are made there is no float: not a literal, not a call."""
        if not path.relative_to(ROOT).as_posix().startswith(EXACT_ROOMS):
            return
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, float):
                # How long to wait is no amount.
                assert "store/transaction" in path.as_posix(), f"line {node.lineno}: {node.value}"
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id != "float", f"line {node.lineno}"

    def test_is_used(self, path: Path) -> None:
        """No module is left that nothing imports."""
        if path.name in ("__init__.py", "__main__.py") or path in RUN_BY_PATH:
            return
        others = [other for other in SOURCES if other != path] + [ROOT / "setup.py"]
        assert any(module_name(path) in mentioned_in(other) for other in others)


class TestTheTree:
    """What holds for the repository as a whole."""

    def test_the_schema_has_one_version(self) -> None:
        """The program, schema.sql and the last delta name the same version."""
        schema = (ROOT / "schema.sql").read_text(encoding="utf-8")
        stated = re.search(r"INSERT INTO schema_version \(version\) VALUES \((\d+)\)", schema)
        assert stated is not None
        program = (ROOT / "bmuid/store/schema.py").read_text(encoding="utf-8")
        wanted = re.search(r"^SCHEMA_VERSION = (\d+)$", program, re.MULTILINE)
        assert wanted is not None
        assert stated[1] == wanted[1]
        deltas = sorted(p.name for p in (ROOT / "bmuid/store/deltas").glob("*.sql"))
        numbers = [int(name[:4]) for name in deltas]
        assert numbers == list(range(2, int(wanted[1]) + 1)), (
            "a delta leads to each version after 1"
        )

    def test_names_no_place_of_its_making(self) -> None:
        """Nothing names a package registry's host or a path of the machine it was written on."""
        for path in committed():
            octets = path.read_bytes()
            for name in NAMED_NOWHERE:
                found = name.search(octets)
                assert not found, f"{path.relative_to(ROOT)} names {name.pattern.decode()}"

    @pytest.mark.skipif(COMPILER is None, reason="there is no compiler")
    def test_the_compiler_has_nothing_to_warn_of(self) -> None:
        """No C source leaves undefined what it does, or says more than it does."""
        sources = [str(path) for path in committed() if path.suffix == ".c"]
        include = sysconfig.get_path("include")
        if not Path(include, "Python.h").exists():
            pytest.skip("Python's headers are not installed")
        command = [
            str(COMPILER),
            "-fsyntax-only",
            "-Wall",
            "-Wextra",
            *NO_WARNINGS,
            "-isystem",
            include,
        ]
        found = subprocess.run([*command, *sources], capture_output=True, text=True, check=False)
        assert found.stderr == ""

    def test_the_top_level_is_as_designed(self) -> None:
        """What the design fixes is there, by these names."""
        for name in ("bmuid", "cgi-bin/bmui.py", "lib", "etc", "init", "schema.sql", "setup.py", "tests",
                     "README.md", "DECISIONS.md", "CHANGELOG.md", "SECURITY.md", "LICENSE", "Makefile",
                     "pyproject.toml", "docs", ".ci/run", "examples", "benchmarks"):  # fmt: skip
            assert (ROOT / name).exists(), name

    def test_links_lead_somewhere(self) -> None:
        """Whoever follows a link of the documentation finds what it names."""
        for page in committed():
            if page.suffix == ".md":
                for link in LINK.findall(page.read_text(encoding="utf-8")):
                    if "://" not in link:
                        target = page.parent / link.partition("#")[0]
                        assert target.exists(), f"{page.relative_to(ROOT)} links to {link}"

    def test_the_index_lists_every_page(self) -> None:
        """No page of docs/ is known only to who wrote it."""
        index = (ROOT / "docs/README.md").read_text(encoding="utf-8")
        for page in (ROOT / "docs").glob("*.md"):
            assert page.name == "README.md" or f"({page.name})" in index, page.name
