// Build flags. COUNTERS off removes what only metrics need (counts, samples), so that a benchmark can show their price.

export const COUNTERS = true
