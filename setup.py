"""Build bmuid: the pure library (lib/), the daemon (bmuid/), the CGI script."""

from glob import glob

from setuptools import find_packages, setup

setup(
    name="bmuid",
    version="0.1.0",
    description="Rates usage, bills it, and lets customers see and understand their account",
    license="Apache-2.0",
    python_requires=">=3.11",
    package_dir={"": "lib", "bmuid": "bmuid"},
    packages=find_packages("lib") + find_packages(include=["bmuid", "bmuid.*"]),
    package_data={
        "bmu": ["py.typed"],
        "bmu.ui": ["templates/*.html", "static/*"],
        "bmuid": ["py.typed"],
        "bmuid.store": ["deltas/*.sql"],
    },
    scripts=sorted(glob("cgi-bin/*.py")),
    entry_points={
        "console_scripts": [
            "bmuid = bmuid.__main__:main",
            "bmadmin = bmuid.cli.bmadmin:main",
        ]
    },
    data_files=[
        ("share/bmuid", ["schema.sql"]),
        ("share/bmuid/etc", sorted(glob("etc/*"))),
        ("share/bmuid/init", sorted(glob("init/*"))),
    ],
    install_requires=["jinja2>=3.1,<4"],
    extras_require={
        "daemon": [
            "twisted[tls]>=24.7,<27",
            "pyopenssl>=24.3,<27",
            "cryptography>=44,<51",
            "psycopg2-binary>=2.9.9,<3",
            "python-daemon>=3.1,<4",
        ],
        "test": [
            "pytest>=8,<10",
            "hypothesis>=6.100,<7",
            "selenium>=4.20,<5",
            "ruff>=0.8,<1",
            "mypy>=1.13,<3",
            "mypy-zope>=1.0.9,<2",
            "import-linter>=2.1,<3",
            "types-psycopg2>=2.9",
        ],
    },
)
