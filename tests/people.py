"""People who follow connect links, page by page and form by form, as a browser without scripts does."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Self
from urllib.parse import urljoin

import httpx2


@dataclass
class _Form:
    """A form of a page: where it goes, what it holds, which buttons it has."""

    id: str = ""
    action: str = ""
    is_post: bool = False
    held: dict[str, str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    text: str = ""


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[_Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        name = values.get("name", "")
        if tag == "form":
            method = values.get("method", "").lower()
            self.forms.append(_Form(values.get("id", ""), values.get("action", ""), method == "post"))
        elif self.forms and name and tag in {"input", "button", "select", "textarea"}:
            self.forms[-1].names.add(name)
            if (tag == "input" and values.get("type", "text") in {"hidden", "text"} and "value" in values) or (
                values.get("type") == "radio" and "checked" in values
            ):
                self.forms[-1].held[name] = values.get("value", "")

    def handle_data(self, data: str) -> None:
        if self.forms:
            self.forms[-1].text += data


class Person:
    """Somebody at a browser. Without a login, somebody whom only an application knows."""

    def __init__(self, url: str) -> None:
        self.browser = httpx2.Client(base_url=url, follow_redirects=True, timeout=30, trust_env=False)

    def sign_in(self, email: str, password: str) -> None:
        page = self.browser.get("/accounts/login/")
        self.send(page, login=email, password=password)

    def send(self, page: httpx2.Response, *, button: str = "", follow: bool = True, **values: str) -> httpx2.Response:
        """Fill in the form that has these fields, or this text on it, and send it with what it holds already."""
        parser = _Forms()
        parser.feed(page.text)
        fitting = [
            one
            for one in parser.forms
            if one.is_post and button in " ".join(one.text.split()) and {*values} <= one.names
        ]
        assert fitting, f"{page.url} has no form for {button or values}: {page.text[:3000]}"
        target = urljoin(str(page.url), fitting[0].action)
        headers = {"origin": f"{page.url.scheme}://{page.url.netloc.decode()}", "referer": str(page.url)}
        data = {**fitting[0].held, **values}
        return self.browser.post(target, data=data, headers=headers, follow_redirects=follow)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.browser.close()
