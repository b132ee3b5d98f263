// The types of keyed, shard, merge, route, broadcast, zip and window: ok.ts compiles, and of fails.ts exactly the marked lines do not.

import { test } from 'node:test'
import { compiles, compilesLoosely, refusesMarked } from '../../support/types.mjs'

const here = new URL('.', import.meta.url)
const timeout = 120_000

test('ok.ts compiles', { timeout }, () => compiles(here))

test('ok.ts compiles without the stricter options', { timeout }, () => compilesLoosely(here))

test('the marked lines of fails.ts do not compile, all others do', { timeout }, () => refusesMarked(here, { overloads: true }))
