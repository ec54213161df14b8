"""A page as a document: its elements, and its text by section."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "link", "img", "br", "hr"}


class Document(HTMLParser):
    """Elements with their attributes; raises on tags that do not match; text per section."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.section, self.text = "", {}
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.elements.append((tag, found))
        if tag == "section":
            self.section = found["id"]
        if tag == "span":
            self.handle_data(" ")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, self.getpos()
        if tag in ("td", "th", "b", "dt", "span"):
            self.handle_data(" ")

    def handle_data(self, data):
        if not {"style", "title", "desc"} & set(self.open):
            self.text[self.section] = self.text.get(self.section, "") + data


def words(document: Document, section: str) -> str:
    return " ".join(document.text[section].split())
