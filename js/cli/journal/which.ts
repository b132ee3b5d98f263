// Which stream of a folder is meant by what was typed.

import type { Inspector, StreamLine } from '../../durable/index.js'
import { UsageError } from '../failure.js'
import { plain } from './shown.js'

/** The streams of a folder, of one function where it is named. */
export async function streamsOf(inspector: Inspector, name: string | undefined): Promise<StreamLine[]> {
  const lines = await inspector.list()
  return name === undefined ? lines : lines.filter((line) => line.function === name)
}

/** The one stream with this id. Throws `UsageError` where there is none, or several functions have one. */
export function named(lines: readonly StreamLine[], id: string): StreamLine {
  const [line, ...others] = lines.filter((one) => one.id === id)
  if (line === undefined)
    throw new UsageError(`there is no stream ${plain(JSON.stringify(id))} in this folder; \`velo journal ls\` lists what there is`)
  if (others.length === 0) return line
  const names = [line, ...others].map((one) => plain(one.function)).join(', ')
  throw new UsageError(`several functions have a stream ${plain(JSON.stringify(id))} (${names}): --function says which`)
}
