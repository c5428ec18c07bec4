"""Generates events_pb2.py and events_pb2.pyi from events.proto: `python -m proto.generate [DIRECTORY]`.

Needs grpcio-tools. The result is committed; a contract test compares it with a fresh one.
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def generate(target: Path) -> None:
    """Writes both modules to `target`/proto; RuntimeError when protoc refuses the file."""
    import grpc_tools
    from grpc_tools import protoc

    well_known = Path(grpc_tools.__file__).parent / "_proto"
    status = protoc.main(
        [
            "protoc",
            f"--proto_path={HERE.parent}",
            f"--proto_path={well_known}",
            f"--python_out={target}",
            f"--pyi_out={target}",
            "proto/events.proto",
        ]
    )
    if status != 0:
        raise RuntimeError(f"protoc ended with status {status}")


if __name__ == "__main__":
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parent)
