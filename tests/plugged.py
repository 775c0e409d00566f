"""Packages installed beside the product, as a site installs its own: their entry points are found, nothing is downloaded."""

import tomllib
from pathlib import Path

EXAMPLE = Path(__file__).parents[1] / "examples" / "tax_service"


def installed(parent: Path, source: Path = EXAMPLE) -> Path:
    """Install a package of modules with a pyproject.toml; give the directory that is to be on the path."""
    project = tomllib.loads((source / "pyproject.toml").read_text("utf-8"))
    about = project["project"]
    place = parent / "site-packages"
    info = place / f"{about['name'].replace('-', '_')}-{about['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {about['name']}\nVersion: {about['version']}\n", "utf-8"
    )
    points = "".join(
        f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in named.items())
        for group, named in about["entry-points"].items()
    )
    (info / "entry_points.txt").write_text(points, "utf-8")
    for module in project["tool"]["setuptools"]["py-modules"]:
        (place / f"{module}.py").write_text((source / f"{module}.py").read_text("utf-8"), "utf-8")
    return place
