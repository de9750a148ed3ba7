"""AutoTranscribe as one Spark application: the stages of its images, over all calls of a run at once."""

from autotranscribe.driver import run

__all__ = ["run"]
