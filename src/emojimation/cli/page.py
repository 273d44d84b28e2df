"""The command `page`: the page that needs no server, as a folder of files."""

from pathlib import Path
from typing import Annotated

import typer


def page(
    out: Annotated[Path, typer.Argument(help="Folder for the files; made if needed.")] = Path("emojimation-page"),
    model: Annotated[
        str,
        typer.Option("--model", help="Name or path of a model; the default model in eight bits.", show_default=False),
    ] = "",
    serve: Annotated[bool, typer.Option("--serve", help="Serve the folder on this machine until Ctrl-C.")] = False,
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port for --serve.")] = 8502,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the served page in a browser.")] = False,
) -> None:
    """Write a folder of static files that reads faces in the visitor's browser; put it on any web server."""
    from emojimation.apps.page.build import MODEL, write_page

    sizes = write_page(out, model or MODEL)
    _print_sizes(out, sizes)
    if serve or browser:
        _serve(out, port, browser)


def _print_sizes(out: Path, sizes: dict[str, int]) -> None:
    large = sorted(sizes, key=lambda name: -sizes[name])[:5]
    for name in large:
        print(f"{sizes[name] / 1e6:6.2f} MB  {name}")
    rest = sum(size for name, size in sizes.items() if name not in large)
    print(f"{rest / 1e6:6.2f} MB  {len(sizes) - len(large)} other files")
    print(f"{sum(sizes.values()) / 1e6:6.2f} MB  altogether in {out}")


def _serve(out: Path, port: int, browser: bool) -> None:
    import webbrowser

    from emojimation.apps.page.server import server

    with server(out, port) as files:
        address = f"http://127.0.0.1:{files.server_port}/"
        typer.echo(f"Emojimation: {address}  (Ctrl-C stops it)", err=True)
        if browser:
            webbrowser.open(address)
        files.serve_forever()
