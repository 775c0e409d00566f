"""
Compile the templates to Python modules; the build runs it, and `python -m bmu.ui.compile` after a change.

Stands alone, so that setup.py can run it before anything is installed.
"""

import ast
import sys
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

ROOM = Path(__file__).parent
HEAD = '''"""Compiled from templates/{name}: change that file and compile again."""

# mypy: ignore-errors
from bmu.ui.runtime import MISSING as missing, UndefinedError as Undefined, environment, escape
'''
GIVEN = {"missing", "Undefined", "environment", "escape"}


class TemplateError(Exception):
    """Raised for a template that uses more of Jinja2 than bmu.ui.runtime offers."""


def loader(folder: Path) -> Environment:
    """Give the Jinja2 environment that the templates are written for."""
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def module_text(environment: Environment, name: str) -> str:
    """
    Give the Python module of the template *name*.

    Errors:
        TemplateError: it needs a filter, a test, a macro or the like, which the runtime has not.
    """
    assert environment.loader is not None
    source = environment.loader.get_source(environment, name)[0]
    head, _, body = environment.compile(source, name, name, raw=True).partition("\n")
    offered = {alias.name for alias in _only(ast.parse(head), ast.ImportFrom).names}
    tree = ast.parse(body)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    used |= {
        f"environment.{node.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in {"filters", "tests", "getitem"}
    }
    lacking = {name for name in used if name in offered or "." in name} - GIVEN
    if lacking:
        raise TemplateError(f"{name} needs {', '.join(sorted(lacking))} (bmu/ui/runtime.py)")
    return HEAD.format(name=name) + body


def _only(tree: ast.Module, kind: type[ast.ImportFrom]) -> ast.ImportFrom:
    [found] = [node for node in tree.body if isinstance(node, kind)]
    return found


def compile_templates(sources: Path, target: Path) -> list[Path]:
    """Write a module for each template in *sources* into *target*; give their paths."""
    target.mkdir(parents=True, exist_ok=True)
    environment = loader(sources)
    modules = {"__init__.py": '"""The templates, compiled; written by bmu.ui.compile."""\n'}
    for name in sorted(environment.list_templates(extensions=["html"])):
        modules[name.removesuffix(".html") + ".py"] = module_text(environment, name)
    for path in target.glob("*.py"):
        if path.name not in modules:
            path.unlink()
    for name, text in modules.items():
        (target / name).write_text(text, encoding="utf-8")
    return [target / name for name in modules]


def main() -> None:
    """Compile this room's templates, or say in one line what is wrong with one."""
    try:
        compile_templates(ROOM / "templates", ROOM / "compiled")
    except TemplateError as error:
        sys.exit(f"bmu.ui.compile: {error}")


if __name__ == "__main__":
    main()
