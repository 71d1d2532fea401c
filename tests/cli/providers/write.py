"""Write the docs' page of the providers from the table that the tests run."""

from __future__ import annotations

from tapeflow.tests.cli.providers.test_providers import DOCS, text

if __name__ == "__main__":
    DOCS.write_text(text(), encoding="utf-8")
