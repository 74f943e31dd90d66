"""python -m postrules: write docs/platform-limits.md again."""

from postrules.reference import main

main()
