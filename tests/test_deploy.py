"""The files under deploy/: linted, held against their schemas, and against what the service does."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from conftest import ROOT

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
DEPLOY = ROOT / "deploy"
CONTAINER = (DEPLOY / "Containerfile").read_text("utf-8")
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))


def of_environment(text: str) -> set[str]:
    return {name.lower() for name in re.findall(r"EMOJIMATION_([A-Z_]+)", text)}


def test_the_container_file_is_clean():
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    if hadolint is None:
        pytest.skip("hadolint is not installed")
    run = subprocess.run([hadolint, str(DEPLOY / "Containerfile")], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> tuple[Path, dict[str, str]]:
    """What the build stage makes, its steps run in a folder in place of an image; and the environment for it."""
    pytest.importorskip("hatchling", reason="the build backend is not installed")
    place = tmp_path_factory.mktemp("image")
    source, made = place / "src", place / "emojimation"
    source.mkdir()
    # Packages that the tests have already are not downloaded once more.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    env = os.environ | {"PATH": path, "PYTHONPATH": sysconfig.get_path("purelib"), "PIP_NO_COMPILE": "0"}
    build = CONTAINER.split("\nFROM ")[1]
    for kind, step in re.findall(r"^(COPY|RUN) (.+)$", build, re.M):
        if kind == "COPY":
            *names, target = step.split()
            for name in names:
                copied(ROOT / name, source / target / (Path(name).name if target.endswith("/") else ""))
            continue
        # The pip of the tests, as a venv's own takes longer to unpack than all the rest.
        command = step.replace("-m venv", "-m venv --without-pip")
        command = command.replace("/opt/emojimation/bin/pip", f"python -m pip --python {made}/bin/python")
        command = command.replace("--no-deps .", "--no-deps --no-build-isolation .")
        command = command.replace("/opt/emojimation", str(made))
        run = subprocess.run(command, shell=True, cwd=source, env=env, capture_output=True, text=True, timeout=300)
        if "Could not find a version" in run.stderr:
            pytest.skip("packages of the image cannot be downloaded here")
        assert run.returncode == 0, run.stdout + run.stderr
    return made, env


def copied(path: Path, target: Path) -> None:
    if path.is_dir():
        shutil.copytree(path, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)


@pytest.mark.slow
def test_the_steps_of_the_container_file_lead_to_a_service_that_is_well(installed, tmp_path):
    made, env = installed
    final = CONTAINER.rsplit("\nFROM ", 1)[1]
    entry, command = (json.loads(re.search(rf"^{kind} (.+)$", final, re.M)[1]) for kind in ("ENTRYPOINT", "CMD"))
    check = json.loads(re.search(r"^HEALTHCHECK .*\n\s+CMD (.+)$", final, re.M)[1])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    given = dict(re.findall(r"(EMOJIMATION_[A-Z_]+)=(\S+)", final))
    assert given.pop("EMOJIMATION_PORT") == "8000" and Path(given.pop("EMOJIMATION_STATE")).is_absolute()
    env = env | given | {"EMOJIMATION_PORT": port, "EMOJIMATION_STATE": str(tmp_path / "state")}
    here = [word.replace("/opt/emojimation", str(made)).replace(":8000/", f":{port}/") for word in check]
    program = [word.replace("/opt/emojimation", str(made)) for word in entry + command]
    with subprocess.Popen(program, cwd=tmp_path, env=env, stderr=subprocess.PIPE, text=True) as run:
        told = run.stderr.readline()
        assert told == f"Serving http://0.0.0.0:{port}\n", told + run.stderr.read()
        assert subprocess.run(here, cwd=tmp_path, env=env, timeout=60).returncode == 0
        run.send_signal(getattr(signal, re.search(r"^STOPSIGNAL (\w+)$", final, re.M)[1]))
        assert "Traceback" not in run.stderr.read() and run.wait(60) == 0
    assert subprocess.run(here, cwd=tmp_path, env=env, capture_output=True, timeout=60).returncode != 0
    code = "import emojimation; print(emojimation.__file__)"
    where = subprocess.run([made / "bin" / "python", "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert Path(where.stdout.strip()).is_relative_to(made), where


def test_the_container_runs_without_root_and_says_when_it_is_well():
    final = CONTAINER.rsplit("\nFROM ", 1)[1]
    assert re.search(r"^USER 10001:10001$", final, re.M) and "HEALTHCHECK" in final and "/health" in final
    for source in re.findall(r"^COPY (?!--)(.+) \S+$", CONTAINER, re.M):
        assert all((ROOT / name).exists() for name in source.split()), source
    allowed = (DEPLOY / "Containerfile.dockerignore").read_text("utf-8").splitlines()
    for source in re.findall(r"^COPY (?!--)(.+) \S+$", CONTAINER, re.M):
        assert {f"!{name}" for name in source.split()} <= set(allowed)


def test_variables_in_all_files_are_settings_of_the_service():
    pytest.importorskip("fastapi", reason="the extra `api` is not installed")
    from emojimation.apps.api.settings import ServiceSettings

    texts = [path.read_text("utf-8") for path in DEPLOY.rglob("*") if path.is_file() and path.name != "tokens"]
    named = set().union(*map(of_environment, texts))
    limits = {name.removeprefix("limits__") for name in named if name.startswith("limits__")}
    assert {"host", "state", "token_file"} <= named
    assert {name for name in named if not name.startswith("limits__")} <= ServiceSettings.model_fields.keys()
    assert limits <= set(ServiceSettings().limits.__dataclass_fields__)


def test_compose_has_no_root_no_capabilities_and_a_read_only_root():
    service = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]["emojimation"]
    assert (
        service["read_only"] and service["cap_drop"] == ["ALL"] and "no-new-privileges:true" in service["security_opt"]
    )
    assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).samefile(DEPLOY / "Containerfile")
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
def test_manifests_fit_the_schemas_of_kubernetes(path):
    validate = pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is not installed")
    for document in yaml.safe_load_all(path.read_text("utf-8")):
        validate.validate(document, validate.latest_version(), strict=True)


def test_probes_ask_routes_that_need_no_token_and_stopping_is_given_time():
    pytest.importorskip("fastapi", reason="the extra `api` is not installed")
    from emojimation.apps.api.gate import OPEN
    from emojimation.apps.api.limits import Limits

    pod = yaml.safe_load((DEPLOY / "kubernetes" / "deployment.yaml").read_text("utf-8"))["spec"]["template"]["spec"]
    container = pod["containers"][0]
    paths = [container[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "liveness", "readiness")]
    assert paths == ["/health", "/health", "/ready"] and set(paths) == set(OPEN)
    assert container["securityContext"]["readOnlyRootFilesystem"] and pod["securityContext"]["runAsNonRoot"]
    unit = (DEPLOY / "emojimation.service").read_text("utf-8")
    grace = Limits().grace_s
    assert pod["terminationGracePeriodSeconds"] > grace and int(re.search(r"TimeoutStopSec=(\d+)", unit)[1]) > grace


def test_the_unit_is_accepted_and_its_command_exists(tmp_path, command):
    unit = (DEPLOY / "emojimation.service").read_text("utf-8")
    options = set(re.findall(r" (--[a-z-]+)", re.search(r"^ExecStart=(.*)$", unit, re.M)[1]))
    told = command("serve", "--help")[1]
    assert options and all(option in told for option in options)
    analyse = shutil.which("systemd-analyze")
    if analyse is None:
        pytest.skip("systemd-analyze is not installed")
    (tmp_path / "emojimation.service").write_text(unit.replace("/opt/emojimation/bin/emojimation", sys.executable))
    run = subprocess.run(
        [analyse, "verify", "--man=no", str(tmp_path / "emojimation.service")],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "emojimation.service" not in run.stderr, run.stderr
