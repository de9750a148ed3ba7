"""What a stage author writes: a class with `process`.

class LoudnessParams(Params):
    floor_db: float = -60

class Loudness(Stage[LoudnessParams]):
    name = "loudness"
    inputs = ("preprocess",)
    params_type = LoudnessParams

    def process(self, call: CallContext) -> None:
        manifest = call.read_model("preprocess", "manifest.json", AudioManifest)
        ...
        call.write_json("loudness.json", {"db": db})

if __name__ == "__main__":
    main(Loudness)
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from switchboard_stage.context import CallContext
from switchboard_stage.models import Model


class Params(BaseModel):
    """A stage's parameters. A run passes one JSON object to all stages; each picks the keys that it declares
    here.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")


P = TypeVar("P", bound=Params)


class Stage(ABC, Generic[P]):
    """One step of the pipeline.

    `inputs` are the stages whose files it reads: where one of them has nothing for a call, the call is set
    aside, and where one of them made something new, this stage works again. A stage without inputs reads the
    recording itself. A change of image, of the declared parameters or of an input makes the stage work again;
    nothing else does.
    """

    name: ClassVar[str]
    inputs: ClassVar[tuple[str, ...]] = ()
    params_type: type[P]

    def __init__(self, params: P) -> None:
        self.params = params

    @abstractmethod
    def process(self, call: CallContext) -> None:
        """Work on one call. Raise `StageError(reason, remedy=…)` where that call cannot be worked on."""


class Part(Model):
    """A piece of a stage's work on one call; `seconds` is its length, as a measure of the work."""

    seconds: float = Field(ge=0)


W = TypeVar("W", bound=Part)


class SplitStage(Stage[P], Generic[P, W]):
    """A stage whose work on a call falls into parts that know nothing of each other.

    One after the other they are `process`. Whoever runs many calls at once may work on the parts of all of
    them wherever there is room, since parts and what is made of them can be pickled; the result is the same.
    """

    @abstractmethod
    def parts(self, call: CallContext) -> Sequence[W]:
        """What there is to do. Raise `StageError` where the call cannot be worked on."""

    @abstractmethod
    def work(self, call: CallContext, part: W) -> Any:
        """Do a part; the answer is for `finish`. `call` has no marks here, and nothing may be written."""

    @abstractmethod
    def finish(self, call: CallContext, results: Iterable[tuple[W, Any]]) -> None:
        """Write what the stage makes of the call, from all parts in their order with what came of them."""

    def process(self, call: CallContext) -> None:
        """All parts, one after the other."""
        self.finish(call, ((part, self.work(call, part)) for part in self.parts(call)))
