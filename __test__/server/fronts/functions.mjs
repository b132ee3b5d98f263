// What the fronts of a cluster serve.

import { streamFn } from 'velo-stream'
import * as bodies from '../killed/bodies.mjs'

const { options } = bodies
export const functions = Object.fromEntries(Object.entries(options).map(([name, own]) => [name, streamFn(bodies[name], { name, ...own })]))
