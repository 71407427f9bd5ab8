"""Job types of jobs.toml: a command with its options, limits, environment and output."""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from domain.delivery.commit_status import MAX_CONTEXT, short_enough
from domain.git.checkout import ONE_COMMIT, Checkout
from domain.git.paths import WorkingCopyPath
from domain.git.push import Push
from domain.jobs.options import Option, arguments, completed
from domain.jobs.preparation import DEFAULT_TIMEOUT, Command, Preparation
from domain.jobs.templates import OutputURL, check_template, default_context, filled_context
from domain.output.annotations import MOST, USUAL
from domain.output.patterns import LinePattern
from domain.output.presets import PRESETS, PresetName
from domain.path_patterns import PathPattern
from domain.process.limits import Limits
from domain.text import one_line, readable
from domain.units import TimeLimit

SECRET_PREFIXES = ("REPORTBACK_", "PREFECT_")
SECRET_NAMES = ("GITHUB_TOKEN", "GH_TOKEN")

SKIPPED = 183
"""As at Read the Docs: https://docs.readthedocs.com/platform/stable/build-customization.html"""

Word = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=50)]
"""Lower-case letters, digits and "-" between them: also valid in a label, a URL and the key of a Prefect artifact."""
OptionName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$", max_length=50)]
ExitCode = Annotated[int, Field(ge=0, le=255, strict=True)]


def _as_several(value: object) -> object:
    """A list of paths; one may stand alone."""
    return (value,) if isinstance(value, str) else value


class JobType(BaseModel):
    """A docs command, and the bounds within which a request may use it.

    `exclusive`: jobs of the same group run one after the other. `context`: the status's name on the commit, with
    options in braces. `env`: environment variables passed to the command. `prepare`: steps before it, in order.
    `findings`: SARIF files that it writes; `annotations`: the most that a check run shows at lines.
    `paths`: those whose changes it is for. `skip_codes`: exit codes with which its command says that there was nothing
    to do. `output`: a folder to keep; `output_url`: link of a success. `recognise`, `patterns`: how output is parsed.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Word
    description: Annotated[str, Field(max_length=1000)] = ""
    command: Command
    options: dict[OptionName, Option] = Field(default_factory=dict)
    timeout: TimeLimit = DEFAULT_TIMEOUT
    env: tuple[Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")], ...] = ()
    exclusive: Word | None = None
    context: Annotated[str, Field(min_length=1, max_length=MAX_CONTEXT)] = Field(
        default_factory=lambda data: default_context(data["name"])
    )
    success_codes: Annotated[tuple[ExitCode, ...], Field(min_length=1)] = (0,)
    skip_codes: tuple[ExitCode, ...] = (SKIPPED,)
    paths: Annotated[tuple[PathPattern, ...], Field(max_length=50)] = ()
    checkout: Checkout = ONE_COMMIT
    prepare: Annotated[tuple[Preparation, ...], Field(max_length=20)] = ()
    output: WorkingCopyPath | None = None
    output_url: OutputURL | None = None
    push: Push | None = None
    limits: Limits = Limits()
    findings: Annotated[
        tuple[WorkingCopyPath, ...],
        BeforeValidator(_as_several, json_schema_input_type=WorkingCopyPath | tuple[WorkingCopyPath, ...]),
        Field(max_length=10),
    ] = ()
    annotations: Annotated[int, Field(ge=0, le=MOST, strict=True)] = USUAL
    recognise: tuple[PresetName, ...] = ()
    patterns: Annotated[tuple[LinePattern, ...], Field(max_length=20)] = ()

    @field_validator("env")
    @classmethod
    def _no_secret_is_seen(cls, env: tuple[str, ...]) -> tuple[str, ...]:
        for name in env:
            if name.upper().startswith(SECRET_PREFIXES) or name.upper() in SECRET_NAMES:
                kept = ", ".join([*(f"{prefix}…" for prefix in SECRET_PREFIXES), *SECRET_NAMES])
                raise ValueError(f"a job never sees {name}; any variable is allowed but {kept}")
        return env

    @field_validator("paths")
    @classmethod
    def _some_path_fits(cls, paths: tuple[str, ...]) -> tuple[str, ...]:
        if paths and paths[0].startswith("!"):
            raise ValueError(f'{paths[0]!r} excludes what nothing before it includes; allowed first: such as "docs/**"')
        return paths

    @field_validator("description")
    @classmethod
    def _description_is_text(cls, description: str) -> str:
        if description != readable(description):
            raise ValueError("must be text that people see, without control characters")
        return description

    @field_validator("context")
    @classmethod
    def _context_is_one_line(cls, context: str) -> str:
        if context != one_line(context):
            raise ValueError("must be one line without control characters or surrounding blanks")
        return short_enough(context)

    @field_validator("context")
    @classmethod
    def _context_can_be_filled(cls, context: str, info: ValidationInfo) -> str:
        if "options" in info.data and "name" in info.data:  # else they are refused themselves
            check_template(context, info.data["name"], info.data["options"])
        return context

    @model_validator(mode="after")
    def _skips_no_success(self) -> Self:
        both = sorted({*self.skip_codes} & {*self.success_codes})
        if both and "skip_codes" in self.model_fields_set:
            raise ValueError(f"skip_codes and success_codes both name {both[0]}; a code belongs to one of them")
        return self

    @model_validator(mode="after")
    def _bounds_what_is_kept(self) -> Self:
        if self.limits.output is not None and self.output is None:
            raise ValueError("limits.output bounds the folder that output names, and there is none")
        return self

    @model_validator(mode="after")
    def _pushes_what_git_has(self) -> Self:
        if self.push and self.checkout.lfs:
            raise ValueError(
                "checkout.lfs and push exclude each other: the content of files would replace their pointers"
            )
        return self

    @property
    def line_patterns(self) -> tuple[LinePattern, ...]:
        """The patterns to parse the command's output: its own before those of the presets it names."""
        return (*self.patterns, *(pattern for name in self.recognise for pattern in PRESETS[name]))

    def is_skipped_by(self, exit_code: int | None) -> bool:
        """Whether this exit code of the command says that there was nothing to do."""
        return exit_code in self.skip_codes and exit_code not in self.success_codes

    def context_of(self, options: Mapping[str, object]) -> str:
        """The context of a request that names none; *options* may be invalid."""
        return filled_context(self.context, self.name, self.options, options)

    def completed(self, options: Mapping[str, object]) -> dict[str, object]:
        """*options* with the defaults of those not given. Raises `domain.jobs.options.BadOptions`."""
        return completed(self.options, options)

    def argv(self, options: Mapping[str, object]) -> tuple[str, ...]:
        """The command with the arguments of *options*, without a shell. Raises `domain.jobs.options.BadOptions`."""
        return (*self.command, *arguments(self.options, options))
