"""The command `bmuid pki`: an authority for a door, and the certificates it issues and takes back."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from bmuid import pki
from bmuid.cli.telling import complain, now
from bmuid.pki import Authority, PKIError, Purpose

EPILOG = """\
examples:
  bmuid pki init /root/bmuid-ca "bmuid public door"
  bmuid pki issue /root/bmuid-ca db --purpose server --host db.internal.example
  bmuid pki issue /root/bmuid-ca web --purpose client
  bmuid pki revoke /root/bmuid-ca /root/bmuid-ca/web.pem
  bmuid pki renew /root/bmuid-ca
  bmuid pki host-key /var/lib/bmuid/sftp_host_key

The authority's own key is best kept on another host. A revocation list is good for 30 days: renew it from
cron, then `bmuid reload`. Without a list that is good, nobody is let in.
"""


def main(argv: Sequence[str]) -> int:
    """Do the one thing asked; give the exit status."""
    arguments = _parser().parse_args(argv)
    try:
        for line in _do(arguments):
            print(line)
    except PKIError as error:
        return complain("bmuid pki", (str(error),), 1)
    except (OSError, ValueError) as error:
        return complain("bmuid pki", (str(error),), os.EX_CANTCREAT)
    return os.EX_OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bmuid pki",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    made = {
        "init": actions.add_parser("init", help="make an authority"),
        "issue": actions.add_parser("issue", help="issue a certificate and its key"),
        "revoke": actions.add_parser("revoke", help="take a certificate back"),
        "renew": actions.add_parser("renew", help="write the revocation list anew"),
    }
    host_key = actions.add_parser(
        "host-key", help="make the key that SFTP clients know this host by"
    )
    host_key.add_argument("file", type=Path, help="where it shall be, as sftp.host_key says")
    for action in made.values():
        action.add_argument("directory", type=Path, help="of the authority")
    made["init"].add_argument("name", help="of the authority, as certificates show it")
    made["issue"].add_argument("name", help="common name, and name of the files")
    purposes = [purpose.value for purpose in Purpose]
    made["issue"].add_argument("--purpose", choices=purposes, required=True)
    made["issue"].add_argument("--host", action="append", default=[], help="may be repeated")
    made["revoke"].add_argument("certificate", type=Path)
    return parser


def _do(arguments: argparse.Namespace) -> list[str]:
    if arguments.action == "host-key":
        pki.host_key(arguments.file)
        return [str(arguments.file), f"{arguments.file}.pub"]
    authority = Authority(arguments.directory)
    match arguments.action:
        case "init":
            made = pki.init_ca(arguments.directory, arguments.name, now())
            return [str(made.certificate), str(made.crl)]
        case "issue":
            purpose = Purpose(arguments.purpose)
            leaf = pki.issue(authority, arguments.name, purpose, tuple(arguments.host), now())
            return [str(leaf.certificate), str(leaf.key)]
        case "revoke":
            serial = pki.revoke(authority, arguments.certificate, now())
            return [f"serial {serial:x} is revoked in {authority.crl}; now reload bmuid"]
        case _:
            pki.renew_crl(authority, now())
            return [f"{authority.crl} is written anew; now reload bmuid"]
