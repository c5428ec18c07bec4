"""The system account for programs that refuse to run as root."""

import contextlib
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from runtime.errors import RuntimeFault

_ACCOUNT_NAME = "nexus-lab"


@dataclass(frozen=True, slots=True)
class Account:
    """A user that a process runs as, and owns its files."""

    uid: int
    gid: int


def account_for_servers() -> Account | None:
    """The account that a server runs as: None for this process's own, which is right unless it is root.

    For root: the system user `nexus-lab`, made when it is missing. Raises RuntimeFault when it cannot be.
    """
    if os.geteuid() != 0:
        return None
    entry = _find() or _create()
    return Account(entry.pw_uid, entry.pw_gid)


def give(path: Path, account: Account | None) -> None:
    """Makes `account` the owner of `path` and everything in it."""
    if account is None:
        return
    os.chown(path, account.uid, account.gid)
    for folder, folders, files in os.walk(path):
        for name in (*folders, *files):
            os.chown(Path(folder, name), account.uid, account.gid, follow_symlinks=False)


def _find() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(_ACCOUNT_NAME)
    except KeyError:
        return None


def _create() -> pwd.struct_passwd:
    commands = (
        [
            "useradd",
            "--system",
            "--no-create-home",
            "--shell",
            "/usr/sbin/nologin",
            "--user-group",
            _ACCOUNT_NAME,
        ],
        ["adduser", "-S", "-D", "-H", "-s", "/sbin/nologin", _ACCOUNT_NAME],  # BusyBox
    )
    for command in commands:
        if shutil.which(command[0]) is None:
            continue
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            subprocess.run(command, check=False, capture_output=True, timeout=30)
        entry = _find()  # made here, or at the same time by another seat
        if entry is not None:
            return entry
    raise RuntimeFault(
        f"PostgreSQL does not run as root and the system user {_ACCOUNT_NAME} could not be made: "
        f"make it (useradd --system {_ACCOUNT_NAME}), or run as an ordinary user."
    )
