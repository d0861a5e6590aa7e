"""Writes all pages."""

from scripts.reference import pages

if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text)
