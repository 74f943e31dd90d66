"""A browser as a program of its own: Chromium as Qt ships it (LGPL), without a screen, on the page it is told."""

import sys

from PySide6.QtCore import QUrl  # type: ignore[import-not-found,unused-ignore]
from PySide6.QtWebEngineWidgets import QWebEngineView  # type: ignore[import-not-found,unused-ignore]
from PySide6.QtWidgets import QApplication  # type: ignore[import-not-found,unused-ignore]

if __name__ == "__main__":
    application = QApplication(sys.argv)
    view = QWebEngineView()
    view.resize(900, 700)
    view.setUrl(QUrl(sys.argv[1]))
    view.show()
    application.exec()
