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
from typing import ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from switchboard_stage.context import CallContext


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
