"""Named sizes: what a DAG author picks instead of a resource block."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """What a stage pod asks for and may use. Memory is requested as it is limited."""

    cpu_request_millicores: int
    cpu_limit_millicores: int | None
    """None: what the node has left."""
    memory_mib: int
    scratch_mib: int
    """Limit of the emptyDir at /tmp."""
    node_pool: str = "general"
    """Kind of nodes; which labels and taints that means is the platform's to say (`switchboard.placement`).
    """


SIZES: dict[str, Size] = {
    "small": Size(cpu_request_millicores=100, cpu_limit_millicores=1000, memory_mib=384, scratch_mib=512),
    "medium": Size(cpu_request_millicores=200, cpu_limit_millicores=2000, memory_mib=1024, scratch_mib=2048),
    "large": Size(cpu_request_millicores=500, cpu_limit_millicores=4000, memory_mib=3072, scratch_mib=8192),
}


class UnknownSizeError(LookupError):
    """A DAG asks for a size that there is not."""

    def __init__(self, name: str) -> None:
        super().__init__(f"size {name!r} is unknown; use one of {', '.join(SIZES)}")


def size_of(name: str) -> Size:
    """The size of that name. Raises UnknownSizeError."""
    if name not in SIZES:
        raise UnknownSizeError(name)
    return SIZES[name]
