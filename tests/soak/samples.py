"""What the gateway's process keeps, measured from outside, and how that grew."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

KIB = 1024


@dataclass(frozen=True, slots=True)
class Sample:
    at: float
    """Seconds since the beginning."""
    rss: int
    """KiB."""
    threads: int
    descriptors: int
    tasks: int
    open: int
    """Activations."""
    database: int
    """KiB."""
    wal: int
    """KiB."""

    def __str__(self) -> str:
        books, log = self.database / KIB, self.wal / KIB
        return (
            f"{self.at:7.0f} s {self.rss / KIB:7.1f} MiB {self.threads:3} threads {self.descriptors:4} descriptors"
            f" {self.tasks:4} tasks {self.open:5} open {books:6.1f} MiB books {log:4.1f} MiB log"
        )


def take(pid: int, folder: Path, at: float, gauges: dict[str, float]) -> Sample:
    words = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
    return Sample(
        at=at,
        rss=int(words["VmRSS"].split()[0]),
        threads=int(words["Threads"]),
        descriptors=sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()),
        tasks=int(gauges["sms_proxy_tasks"]),
        open=int(gauges["sms_proxy_open_activations"]),
        database=_size(folder / "soak.db"),
        wal=_size(folder / "soak.db-wal"),
    )


def _size(path: Path) -> int:
    return path.stat().st_size // KIB if path.exists() else 0


def slope(samples: Sequence[Sample]) -> float:
    """KiB of memory that came with every minute: the line that lies nearest to the samples."""
    minutes = [sample.at / 60 for sample in samples]
    middle, mean = fmean(minutes), fmean(sample.rss for sample in samples)
    spread = sum((minute - middle) ** 2 for minute in minutes)
    return sum((minute - middle) * (one.rss - mean) for minute, one in zip(minutes, samples, strict=True)) / spread
