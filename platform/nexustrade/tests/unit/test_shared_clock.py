"""The market clock."""

from __future__ import annotations

import struct
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from support.clocks import StillClock

from shared import clock

pytestmark = pytest.mark.services("orders", "settlement")


@pytest.fixture
def clock_file(tmp_path: Path) -> Path:
    file = tmp_path / "clock"
    file.write_bytes(bytes(8))
    return file


def set_offset(file: Path, offset: timedelta) -> None:
    with file.open("r+b") as memory:
        memory.write(struct.pack("<q", offset // timedelta(microseconds=1)))


def test_the_market_time_is_aware_and_in_utc() -> None:
    """A time without a zone would be read as another hour elsewhere."""
    assert clock.now().utcoffset() == timedelta(0)


@pytest.mark.parametrize("offset", [timedelta(days=3, microseconds=7), -timedelta(days=400), timedelta(0)])
def test_a_moved_clock_is_seen_at_once(clock_file: Path, offset: timedelta) -> None:
    """The next reading after a write to the file has the new offset, forwards and backwards."""
    moved = clock.OffsetClock(clock_file)
    before = datetime.now(UTC)
    set_offset(clock_file, offset)
    assert moved.offset() == offset
    assert before + offset <= moved.now() <= datetime.now(UTC) + offset


def test_moving_the_market_clock_does_not_stretch_durations(clock_file: Path) -> None:
    """Time-outs are measured with a clock that does not jump."""
    moved = clock.OffsetClock(clock_file)
    before = moved.monotonic()
    set_offset(clock_file, timedelta(days=30))
    assert moved.monotonic() - before < timedelta(days=1).total_seconds()


def test_a_clock_file_that_is_too_short_is_refused(tmp_path: Path) -> None:
    """A clock that cannot be read must not pass for the system's."""
    file = tmp_path / "clock"
    file.write_bytes(b"1234")
    with pytest.raises(ValueError):
        clock.OffsetClock(file)


def test_the_variable_decides_which_clock_a_process_uses(
    clock_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With NEXUS_CLOCK_FILE the process follows the simulation."""
    monkeypatch.setattr(clock, "_clock", None)
    monkeypatch.setenv(clock.CLOCK_FILE_VARIABLE, str(clock_file))
    set_offset(clock_file, timedelta(days=10))
    assert clock.now() - datetime.now(UTC) > timedelta(days=9)


def test_a_clock_given_for_a_while_is_taken_back() -> None:
    """Inside the block everybody reads the given clock, afterwards the one before."""
    before = clock.current_clock()
    moment = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
    with clock.use_clock(StillClock(moment)):
        assert clock.now() == moment
    assert clock.current_clock() is before


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (datetime(2026, 1, 15, 4, 59, 59, tzinfo=UTC), date(2026, 1, 14)),  # winter: UTC-5
        (datetime(2026, 1, 15, 5, 0, tzinfo=UTC), date(2026, 1, 15)),
        (datetime(2026, 7, 15, 3, 59, 59, tzinfo=UTC), date(2026, 7, 14)),  # summer: UTC-4
        (datetime(2026, 7, 15, 4, 0, tzinfo=UTC), date(2026, 7, 15)),
    ],
)
def test_the_trading_date_is_new_yorks(moment: datetime, expected: date) -> None:
    """The day changes at midnight in New York, in winter and in summer."""
    assert clock.trading_date(moment) == expected


def test_a_moment_without_a_zone_has_no_trading_date() -> None:
    """Guessing a zone would put late trades on the wrong day."""
    with pytest.raises(ValueError):
        clock.trading_date(datetime(2026, 1, 15, 12, 0))  # noqa: DTZ001
