#!/usr/bin/env node
// The command `velo`: starts the program and ends the process with its exit code. Everything else is in program.ts.

import { main } from './program.js'

// Whoever reads may go away at any time, as `head` does: the commands notice, and the process is not to end for it.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)

// A module of the user may hold handles that never close; the work is done and flushed when `main` resolves.
main(process.argv).then((code) => process.exit(code))
