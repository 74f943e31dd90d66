"""Where strangers' files are opened: a program of its own, bounded in memory, time and space, without secrets."""
