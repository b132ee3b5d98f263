// The pictures of runs that are not kept: what `npm run bench` draws beside its document.
import { mkdirSync, writeFileSync } from 'node:fs'
import { machine } from '../machine.mjs'
import { pictures } from './pictures.mjs'

/** Draws every picture of these documents into a folder; answers their names. */
export function drawInto(folder, documents) {
  mkdirSync(folder, { recursive: true })
  const drawn = Object.assign(
    {},
    ...documents.map((document) =>
      pictures({
        command: `npm run bench -- ${document.name}`,
        machine: `${document.machine ?? machine}, Node.js ${document.node}`,
        document,
      }),
    ),
  )
  for (const [name, svg] of Object.entries(drawn)) writeFileSync(new URL(`${name}.svg`, folder), svg)
  return Object.keys(drawn)
}
