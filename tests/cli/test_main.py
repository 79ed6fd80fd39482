"""Truth: what a user sees: the help, one line for an error, the exit status."""

import importlib
import subprocess
import sys
import warnings
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from skyscan_lab.cli import main as cli
from skyscan_lab.cli.main import COMMANDS, EXTRAS, main
from skyscan_lab.errors import InvalidInput, SkyscanWarning


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch):
    """Put a command into the program, as an entry point would."""

    def add(command: click.Command) -> None:
        get_command = cli.LazyGroup.get_command

        def patched(self, ctx, name):
            return command if name == command.name else get_command(self, ctx, name)

        monkeypatch.setattr(cli.LazyGroup, "get_command", patched)

    return add


def test_help_lists_every_command_with_its_first_line() -> None:
    result = CliRunner().invoke(main, ["--help"], terminal_width=120)
    assert result.exit_code == 0
    for name, line in COMMANDS.items():
        assert f"  {name} " in result.output
        assert line in result.output


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_documents_itself_and_each_option(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert command.name == name
    assert command.help
    for parameter in command.params:
        assert isinstance(parameter, click.Argument) or parameter.help, parameter.name
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0


def test_help_imports_no_command() -> None:
    code = (
        "import sys; from click.testing import CliRunner; from skyscan_lab.cli.main import main\n"
        "assert CliRunner().invoke(main, ['--help']).exit_code == 0\n"
        "heavy = {'numpy', 'xarray', 'astropy', 'matplotlib', 'aiohttp', 'skyscan_server'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("[]\n", "")


@pytest.mark.parametrize("name", EXTRAS)
def test_without_its_packages_a_command_says_what_to_install(name: str) -> None:
    code = (
        "import sys; sys.modules |= dict.fromkeys(['joserfc', 'sqlalchemy', 'structlog'])\n"
        "from skyscan_lab.cli.main import main; main(prog_name='skyscan')"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run([*command, name], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"error: skyscan {name} cannot run: ")
    assert done.stderr.endswith(f": pip install 'skyscan-lab[{EXTRAS[name]}]'\n")
    assert done.stderr.count("\n") == 1
    listed = subprocess.run([*command, "--help"], capture_output=True, text=True, timeout=60)
    assert listed.returncode == 0
    assert f"  {name} " in listed.stdout
    debugged = subprocess.run(
        [*command, "--debug", name], capture_output=True, text=True, timeout=60
    )
    assert "Traceback" in debugged.stderr


def test_without_jupyterlab_the_lab_says_what_to_install(tmp_path: Path) -> None:
    code = (
        "import importlib.util as util; find = util.find_spec\n"
        "util.find_spec = lambda name, *more: None if name == 'jupyterlab' else find(name, *more)\n"
        "from skyscan_lab.cli.main import main; main(['lab'], prog_name='skyscan')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"SKYSCAN_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert "pip install 'skyscan-lab[lab,server]'" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_other_distributions_add_commands(tmp_path: Path) -> None:
    (tmp_path / "guest.py").write_text(
        "import click\n@click.command(help='Say hello.')\ndef hello(): click.echo('hello')\n"
        "@click.command(help='Not ours.')\ndef map(): click.echo('not ours')\n"
    )
    info = tmp_path / "guest-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: guest\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[skyscan.commands]\nhello = guest:hello\nmap = guest:map\nserve = guest:map\n"
        "broken = no_such_module:x\n"
    )

    def skyscan(*arguments: str) -> str:
        code = "from skyscan_lab.cli.main import main; main(prog_name='skyscan')"
        return subprocess.run(
            [sys.executable, "-c", code, *arguments],
            env={"PYTHONPATH": str(tmp_path), "COLUMNS": "120"},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout

    listed = skyscan("--help")
    assert "Say hello." in listed
    assert "not available: No module named 'no_such_module'" in listed
    assert "Not ours." not in listed
    assert skyscan("hello") == "hello\n"
    assert "Turn a recording into a map" in skyscan("map", "--help")
    assert "Run the hub" in skyscan("serve", "--help")


def test_an_error_of_ours_is_one_line_and_status_2(added) -> None:
    @click.command("fail")
    def fail() -> None:
        raise InvalidInput("step", -1, "greater than 0°")

    added(fail)
    result = CliRunner().invoke(main, ["fail"])
    assert result.exit_code == 2
    assert result.output == "error: step = -1: must be greater than 0°\n"
    result = CliRunner().invoke(main, ["--debug", "fail"])
    assert isinstance(result.exception, InvalidInput)


def test_an_error_of_the_system_names_the_file(added, tmp_path: Path) -> None:
    @click.command("fail")
    def fail() -> None:
        (tmp_path / "no" / "such").write_text("")

    added(fail)
    result = CliRunner().invoke(main, ["fail"])
    assert result.exit_code == 2
    assert result.output == f"error: {tmp_path}/no/such: No such file or directory\n"


def test_a_bug_is_not_dressed_up(added) -> None:
    @click.command("fail")
    def fail() -> None:
        raise ZeroDivisionError

    added(fail)
    assert isinstance(CliRunner().invoke(main, ["fail"]).exception, ZeroDivisionError)


def test_a_warning_is_one_line_on_standard_error(added) -> None:
    @click.command("worry")
    def worry() -> None:
        warnings.warn(SkyscanWarning("left out 3 [lines]"), stacklevel=1)
        click.echo("done")

    added(worry)
    result = CliRunner().invoke(main, ["worry"])
    assert result.stdout == "done\n"
    assert result.stderr == "warning: left out 3 [lines]\n"


def test_an_unknown_command_is_refused() -> None:
    result = CliRunner().invoke(main, ["mpa"])
    assert result.exit_code == 2
    assert "No such command 'mpa'" in result.output


def test_the_command_is_installed() -> None:
    skyscan = Path(sys.executable).with_name("skyscan")
    done = subprocess.run([skyscan, "--version"], capture_output=True, text=True, timeout=60)
    version = importlib.metadata.version("skyscan-lab")
    assert done.stdout == f"skyscan, version {version}\n"
