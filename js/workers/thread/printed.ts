// What functions print on a worker thread travels through the thread that started it.

/** Calls `go` when everything that was printed so far has arrived there: at once where nothing is on its way. */
export function printed(go: () => void): void {
  const streams = [process.stdout, process.stderr].filter((stream) => stream.writableLength > 0)
  const next = (): void => {
    const stream = streams.pop()
    if (stream === undefined) go()
    else stream.write('', next)
  }
  next()
}
