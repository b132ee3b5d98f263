// Pipelines of two to four stages in every placement: each has one stage that works until its test lets it go on.

import { streamFn } from 'velo-stream'
import * as stages from '../workers/functions/holds.mjs'

const MODULE = new URL('../workers/functions/holds.mjs', import.meta.url)

const made = {
  local: (name) => streamFn(stages[name], { name }),
  worker: (name) => streamFn(MODULE, { name, export: name, placement: 'worker' }),
}

/** Where each stage runs, which one works, and whether that is `holds` or `drops` (functions/holds.mjs). */
export function pipelines() {
  return [2, 3, 4].flatMap((length) =>
    Array.from({ length: 2 ** length }, (_, bits) => {
      const places = Array.from({ length }, (_, stage) => ((bits >> stage) & 1 ? 'worker' : 'local'))
      return places.flatMap((_, working) =>
        ['holds', 'drops'].map((name) => ({ places, working, name, what: `${places.join(' | ')}, stage ${working + 1} ${name}` })),
      )
    }).flat(),
  )
}

/** The pipeline itself; the option `context` gives its row of flags. */
export function pipelineOf({ places, working, name }, options) {
  const functions = places.map((place, stage) => made[place](stage === working ? name : 'pass'))
  return functions.reduce((before, next) => before.pipe(next)).with(options)
}
