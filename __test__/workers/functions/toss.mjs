// Everything that a function may throw.

class TooHot extends Error {
  name = 'TooHot'
  code = 'E_HOT'
  degrees = 451
  inner = { at: [1, 2, 3] }
}

export const things = {
  typeError: () => Object.assign(new TypeError('no such thing'), { code: 'E_TYPE' }),
  rangeError: () => new RangeError('too far'),
  own: () => new TooHot('too hot'),
  chain: () => new Error('outer', { cause: new TypeError('middle', { cause: 'innermost' }) }),
  aggregate: () => new AggregateError([new Error('one'), new RangeError('two')], 'both'),
  abort: () => new DOMException('stopped', 'AbortError'),
  text: () => 'just text',
  nothing: () => undefined,
  zero: () => 0,
  object: () => ({ status: 404, why: ['gone'] }),
}

/** Throws it. */
export function toss(what) {
  throw things[what]()
}
