// Reads the text formats of metrics as strictly as a scraper does.

import assert from 'node:assert/strict'

const LABELS = String.raw`(?:\{((?:[a-z]+="(?:[^"\\\n]|\\[\\"n])*",?)+)\})?`
const SAMPLE = new RegExp(`^([a-z_][a-z0-9_]*)${LABELS} (NaN|[+-]Inf|-?\\d+(?:\\.\\d+)?(?:e[+-]?\\d+)?)$`)

/** The series of a family that may follow it. */
function belongs(series, family, type) {
  if (type === 'histogram') return [`${family}_bucket`, `${family}_sum`, `${family}_count`].includes(series)
  return series === family || (type === 'counter' && series === `${family}_total`)
}

/** `{ families, samples }`; throws for a line that the format does not have, a family that comes twice, or a sample twice. */
export function parsed(text, { openMetrics = false } = {}) {
  const end = openMetrics ? '\n# EOF\n' : '\n'
  assert.ok(text.endsWith(end))
  const families = new Map()
  const samples = new Map()
  let family
  for (const line of text.slice(0, -end.length).split('\n')) {
    const help = /^# HELP ([a-z_][a-z0-9_]*) (\S.*\.)$/.exec(line)
    const type = /^# TYPE ([a-z_][a-z0-9_]*) (gauge|counter|histogram)$/.exec(line)
    const unit = openMetrics && /^# UNIT ([a-z_][a-z0-9_]*) (seconds|bytes|ratio)$/.exec(line)
    const sample = SAMPLE.exec(line)
    if (help) {
      assert.ok(!families.has(help[1]), line)
      family = help[1]
    } else if (type) {
      assert.equal(type[1], family)
      families.set(family, type[2])
    } else if (unit) {
      assert.equal(unit[1], family)
      assert.ok(family.endsWith(`_${unit[2]}`), line)
    } else {
      assert.ok(sample, line)
      assert.ok(belongs(sample[1], family, families.get(family)), line)
      const id = `${sample[1]}{${sample[2] ?? ''}}`
      assert.ok(!samples.has(id), `twice: ${id}`)
      samples.set(id, Number(sample[3].replace('Inf', 'Infinity')))
    }
  }
  return { families, samples }
}
