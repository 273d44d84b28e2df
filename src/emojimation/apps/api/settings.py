"""The settings of a service: from the command line, else the environment, else a file, else by default."""

from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from emojimation.apps.api.limits import Limits
from emojimation.errors import InputError
from emojimation.files import MOST_THREADS, usable_processors


class ServiceSettings(BaseSettings):
    """The settings of a service; each is also an environment variable, such as EMOJIMATION_PORT or
    EMOJIMATION_LIMITS__QUEUE.

    host, port: to listen on. model: name or path. workers: number of worker threads, by default one per core. prior:
    base rates, as `priors.prior_of` takes them. detector, detector_model: a name of `detect.DETECTORS`, and the file it
    needs. token: required from callers. token_file: further tokens, one a line, read again
    when the file changes. rate_per_s: requests per second and token, 0 for any number. origins: web pages of other
    hosts that may call (CORS); none by default. state: folder in which video jobs survive a restart; by default they
    do not. webhook: address that is notified of jobs that have ended; webhook_secret signs these calls. trace_to:
    address of an OpenTelemetry collector (OTLP over HTTP).
    """

    model_config = SettingsConfigDict(
        env_prefix="EMOJIMATION_", env_nested_delimiter="__", extra="forbid", frozen=True, protected_namespaces=()
    )

    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65_535)
    model: str = "default"
    workers: int = Field(default_factory=usable_processors, ge=1, le=MOST_THREADS)
    tiles: bool = False
    batching: bool = False
    prior: str = "everyday"
    detector: str = "blazeface"
    detector_model: Path | None = None
    token: str | None = None
    token_file: Path | None = None
    rate_per_s: float = Field(0.0, ge=0)
    origins: list[str] = []
    state: Path | None = None
    webhook: str | None = None
    webhook_secret: str = ""
    trace_to: str | None = None
    limits: Limits = Field(default_factory=Limits)

    @model_validator(mode="after")
    def _signed(self) -> "ServiceSettings":
        if self.webhook and not self.webhook_secret:
            raise ValueError("a webhook needs webhook_secret")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The sources by rank."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def settings_of(file: Path | None, given: dict[str, Any]) -> ServiceSettings:
    """The settings with those of a TOML file and, before all others, the given ones. Raises InputError."""
    if file is not None and not file.is_file():
        raise InputError(f"Expected a TOML file with settings, got {file}, which is not a file.")
    kind = type(ServiceSettings.__name__, (ServiceSettings,), {"model_config": SettingsConfigDict(toml_file=file)})
    try:
        return kind(**given)
    except ValidationError as error:
        reasons = "; ".join(f"{'.'.join(map(str, row['loc']))}: {row['msg']}" for row in error.errors())
        raise InputError(f"Expected settings of the service that fit, got others ({reasons}).") from error
    except (SettingsError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"Expected settings of the service that can be read, got others ({reason}).") from error
