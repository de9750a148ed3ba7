"""Programs with dynamic resources, run by the stand-in for Pulumi's engine. They need no cluster."""

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.shared.killed import end_plugins, is_pulumi
from tests.support.engine_stack import EngineStack

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EngineStack:
    return EngineStack(tmp_path, monkeypatch)


TWO = """
one = File("one", {text!r})
two = File("two", one.text.apply(lambda text: text + "!"))
pulumi.export("size", two.size)
pulumi.export("hidden", Output.secret("hush-hush"))
"""


def test_create_same_preview_update_delete(stack: EngineStack) -> None:
    stack.write(TWO.format(text="a"))
    preview = stack.change("preview")
    assert (preview.status, preview.changes, stack.files()) == (0, {"create": 3}, {})
    assert "resources" not in stack.latest()

    assert stack.up(TWO.format(text="a")).changes == {"create": 3}
    assert stack.files() == {"one": "a", "two": "a!"}
    before = stack.state_file.read_text()
    assert stack.up(TWO.format(text="a")).changes == {}
    assert [it["modified"] for it in stack.latest()["resources"]] == [
        it["modified"] for it in json.loads(before)["checkpoint"]["latest"]["resources"]
    ]

    before = stack.state_file.read_text()
    stack.write(TWO.format(text="longer"))
    shown = stack.change("preview", "--diff")
    assert shown.changes == {"update": 2}
    assert '~ text: "a" => "longer"' in shown.output
    assert stack.state_file.read_text() == before

    assert stack.up(TWO.format(text="longer")).changes == {"update": 2}
    assert stack.files() == {"one": "longer", "two": "longer!"}
    assert json.loads(stack.run("stack", "output", "--json").output) == {"size": 7, "hidden": "[secret]"}
    told = stack.run("stack", "output", "--json", "--show-secrets").output
    assert json.loads(told)["hidden"] == "hush-hush"
    assert "hush-hush" not in stack.state_file.read_text()

    assert stack.up('File("one", "longer")').changes == {"delete": 1}
    assert stack.files() == {"one": "longer"}
    gone = stack.change("destroy")
    assert gone.changes == {"delete": 2}
    assert "running removing one" in gone.output
    assert "resources" not in stack.latest()
    stack.run("stack", "rm", "--yes", "--force", "--preserve-config")
    assert not stack.state_file.exists()
    assert (stack.folder / "Pulumi.test.yaml").exists()


CHAIN = """
first = File("first", {first})
second = File("second", first.id, kind={kind!r})
third = File("third", "x", kind=second.text, opts=ResourceOptions(parent=second))
"""


def test_replaced_ones_go_in_the_order_in_which_they_can(stack: EngineStack) -> None:
    stack.up(CHAIN.format(first='"a", file="f1"', kind="a"))
    assert stack.log() == ["+f1", "+second", "+third"]

    renamed = stack.up(CHAIN.format(first='"a", file="f2"', kind="a"))
    assert renamed.changes == {"replace": 2, "update": 1}
    assert stack.log() == ["+f2", "-third", "+third", "-f1"]  # `third` cannot be there twice

    other = stack.up(CHAIN.format(first='"a", file="f2"', kind="b"))
    assert other.changes == {"replace": 2}  # of what hangs on it, it is not known that it stays the same
    assert stack.log() == ["-third", "-second", "+second", "+third"]

    assert stack.change("destroy").status == 0
    assert stack.log() == ["-third", "-second", "-f2"]


def test_what_must_go_first_takes_along_what_cannot_do_without_it(stack: EngineStack) -> None:
    program = """
    base = File("base", "x", kind={kind!r})
    above = File("above", "y", kind=base.kind)
    beside = File("beside", base.text)
    """
    stack.up(program.format(kind="a").replace("base.kind", "base.id"))
    stack.log()
    assert stack.up(program.format(kind="b").replace("base.kind", "base.id")).changes == {"replace": 2}
    assert stack.log() == ["-above", "-base", "+base", "+above"]


def test_a_failure_keeps_what_was_made_and_the_next_run_goes_on(stack: EngineStack) -> None:
    program = """
    good = File("good", "fine")
    bad = File("bad", {bad!r}, opts=ResourceOptions(depends_on=[good]))
    File("after", "x", opts=ResourceOptions(depends_on=[bad]))
    """
    failed = stack.try_up(program.format(bad="bad"))
    assert failed.status != 0
    assert "    error: bad is not to be made" in failed.output
    assert "Traceback" not in failed.output
    assert stack.ids() == ["good"]
    assert "pending_operations" not in stack.latest()
    assert stack.up(program.format(bad="better")).changes == {"create": 2}
    assert stack.change("refresh").changes == {}


def test_a_program_that_is_wrong_says_where(stack: EngineStack) -> None:
    stack.up('File("kept", "x")')
    failed = stack.try_up('File("other", "x")\nraise ValueError("no good")')
    assert failed.status != 0
    assert "ValueError: no good" in failed.output
    assert "kept" in stack.files(), "nothing is deleted after a failure"
    told = stack.try_up('raise pulumi.RunError("settings are missing")')
    assert "error: settings are missing" in told.output


def test_what_vanished_is_made_again_and_what_drifted_is_put_right(stack: EngineStack) -> None:
    program = 'one = File("one", "a")\nFile("two", one.text)'
    stack.up(program)
    (stack.place / "one").unlink()
    (stack.place / "two").write_text("drifted")
    before = stack.state_file.read_text()
    assert stack.change("preview", "--refresh").changes == {"create": 1, "update": 1}
    assert stack.state_file.read_text() == before
    assert stack.change("refresh").changes == {"delete": 1, "update": 1}
    assert stack.ids() == ["two"]
    assert stack.up(program, "--refresh").changes == {"create": 1, "update": 1}
    assert stack.files() == {"one": "a", "two": "a"}


def test_options_of_resources(stack: EngineStack) -> None:
    program = """
    File("guarded", "a", opts=ResourceOptions(protect={protect}))
    File("kept", "b", opts=ResourceOptions(retain_on_delete=True))
    holder = File("holder", "c")
    File("held", "d", opts=ResourceOptions(deleted_with=holder))
    File("loose", {loose!r}, opts=ResourceOptions(ignore_changes=["text"]))
    File({name!r}, "e", opts=ResourceOptions(aliases=[pulumi.Alias(name="before")]), file="same")
    File("hidden", "quiet", opts=ResourceOptions(additional_secret_outputs=["size"]))
    """
    stack.up(program.format(protect=True, loose="f", name="before"))
    changed = stack.up(program.format(protect=True, loose="other", name="later"))
    assert changed.changes == {}
    assert stack.files()["loose"] == "f"
    hidden = next(it for it in stack.latest()["resources"] if it["urn"].endswith("::hidden"))
    assert "ciphertext" in hidden["outputs"]["size"]
    refused = stack.change("destroy")
    assert refused.status != 0
    assert "cannot be deleted because it is protected" in refused.output
    stack.up(program.format(protect=False, loose="f", name="later"))
    stack.log()
    assert stack.change("destroy").status == 0
    assert sorted(stack.files()) == ["held", "kept"]


def test_one_stack_reads_another(stack: EngineStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stack.up('pulumi.export("open", {"a": [1, 2]})\npulumi.export("closed", Output.secret("hush-hush"))')
    reader = EngineStack(tmp_path, monkeypatch, "reader")
    program = """
    other = pulumi.StackReference("organization/trial/test")
    File("seen", other.get_output("closed").apply(lambda text: text.upper()))
    pulumi.export("open", other.get_output("open"))
    pulumi.export("closed", other.get_output("closed"))
    """
    reader.up(program)
    assert reader.files() == {"seen": "HUSH-HUSH"}
    assert json.loads(reader.run("stack", "output", "--json").output) == {
        "open": {"a": [1, 2]},
        "closed": "[secret]",
    }
    state = reader.state_file.read_text()
    assert "hush" not in state.lower()
    assert reader.up(program).changes == {}
    assert "unknown stack" in reader.try_up('pulumi.StackReference("organization/trial/none")').output


def _until(true: Callable[[], bool], within_s: float = 120) -> None:
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_killed_run_leaves_its_lock_and_what_it_had_begun(stack: EngineStack) -> None:
    stack.write('File("done", "x")\nFile("slow", "slow", opts=ResourceOptions(depends_on=[]))')
    engine = stack.begin("up", "--yes", "--stack", "test")
    _until((stack.place / "slow.begun").exists)
    _until(lambda: any(it["urn"].endswith("::done") for it in stack.latest().get("resources", ())))
    assert is_pulumi(engine.pid)
    engine.kill()
    engine.wait()
    end_plugins("PLACE", str(stack.place))  # they go on without it, as with the real one
    (pending,) = stack.latest()["pending_operations"]
    assert (pending["type"], pending["resource"]["urn"].rpartition("::")[2]) == ("creating", "slow")
    (lock,) = (stack.backend / ".pulumi/locks/organization/trial/test").glob("*.json")
    assert json.loads(lock.read_text())["pid"] == engine.pid
    refused = stack.try_up('File("done", "x")')
    assert "the stack is currently locked by 1 lock(s)" in refused.output
    stack.run("cancel", "--yes")
    assert "pending_operations" in stack.latest()
    assert stack.change("refresh", "--clear-pending-creates").status == 0
    assert "pending_operations" not in stack.latest()
    assert stack.up('File("done", "x")').changes == {}


def test_an_interrupted_run_ends_after_what_is_under_way(stack: EngineStack) -> None:
    stack.write('File("done", "x")\nFile("slow", "slow")')
    engine = stack.begin("up", "--yes")
    _until((stack.place / "slow.begun").exists)
    _until(lambda: any(it["urn"].endswith("::done") for it in stack.latest().get("resources", ())))
    engine.send_signal(signal.SIGINT)
    time.sleep(1)
    assert engine.poll() is None, "waits for the plugin"
    engine.send_signal(signal.SIGINT)
    output, _ = engine.communicate(timeout=60)
    assert engine.returncode != 0
    (pending,) = stack.latest()["pending_operations"]
    assert pending["resource"]["urn"].endswith("::slow"), "it may be there: nobody knows"
    assert "the run was cancelled" in output
    assert stack.ids() == ["done"]
    assert not list((stack.backend / ".pulumi/locks/organization/trial/test").glob("*.json"))


def test_what_is_not_served_is_refused(stack: EngineStack) -> None:
    for words in (["up", "--target", "x"], ["up"], ["plugin", "install", "resource", "x"], ["whoami"]):
        assert stack.run(*words, check=False).status != 0
    program = 'File("a", "b", opts=ResourceOptions(replace_with=[File("b", "c")]))'
    assert "replace" in stack.try_up(program).output.lower()
    assert stack.try_up(program).status != 0
    stack.env["PULUMI_CONFIG_PASSPHRASE"] = "another"
    assert "incorrect passphrase" in stack.run("stack", "output", check=False).output
