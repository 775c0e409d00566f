"""
What a compiled template runs on; loaded for each page, so it holds only what our templates use.

Jinja2 compiles the templates at build time (bmu.ui.compile). Importing Jinja2 itself would cost a
page more than all else together, so the compiled modules take these few names in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

MISSING = object()
Render = Callable[["Context"], Iterator[str]]


class UndefinedError(LookupError):
    """Raised where a template names what the page did not give."""


def escape(value: object) -> str:
    """Write text or a whole number so that HTML reads it as text, in an element or a quoted attribute."""
    if isinstance(value, int):
        return str(value)
    if not isinstance(value, str):
        raise TypeError(f"a template may print text and whole numbers, not {value!r}")
    return (
        value.replace("&", "&amp;")
        .replace(">", "&gt;")
        .replace("<", "&lt;")
        .replace("'", "&#39;")
        .replace('"', "&#34;")
    )


class Context:
    """The values of one page, by name, and the blocks of its template and the layouts below it."""

    __slots__ = ("_values", "blocks")

    def __init__(self, values: Mapping[str, object], blocks: Mapping[str, Render]) -> None:
        self._values = values
        self.blocks = {name: [render] for name, render in blocks.items()}

    def resolve_or_missing(self, name: str) -> object:
        """Give the value of *name*, or MISSING."""
        return self._values.get(name, MISSING)

    def get_all(self) -> Mapping[str, object]:
        """Give all values."""
        return self._values


class Template:
    """One compiled template."""

    __slots__ = ("blocks", "root_render_func")

    def __init__(self, root: Render, blocks: Mapping[str, Render]) -> None:
        self.root_render_func = root
        self.blocks = blocks

    def new_context(
        self,
        values: Mapping[str, object],
        shared: object = None,  # noqa: ARG002 - compiled code passes it
        local: Mapping[str, object] | None = None,
    ) -> Context:
        """Give the context of an included template: the page's values and those of loops around it."""
        found = {name: value for name, value in (local or {}).items() if value is not MISSING}
        return Context({**values, **found}, self.blocks)


class Environment:
    """What compiled code calls the environment: attribute access and other templates."""

    concat = "".join

    def undefined(self, name: str) -> object:
        """Refuse a name that the page did not give."""
        raise UndefinedError(name)

    def getattr(self, thing: Mapping[str, object], name: str) -> object:
        """Give the part *name* of *thing*."""
        return thing[name]

    def get_template(self, name: str, parent: str | None = None) -> Template:  # noqa: ARG002
        """Load the compiled template *name*."""
        module = __import__("bmu.ui.compiled." + name.removesuffix(".html"), fromlist=["root"])
        return Template(module.root, module.blocks)


environment = Environment()


def render(name: str, values: Mapping[str, object]) -> str:
    """
    Write the page of template *name*.

    Errors:
        UndefinedError: the template names what *values* does not hold.
    """
    template = environment.get_template(name)
    return "".join(template.root_render_func(template.new_context(values)))
