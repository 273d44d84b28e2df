"""Which packages each extra installs, and the one message if they are missing."""

import sys
from importlib.util import find_spec

from emojimation.errors import InputError

# Extra -> the modules of its packages; the same as in pyproject.toml.
EXTRAS = {
    "train": ("keras", "tensorflow", "tf2onnx", "onnx", "pyarrow", "matplotlib"),
    "video": ("av", "pyarrow"),
    "web": ("streamlit", "streamlit_webrtc", "altair", "av"),
    "desktop": ("sv_ttk", "av"),
    "api": (
        "fastapi",
        "uvicorn",
        "python_multipart",
        "prometheus_client",
        "websockets",
        "pydantic_settings",
        "av",
        "pyarrow",
    ),
    "client": ("httpx",),
    "trace": ("opentelemetry.exporter.otlp.proto.http",),
    "ray": ("ray", "pyarrow"),
}
# If the package's name is not the module's.
PACKAGES = {
    "tensorflow": "tensorflow-cpu",
    "opentelemetry.exporter.otlp.proto.http": "opentelemetry-exporter-otlp-proto-http",
}


def package_of(module: str) -> str:
    """The name under which a module is installed."""
    return PACKAGES.get(module, module.replace("_", "-"))


def command(extra: str) -> str:
    """The command that installs an extra."""
    return f'pip install "emojimation[{extra}]"'


def missing(extra: str) -> list[str]:
    """The packages of an extra that are not installed; they are searched for, not imported."""
    return _absent(EXTRAS[extra])


def need(extra: str, *modules: str) -> None:
    """Raise InputError that says what to install if a module, by default any of the extra's, is missing."""
    if absent := _absent(modules or EXTRAS[extra]):
        raise InputError(
            f"Expected the packages of the extra {extra!r}, got an installation without {', '.join(absent)}: "
            f"{command(extra)}."
        )


def _absent(modules: tuple[str, ...]) -> list[str]:
    # A loaded module may lack the record that `find_spec` needs; None in its place forbids the import.
    return [package_of(name) for name in modules if sys.modules.get(name) is None and _no_spec(name)]


def _no_spec(name: str) -> bool:
    if name in sys.modules:
        return True
    try:
        return find_spec(name) is None
    except ModuleNotFoundError:  # not even a parent of it
        return True
