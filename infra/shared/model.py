"""The base of every settings and outputs model."""

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """Frozen, and refuses keys that it doesn't know: a misspelt setting is an error, never a default."""

    model_config = ConfigDict(frozen=True, extra="forbid")
