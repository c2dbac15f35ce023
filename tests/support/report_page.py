"""What there is to be seen on a report's page."""

from __future__ import annotations

import io
import re
from base64 import b64decode
from html import unescape

from PIL import Image


def text(page: str) -> str:
    """Return what a page tells, without markup, style and script."""
    body = re.sub(r"(?s)<(style|script|title)>.*?</\1>", "", page)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", body)).split())


def images(page: str) -> list[Image.Image]:
    found = re.findall(r'src="data:image/jpeg;base64,([^"]*)"', page)
    return [Image.open(io.BytesIO(b64decode(data))) for data in found]
