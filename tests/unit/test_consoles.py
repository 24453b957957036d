"""Python typed in the page."""

import asyncio

from sidestep.consoles import Console


async def test_a_value_is_shown_and_names_stay() -> None:
    console = Console({"given": 20})
    assert (await console.run("x = given + 1\nprint('hi')\nx * 2")).output == "hi\n42"
    assert (await console.run("_ + x")).output == "63"
    assert (await console.run("None")).output == ""
    assert (await console.run("")).output == ""


async def test_await_works_at_the_top() -> None:
    console = Console({"asyncio": asyncio})
    assert (await console.run("await asyncio.sleep(0, 'done')")).output == "'done'"
    assert (await console.run("y = await asyncio.sleep(0, 3)\ny")).output == "3"


async def test_what_goes_wrong_is_said_and_the_console_goes_on() -> None:
    console = Console({})
    outcome = await console.run("print('before')\n1 / 0")
    assert outcome.is_error
    assert outcome.output.startswith("before\nTraceback")
    assert outcome.output.endswith("ZeroDivisionError: division by zero")
    assert "consoles.py" not in outcome.output
    outcome = await console.run("if")
    assert outcome.is_error
    assert "SyntaxError" in outcome.output
    assert (await console.run("exit()")).is_error
    assert (await console.run("import sys; print('told', file=sys.stderr)")).output == "told\n"
    assert (await console.run("1")).output == "1"


async def test_endless_output_is_cut() -> None:
    outcome = await Console({}).run("'x' * 200_000")
    assert len(outcome.output) < 101_000
    assert "characters more" in outcome.output
