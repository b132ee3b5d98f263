// What `--types` makes of the texts of a CSV row: numbers and booleans that are written as such, everything else stays a text.

/** As JSON writes numbers: no leading zeros, no plus, no Infinity. A phone number or a postal code with a zero in front stays a text. */
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/

/** The value that a field stands for. */
export function typed(field: string | undefined): unknown {
  if (field === undefined) return field
  if (field === 'true' || field === 'false') return field === 'true'
  if (!NUMBER.test(field)) return field
  const number = Number(field)
  // Digits that a number cannot hold are an identifier.
  const isExact = Number.isFinite(number) && (!Number.isInteger(number) || Number.isSafeInteger(number))
  return isExact ? number : field
}
