"""What a container asks for and may use."""

from typing import Self

from pydantic import Field, model_validator

from infra.shared.model import Model


class Resources(Model):
    """What a container asks for, and what it may use at most."""

    cpu_request_millicores: int = Field(gt=0, le=64_000)
    cpu_limit_millicores: int = Field(gt=0, le=64_000)
    memory_request_mib: int = Field(gt=0, le=1_048_576)
    memory_limit_mib: int = Field(gt=0, le=1_048_576)

    @model_validator(mode="after")
    def _limits_cover_requests(self) -> Self:
        for what in ("cpu", "memory"):
            unit = "millicores" if what == "cpu" else "mib"
            asked, limit = getattr(self, f"{what}_request_{unit}"), getattr(self, f"{what}_limit_{unit}")
            if limit < asked:
                raise ValueError(
                    f"{what}_limit_{unit} is {limit}, under {what}_request_{unit}, which is {asked}: "
                    f"no pod could run; raise {what}_limit_{unit} to {asked} or more"
                )
        return self


def resources_of(request_m: int, limit_m: int, request_mib: int, limit_mib: int) -> Resources:
    """CPU in millicores, memory in MiB."""
    return Resources(
        cpu_request_millicores=request_m,
        cpu_limit_millicores=limit_m,
        memory_request_mib=request_mib,
        memory_limit_mib=limit_mib,
    )
