// What people send beside small objects and bytes, for the rows that compare each with structured clone. Owns: making them; the function is `echo` of functions.mjs.

/** `count`: how many make a turn that is long enough. */
const kind = (count, make) => ({
  fn: 'echo',
  count,
  make: (n) => Array.from({ length: n }, (_, i) => make(i)),
  answers: (events) => events,
  part: () => 1,
})

const MILLION = 1_000_000

export const payloads = {
  Error: kind(8_192, (i) => new Error(`number ${i}`)),
  'Map of 4': kind(
    8_192,
    (i) =>
      new Map([
        ['id', i],
        ['value', i * 0.25],
        ['name', `sensor-${i % 16}`],
        ['ok', i % 3 === 0],
      ]),
  ),
  'Float64Array(100)': kind(8_192, (i) => Float64Array.from({ length: 100 }, (_, k) => i + k)),
  BigInt: kind(16_384, (i) => BigInt(i) << 20n),
  'BigInt in an object': kind(16_384, (i) => ({ id: BigInt(i), value: i * 0.25, name: `sensor-${i % 16}` })),
  '-0': kind(16_384, () => -0),
  '-0 in an array': kind(8_192, (i) => [i, -0]),
  'objects of changing shapes': kind(8_192, (i) => ({ id: i, [`key-${i % 5_000}`]: i, [`other-${i % 3_000}`]: 'text' })),
  'an object of a million keys': kind(1, (i) => Object.fromEntries(Array.from({ length: MILLION }, (_, k) => [`key-${k}`, k + i]))),
}
