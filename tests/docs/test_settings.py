"""Every setting that can be set is listed where people look for it, and nothing is listed that nobody reads."""

import re

from tests.docs.pages import ROOT, page

READ = re.compile(r'env\.\w+\(\s*"([A-Z0-9_]+)"')
# Read by `make run` and the Procfile, before there are settings.
BY_PROGRAMS = {"HOST", "PORT", "LOG", "WORKER_THREADS"}


def read_settings() -> set[str]:
    found = set(READ.findall((ROOT / "config/settings.py").read_text(encoding="utf-8")))
    assert len(found) > 30
    return found | BY_PROGRAMS


def test_env_example_names_every_setting_and_no_other() -> None:
    listed = re.findall(r"^([A-Z0-9_]+)=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE)

    assert sorted(listed) == sorted(read_settings())


def test_every_setting_is_explained() -> None:
    explained = set(re.findall(r"`([A-Z][A-Z0-9_]+)`", page("configuration")))

    assert read_settings() - explained == set()


def test_programs_read_what_the_list_says() -> None:
    sources = [ROOT / "Procfile", *sorted((ROOT / "config/run").glob("*.py"))]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)

    assert {name for name in BY_PROGRAMS if not re.search(rf"\b{name}\b", text)} == set()


def test_default_numbers_are_the_ones_of_the_settings() -> None:
    source = (ROOT / "config/settings.py").read_text(encoding="utf-8")
    coded = dict(re.findall(r'env\.int\("([A-Z0-9_]+)", default=(\d+)\)', source))
    told = dict(re.findall(r"^\| `([A-Z0-9_]+)` \| `(\d+)`", page("configuration"), re.MULTILINE))

    assert {name: told.get(name) for name in coded} == coded
