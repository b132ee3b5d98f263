// A module that takes its thread with it.

process.exit(9)
