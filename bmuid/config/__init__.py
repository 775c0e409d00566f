"""The configuration: one file, read once, checked whole, one frozen value."""

from bmuid.config.read import DEFAULT_PATH, ConfigError, load
from bmuid.config.values import (
    NO_TAX_SERVICE,
    AdminDoor,
    Config,
    Database,
    Limits,
    Log,
    Members,
    Process,
    PublicDoor,
    Secrets,
    Spool,
    Tax,
    UsageDoor,
    UsageSource,
)
from bmuid.config.ways import BatchDoor, RadiusClient, RadiusDoor, SftpDoor

__all__ = [
    "DEFAULT_PATH",
    "NO_TAX_SERVICE",
    "AdminDoor",
    "BatchDoor",
    "Config",
    "ConfigError",
    "Database",
    "Limits",
    "Log",
    "Members",
    "Process",
    "PublicDoor",
    "RadiusClient",
    "RadiusDoor",
    "Secrets",
    "SftpDoor",
    "Spool",
    "Tax",
    "UsageDoor",
    "UsageSource",
    "load",
]
