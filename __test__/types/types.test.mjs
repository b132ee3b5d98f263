// The types as users meet them: ok.ts compiles, and of fails.ts exactly the marked lines do not.

import { test } from 'node:test'
import { compilers, compiles, compilesLoosely, refusesMarked } from '../support/types.mjs'

const here = new URL('.', import.meta.url)
const timeout = 120_000

test('ok.ts compiles', { timeout }, () => compiles(here))

test('dom.ts compiles with the types of web pages', { timeout }, () => compiles(here, { project: 'tsconfig.dom.json' }))

test('ok.ts compiles without the stricter options', { timeout }, () => compilesLoosely(here))

test('an option that is wrong is what every compiler names', { timeout }, () =>
  refusesMarked(here, { file: 'options', overloads: true, versions: Object.keys(compilers) }),
)

test('the marked lines of fails.ts do not compile, all others do', { timeout }, () => refusesMarked(here))
