"""What jobs.toml says of how much of its machine a job may use."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from domain.quantities import Size


class Limits(BaseModel):
    """None of these bounds anything unless it is given.

    `memory`: of each process, the bytes that it may write to and shares with nobody. `file_size`: bytes of any one file
    it writes. `processes`: how many of a command's processes there may be at once. `output`: bytes of the kept folder.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    memory: Size | None = None
    file_size: Size | None = None
    processes: Annotated[int, Field(ge=1, le=100_000, strict=True)] | None = None
    output: Size | None = None
